#include "dataplane/stream/offenders.h"

#include <string.h>

/* The upper half: limits.c finds its places by the lower one. */
static uint32_t bit_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32) % OFFENDERS_BITS;
}

void offenders_add(struct offenders *offenders, uint64_t hash)
{
	offenders->bit[bit_of(hash) / 64] |= UINT64_C(1) << bit_of(hash) % 64;
}

void offenders_remove(struct offenders *offenders, uint64_t hash)
{
	offenders->bit[bit_of(hash) / 64] &= ~(UINT64_C(1) << bit_of(hash) % 64);
}

bool offenders_has(const struct offenders *offenders, uint64_t hash)
{
	return (offenders->bit[bit_of(hash) / 64] >> bit_of(hash) % 64 & 1) != 0;
}

void offenders_age(struct offenders *offenders, uint64_t now)
{
	if (now - offenders->forgotten < OFFENDERS_MEMORY)
		return;
	offenders->forgotten = now;
	memset(offenders->bit, 0, sizeof(offenders->bit));
}
