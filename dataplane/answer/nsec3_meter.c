/* nsec3_meter.c: see nsec3_meter.h. */
#include "dataplane/answer/nsec3_meter.h"

#define SECOND 1000000000ull
#define SAVED  (SECOND / 16)
#define LONGEST                                                                                    \
	(16 * SECOND) /* that counts as passed between two calls; keeps the product in 64 bits */

static uint64_t at_most(uint64_t value, uint64_t ceiling)
{
	return value < ceiling ? value : ceiling;
}

bool nsec3_meter_open(struct nsec3_meter *meter, uint32_t budget, uint64_t now)
{
	uint64_t rate = at_most(budget, NSEC3_BUDGET_MAX);
	int64_t full = (int64_t)(rate * SAVED);

	if (meter->at == 0)
		meter->left = full;
	else if (now > meter->at)
		meter->left += (int64_t)(rate * at_most(now - meter->at, LONGEST));
	if (meter->left > full)
		meter->left = full;
	meter->at = now;
	return meter->left > 0;
}

void nsec3_meter_charge(struct nsec3_meter *meter, uint32_t blocks)
{
	meter->left -= (int64_t)(blocks * SECOND);
}
