/* directory.c: the writer's side of the pages between the root and the nodes.
 *
 * Extendible hashing below each of the 256 tops: a mid page of 2^depth references, a leaf page that
 * several of them may share. A full leaf splits in two; when it has no bit left to split by, its
 * mid page doubles first. Two half-empty buddies merge, and a mid page whose pairs are all equal
 * halves, so that pages follow the number of names both ways.
 *
 * A page with the stamp of the open transaction belongs to it and is changed in place; another is
 * copied first, its original retired. So a transaction copies a page at most once. */
#include "zones/image/tags.h"
#include "zones/image/writer_private.h"
#include "zones/name/hash.h"

#include <string.h>

#define LEAF_NAMES  (IMAGE_BUCKETS * IMAGE_SLOTS)
#define LEAF_FULL   128u /* names in a new page, at most, on an average: far from full */
#define LEAF_MERGED 48u	 /* two buddies with no more names become one page: far from its split */
#define LEAF_STALE  4u	 /* buckets whose overflow flag may say too much before a page is tidied */

/* The names of a leaf apart from it: where each belongs, and where it stands. */
struct leaf_names {
	unsigned count;
	image_ref ref[LEAF_NAMES];
	uint64_t hash[LEAF_NAMES];
	uint8_t bucket[LEAF_NAMES];
};

static uint64_t mid_octets(uint32_t depth)
{
	return sizeof(struct image_mid) + ((uint64_t)sizeof(image_ref) << depth);
}

static struct image_mid *mid_new(struct image_writer *writer, uint32_t depth, image_ref *ref)
{
	struct image_mid *mid;

	*ref = writer_block_new(writer, mid_octets(depth), true);
	if (*ref == 0)
		return NULL;
	mid = writer_at(writer, *ref);
	mid->transaction = writer->transaction;
	mid->reserved = 0;
	return mid;
}

static struct image_leaf *leaf_new(struct image_writer *writer, uint32_t depth, image_ref *ref)
{
	struct image_leaf *leaf;

	*ref = writer_block_new(writer, sizeof(*leaf), true);
	if (*ref == 0)
		return NULL;
	leaf = writer_at(writer, *ref);
	memset(leaf, 0, sizeof(*leaf));
	leaf->transaction = writer->transaction;
	leaf->depth = depth;
	return leaf;
}

static bool top_start(struct image_writer *writer, struct image_top *top)
{
	image_ref mid_ref, leaf_ref;
	struct image_mid *mid = mid_new(writer, 0, &mid_ref);

	if (mid == NULL || leaf_new(writer, 0, &leaf_ref) == NULL)
		return false;
	mid->leaf[0] = leaf_ref;
	*top = (struct image_top){.mid = mid_ref, .depth = 0};
	return true;
}

static bool top_expect(struct image_writer *writer, struct image_top *top, uint32_t depth)
{
	image_ref mid_ref;
	struct image_mid *mid = mid_new(writer, depth, &mid_ref);

	if (mid == NULL)
		return false;
	for (uint32_t i = 0; i < 1u << depth; i++) {
		if (leaf_new(writer, depth, &mid->leaf[i]) == NULL)
			return false;
	}
	*top = (struct image_top){.mid = mid_ref, .depth = depth};
	return true;
}

bool directory_expect(struct image_writer *writer, uint64_t names)
{
	uint32_t depth = 0;

	/* Of fewer, not each top may have one. */
	if (writer->work.name_count > 0 || names < IMAGE_TOP * LEAF_FULL / 2)
		return true;
	while (depth < IMAGE_DEPTH_MAX && ((uint64_t)IMAGE_TOP * LEAF_FULL) << depth < names)
		depth++;
	for (unsigned i = 0; i < IMAGE_TOP; i++) {
		struct image_top *top = &writer->work.top[i];

		if (top->mid == 0 && !top_expect(writer, top, depth))
			return false;
	}
	return true;
}

