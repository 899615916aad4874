/* proof.h: what a signed zone says about what it does not hold (RFC 4035 3.1.3, RFC 5155 7.2).
 *
 * Each function adds NSEC or NSEC3 RRsets with their signatures to the authority section, each at
 * most once; nothing for an unsigned zone. PUT_DAMAGED: the zone's chain is broken or missing.
 * PUT_NO_ROOM also: names would have to be hashed, and the meter has nothing left.
 * Threads:  any; no allocation.
 * Cost:     two or three descents of the order tree; with NSEC3 also a hash per name looked up. */
#ifndef SKUA_DATAPLANE_ANSWER_PROOF_H
#define SKUA_DATAPLANE_ANSWER_PROOF_H

#include "dataplane/answer/lookup.h"
#include "dataplane/answer/nsec3_meter.h"
#include "dataplane/answer/reply.h"

#define PROOFS_MAX 64u /* records of proof in a message */

struct proof {
	const struct image *image;
	struct reply *reply;
	struct nsec3_meter *meter; /* NULL: hashing is not limited */
	uint64_t now;		   /* for the meter */
	uint64_t *counts;	   /* COUNT_nsec3_hashes, COUNT_nsec3_deferred */
	bool may_hash;		   /* the meter has let this response begin */
	unsigned count;
	const struct image_node *placed[PROOFS_MAX];
};

/* A name that needs proof, and where it stands. */
struct proof_of {
	const uint8_t *name; /* lower-case */
	size_t length;
	uint32_t at; /* where the reply holds it */
	unsigned apex_labels;
	unsigned encloser_labels; /* of its closest encloser */
};

/* The name exists without the type; node is its own. */
enum put_result proof_nodata(struct proof *proof, const struct proof_of *of,
			     const struct image_node *node);
/* The name exists only by this wildcard, which has not the type. */
enum put_result proof_wildcard_nodata(struct proof *proof, const struct proof_of *of,
				      const struct image_node *wildcard);
/* Neither the name nor a wildcard for it exists. */
enum put_result proof_nxdomain(struct proof *proof, const struct proof_of *of);
/* An answer came from a wildcard: no closer name exists. */
enum put_result proof_wildcard(struct proof *proof, const struct proof_of *of);
/* The cut above the name has no DS. */
enum put_result proof_unsigned(struct proof *proof, const struct proof_of *of,
			       const struct image_node *cut);

/* True if the zone has a chain of NSEC or NSEC3. */
bool proof_zone_is_signed(const struct proof *proof, const struct proof_of *of);

/* The owner for a node's records: as much of the name at `at` as they share, the rest spelled out.
 * false: the node's name is no name, or does not fit. */
bool proof_owner(const struct reply *reply, const struct proof_of *of,
		 const struct image_node *node, struct owner *owner);

#endif
