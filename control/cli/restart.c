#include "control/cli/restart.h"

static uint32_t doubled(unsigned times, uint32_t first)
{
	uint32_t pause = first;

	while (times-- > 0 && pause < RESTART_PAUSE_MOST)
		pause *= 2;
	return pause < RESTART_PAUSE_MOST ? pause : RESTART_PAUSE_MOST;
}

uint32_t restart_pause(struct restart *restart, uint64_t lived, bool refused)
{
	if (lived >= RESTART_SETTLED)
		*restart = (struct restart){0};
	if (refused)
		return doubled(restart->refusals++, RESTART_SETTLED);
	restart->refusals = 0;
	if (lived >= RESTART_SETTLED || ++restart->short_lives <= RESTART_QUICK)
		return 0;
	return doubled(restart->short_lives - RESTART_QUICK - 1, RESTART_PAUSE_FIRST);
}
