/* order.h: the names of one signed zone that own NSEC or NSEC3, in canonical order, for proofs of
 * absence.
 *
 * A path-copied B-tree of pages in the arena; entries are references to nodes. Read only for signed
 * negative answers. Keys are compared by name_compare() on the nodes' own names.
 * Source: RFC 4034 6.1, RFC 4035 3.1.3, RFC 5155 7.2. */
#ifndef SKUA_ZONES_IMAGE_ORDER_H
#define SKUA_ZONES_IMAGE_ORDER_H

#include "zones/image/reader.h"
#include "zones/image/writer.h"

#define ORDER_FANOUT	 126u
#define ORDER_HEIGHT_MAX 7u /* levels; more than 2^32 references can fill */
struct order_page {
	uint64_t transaction; /* writer's */
	uint16_t count;
	uint16_t height; /* 0: entries are nodes; else pages */
	uint32_t reserved;
	image_ref first[ORDER_FANOUT]; /* height > 0: the smallest node below entry[i]; height 0:
					  unused */
	image_ref entry[ORDER_FANOUT];
};

/* The last node whose name is at or before `name` (any case) in canonical order; the very last node
 * if there is none (the chain is a circle); NULL if the tree is empty or damaged. */
const struct image_node *order_at_or_before(const struct image *image, image_ref tree,
					    const uint8_t *name);

/* Writer side, inside a transaction. *tree is replaced by the new root page. node: reference of a
 * node block written by image_put() (image_writer_ref() of image_writer_find()) or
 * image_block_new(). Replaces an entry of the same name.
 * Requires: a node that is in a tree is replaced or deleted there directly after (or before) its
 * block is: the tree compares names in the blocks that it refers to, and a block that the same
 * transaction made and gave up lives on only until memory is taken next.
 * Returns false if memory ran out; the transaction must then be aborted. */
bool order_put(struct image_writer *writer, image_ref *tree, image_ref node);
bool order_delete(struct image_writer *writer, image_ref *tree, const uint8_t *name);
/* Retires all pages (a zone goes, or is no longer signed); nodes are not touched. */
void order_retire(struct image_writer *writer, image_ref tree);
/* Calls visit() for each node of the tree, in canonical order. tree: not 0. The tree must not
 * change meanwhile. */
void order_visit(const struct image_writer *writer, image_ref tree,
		 void (*visit)(void *context, image_ref node), void *context);

#endif
