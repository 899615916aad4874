/* staging.h: looking up the names of one response in steps, between which those of a whole burst
 * take turns, so that their cache misses overlap.
 *
 *   NAME      the asked name; if it is there, its node answers
 *   PARENT    it is not: the name above it, which mostly is the closest encloser
 *   WILDCARD  that has a wildcard
 *   TARGETS   the answer leads on to additional data: these nodes are only brought near; what is
 * read of them later does not depend on it
 *
 * Threads:  any; no allocation.
 * Cost:     a step reads what the step before prefetched. */
#ifndef SKUA_DATAPLANE_ANSWER_STAGING_H
#define SKUA_DATAPLANE_ANSWER_STAGING_H

#include "dataplane/answer/lookup.h"

#define STAGING_TARGETS 8u

enum staging_step {
	STAGING_NAME,
	STAGING_PARENT,
	STAGING_WILDCARD,
	STAGING_TARGETS_NEAR,
};

struct staging {
	enum staging_step step;
	struct image_probe probe;
	struct lookup_known known;
	uint8_t encloser_at; /* where the parent's name starts in the asked one */
	unsigned targets;
	struct image_probe target[STAGING_TARGETS];
};

/* The first step, prefetching the asked name's bucket. */
void staging_begin(struct staging *staging, const struct image *image, const struct asked *asked);

/* The second half of each step: the node that a bucket names is prefetched. */
void staging_near(struct staging *staging, const struct image *image);

/* What the steps NAME and WILDCARD have found: known.exact, known.wildcard. */
void staging_exact(struct staging *staging, const struct image *image, const struct asked *asked);
void staging_wildcard(struct staging *staging, const struct image *image,
		      const struct asked *asked);

/* Ends the step (NAME, WILDCARD: after the above); then known is complete (false), or another step
 * has begun (true). */
bool staging_next(struct staging *staging, const struct image *image, const struct asked *asked);

#endif