void directory_prefetch(const struct image_writer *writer, uint64_t hash)
{
	const struct image_top *top = &writer->work.top[image_top_index(hash)];
	const struct image_mid *mid;
	const struct image_leaf *leaf;

	if (top->mid == 0)
		return;
	mid = writer_at(writer, top->mid);
	leaf = writer_at(writer, mid->leaf[image_mid_index(hash, top->depth)]);
	__builtin_prefetch(leaf, 1);
	__builtin_prefetch(&leaf->bucket[image_bucket_index(hash)], 1);
}

static struct image_mid *mid_writable(struct image_writer *writer, struct image_top *top)
{
	struct image_mid *old = writer_at(writer, top->mid);
	struct image_mid *mid;
	image_ref ref;

	if (old->transaction == writer->transaction)
		return old;
	mid = mid_new(writer, top->depth, &ref);
	if (mid == NULL)
		return NULL;
	memcpy(mid->leaf, old->leaf, sizeof(image_ref) << top->depth);
	writer_block_leave(writer, top->mid);
	top->mid = ref;
	return mid;
}

/* Points every entry that shares the leaf of `index` at ref. */
static void mid_point(struct image_mid *mid, uint32_t mid_depth, uint32_t index,
		      uint32_t leaf_depth, image_ref ref)
{
	uint32_t shared = 1u << (mid_depth - leaf_depth);
	uint32_t first = index & ~(shared - 1);

	for (uint32_t i = first; i < first + shared; i++)
		mid->leaf[i] = ref;
}

static struct image_leaf *leaf_writable(struct image_writer *writer, struct image_top *top,
					uint64_t hash)
{
	struct image_mid *mid = mid_writable(writer, top);
	uint32_t index = image_mid_index(hash, top->depth);
	struct image_leaf *old, *leaf;
	image_ref ref, old_ref;

	if (mid == NULL)
		return NULL;
	old_ref = mid->leaf[index];
	old = writer_at(writer, old_ref);
	if (old->transaction == writer->transaction)
		return old;
	leaf = leaf_new(writer, old->depth, &ref);
	if (leaf == NULL)
		return NULL;
	leaf->used = old->used;
	memcpy(leaf->bucket, old->bucket, sizeof(leaf->bucket));
	mid_point(mid, top->depth, index, leaf->depth, ref);
	writer_block_leave(writer, old_ref);
	return leaf;
}

static unsigned bucket_count(const struct image_bucket *bucket)
{
	unsigned count = 0;

	while (count < IMAGE_SLOTS && bucket->ref[count] != 0)
		count++;
	return count;
}

static bool is_same_name(const struct image_node *a, const struct image_node *b)
{
	return a->name_length == b->name_length && a->view == b->view &&
	       memcmp(a->name, b->name, a->name_length) == 0;
}

/* The slot of a node of the same name. What it is like is looked at only where a tag is the same:
 * it may be far away. */
static image_ref *leaf_find(const struct image_writer *writer, struct image_leaf *leaf,
			    uint64_t hash, const struct image_node *like)
{
	for (unsigned probe = 0; probe < IMAGE_PROBES; probe++) {
		uint32_t index = (image_bucket_index(hash) + probe) & (IMAGE_BUCKETS - 1);
		struct image_bucket *bucket = &leaf->bucket[index];
		uint32_t found = image_tags(bucket, image_tag(hash));

		for (; found != 0; found &= found - 1) {
			image_ref *slot = &bucket->ref[__builtin_ctz(found)];

			if (*slot != 0 && is_same_name(writer_at(writer, *slot), like))
				return slot;
		}
		if (!bucket->overflow)
			return NULL;
	}
	return NULL;
}

static bool leaf_insert(struct image_leaf *leaf, uint64_t hash, image_ref node)
{
	for (unsigned probe = 0; probe < IMAGE_PROBES; probe++) {
		uint32_t index = (image_bucket_index(hash) + probe) & (IMAGE_BUCKETS - 1);
		struct image_bucket *bucket = &leaf->bucket[index];
		unsigned count = bucket_count(bucket);

		if (count < IMAGE_SLOTS) {
			bucket->tag[count] = image_tag(hash);
			bucket->ref[count] = node;
			leaf->used++;
			return true;
		}
		bucket->overflow = 1;
	}
	return false;
}

