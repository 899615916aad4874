/* reader.h: looking into a published image, trusting nothing that it says.
 *
 * Threads:  any; no locks, no allocation, no I/O.
 * Requires: arena_base maps image_header.capacity + IMAGE_NODE_MAX octets or more of readable
 * memory (the dataplane maps zero pages behind the file); what lies behind `limit` reads as
 * anything. Ensures:  no read outside that mapping, and no loop longer than a page, whatever the
 * image holds. Lifetime: results borrow the arena until the worker's next quiescent point. */
#ifndef SKUA_ZONES_IMAGE_READER_H
#define SKUA_ZONES_IMAGE_READER_H

#include "zones/abi/image.h"
#include "zones/abi/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* One generation as a worker holds it: plain values, checked once by image_open(). */
struct image {
	const uint8_t *base;	       /* of the arena */
	const struct image_root *root; /* inside the arena */
	uint64_t limit;		       /* octets; checked against the capacity */
	uint64_t generation;
	uint64_t key[2]; /* for name_hash() */
	struct image_settings settings;
	const struct image_policy *policy; /* never NULL: all zero if the root has none */
	uint64_t salt;			   /* image_salt(view) */
	unsigned view; /* whose names are found in it; 0 from image_open(): those of all */
};

enum image_refusal {
	IMAGE_GOOD,
	IMAGE_BAD_MAGIC,
	IMAGE_BAD_ABI, /* header->abi names the other version */
	IMAGE_BAD_LAYOUT,
	IMAGE_BAD_CHECKSUM,
	IMAGE_BAD_ROOT, /* outside the arena, wrong magic or check, limit past the capacity */
};
const char *image_refusal_text(enum image_refusal refusal);

/* Once per arena. mapped: octets that are mapped at base without the guard behind. */
enum image_refusal image_verify(const uint8_t *base, uint64_t mapped);
/* Once per root. *image is set only on IMAGE_GOOD. */
enum image_refusal image_open(const uint8_t *base, uint64_t mapped, image_ref root,
			      struct image *image);

/* The same generation, in which the names of a view are found instead. */
void image_of_view(const struct image *image, unsigned view, struct image *viewed);

/* The node of a lower-case name, or NULL. hash: name_hash(), without salt. length: octets of name,
 * root label included. A returned node has been checked: node, name and rrset table lie within its
 * units, units > 0, and its counts of labels are at most `labels` (or IMAGE_NONE), which is at most
 * 127.
 */
const struct image_node *image_find(const struct image *image, uint64_t hash, const uint8_t *name,
				    size_t length);

/* The same in stages, so that a burst can overlap its cache misses: each step prefetches what the
 * next reads. */
struct image_probe {
	uint64_t hash; /* salted */
	const struct image_bucket *bucket;
	const struct image_node *node; /* first candidate by tag, or NULL */
};
void image_probe_start(const struct image *image, uint64_t hash, struct image_probe *probe);
void image_probe_node(const struct image *image, struct image_probe *probe);
/* Requires: the image (of the same view) of image_probe_start(). */
const struct image_node *image_probe_finish(const struct image *image, struct image_probe *probe,
					    const uint8_t *name, size_t length);
/* The node "*" + that of another: the hash is name_hash_wildcard() of its. */
const struct image_node *image_probe_finish_wildcard(const struct image *image,
						     struct image_probe *probe,
						     const struct image_node *below);

/* The checked node at a reference (an entry of an order tree), or NULL. */
const struct image_node *image_node_at(const struct image *image, image_ref ref);

/* The RRset of a type at a checked node, or NULL. A returned one has been checked: tail (both
 * lengths) and the table of targets lie within the node. What stands in the tail, and each target's
 * offset, is the caller's to bound. */
const struct image_rrset *image_rrset(const struct image_node *node, uint16_t type);
/* The first RRset of a type greater than `type`, checked alike, or NULL: walks all in order of
 * type. */
const struct image_rrset *image_rrset_after(const struct image_node *node, uint16_t type);
static inline const uint8_t *image_tail(const struct image_node *node,
					const struct image_rrset *rrset)
{
	return (const uint8_t *)node + 4u * rrset->tail;
}
const struct image_target *image_targets(const struct image_node *node,
					 const struct image_rrset *rrset);

/* zone_index of an apex -> its zone entry, or NULL if out of range. */
const struct image_zone *image_zone(const struct image *image, uint16_t zone_index);

/* A checked pointer to `octets` octets at a reference, or NULL if it passes the limit. */
const void *image_at(const struct image *image, image_ref ref, uint64_t octets);

#endif
