/* compile.h: one name of a zone set -> the octets of its image node (zones/abi/image.h).
 *
 * Threads:  any, with zones that do not change meanwhile. Pure.
 * Requires: owner in lower-case wire form.
 * Source:   RFC 1034 4.2/4.3, RFC 2308 5, RFC 3597 4 (which rdata may be compressed), RFC 4592. */
#ifndef SKUA_ZONES_COMPILE_COMPILE_H
#define SKUA_ZONES_COMPILE_COMPILE_H

#include "zones/abi/image.h"
#include "zones/zone/walk.h"
#include "zones/zone/zone_set.h"

enum compile_result {
	COMPILE_NODE,	/* the block holds the node, node->units * 16 octets */
	COMPILE_ABSENT, /* no such name in any zone, nor above any apex: the image must not hold it
			 */
	COMPILE_TOO_LARGE, /* its RRsets together pass IMAGE_NODE_MAX: the node holds those that
			      fit, in order */
};

/* block: IMAGE_NODE_MAX octets, 16-aligned; padding is zero, so equal input gives equal octets.
 *
 * A name that a DNAME above it occludes is ABSENT; names below a cut become nodes with cut_labels
 * set. NSEC3 owners (names with only NSEC3 and RRSIG) are ABSENT here. Any of these still becomes a
 * node without RRsets if an apex lies below it; the occluded one then belongs to no zone.
 * Signatures go with the RRset that they cover; those that cover none are left out, and so are
 * those that would make an answer longer than a message (then COMPILE_TOO_LARGE).
 * DS at an apex is the zone above's, if we serve that one and it answers for this name; a DS in the
 * zone itself is left out. The NSEC that the zone above has at this name is in that zone's order
 * tree instead, as a block of its own (control/store/denial.h). */
enum compile_result compile_node(const struct zone_set *zones, const uint64_t hash_key[2],
				 const uint8_t *owner, struct image_node *block);

/* The same for the name that a walk over its zone has come to, without a look at anything but the
 * name's own records.
 * Requires: no other zone of the set that is served has its apex at, above (unless above this
 * zone's apex, too) or below the name, and the name is not the apex. */
enum compile_result compile_walked(const struct zone_walk *walk, const uint64_t hash_key[2],
				   struct image_node *block);

/* What of a name's records its node could not hold. */
struct compile_excess {
	struct rrset_view rrset;      /* the first in the zone's order for which there is no room */
	struct rrset_view signatures; /* the first signatures with which no message could hold what
					 they cover: that is answered without them */
};

/* Sets the views; count == 0: there is no such thing. Where this finds no rrset, compile_node()
 * leaves none out, whatever the zones above and below say. */
void compile_excess(const struct zone *zone, zone_name name, struct compile_excess *excess);

/* True if the name holds only NSEC3 records and their signatures: it is no name of the zone (RFC
 * 5155 7.2.8). */
bool compile_is_nsec3_owner(const struct zone *zone, zone_name name);

/* The node of an NSEC3 owner, for the order tree only (not the index): its NSEC3 RRset with
 * signatures. */
enum compile_result compile_nsec3_node(const struct zone *zone, zone_name name,
				       struct image_node *block);

#endif
