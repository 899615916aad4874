/* watchdog.h: which of several threads stand still, told by counters that each promises to raise at
 * least ten times a second.
 *
 * Whoever looks may itself be stopped (SIGSTOP, a debugger, a virtual machine that waits): time
 * that it did not see is not held against anybody.
 * Threads: one. Pure: the caller brings the time, milliseconds of a clock that never goes back. */
#ifndef SKUA_RUNTIME_WATCHDOG_H
#define SKUA_RUNTIME_WATCHDOG_H

#include <stdint.h>

#define WATCHDOG_MOST  64u
#define WATCHDOG_STUCK 2000u /* milliseconds; twenty heartbeats that did not come */
#define WATCHDOG_GAP   500u /* milliseconds: looks further apart are a pause of the one who looks */

/* All zero: nothing seen yet. */
struct watchdog {
	uint64_t looked; /* last time */
	uint64_t counter[WATCHDOG_MOST];
	uint64_t moved[WATCHDOG_MOST]; /* when the counter was last seen to differ */
};

/* counter[0..count): 0 stands for a thread that has not begun. Returns a bit for each that has
 * stood still for WATCHDOG_STUCK or longer. */
uint64_t watchdog_look(struct watchdog *watchdog, uint64_t now, const uint64_t counter[],
		       unsigned count);
/* Milliseconds that a thread had stood still when last looked at. */
uint64_t watchdog_still(const struct watchdog *watchdog, unsigned thread);

#endif
