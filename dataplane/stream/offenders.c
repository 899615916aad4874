#include "dataplane/stream/offenders.h"

#include <string.h>

/* The upper half: limits.c finds its places by the lower one. */
static uint32_t bit_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32) % OFFENDERS_BITS;
}

static void set(uint64_t bits[], uint64_t hash)
{
	bits[bit_of(hash) / 64] |= UINT64_C(1) << bit_of(hash) % 64;
}

static bool is_set(const uint64_t bits[], uint64_t hash)
{
	return (bits[bit_of(hash) / 64] >> bit_of(hash) % 64 & 1) != 0;
}

void offenders_add(struct offenders *offenders, uint64_t hash)
{
	set(offenders->offended, hash);
}

void offenders_asked(struct offenders *offenders, uint64_t hash)
{
	set(offenders->asked, hash);
}

bool offenders_has(const struct offenders *offenders, uint64_t hash)
{
	return is_set(offenders->offended, hash) && !is_set(offenders->asked, hash);
}

void offenders_age(struct offenders *offenders, uint64_t now)
{
	if (now - offenders->forgotten < OFFENDERS_MEMORY)
		return;
	memset(offenders, 0, sizeof(*offenders));
	offenders->forgotten = now;
}
