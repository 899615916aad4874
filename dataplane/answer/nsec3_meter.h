/* nsec3_meter.h: how much a worker may hash for NSEC3 proofs (RFC 5155 8.3, RFC 9276 2.3: it is the
 * one part of an answer that a client can make dear).
 *
 * A budget of SHA-1 blocks per second. A response that needs hashes begins only while some of it is
 * left, and then hashes all that it needs; what that is too much is paid back before the next one
 * begins. So over any t seconds at most budget * (t + 1/16) blocks are hashed, and those of one
 * response more.
 * Threads: one owner, the worker. No clock: time is the caller's, and may jump: backwards nothing
 * is granted, forwards no more than the sixteenth of a second that is saved up at most. */
#ifndef SKUA_DATAPLANE_ANSWER_NSEC3_METER_H
#define SKUA_DATAPLANE_ANSWER_NSEC3_METER_H

#include <stdbool.h>
#include <stdint.h>

#define NSEC3_BUDGET_MAX 100000000u /* blocks per second; more counts as this */

/* All zero: full. */
struct nsec3_meter {
	uint64_t at;  /* when it was filled last; nanoseconds */
	int64_t left; /* billionths of a block; below 0: to be paid back */
};

/* Fills it up to now; true: there is something left. budget: blocks per second, at least 1. */
bool nsec3_meter_open(struct nsec3_meter *meter, uint32_t budget, uint64_t now);
/* Requires: blocks <= 2^24. What one response may take: see nsec3_blocks(). */
void nsec3_meter_charge(struct nsec3_meter *meter, uint32_t blocks);

#endif
