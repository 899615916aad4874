/* restart.h: when a daemon that died is started again.
 *
 * At once, the first RESTART_QUICK times that it lived for less than RESTART_SETTLED; then with
 * pauses that double. Living longer forgives all. A daemon that says by its exit code that it can't
 * run gets a pause each time.
 * Threads: any. Pure. */
#ifndef SKUA_CONTROL_CLI_RESTART_H
#define SKUA_CONTROL_CLI_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#define RESTART_SETTLED	    1000u /* milliseconds */
#define RESTART_QUICK	    20u
#define RESTART_PAUSE_FIRST 50u
#define RESTART_PAUSE_MOST  5000u

struct restart {
	unsigned short_lives; /* one after the other */
	unsigned refusals;    /* exits with an error code, one after the other */
};

/* Milliseconds to wait before starting it again. lived: milliseconds; refused: it exited with a
 * code that is not 0. */
uint32_t restart_pause(struct restart *restart, uint64_t lived, bool refused);

#endif
