/* rate_limit.h: which responses are too many for the network that they would go to.
 *
 * A source address over UDP may be forged, and then responses hit someone who never asked. Each
 * network of clients has a bucket (limiter.h) for every name that it is answered, one for each
 * zone's NODATA and NXDOMAIN, one for each zone cut and one for errors: floods of random names
 * share one, and a name that is asked much takes nothing from others.
 *
 * Who brings a good server cookie (RFC 7873), or is exempt by its address, is not limited.
 * The responses of a burst are judged together when all are composed, so that their cache misses
 * overlap. Threads: one owner. Requires: policy's numbers may be anything. */
#ifndef SKUA_DATAPLANE_ANSWER_RATE_LIMIT_H
#define SKUA_DATAPLANE_ANSWER_RATE_LIMIT_H

#include "dataplane/answer/compose.h"

/* The limits of one burst. */
struct rate_limit {
	struct limiter *limiter; /* NULL: there are none */
	const struct policy_rate_limit *policy;
	const uint64_t *key; /* secret, of the image */
	uint64_t now;
	struct limiter_rule rule[POLICY_RATES];
};

void rate_limit_begin(struct rate_limit *limit, const struct image *image,
		      const struct answer_state *state, enum transport transport);

/* What a response is counted as: by the verdict on its first name, or as an answer of the node with
 * that name_hash(). Without either it is an error. */
void rate_limit_note(const struct image *image, struct response *response,
		     const struct verdict *verdict);
static inline void rate_limit_note_answer(struct response *response, uint64_t hash)
{
	response->rate = POLICY_RATE_ANSWERS;
	response->rate_subject = hash;
}

/* False: it may go out. True: rate_limit_judge() has to be asked, which reads what this prefetches.
 */
bool rate_limit_concerns(const struct rate_limit *limit, struct response *response);
enum limiter_verdict rate_limit_judge(const struct rate_limit *limit,
				      const struct response *response);

#endif