/* Adds the names of a leaf. Hashes are not stored: each name is hashed again from its node, all
 * nodes on their way from memory at once. */
static void leaf_collect(const struct image_writer *writer, const struct image_leaf *leaf,
			 struct leaf_names *names)
{
	unsigned first = names->count;

	for (unsigned b = 0; b < IMAGE_BUCKETS; b++) {
		const struct image_bucket *bucket = &leaf->bucket[b];

		for (unsigned s = 0; s < IMAGE_SLOTS && bucket->ref[s] != 0; s++) {
			__builtin_prefetch(writer_at(writer, bucket->ref[s]));
			names->ref[names->count] = bucket->ref[s];
			names->bucket[names->count++] = (uint8_t)b;
		}
	}
	for (unsigned i = first; i < names->count; i++) {
		const struct image_node *node = writer_at(writer, names->ref[i]);

		names->hash[i] =
		    name_hash(writer->key, node->name, node->name_length) ^ image_salt(node->view);
	}
}

/* Moves a displaced name to the first bucket from its home that has room, if that is nearer. */
static void name_settle(struct leaf_names *names, unsigned i, unsigned fill[IMAGE_BUCKETS])
{
	uint32_t bucket = image_bucket_index(names->hash[i]);

	while (bucket != names->bucket[i] && fill[bucket] == IMAGE_SLOTS)
		bucket = (bucket + 1) & (IMAGE_BUCKETS - 1);
	fill[names->bucket[i]]--;
	fill[bucket]++;
	names->bucket[i] = (uint8_t)bucket;
}

/* Writes those of the names that `wanted` picks into the (writable) leaf. A subset of what stood in
 * one page always fits: each may stay in its bucket; those that can come nearer to their home do,
 * and overflow flags are set for the rest only. */
static void leaf_fill(struct image_leaf *leaf, struct leaf_names *names,
		      bool (*wanted)(uint64_t hash, uint32_t depth))
{
	unsigned fill[IMAGE_BUCKETS] = {0};

	memset(leaf->bucket, 0, sizeof(leaf->bucket));
	leaf->used = 0;
	for (unsigned i = 0; i < names->count; i++)
		if (wanted(names->hash[i], leaf->depth))
			fill[names->bucket[i]]++;
	for (unsigned i = 0; i < names->count; i++) {
		uint32_t home = image_bucket_index(names->hash[i]);
		struct image_bucket *bucket;
		unsigned slot;

		if (!wanted(names->hash[i], leaf->depth))
			continue;
		name_settle(names, i, fill);
		for (; home != names->bucket[i]; home = (home + 1) & (IMAGE_BUCKETS - 1))
			leaf->bucket[home].overflow = 1;
		bucket = &leaf->bucket[home];
		slot = bucket_count(bucket);
		bucket->tag[slot] = image_tag(names->hash[i]);
		bucket->ref[slot] = names->ref[i];
		leaf->used++;
	}
}

static bool wanted_all(uint64_t hash, uint32_t depth)
{
	(void)hash;
	(void)depth;
	return true;
}

/* The last of the `depth` bits below the top. */
static bool wanted_low(uint64_t hash, uint32_t depth)
{
	return (image_mid_index(hash, depth) & 1) == 0;
}

static bool wanted_high(uint64_t hash, uint32_t depth)
{
	return (image_mid_index(hash, depth) & 1) == 1;
}

static bool mid_double(struct image_writer *writer, struct image_top *top)
{
	struct image_mid *old = writer_at(writer, top->mid);
	struct image_mid *mid;
	image_ref ref;

	if (top->depth == IMAGE_DEPTH_MAX) {
		writer->failed = true;
		return false;
	}
	mid = mid_new(writer, top->depth + 1, &ref);
	if (mid == NULL)
		return false;
	for (uint32_t i = 0; i < 1u << top->depth; i++)
		mid->leaf[2 * i] = mid->leaf[2 * i + 1] = old->leaf[i];
	writer_block_leave(writer, top->mid);
	*top = (struct image_top){.mid = ref, .depth = top->depth + 1};
	return true;
}

