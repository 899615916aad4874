/* reader.c: looking into a published image. Nothing in it is believed: every reference goes through
 * image_at(), which knows only the limit that image_open() checked against the mapping, and every
 * loop is bounded by a constant of the layout, not by a number from the image. */
#include "zones/image/reader.h"

#include "zones/image/checksum.h"
#include "zones/image/tags.h"

#include <string.h>

const char *image_refusal_text(enum image_refusal refusal)
{
	switch (refusal) {
	case IMAGE_GOOD:
		return "good";
	case IMAGE_BAD_MAGIC:
		return "not a Skua arena (wrong magic)";
	case IMAGE_BAD_ABI:
		return "made by another version of Skua (ABI differs)";
	case IMAGE_BAD_LAYOUT:
		return "its layout or size differs from what this build expects";
	case IMAGE_BAD_CHECKSUM:
		return "its header is damaged (checksum)";
	case IMAGE_BAD_ROOT:
		return "its root block is damaged or lies outside the arena";
	}
	return "refused";
}

enum image_refusal image_verify(const uint8_t *base, uint64_t mapped)
{
	const struct image_header *header = (const void *)base;

	if (mapped < sizeof(*header) || header->magic != IMAGE_MAGIC)
		return IMAGE_BAD_MAGIC;
	if (header->abi != IMAGE_ABI)
		return IMAGE_BAD_ABI;
	if (header->layout != image_layout())
		return IMAGE_BAD_LAYOUT;
	if (header->checksum != image_checksum(header, offsetof(struct image_header, checksum)))
		return IMAGE_BAD_CHECKSUM;
	if (header->capacity > mapped || header->replicas == 0 ||
	    header->replicas > IMAGE_REPLICAS_MAX)
		return IMAGE_BAD_LAYOUT;
	return IMAGE_GOOD;
}

static const struct image_policy *open_policy(const struct image *image)
{
	static const struct image_policy nothing;
	const struct image_policy *policy =
	    image_at(image, image->root->policy, sizeof(struct image_policy));

	return policy == NULL ? &nothing : policy;
}

enum image_refusal image_open(const uint8_t *base, uint64_t mapped, image_ref ref,
			      struct image *image)
{
	const struct image_header *header = (const void *)base;
	uint64_t at = (uint64_t)ref * IMAGE_UNIT;
	const struct image_root *root = (const void *)(base + at);
	const size_t from = offsetof(struct image_root, generation);

	if (ref == 0 || at + sizeof(*root) > mapped || root->magic != IMAGE_ROOT_MAGIC)
		return IMAGE_BAD_ROOT;
	if (root->check !=
	    image_checksum((const uint8_t *)root + from, offsetof(struct image_root, top) - from))
		return IMAGE_BAD_ROOT;
	if (root->limit > mapped || at + sizeof(*root) > root->limit)
		return IMAGE_BAD_ROOT;
	*image = (struct image){
	    .base = base,
	    .root = root,
	    .limit = root->limit,
	    .generation = root->generation,
	    .key = {header->hash_key[0], header->hash_key[1]},
	    .settings = root->settings,
	};
	image->policy = open_policy(image);
	return IMAGE_GOOD;
}

void image_of_view(const struct image *image, unsigned view, struct image *viewed)
{
	*viewed = *image;
	viewed->view = view;
	viewed->salt = image_salt(view);
}

static inline const void *at_ref(const struct image *image, image_ref ref, uint64_t octets)
{
	uint64_t at = (uint64_t)ref * IMAGE_UNIT;

	if (ref == 0 || at + octets > image->limit)
		return NULL;
	return image->base + at;
}

const void *image_at(const struct image *image, image_ref ref, uint64_t octets)
{
	return octets > image->limit ? NULL : at_ref(image, ref, octets);
}

static inline size_t rrset_table_offset(const struct image_node *node)
{
	return (sizeof(*node) + node->name_length + 3u) & ~(size_t)3;
}

