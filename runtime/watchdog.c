#include "runtime/watchdog.h"

#include <stdbool.h>

static void forgive(struct watchdog *watchdog, uint64_t pause)
{
	for (unsigned i = 0; i < WATCHDOG_MOST; i++)
		watchdog->moved[i] += pause;
}

uint64_t watchdog_look(struct watchdog *watchdog, uint64_t now, const uint64_t counter[],
		       unsigned count)
{
	uint64_t pause = now - watchdog->looked, stuck = 0;

	if (pause > WATCHDOG_GAP)
		forgive(watchdog, pause);
	watchdog->looked = now;
	for (unsigned i = 0; i < count && i < WATCHDOG_MOST; i++) {
		bool moves = counter[i] == 0 || counter[i] != watchdog->counter[i];

		watchdog->counter[i] = counter[i];
		if (moves)
			watchdog->moved[i] = now;
		if (watchdog_still(watchdog, i) >= WATCHDOG_STUCK)
			stuck |= UINT64_C(1) << i;
	}
	return stuck;
}

uint64_t watchdog_still(const struct watchdog *watchdog, unsigned thread)
{
	return watchdog->looked - watchdog->moved[thread];
}