/* Requires: leaf is the writable leaf of hash. */
static bool leaf_split(struct image_writer *writer, struct image_top *top, uint64_t hash,
		       struct image_leaf *leaf)
{
	struct leaf_names names;
	struct image_leaf *high;
	struct image_mid *mid;
	image_ref high_ref;
	uint32_t index;

	if (leaf->depth == top->depth && !mid_double(writer, top))
		return false;
	high = leaf_new(writer, leaf->depth + 1, &high_ref);
	if (high == NULL)
		return false;
	names.count = 0;
	leaf_collect(writer, leaf, &names);
	leaf->depth++;
	leaf_fill(leaf, &names, wanted_low);
	leaf_fill(high, &names, wanted_high);
	mid = writer_at(writer, top->mid);
	index = image_mid_index(hash, top->depth) | 1u << (top->depth - leaf->depth);
	mid_point(mid, top->depth, index, high->depth, high_ref);
	return true;
}

static bool directory_insert(struct image_writer *writer, struct image_top *top, uint64_t hash,
			     struct image_leaf *leaf, image_ref node)
{
	while (!leaf_insert(leaf, hash, node)) {
		if (!leaf_split(writer, top, hash, leaf))
			return false;
		leaf = leaf_writable(writer, top, hash);
		if (leaf == NULL)
			return false;
	}
	writer->work.name_count++;
	return true;
}

bool directory_put(struct image_writer *writer, uint64_t hash, image_ref node)
{
	struct image_top *top = &writer->work.top[image_top_index(hash)];
	struct image_leaf *leaf;
	image_ref *slot, old;

	if (top->mid == 0 && !top_start(writer, top))
		return false;
	leaf = leaf_writable(writer, top, hash);
	if (leaf == NULL)
		return false;
	slot = leaf_find(writer, leaf, hash, writer_at(writer, node));
	if (slot == NULL)
		return directory_insert(writer, top, hash, leaf, node);
	old = *slot;
	*slot = node;
	writer_block_leave(writer, old);
	return !writer->failed;
}

/* Flags that may say too much: their bucket has room, so nothing has to lie behind it. Exact again
 * once there are several, or endless updates would make every search look at four buckets. */
static void leaf_tidy(struct image_writer *writer, struct image_leaf *leaf)
{
	struct leaf_names names;
	unsigned stale = 0;

	for (unsigned b = 0; b < IMAGE_BUCKETS; b++)
		stale += leaf->bucket[b].overflow && leaf->bucket[b].ref[IMAGE_SLOTS - 1] == 0;
	if (stale < LEAF_STALE)
		return;
	names.count = 0;
	leaf_collect(writer, leaf, &names);
	leaf_fill(leaf, &names, wanted_all);
}

/* Slots stay without holes: the last one of the bucket moves into the one that is freed. */
static void slot_clear(struct image_writer *writer, struct image_leaf *leaf, image_ref *slot)
{
	size_t at = (size_t)((uint8_t *)slot - (uint8_t *)leaf->bucket);
	struct image_bucket *bucket = &leaf->bucket[at / sizeof(*bucket)];
	unsigned index = (unsigned)(slot - bucket->ref);
	unsigned last = bucket_count(bucket) - 1;

	bucket->tag[index] = bucket->tag[last];
	bucket->ref[index] = bucket->ref[last];
	bucket->tag[last] = 0;
	bucket->ref[last] = 0;
	leaf->used--;
	if (bucket->overflow && last == IMAGE_SLOTS - 1)
		leaf_tidy(writer, leaf);
}

