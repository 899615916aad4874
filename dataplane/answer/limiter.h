/* limiter.h: how many responses a second each key has had: a table of token buckets.
 *
 * A key may have `rate` responses at once and then one each 1/rate second: over any t seconds at
 * most rate * (t + 1), and never fewer than it asks for if those are never more. One more per
 * 1/rate, as that is rounded down to whole microseconds: 1 % at a rate of 10,000, nothing at 1,000.
 *
 * The table has a fixed size and forgets: a cache line has room for eight keys, and a ninth takes
 * the place of the one that is nearest to having a full bucket again. So a key that is forgotten is
 * one that would be let through anyway, unless the eight keys of its line, drawn by a keyed hash,
 * are all using up what they may have. A key is taken for another (and shares its bucket) with a
 * probability of one in two million for each of the eight.
 *
 * Threads:  one owner, a worker: no lock, nothing shared.
 * Requires: memory of sizeof(struct limiter), aligned to 64, zeroed once; key: all 64 bits as good
 *           as random, not to be guessed by clients.
 * Time is the caller's. A jump backwards by more than a second empties buckets of their past, a
 * smaller one makes their keys wait that much longer; a key is taken up again as it was left after
 * 2^36 microseconds (19 hours) without a response. */
#ifndef SKUA_DATAPLANE_ANSWER_LIMITER_H
#define SKUA_DATAPLANE_ANSWER_LIMITER_H

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#define LIMITER_LINES	 16384u
#define LIMITER_KEYS	 8u /* in a line */
#define LIMITER_RATE_MAX 100000u
#define LIMITER_SLIP_MAX 15u

/* bucket: the key's tag (24 bits), refused responses since the last slip (4), and when the bucket
 * will be full again (36, microseconds). 0: free. */
struct limiter_line {
	alignas(64) uint64_t bucket[LIMITER_KEYS];
};
static_assert(sizeof(struct limiter_line) == 64, "one cache line");

/* 1 MiB, of which what is never used takes no memory. */
struct limiter {
	struct limiter_line line[LIMITER_LINES];
};

enum limiter_verdict {
	LIMITER_PASS,
	LIMITER_DROP,
	LIMITER_SLIP, /* over the limit, but this one may go out truncated */
};

#define LIMITER_DEPTH 1000000u /* of a bucket in microseconds: a second's worth of responses */

struct limiter_rule {
	uint32_t interval; /* microseconds for which one response counts: at most LIMITER_DEPTH; 0:
			      no limit */
	uint32_t slip;	   /* of this many refused in a row the last slips; 0: none; at most
			      LIMITER_SLIP_MAX */
};

/* rate: responses per second; 0: no limit; more than LIMITER_RATE_MAX counts as that. */
static inline struct limiter_rule limiter_rule(uint32_t rate, uint32_t slip)
{
	uint32_t bounded = rate < LIMITER_RATE_MAX ? rate : LIMITER_RATE_MAX;

	return (struct limiter_rule){bounded == 0 ? 0 : LIMITER_DEPTH / bounded, slip};
}

static inline struct limiter_line *limiter_line(struct limiter *limiter, uint64_t key)
{
	return &limiter->line[key % LIMITER_LINES];
}
static inline void limiter_prefetch(struct limiter *limiter, uint64_t key)
{
	__builtin_prefetch(limiter_line(limiter, key), 1);
}

/* One response to key, now (nanoseconds). What is refused does not count against the key. */
enum limiter_verdict limiter_take(struct limiter *limiter, uint64_t key,
				  const struct limiter_rule *rule, uint64_t now);

#endif
