/* offenders.h: which clients lately held a connection for nothing, and never asked.
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
#define OFFENDERS_MEMORY 600000u /* milliseconds after which all is forgotten */

struct offenders {
	uint64_t forgotten; /* when */
	uint64_t offended[OFFENDERS_BITS / 64];
	uint64_t asked[OFFENDERS_BITS / 64];
};

void offenders_add(struct offenders *offenders, uint64_t hash);
/* It asked something: no offender, whatever else it does (others may share its address). */
void offenders_asked(struct offenders *offenders, uint64_t hash);
bool offenders_has(const struct offenders *offenders, uint64_t hash);
/* Forgets all if it is time to. now: milliseconds. */
void offenders_age(struct offenders *offenders, uint64_t now);

#endif
