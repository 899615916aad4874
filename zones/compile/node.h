/* node.h: laying out an image node in a block: header, name, RRset table, tails, targets.
 * Threads: one per block; pure. All padding is zero: equal input gives equal octets. */
#ifndef SKUA_ZONES_COMPILE_NODE_H
#define SKUA_ZONES_COMPILE_NODE_H

#include "zones/abi/image.h"
#include "zones/compile/compile.h"

#define NODE_RRSETS 255u /* image_node.rrset_count is an octet */

/* An RRset to go into a node. */
struct node_rrset {
	uint16_t type;	/* in the table; IMAGE_TYPE_NEGATIVE_SOA: `set` is the SOA */
	uint16_t flags; /* enum image_rrset_flag */
	struct rrset_view set;
	struct rrset_view signatures; /* count == 0: none */
};

struct node_writer {
	struct image_node *node;
	uint32_t end; /* octets of the block in use */
	bool too_large;
};

/* owner: lower-case. All place fields start as "none". */
void node_start(struct node_writer *writer, struct image_node *block, const uint8_t *owner);

/* The same, where length and labels of the owner are known. */
void node_start_at(struct node_writer *writer, struct image_node *block, const uint8_t *owner,
		   uint8_t length, uint8_t labels);

/* Requires: called at most once; rrsets sorted by type, at most NODE_RRSETS. Those that do not fit
 * are left out. */
void node_put_rrsets(struct node_writer *writer, const uint64_t hash_key[2],
		     const struct node_rrset *rrsets, unsigned count);

/* The same with one RRset of a name that has no signatures. */
void node_put_rrset(struct node_writer *writer, const uint64_t hash_key[2],
		    const struct rrset_view *set);

enum compile_result node_finish(struct node_writer *writer);

/* Octets that an RRset, or the signatures of one, take in a node at most, its place in the table
 * and alignment included. */
uint32_t node_rrset_bound(const struct rrset_view *set);
/* Octets that a node takes at most beside its RRsets. */
uint32_t node_fixed_bound(size_t name_length);
/* Most that a node may take: the last octets are for rounding the block up to units. */
#define NODE_OCTETS (IMAGE_NODE_MAX - (IMAGE_UNIT - 1u))
/* A signed answer that no message can hold is no answer: the set then stands without signatures. */
bool node_signatures_fit(size_t name_length, const struct rrset_view *set,
			 const struct rrset_view *signatures);

#endif
