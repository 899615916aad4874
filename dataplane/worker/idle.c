#include "dataplane/worker/worker.h"

bool idle_after_burst(struct idle *idle, unsigned received)
{
	if (received > 0) {
		/* Only a hit after some misses says anything about the worth of waiting. */
		if (idle->empty > 0 && idle->patience < IDLE_MOST)
			idle->patience *= 2;
		idle->empty = 0;
		return false;
	}
	if (++idle->empty < idle->patience)
		return false;
	idle->empty = 0;
	if (idle->patience > IDLE_LEAST)
		idle->patience /= 2;
	return true;
}
