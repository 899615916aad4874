/* reader.c: looking into a published image; its steps are in probe.h. */
#include "zones/image/reader.h"

#include "zones/image/checksum.h"
#include "zones/image/probe.h"

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

const void *image_at(const struct image *image, image_ref ref, uint64_t octets)
{
	return octets > image->limit ? NULL : image_at_ref(image, ref, octets);
}

const struct image_node *image_node_at(const struct image *image, image_ref ref)
{
	const struct image_node *node = image_at_ref(image, ref, IMAGE_UNIT);

	return node != NULL && image_node_is_whole(image, node) ? node : NULL;
}

static inline bool node_is(const struct image *image, const struct image_node *node,
			   const uint8_t *name, size_t length)
{
	return node->name_length == length && node->view == image->view &&
	       image_octets_equal(node->name, name, length);
}

static const struct image_node *find_from(const struct image *image,
					  const struct image_bucket *home, uint64_t hash,
					  const uint8_t *name, size_t length)
{
	for (unsigned probe = 0; probe < IMAGE_PROBES; probe++) {
		const struct image_bucket *bucket = image_next_bucket(home, hash, probe);
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
	const struct image_bucket *home = image_home_bucket(image, salted);

	return home == NULL ? NULL : find_from(image, home, salted, name, length);
}

void image_probe_start(const struct image *image, uint64_t hash, struct image_probe *probe)
{
	probe->hash = hash ^ image->salt;
	probe->node = NULL;
	probe->bucket = image_home_bucket(image, probe->hash);
	__builtin_prefetch(probe->bucket);
}

void image_probe_node(const struct image *image, struct image_probe *probe)
{
	if (probe->bucket == NULL)
		return;
	probe->node = image_candidate(image, probe->bucket, probe->hash);
	__builtin_prefetch(probe->node);
	__builtin_prefetch((const void *)((uintptr_t)probe->node + 64));
}

const struct image_node *image_probe_finish(const struct image *image, struct image_probe *probe,
					    const uint8_t *name, size_t length)
{
	if (probe->node == NULL)
		return NULL;
	if (image_node_is_whole(image, probe->node) && node_is(image, probe->node, name, length))
		return probe->node;
	/* Another name has the same tag, one in 65536: look at every slot. */
	return find_from(image, probe->bucket, probe->hash, name, length);
}

const struct image_node *image_probe_finish_wildcard(const struct image *image,
						     struct image_probe *probe,
						     const struct image_node *below)
{
	uint8_t name[2 + UINT8_MAX] = {1, '*'};

	if (probe->node == NULL)
		return NULL;
	if (image_node_is_whole(image, probe->node) && image_is_wildcard_of(probe->node, below))
		return probe->node;
	memcpy(name + 2, below->name, below->name_length);
	return find_from(image, probe->bucket, probe->hash, name, below->name_length + 2u);
}

const struct image_rrset *image_rrset(const struct image_node *node, uint16_t type)
{
	return image_rrset_of(node, type);
}

const struct image_rrset *image_rrset_after(const struct image_node *node, uint16_t type)
{
	const struct image_rrset *rrset =
	    (const void *)((const uint8_t *)node + image_rrset_offset(node));
	const struct image_rrset *end = rrset + node->rrset_count;

	while (rrset < end && (rrset->type <= type || !image_rrset_is_whole(node, rrset)))
		rrset++;
	return rrset < end ? rrset : NULL;
}

const struct image_target *image_targets(const struct image_node *node,
					 const struct image_rrset *rrset)
{
	return (const void *)((const uint8_t *)node + image_targets_offset(rrset));
}

const struct image_zone *image_zone(const struct image *image, uint16_t zone_index)
{
	static const struct image_zone never_written;
	uint32_t number = zone_index / IMAGE_ZONES;
	const struct image_zones *page;
	const image_ref *pages;

	if (zone_index >= image->root->zone_count)
		return NULL;
	pages = image_at_ref(image, image->root->zones, (number + 1) * sizeof(*pages));
	if (pages == NULL)
		return NULL;
	if (pages[number] == 0)
		return &never_written;
	page = image_at_ref(image, pages[number], sizeof(*page));
	return page == NULL ? NULL : &page->zone[zone_index % IMAGE_ZONES];
}