/* Halves the mid page as long as each pair of its references is equal. */
static bool mid_shrink(struct image_writer *writer, struct image_top *top)
{
	struct image_mid *old = writer_at(writer, top->mid);
	struct image_mid *mid;
	image_ref ref;

	for (uint32_t i = 0; top->depth > 0 && i < 1u << (top->depth - 1); i++)
		if (old->leaf[2 * i] != old->leaf[2 * i + 1])
			return true;
	if (top->depth == 0)
		return true;
	mid = mid_new(writer, top->depth - 1, &ref);
	if (mid == NULL)
		return false;
	for (uint32_t i = 0; i < 1u << (top->depth - 1); i++)
		mid->leaf[i] = old->leaf[2 * i];
	writer_block_leave(writer, top->mid);
	*top = (struct image_top){.mid = ref, .depth = top->depth - 1};
	return mid_shrink(writer, top);
}

/* The page that shares all bits but the last with this one; NULL if it is split further. */
static const struct image_leaf *leaf_buddy(struct image_writer *writer, const struct image_top *top,
					   uint64_t hash, const struct image_leaf *leaf,
					   image_ref *ref)
{
	const struct image_mid *mid = writer_at(writer, top->mid);
	uint32_t index = image_mid_index(hash, top->depth) ^ 1u << (top->depth - leaf->depth);
	const struct image_leaf *buddy;

	*ref = mid->leaf[index];
	buddy = writer_at(writer, *ref);
	return buddy->depth == leaf->depth ? buddy : NULL;
}

/* Takes in the names of the buddy. False: they don't fit (then nothing changed). */
static bool leaf_join(struct image_writer *writer, struct image_leaf *leaf,
		      const struct image_leaf *buddy)
{
	struct image_leaf joined = *leaf;
	struct leaf_names names = {.count = 0};

	leaf_collect(writer, buddy, &names);
	for (unsigned i = 0; i < names.count; i++)
		if (!leaf_insert(&joined, names.hash[i], names.ref[i]))
			return false;
	joined.depth--;
	*leaf = joined;
	return true;
}

static bool leaf_merge(struct image_writer *writer, struct image_top *top, uint64_t hash,
		       struct image_leaf *leaf)
{
	uint32_t index = image_mid_index(hash, top->depth);

	while (leaf->depth > 0 && leaf->used <= LEAF_MERGED) {
		struct image_mid *mid = writer_at(writer, top->mid);
		image_ref leaf_ref = mid->leaf[index], buddy_ref;
		const struct image_leaf *buddy = leaf_buddy(writer, top, hash, leaf, &buddy_ref);

		if (buddy == NULL || buddy->used + leaf->used > LEAF_MERGED ||
		    !leaf_join(writer, leaf, buddy))
			break;
		mid_point(mid, top->depth, index, leaf->depth, leaf_ref);
		writer_block_leave(writer, buddy_ref);
	}
	if (leaf->depth == 0 && leaf->used == 0) {
		const struct image_mid *mid = writer_at(writer, top->mid);

		writer_block_leave(writer, mid->leaf[index]);
		writer_block_leave(writer, top->mid);
		*top = (struct image_top){0};
		return !writer->failed;
	}
	return mid_shrink(writer, top) && !writer->failed;
}

const struct image_node *directory_find(const struct image_writer *writer, uint64_t hash,
					unsigned view, const uint8_t *name, size_t length)
{
	struct image image = {
	    .base = writer->arena.base,
	    .root = &writer->work,
	    .limit = arena_limit(&writer->arena),
	    .salt = image_salt(view),
	    .view = view,
	};

	return image_find(&image, hash ^ image.salt, name, length);
}

bool directory_delete(struct image_writer *writer, uint64_t hash, const struct image_node *node)
{
	struct image_top *top = &writer->work.top[image_top_index(hash)];
	struct image_leaf *leaf = leaf_writable(writer, top, hash);
	image_ref *slot, old;

	if (leaf == NULL)
		return false;
	slot = leaf_find(writer, leaf, hash, node);
	old = *slot;
	slot_clear(writer, leaf, slot);
	writer_block_leave(writer, old);
	writer->work.name_count--;
	return leaf_merge(writer, top, hash, leaf);
}