/* A label count in a node is that of an ancestor or of the node itself, or says "none". */
static inline bool labels_fit(const struct image_node *node, uint8_t labels)
{
	return labels <= node->labels || labels == IMAGE_NONE;
}

static inline bool node_is_whole(const struct image *image, const struct image_node *node)
{
	uint64_t size = (uint64_t)node->units * IMAGE_UNIT;
	uint64_t end = rrset_table_offset(node) + node->rrset_count * sizeof(struct image_rrset);

	return end <= size && size <= IMAGE_NODE_MAX && node->name_length > 0 &&
	       (uint64_t)((const uint8_t *)node - image->base) + size <= image->limit &&
	       node->labels < node->name_length && node->labels <= 127 &&
	       labels_fit(node, node->apex_labels) && labels_fit(node, node->cut_labels) &&
	       labels_fit(node, node->parent_apex_labels);
}

const struct image_node *image_node_at(const struct image *image, image_ref ref)
{
	const struct image_node *node = at_ref(image, ref, IMAGE_UNIT);

	return node != NULL && node_is_whole(image, node) ? node : NULL;
}

/* Loads that overlap instead of a loop over the last octets: nothing is read outside [a, a+length).
 */
static inline bool octets_equal(const uint8_t *a, const uint8_t *b, size_t length)
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

static inline bool node_is(const struct image *image, const struct image_node *node,
			   const uint8_t *name, size_t length)
{
	return node->name_length == length && node->view == image->view &&
	       octets_equal(node->name, name, length);
}

static inline const struct image_bucket *home_bucket(const struct image *image, uint64_t hash)
{
	const struct image_top *top = &image->root->top[image_top_index(hash)];
	uint32_t depth = top->depth;
	const struct image_mid *mid;
	const struct image_leaf *leaf;

	if (depth > IMAGE_DEPTH_MAX)
		return NULL;
	mid = at_ref(image, top->mid, sizeof(*mid) + ((uint64_t)sizeof(image_ref) << depth));
	if (mid == NULL)
		return NULL;
	leaf = at_ref(image, mid->leaf[image_mid_index(hash, depth)], sizeof(*leaf));
	return leaf == NULL ? NULL : &leaf->bucket[image_bucket_index(hash)];
}

/* The bucket that an insertion turns to when this one, `probe` buckets from home, is full. */
static inline const struct image_bucket *next_bucket(const struct image_bucket *home, uint64_t hash,
						     unsigned probe)
{
	uint32_t index = image_bucket_index(hash);

	return home - index + ((index + probe) & (IMAGE_BUCKETS - 1));
}

static const struct image_node *find_from(const struct image *image,
					  const struct image_bucket *home, uint64_t hash,
					  const uint8_t *name, size_t length)
{
	for (unsigned probe = 0; probe < IMAGE_PROBES; probe++) {
		const struct image_bucket *bucket = next_bucket(home, hash, probe);
		uint32_t found = image_tags(bucket, image_tag(hash));

		for (; found != 0; found &= found - 1) {
			const struct image_node *node =
			    image_node_at(image, bucket->ref[__builtin_ctz(found)]);
			if (node != NULL && node_is(image, node, name, length))
				return node;
		}
		if (!bucket->overflow)
			break;
	}
	return NULL;
}

const struct image_node *image_find(const struct image *image, uint64_t hash, const uint8_t *name,
				    size_t length)
{
	uint64_t salted = hash ^ image->salt;
	const struct image_bucket *home = home_bucket(image, salted);

	return home == NULL ? NULL : find_from(image, home, salted, name, length);
}

void image_probe_start(const struct image *image, uint64_t hash, struct image_probe *probe)
{
	probe->hash = hash ^ image->salt;
	probe->node = NULL;
	probe->bucket = home_bucket(image, probe->hash);
	__builtin_prefetch(probe->bucket);
}

/* The first slot with the right tag that refers to anything. */
static inline const struct image_node *
first_candidate(const struct image *image, const struct image_bucket *bucket, uint16_t tag)
{
	const struct image_node *node = NULL;

	for (uint32_t found = image_tags(bucket, tag); found != 0; found &= found - 1) {
		node = at_ref(image, bucket->ref[__builtin_ctz(found)], IMAGE_UNIT);
		if (node != NULL)
			break;
	}
	return node;
}

