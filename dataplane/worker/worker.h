/* worker.h: one pinned thread that receives, answers and sends, for as long as the process lives.
 *
 * The loop waits for nobody: an image by one acquire load, packets by a poll of its own queue.
 * After empty bursts, how many its idle mode says, it lets go of the image and sleeps in the back
 * end's wait(), so that an idle worker costs neither CPU nor memory of old generations. Where a
 * back end can't wait, it naps.
 *
 * Its own state, its tables of rates and its counters-to-be are allocated by the thread on its
 * core, hence on that core's NUMA node. What it shares with others (its line and counters in the
 * dataplane file) it only writes, from its own cache.
 *
 * Threads:   worker_start, worker_stop, worker_free: the main thread.
 * Lifetime:  adopt and the back end outlive the worker. */
#ifndef SKUA_DATAPLANE_WORKER_WORKER_H
#define SKUA_DATAPLANE_WORKER_WORKER_H

#include "dataplane/adopt/adopt.h"
#include "dataplane/confine/call_filter.h"
#include "dataplane/io/packet_io.h"

/* What a worker does when nothing comes. The words of --idle, in this order. */
enum idle_mode {
	IDLE_DEFAULT,	/* IDLE_ADAPTIVE where the back end can wait, else IDLE_POLL */
	IDLE_POLL,	/* never sleeps: least latency, a whole core */
	IDLE_ADAPTIVE,	/* polls for a while that depends on what polling brought, then sleeps */
	IDLE_INTERRUPT, /* sleeps at the first empty burst */
};

struct worker_config {
	struct adopt *adopt;
	const struct packet_io_class *io_class;
	struct packet_io *io;
	unsigned index; /* our line in the dataplane file, and our queue */
	int core;	/* pinned to this core; -1: not pinned */
	int node;	/* NUMA node of that core; -1: not known */
	enum idle_mode idle;
	const struct call_filter *filter; /* taken on by the thread; NULL: any system call */
	bool drop_capabilities;		  /* by the thread: those that the main one has kept */
};

struct worker;

/* Starts the thread. Writes our io text and core into the dataplane file first. Returns NULL with a
 * line for the user: no thread to be had, core can't be used, the back end refuses the queue, the
 * filter can't be had. */
struct worker *worker_start(const struct worker_config *config, char *error, size_t error_size);
/* Asks it to end after the burst at hand (or its sleep, at most WORKER_SLEEP); returns at once. */
void worker_stop(struct worker *worker);
/* Waits for its end and frees it. NULL is fine. */
void worker_free(struct worker *worker);

#define WORKER_SLEEP 50000u /* microseconds: twice the heartbeat that channel.h promises */

/* Microseconds of a nap, where the back end can't wait: what comes meanwhile must fit the queue.
 * The kernel's timer slack makes about 100 of it. */
#define WORKER_NAP 50u

/* How many empty bursts to poll before sleeping, if IDLE_ADAPTIVE. Packets that come while polling
 * show that polling pays, and double the patience; a sleep shows that it did not, and halves it.
 * Invariant: IDLE_LEAST <= patience <= IDLE_MOST. */
#define IDLE_LEAST 2u
#define IDLE_MOST  64u
struct idle {
	enum idle_mode mode;
	unsigned empty;	   /* empty bursts in a row */
	unsigned patience; /* empty bursts before a sleep */
};
/* Called after each burst; true: sleep now. */
bool idle_after_burst(struct idle *idle, unsigned received);
/* What is meant for this back end: never IDLE_DEFAULT. False with a line for the user if it can't.
 */
bool idle_settle(enum idle_mode *mode, const struct packet_io_class *io_class, char *error,
		 size_t error_size);
/* False: it is none of the words poll, adaptive, interrupt. */
bool idle_from_text(const char *text, enum idle_mode *mode);

#endif
