/* offenders.h: which clients lately held a connection for nothing.
 *
 * A set that may err: after some thousands of clients, about one in a hundred strangers is taken
 * for an offender. So it may decide only who goes first when somebody has to, never who is refused.
 * Constant cost and size whatever clients come; forgets everything from time to time.
 *
 * Threads: one. Hashes: limits_hash(). */
#ifndef SKUA_DATAPLANE_STREAM_OFFENDERS_H
#define SKUA_DATAPLANE_STREAM_OFFENDERS_H

#include <stdbool.h>
#include <stdint.h>

#define OFFENDERS_BITS	 (1u << 20)
#define OFFENDERS_MEMORY 60000u /* milliseconds after which all is forgotten */

struct offenders {
	uint64_t forgotten; /* when */
	uint64_t bit[OFFENDERS_BITS / 64];
};

void offenders_add(struct offenders *offenders, uint64_t hash);
/* It asked something after all. */
void offenders_remove(struct offenders *offenders, uint64_t hash);
bool offenders_has(const struct offenders *offenders, uint64_t hash);
/* Forgets all if it is time to. now: milliseconds. */
void offenders_age(struct offenders *offenders, uint64_t now);

#endif
