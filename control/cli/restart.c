#include "control/cli/restart.h"

static uint32_t refusal_pause(unsigned refusals)
{
	uint32_t pause = RESTART_SETTLED;

	while (refusals-- > 0 && pause < RESTART_REFUSED_MOST)
		pause *= 2;
	return pause < RESTART_REFUSED_MOST ? pause : RESTART_REFUSED_MOST;
}

uint32_t restart_pause(struct restart *restart, uint64_t lived, bool refused)
{
	if (lived >= RESTART_SETTLED)
		*restart = (struct restart){0};
	if (refused)
		return refusal_pause(restart->refusals++);
	restart->refusals = 0;
	if (lived >= RESTART_SETTLED || ++restart->short_lives <= RESTART_QUICK)
		return 0;
	return RESTART_PAUSE;
}
