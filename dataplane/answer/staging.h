/* staging.h: looking up the names of one response in steps, between which those of a whole burst
 * take turns, so that their cache misses overlap.
 *
 *   NAME      the asked name; if it is there, its node answers
 *   ENCLOSER  it is not: the names above it, until the closest encloser is found; mostly that is
 *             the first or the second
 *
 *   WILDCARD  that has a wildcard
 *
 *   APEX      neither: the zone's SOA says so
 *
 *   TARGETS   the answer leads on to additional data: these nodes are only brought near; what is
 *             read of them later does not depend on it
 *
 * Threads:  any; no allocation.
 * Cost:     a step reads what the step before prefetched. A name of 127 labels takes no more than
 *           NAME, nine of ENCLOSER, and one more. */
#ifndef SKUA_DATAPLANE_ANSWER_STAGING_H
#define SKUA_DATAPLANE_ANSWER_STAGING_H

#include "dataplane/answer/lookup.h"

#define STAGING_TARGETS 8u

enum staging_step {
	STAGING_NAME,
	STAGING_ENCLOSER,
	STAGING_WILDCARD,
	STAGING_APEX,
	STAGING_TARGETS_NEAR,
};

struct staging {
	enum staging_step step;
	struct image_probe probe;
	struct lookup_known known;
	/* The search for the closest encloser. It leaves labels out of the asked name at its front:
	 * the more, the likelier there is a node. */
	uint8_t skip;	 /* labels left out of the name that is looked for */
	uint8_t at;	 /* where that starts in the asked name */
	uint8_t missing; /* so many left out, and there is no node */
	uint8_t found;	 /* so many left out, and there is known.encloser */
	uint64_t hash;	 /* of the name that is looked for */
	uint64_t encloser_hash;
	unsigned targets;
	struct image_probe target[STAGING_TARGETS];
};

/* The first step, prefetching the asked name's bucket. */
void staging_begin(struct staging *staging, const struct image *image, const struct asked *asked);

/* The same, done: the asked name's node is known, or NULL: it has none. */
void staging_begin_found(struct staging *staging, const struct image_node *exact);

/* The second half of each step: the node that a bucket names is prefetched. */
void staging_near(struct staging *staging, const struct image *image);

/* What the step has found: known.exact, .encloser, .wildcard or .apex. */
void staging_found(struct staging *staging, const struct image *image, const struct asked *asked);

/* Ends the step, after the above; then known is complete (false), or another step has begun (true).
 */
bool staging_next(struct staging *staging, const struct image *image, const struct asked *asked);

#endif
