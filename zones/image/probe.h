/* probe.h: the steps of a look-up, inline: what reader.c offers as functions, and what an answer is
 * made of where calls would cost as much as the work (dataplane/answer/express.h).
 *
 * Nothing in the image is believed: see reader.h, whose contract holds here too. Every reference
 * goes through image_at_ref(), which knows only the limit that image_open() checked against the
 * mapping, and every loop is bounded by a constant of the layout.
 * Threads: any; no locks, no allocation. */
#ifndef SKUA_ZONES_IMAGE_PROBE_H
#define SKUA_ZONES_IMAGE_PROBE_H

#include "zones/image/reader.h"
#include "zones/image/tags.h"

#include <string.h>

static inline const void *image_at_ref(const struct image *image, image_ref ref, uint64_t octets)
{
	uint64_t at = (uint64_t)ref * IMAGE_UNIT;

	if (ref == 0 || at + octets > image->limit)
		return NULL;
	return image->base + at;
}

static inline size_t image_rrset_offset(const struct image_node *node)
{
	return (sizeof(*node) + node->name_length + 3u) & ~(size_t)3;
}

/* A label count in a node is that of an ancestor or of the node itself, or says "none". */
static inline bool image_labels_fit(const struct image_node *node, uint8_t labels)
{
	return labels <= node->labels || labels == IMAGE_NONE;
}

static inline bool image_node_is_whole(const struct image *image, const struct image_node *node)
{
	uint64_t size = (uint64_t)node->units * IMAGE_UNIT;
	uint64_t end = image_rrset_offset(node) + node->rrset_count * sizeof(struct image_rrset);

	return end <= size && size <= IMAGE_NODE_MAX && node->name_length > 0 &&
	       (uint64_t)((const uint8_t *)node - image->base) + size <= image->limit &&
	       node->labels < node->name_length && node->labels <= 127 &&
	       image_labels_fit(node, node->apex_labels) &&
	       image_labels_fit(node, node->cut_labels) &&
	       image_labels_fit(node, node->parent_apex_labels);
}

/* Loads that overlap instead of a loop over the last octets: nothing is read outside [a, a+length).
 */
static inline bool image_octets_equal(const uint8_t *a, const uint8_t *b, size_t length)
{
	uint64_t x, y, z, w;

	if (length < 8)
		return memcmp(a, b, length) == 0;
	for (size_t i = 0; i + 8 < length; i += 8) {
		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		if (x != y)
			return false;
	}
	memcpy(&z, a + length - 8, 8);
	memcpy(&w, b + length - 8, 8);
	return z == w;
}

/* Requires: both are whole. */
static inline bool image_is_wildcard_of(const struct image_node *node,
					const struct image_node *below)
{
	return node->name_length == below->name_length + 2u && node->view == below->view &&
	       node->name[0] == 1 && node->name[1] == '*' &&
	       image_octets_equal(node->name + 2, below->name, below->name_length);
}

/* Where the mid page keeps the reference of the hash's leaf page; NULL: there is none. */
static inline const image_ref *image_leaf_ref(const struct image *image, uint64_t hash)
{
	const struct image_top *top = &image->root->top[image_top_index(hash)];
	uint32_t depth = top->depth;
	const struct image_mid *mid;

	if (depth > IMAGE_DEPTH_MAX)
		return NULL;
	mid = image_at_ref(image, top->mid, sizeof(*mid) + ((uint64_t)sizeof(image_ref) << depth));
	return mid == NULL ? NULL : &mid->leaf[image_mid_index(hash, depth)];
}

/* The bucket where a hash is looked for first; NULL: there is none. */
static inline const struct image_bucket *image_home_in(const struct image *image,
						       const image_ref *leaf_ref, uint64_t hash)
{
	const struct image_leaf *leaf;

	if (leaf_ref == NULL)
		return NULL;
	leaf = image_at_ref(image, *leaf_ref, sizeof(*leaf));
	return leaf == NULL ? NULL : &leaf->bucket[image_bucket_index(hash)];
}

static inline const struct image_bucket *image_home_bucket(const struct image *image, uint64_t hash)
{
	return image_home_in(image, image_leaf_ref(image, hash), hash);
}

/* The bucket that an insertion turns to when this one, `probe` buckets from home, is full. */
static inline const struct image_bucket *image_next_bucket(const struct image_bucket *home,
							   uint64_t hash, unsigned probe)
{
	uint32_t index = image_bucket_index(hash);

	return home - index + ((index + probe) & (IMAGE_BUCKETS - 1));
}

/* The first slot with the right tag that refers to anything. */
static inline const struct image_node *
image_first_candidate(const struct image *image, const struct image_bucket *bucket, uint16_t tag)
{
	const struct image_node *node = NULL;

	for (uint32_t found = image_tags(bucket, tag); found != 0; found &= found - 1) {
		node = image_at_ref(image, bucket->ref[__builtin_ctz(found)], IMAGE_UNIT);
		if (node != NULL)
			break;
	}
	return node;
}

/* The first candidate for a hash, from its home bucket on, or NULL. */
static inline const struct image_node *
image_candidate(const struct image *image, const struct image_bucket *home, uint64_t hash)
{
	const struct image_node *node = NULL;

	for (unsigned n = 0; n < IMAGE_PROBES; n++) {
		const struct image_bucket *bucket = image_next_bucket(home, hash, n);

		node = image_first_candidate(image, bucket, image_tag(hash));
		if (node != NULL || !bucket->overflow)
			break;
	}
	return node;
}

static inline size_t image_targets_offset(const struct image_rrset *rrset)
{
	return (4u * (size_t)rrset->tail + rrset->signed_length + 7u) & ~(size_t)7;
}

static inline bool image_rrset_is_whole(const struct image_node *node,
					const struct image_rrset *rrset)
{
	size_t size = (size_t)node->units * IMAGE_UNIT;

	if (rrset->length > rrset->signed_length || rrset->count > rrset->signed_count ||
	    4u * (size_t)rrset->tail + rrset->signed_length > size)
		return false;
	return rrset->target_count == 0 ||
	       image_targets_offset(rrset) + rrset->target_count * sizeof(struct image_target) <=
		   size;
}

/* The RRset of a type at a whole node, or NULL: none, or not whole. */
static inline const struct image_rrset *image_rrset_of(const struct image_node *node, uint16_t type)
{
	const struct image_rrset *rrset =
	    (const void *)((const uint8_t *)node + image_rrset_offset(node));
	const struct image_rrset *end = rrset + node->rrset_count;

	while (rrset < end && rrset->type < type)
		rrset++;
	if (rrset == end || rrset->type != type || !image_rrset_is_whole(node, rrset))
		return NULL;
	return rrset;
}

#endif
