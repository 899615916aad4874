/* denial.h: keeping the order tree of a signed zone, from which absence is proved.
 *
 * A zone's tree holds a reference for each name with NSEC (the name's own node), or for each NSEC3
 * owner (a block of its own, since it is no name of the zone) of the chain that NSEC3PARAM names
 * first. One exception: the parent's NSEC at a delegation to a zone that we serve, too, or below it
 * where the parent does not delegate. The node there speaks for the child, so the parent's tree
 * gets a block compiled as if the parent stood alone: its chain has no gap (RFC 4034 4.1.1).
 * Threads:   one, inside an open transaction of the writer.
 * Source:    RFC 4035 3.1.3, RFC 5155 4 and 7.2. */
#ifndef SKUA_CONTROL_STORE_DENIAL_H
#define SKUA_CONTROL_STORE_DENIAL_H

#include "zones/image/writer.h"
#include "zones/zone/zone_set.h"

/* How this zone proves absence, and with what: all of image_zone but the tree itself. The salt goes
 * into a new block. False: out of memory. */
bool denial_start(struct image_writer *writer, const struct zone *zone, struct image_zone *entry);
/* Frees the salt and the whole tree, with the blocks that are no nodes. view: whose it is. Before
 * any node of the zone changes: what is a node, and what is a block of the tree's own, is told by
 * the index. Cost: linear in the tree. */
void denial_retire(struct image_writer *writer, unsigned view, struct image_zone *entry);
/* True if the zone proves absence as its entry says, so that the tree can be kept. */
bool denial_is_current(const struct image_writer *writer, const struct zone *zone,
		       const struct image_zone *entry);

/* How a zone stands to a name. */
enum denial_voice {
	DENIAL_SPEAKS, /* the name is the zone's: its node in the index is the zone's own */
	DENIAL_HIDDEN, /* the name lies at or below the apex of a deeper zone that we serve */
};

/* What the index holds at one name, before and now; 0: nothing. */
struct denial_nodes {
	image_ref previous;
	image_ref now;
};

/* Brings the tree in line with what the zone now says of `owner`. scratch: IMAGE_NODE_MAX octets,
 * 16-aligned. False: out of memory. */
bool denial_refresh(struct image_writer *writer, struct zone *zone, struct image_zone *entry,
		    const uint8_t *owner, enum denial_voice voice, const struct denial_nodes *nodes,
		    struct image_node *scratch);

/* The reference of a name's node in the index as the transaction has it, or 0. */
image_ref denial_node_ref(const struct image_writer *writer, unsigned view, const uint8_t *owner);

#endif
