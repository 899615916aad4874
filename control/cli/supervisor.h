/* supervisor.h: two daemons, started together, restarted when they die, stopped together.
 *
 * Each daemon is in a process group of its own, so that a terminal's Ctrl-C reaches only us, and we
 * stop them in order; and the kernel stops it if we are killed.
 * Threads: one. The calling process must have no other children. */
#ifndef SKUA_CONTROL_CLI_SUPERVISOR_H
#define SKUA_CONTROL_CLI_SUPERVISOR_H

#include <stdbool.h>
#include <sys/types.h>

/* Exit codes 3 and 4 ask for a new start at once (enum dataplane_exit), as does a death by signal.
 */
struct supervised {
	const char *name; /* for the log */
	const char *path; /* of the program */
	char **argv;	  /* argv[0] is set by the supervisor */
	bool gets_hangup; /* SIGHUP is passed on to it */
};

/* What the supervisor asks while not everything is up. */
struct supervisor_ready {
	/* True once all is ready, by the work of these processes (in the order of the programs;
	 * 0: does not run). Called about every 10 ms, and must not wait. */
	bool (*look)(void *context, const pid_t *pids);
	/* Called once, when it is. */
	void (*tell)(void *context);
	void *context;
};

/* Runs until a signal asks to stop, or a daemon can't start. Returns the exit code. */
int supervisor_run(const struct supervised *programs, unsigned count,
		   const struct supervisor_ready *ready);

#endif
