/* guard.h: what the main thread watches while the workers run: that each of them moves, and that
 * the interface they take packets from is there. What it finds is logged, shown to control, and if
 * only a new start helps, the process ends at once, with a status that says so (enum
 * dataplane_exit).
 *
 * Threads: the main thread. Times: milliseconds of CLOCK_MONOTONIC. */
#ifndef SKUA_DATAPLANE_GUARD_H
#define SKUA_DATAPLANE_GUARD_H

#include "dataplane/program.h"
#include "runtime/watchdog.h"

/* At least between two looks at the back end's surroundings, whatever happens there; and at most,
 * should an event be lost. */
#define GUARD_REFRESH_LEAST 20
#define GUARD_REFRESH_MOST  1000
/* How long an interface that came back must be there: whoever made it may still be at work. */
#define GUARD_SETTLE 500

struct guard {
	struct program *program; /* borrowed */
	struct watchdog watchdog;
	uint64_t stuck; /* bit per worker, as last logged */
	int64_t refreshed;
	bool again;	  /* what has changed is not followed everywhere yet */
	int64_t replaced; /* since when there is another interface of the name; 0: there is not */
	enum interface_state interface;
	enum interface_state port[PORTS_MAX]; /* as last logged */
};

/* The workers have been started. */
void guard_start(struct guard *guard, struct program *program);
/* Readable when guard_look() should be called soon; -1: not now. */
int guard_event_fd(const struct guard *guard, int64_t now);
/* Looks, and may not return. Called at least every WATCHDOG_GAP. event: the descriptor is readable.
 */
void guard_look(struct guard *guard, bool event, int64_t now);
/* We were asked to stop. Does not return if a worker stands still: nobody can wait for that one. */
void guard_stop(const struct guard *guard);

#endif
