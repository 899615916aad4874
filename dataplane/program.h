/* program.h: the parts of a running dataplane, started and stopped in order.
 *
 * Threads: the main thread. */
#ifndef SKUA_DATAPLANE_PROGRAM_H
#define SKUA_DATAPLANE_PROGRAM_H

#include "dataplane/adopt/adopt.h"
#include "dataplane/confine/confine.h"
#include "dataplane/listening.h"
#include "dataplane/options.h"
#include "dataplane/stream/stream.h"
#include "dataplane/worker/housekeeper.h"
#include "dataplane/worker/worker.h"

struct program {
	struct options options;
	const struct packet_io_class *io_class;
	const char *io_argument; /* borrows options.io */
	bool partial;		 /* part of what io_argument names is not there at the moment */
	struct adopt *adopt;
	struct packet_io *io;
	struct listening listening;
	struct stream *stream; /* NULL: no address to take TCP connections on */
	struct worker *worker[PACKET_WORKERS_MAX];
	int core[PACKET_WORKERS_MAX];
	int node[PACKET_WORKERS_MAX];	 /* of the core; -1: not known */
	unsigned housekeeping_line;	 /* of the dataplane file; 0: none */
	struct housekeeper *housekeeper; /* NULL: the back end needs none */
	struct account account;		 /* whose privileges we have, once all is open */
	struct confine_filters filters;
};

/* Opens everything that needs privileges or can fail, first the runtime directory's lock, then
 * packets, then TCP; then gives up privileges. Starts no thread of ours. given is copied. False
 * with a line for the user; program_stop() is to be called either way. */
bool program_open(struct program *program, const struct options *given,
		  const struct packet_io_class *io_class, const char *io_argument,
		  char error[IO_ERROR_TEXT]);

/* Starts the TCP thread, the housekeeping thread and the workers, after which no thread may make
 * system calls that it does not need (unless options.seccomp is off). Signals must be blocked by
 * now: threads inherit that.
 */
bool program_start(struct program *program, char error[IO_ERROR_TEXT]);

/* After the back end was refreshed. True: call again soon, whatever happens. */
bool program_follow(struct program *program);

/* Stops the workers (all at once: each may sleep for WORKER_SLEEP), then the others, then closes
 * the back end, and last the dataplane file, so that control sees us until nothing holds its
 * memory. */
void program_stop(struct program *program);

#endif
