/* restart.h: when a daemon that died is started again.
 *
 * Killed by a signal: at once, the first RESTART_QUICK times that it lived for less than
 * RESTART_SETTLED; then with a pause of RESTART_PAUSE. That is short on purpose: a node without
 * answers is worse than a core that starts a program twenty times a second. Living longer forgives
 * all. Ended by itself with an exit code that says that it can't run: a pause that doubles.
 * Threads: any. Pure. */
#ifndef SKUA_CONTROL_CLI_RESTART_H
#define SKUA_CONTROL_CLI_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#define RESTART_SETTLED	     1000u /* milliseconds */
#define RESTART_QUICK	     20u
#define RESTART_PAUSE	     50u
#define RESTART_REFUSED_MOST 5000u

struct restart {
	unsigned short_lives; /* one after the other */
	unsigned refusals;    /* exits with an error code, one after the other */
};

/* Milliseconds to wait before starting it again. lived: milliseconds; refused: it exited with a
 * code that is not 0. */
uint32_t restart_pause(struct restart *restart, uint64_t lived, bool refused);

#endif
