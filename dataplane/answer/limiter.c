/* limiter.c: see limiter.h. A bucket's state is the time when it is full again (the generic cell
 * rate algorithm, ITU-T I.371): how far that lies ahead is what was taken. */
#include "dataplane/answer/limiter.h"

#define TIME_BITS 36u
#define TIME_MASK ((1ull << TIME_BITS) - 1)
#define TAG_SHIFT 40u

/* 0 is no tag: that is a free bucket. */
static uint64_t tag_of(uint64_t key)
{
	uint64_t tag = key >> TAG_SHIFT;

	return tag == 0 ? 1 : tag;
}

/* What is taken from a bucket, in microseconds that it needs to fill again. More than all can't be:
 * then its time lies in the past, or the clock was set back. */
static uint64_t taken(uint64_t bucket, uint64_t now)
{
	uint64_t ahead = (bucket - now) & TIME_MASK;

	return bucket == 0 || ahead > LIMITER_DEPTH ? 0 : ahead;
}

static unsigned refused(uint64_t bucket)
{
	return bucket >> TIME_BITS & 15;
}

static uint64_t bucket_of(uint64_t tag, unsigned refusals, uint64_t full_at)
{
	return tag << TAG_SHIFT | (uint64_t)refusals << TIME_BITS | (full_at & TIME_MASK);
}

/* A place for a key that the line does not hold: of the bucket that has least to tell. */
static uint64_t *make_place(struct limiter_line *line, uint64_t now)
{
	uint64_t *best = &line->bucket[0];

	for (unsigned i = 1; i < LIMITER_KEYS; i++) {
		if (taken(line->bucket[i], now) < taken(*best, now))
			best = &line->bucket[i];
	}
	*best = 0;
	return best;
}

static uint64_t *find(struct limiter_line *line, uint64_t tag, uint64_t now)
{
	for (unsigned i = 0; i < LIMITER_KEYS; i++) {
		if (line->bucket[i] >> TAG_SHIFT == tag)
			return &line->bucket[i];
	}
	return make_place(line, now);
}

enum limiter_verdict limiter_take(struct limiter *limiter, uint64_t key,
				  const struct limiter_rule *rule, uint64_t now)
{
	uint64_t tag = tag_of(key);
	uint64_t micro = now / 1000;
	uint64_t *bucket = find(limiter_line(limiter, key), tag, micro);
	uint64_t after = taken(*bucket, micro) + rule->interval;
	unsigned refusals = refused(*bucket);

	if (after <= LIMITER_DEPTH) {
		*bucket = bucket_of(tag, refusals, micro + after);
		return LIMITER_PASS;
	}
	bool slips = rule->slip != 0 && refusals + 1 >= rule->slip;
	*bucket = bucket_of(tag,
			    slips			  ? 0
			    : refusals < LIMITER_SLIP_MAX ? refusals + 1
							  : refusals,
			    *bucket);
	return slips ? LIMITER_SLIP : LIMITER_DROP;
}
