/* steering_dispatcher.h: our XDP program beside others on one interface, by the dispatcher of
 * libxdp, where somebody has put it there already.
 *
 * libxdp keeps what joins in bpffs, so our program stays when the process ends, however it ends:
 * its sockets are gone then, and it passes everything. The next start takes it out before it joins
 * anew. A lock on a directory in bpffs, which the kernel drops with the process, tells a program
 * that was left behind from one of a Skua that runs.
 *
 * Threads: the main thread, with the privileges of root. Errors: one line for the user.
 * Source: libxdp's protocol for multiple programs (its README), flock(2). */
#ifndef SKUA_DATAPLANE_IO_STEERING_DISPATCHER_H
#define SKUA_DATAPLANE_IO_STEERING_DISPATCHER_H

#include "dataplane/io/packet_io.h"

struct bpf_object;
struct steering_dispatcher;

/* The name of its own program. */
#define DISPATCHER_PROGRAM "xdp_dispatcher"

/* Takes out what a dead Skua has left; *alone: nothing was beside it, and the dispatcher went with
 * it. NULL: error says why, and nothing has changed. */
struct steering_dispatcher *dispatcher_open(const char *interface, unsigned index, bool *alone,
					    char error[IO_ERROR_TEXT]);
/* Loads the object, which is open only, and puts its program into the dispatcher, in whatever mode
 * that runs in. It comes behind a firewall such as xdp-filter, and what it passes goes on to those
 * behind it. */
bool dispatcher_join(struct steering_dispatcher *dispatcher, struct bpf_object *object,
		     bool *native, char error[IO_ERROR_TEXT]);
/* Gives up the lock. The program stays in the dispatcher: taking it out needs privileges that are
 * gone by then. NULL is fine. */
void dispatcher_close(struct steering_dispatcher *dispatcher);

#endif
