/* express.h: the commonplace query, answered in stages for a whole burst.
 *
 *   read     one question of class IN, at most a bare OPT record behind it: the name is hashed
 *   look up  page, bucket and node of that hash, one after the other
 *   answer   it is that name's node, and has the records: they are copied behind the question
 *   climb    there is no node: the names above it are looked up, until the closest encloser, and
 *            then its wildcard answers, or the zone's SOA denies (express_climb.h)
 *
 * Between two stages of one query come those of all others, so that what a stage reads has been
 * prefetched. Whatever is not as expected is left as it came, for answer.c to do in full: so there
 * is one owner of what an answer means, and this is only the short way to some of them.
 *
 * Threads:  any; no locks, no allocation.
 * Requires: as answer_batch(); the image has view 0, and express_applies().
 * Ensures:  an answered query has the reply, sum and counts that answer.c would give it; of the
 *           others nothing is touched. Nothing outside [payload, payload + capacity) is.
 * Source:   RFC 1035 4.1, RFC 2308 2.1, RFC 4592 3.3.1, RFC 6891 6.1. */
#ifndef SKUA_DATAPLANE_ANSWER_EXPRESS_H
#define SKUA_DATAPLANE_ANSWER_EXPRESS_H

#include "dataplane/answer/answer.h"

struct express {
	const struct image *image;
	struct answer_state *state;
	enum transport transport;
	uint64_t *counts;
};

/* A query that is left, and what is known of the name that its length promises. */
struct express_left {
	uint64_t hash;		       /* name_hash() of it in lower case */
	const struct image_node *node; /* its node; NULL: it has none */
	uint8_t at;		       /* place in the burst */
	uint8_t name_length;	       /* octets of that name; 0: nothing is known */
};

/* True if an answer does not depend on who asks, and nobody counts them. */
static inline bool express_applies(const struct image *image, bool rate_limited)
{
	return !rate_limited && !(image->policy->clients.flags & IMAGE_CLIENTS_SEE);
}

/* Returns how many queries are left, and which. */
unsigned express_answer(const struct express *express, struct datagram *burst, unsigned n,
			struct express_left left[]);

#endif