void image_probe_node(const struct image *image, struct image_probe *probe)
{
	if (probe->bucket == NULL)
		return;
	for (unsigned n = 0; n < IMAGE_PROBES; n++) {
		const struct image_bucket *bucket = next_bucket(probe->bucket, probe->hash, n);

		probe->node = first_candidate(image, bucket, image_tag(probe->hash));
		if (probe->node != NULL || !bucket->overflow)
			break;
	}
	__builtin_prefetch(probe->node);
	__builtin_prefetch((const void *)((uintptr_t)probe->node + 64));
}

const struct image_node *image_probe_finish(const struct image *image, struct image_probe *probe,
					    const uint8_t *name, size_t length)
{
	if (probe->node == NULL)
		return NULL;
	if (node_is_whole(image, probe->node) && node_is(image, probe->node, name, length))
		return probe->node;
	/* Another name has the same tag, one in 65536: look at every slot. */
	return find_from(image, probe->bucket, probe->hash, name, length);
}

static inline bool is_wildcard_of(const struct image_node *node, const struct image_node *below)
{
	return node->name_length == below->name_length + 2u && node->view == below->view &&
	       node->name[0] == 1 && node->name[1] == '*' &&
	       octets_equal(node->name + 2, below->name, below->name_length);
}

const struct image_node *image_probe_finish_wildcard(const struct image *image,
						     struct image_probe *probe,
						     const struct image_node *below)
{
	uint8_t name[2 + UINT8_MAX] = {1, '*'};

	if (probe->node == NULL)
		return NULL;
	if (node_is_whole(image, probe->node) && is_wildcard_of(probe->node, below))
		return probe->node;
	memcpy(name + 2, below->name, below->name_length);
	return find_from(image, probe->bucket, probe->hash, name, below->name_length + 2u);
}

static inline size_t targets_offset(const struct image_rrset *rrset)
{
	return (4u * (size_t)rrset->tail + rrset->signed_length + 7u) & ~(size_t)7;
}

static inline bool rrset_is_whole(const struct image_node *node, const struct image_rrset *rrset)
{
	size_t size = (size_t)node->units * IMAGE_UNIT;

	if (rrset->length > rrset->signed_length || rrset->count > rrset->signed_count ||
	    4u * (size_t)rrset->tail + rrset->signed_length > size)
		return false;
	return rrset->target_count == 0 ||
	       targets_offset(rrset) + rrset->target_count * sizeof(struct image_target) <= size;
}

const struct image_rrset *image_rrset(const struct image_node *node, uint16_t type)
{
	const struct image_rrset *rrset =
	    (const void *)((const uint8_t *)node + rrset_table_offset(node));
	const struct image_rrset *end = rrset + node->rrset_count;

	while (rrset < end && rrset->type < type)
		rrset++;
	if (rrset == end || rrset->type != type || !rrset_is_whole(node, rrset))
		return NULL;
	return rrset;
}

const struct image_rrset *image_rrset_after(const struct image_node *node, uint16_t type)
{
	const struct image_rrset *rrset =
	    (const void *)((const uint8_t *)node + rrset_table_offset(node));
	const struct image_rrset *end = rrset + node->rrset_count;

	while (rrset < end && (rrset->type <= type || !rrset_is_whole(node, rrset)))
		rrset++;
	return rrset < end ? rrset : NULL;
}

const struct image_target *image_targets(const struct image_node *node,
					 const struct image_rrset *rrset)
{
	return (const void *)((const uint8_t *)node + targets_offset(rrset));
}

const struct image_zone *image_zone(const struct image *image, uint16_t zone_index)
{
	const struct image_zone *zones;

	if (zone_index >= image->root->zone_count)
		return NULL;
	zones = at_ref(image, image->root->zones, ((uint64_t)zone_index + 1) * sizeof(*zones));
	return zones == NULL ? NULL : &zones[zone_index];
}
