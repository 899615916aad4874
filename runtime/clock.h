/* clock.h: what time it is, for programs that look often.
 *
 * Threads: any. Cost: a few nanoseconds, no system call; steps of some milliseconds. */
#ifndef SKUA_RUNTIME_CLOCK_H
#define SKUA_RUNTIME_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND 1000000000u /* nanoseconds */

/* Nanoseconds since 1970; may be set back by the administrator. */
static inline uint64_t clock_realtime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return (uint64_t)now.tv_sec * CLOCK_SECOND + (uint64_t)now.tv_nsec;
}

#endif
