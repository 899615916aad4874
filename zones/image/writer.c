/* writer.c: transactions: what a commit makes visible, what it retires, what an abort undoes. */
#include "zones/image/writer.h"

#include "zones/image/checksum.h"
#include "zones/image/writer_private.h"
#include "zones/name/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LIST_KEPT (256u << 10) /* octets: a list that a bulk load made longer is given back */

static void list_push(struct ref_list *list, image_ref ref)
{
	size_t used = list->count * sizeof(*list->at);

	list->at = area_grow(list->at, &list->room, used, used + sizeof(*list->at));
	list->at[list->count++] = ref;
}

static void list_free(struct ref_list *list)
{
	area_free(list->at, list->room);
	*list = (struct ref_list){0};
}

static void list_clear(struct ref_list *list)
{
	list->count = 0;
	if (list->room > LIST_KEPT)
		list_free(list);
}

static void fresh_set(struct image_writer *writer, image_ref ref, bool fresh)
{
	uint64_t bit = 1ull << (ref % 64);

	if (fresh)
		writer->fresh[ref / 64] |= bit;
	else
		writer->fresh[ref / 64] &= ~bit;
}

image_ref writer_block_new(struct image_writer *writer, uint64_t octets, bool page)
{
	image_ref ref = arena_new(&writer->arena, octets, page);

	assert(writer->open);
	if (ref == 0) {
		writer->failed = true;
		return 0;
	}
	list_push(&writer->made, ref);
	fresh_set(writer, ref, true);
	return ref;
}

void writer_block_leave(struct image_writer *writer, image_ref ref)
{
	assert(writer->open);
	if (ref == 0)
		return;
	if (writer_is_fresh(writer, ref)) {
		fresh_set(writer, ref, false);
		arena_free(&writer->arena, ref);
	} else {
		list_push(&writer->leaving, ref);
		writer->leaving_octets += arena_block_octets(&writer->arena, ref);
	}
}

static bool fresh_map(struct image_writer *writer, uint64_t capacity)
{
	void *at;

	writer->fresh_octets = (capacity / IMAGE_UNIT / 64 + 1) * sizeof(uint64_t);
	at = mmap(NULL, writer->fresh_octets, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	writer->fresh = at == MAP_FAILED ? NULL : at;
	return writer->fresh != NULL;
}

static void header_write(uint8_t *base, uint64_t capacity, uint64_t arena_id, const uint64_t key[2])
{
	struct image_header header = {
	    .magic = IMAGE_MAGIC,
	    .abi = IMAGE_ABI,
	    .layout = image_layout(),
	    .arena_id = arena_id,
	    .capacity = capacity,
	    .hash_key = {key[0], key[1]},
	    .replicas = 1,
	    .node = {-1},
	};

	header.checksum = image_checksum(&header, offsetof(struct image_header, checksum));
	memcpy(base, &header, sizeof(header));
}

void image_writer_replicate(struct image_writer *writer, const struct image_replicas *replicas)
{
	struct image_header *header = writer_at(writer, 0);

	assert(writer->root == 0 && replicas->base[0] == writer->arena.base);
	writer->replicas = *replicas;
	header->replicas = (uint16_t)replicas->count;
	memcpy(header->node, replicas->node, sizeof(header->node));
	header->checksum = image_checksum(header, offsetof(struct image_header, checksum));
	for (unsigned i = 1; i < replicas->count; i++)
		memcpy(replicas->base[i], header, sizeof(*header));
}

struct image_writer *image_writer_new(uint8_t *base, uint64_t capacity, uint64_t arena_id,
				      const uint64_t hash_key[2], uint64_t first_generation,
				      arena_grow grow, void *context)
{
	struct image_writer *writer = calloc(1, sizeof(*writer));

	if (writer == NULL)
		return NULL;
	if (!arena_init(&writer->arena, base, capacity, grow, context) ||
	    !fresh_map(writer, capacity)) {
		arena_done(&writer->arena);
		free(writer);
		return NULL;
	}
	memcpy(writer->key, hash_key, sizeof(writer->key));
	writer->generation = first_generation - 1;
	writer->committed.magic = IMAGE_ROOT_MAGIC;
	writer->committed.settings = (struct image_settings){.udp_size = 1232, .additional = 1};
	writer->work = writer->committed;
	header_write(base, capacity, arena_id, hash_key);
	return writer;
}

static void retired_free(struct image_writer *writer, struct retired *batch, bool reuse)
{
	for (size_t i = 0; reuse && i < batch->blocks.count; i++)
		arena_free(&writer->arena, batch->blocks.at[i]);
	writer->retired_octets -= batch->octets;
	list_free(&batch->blocks);
	free(batch);
}

void image_writer_free(struct image_writer *writer)
{
	if (writer == NULL)
		return;
	while (writer->oldest != NULL) {
		struct retired *batch = writer->oldest;

		writer->oldest = batch->next;
		retired_free(writer, batch, false);
	}
	list_free(&writer->made);
	list_free(&writer->leaving);
	puts_forget(&writer->puts);
	munmap(writer->fresh, writer->fresh_octets);
	arena_done(&writer->arena);
	free(writer);
}

const uint8_t *image_writer_base(const struct image_writer *writer)
{
	return writer->arena.base;
}

const uint64_t *image_writer_key(const struct image_writer *writer)
{
	return writer->key;
}

void image_begin(struct image_writer *writer)
{
	assert(!writer->open);
	writer->open = true;
	writer->failed = false;
	writer->transaction++;
	writer->work = writer->committed;
}

static uint64_t hash_of(const struct image_writer *writer, unsigned view, const uint8_t *name,
			size_t length)
{
	return name_hash(writer->key, name, length) ^ image_salt(view);
}

/* A copy of the node, which no page refers to yet; 0: out of memory. */
static image_ref node_copy(struct image_writer *writer, const struct image_node *node,
			   uint64_t *hash)
{
	size_t size = (size_t)node->units * IMAGE_UNIT;
	image_ref ref = writer_block_new(writer, size, false);

	if (ref == 0)
		return 0;
	*hash = hash_of(writer, node->view, node->name, node->name_length);
	memcpy(writer_at(writer, ref), node, size);
	return ref;
}

image_ref image_put(struct image_writer *writer, const struct image_node *node)
{
	uint64_t hash;
	image_ref ref = node_copy(writer, node, &hash);

	assert(writer->puts.waiting == 0);
	return ref != 0 && directory_put(writer, hash, ref) ? ref : 0;
}

bool image_expect(struct image_writer *writer, uint64_t names)
{
	assert(writer->open && writer->puts.waiting == 0);
	writer->puts.expected = names;
	return directory_expect(writer, names);
}

image_ref image_put_later(struct image_writer *writer, const struct image_node *node)
{
	uint64_t hash;
	image_ref ref = node_copy(writer, node, &hash);

	return ref != 0 && puts_add(writer, hash, ref) ? ref : 0;
}

bool image_put_rest(struct image_writer *writer)
{
	bool made = !writer->failed && puts_make(writer);

	puts_forget(&writer->puts);
	return made && !writer->failed;
}

/* Octets of a legal name, up to and with the root label. */
static size_t wire_length(const uint8_t *name)
{
	size_t at = 0;

	while (name[at] != 0)
		at += name[at] + 1u;
	return at + 1;
}

static const struct image_node *find(const struct image_writer *writer, unsigned view,
				     const uint8_t *name, uint64_t *hash)
{
	size_t length = wire_length(name);

	assert(writer->puts.waiting == 0);
	*hash = hash_of(writer, view, name, length);
	return directory_find(writer, *hash, view, name, length);
}

bool image_delete(struct image_writer *writer, unsigned view, const uint8_t *name)
{
	uint64_t hash;
	const struct image_node *node = find(writer, view, name, &hash);

	assert(writer->open);
	return node == NULL || directory_delete(writer, hash, node);
}

const struct image_node *image_writer_find(const struct image_writer *writer, unsigned view,
					   const uint8_t *name)
{
	uint64_t hash;

	return find(writer, view, name, &hash);
}

image_ref image_writer_ref(const struct image_writer *writer, const void *block)
{
	return (image_ref)(((const uint8_t *)block - writer->arena.base) / IMAGE_UNIT);
}

/* The block, if this transaction made it and it is large enough; else a copy of it that is, with
 * zeros behind the `held` octets, and *ref is that one's. NULL: out of memory. */
static void *block_writable(struct image_writer *writer, image_ref *ref, uint64_t held,
			    uint64_t octets)
{
	image_ref copy;

	if (*ref != 0 && writer_is_fresh(writer, *ref) &&
	    octets <= arena_block_octets(&writer->arena, *ref))
		return writer_at(writer, *ref);
	copy = writer_block_new(writer, octets, false);
	if (copy == 0)
		return NULL;
	memset(writer_at(writer, copy), 0, arena_block_octets(&writer->arena, copy));
	if (held > 0)
		memcpy(writer_at(writer, copy), writer_at(writer, *ref), held);
	writer_block_leave(writer, *ref);
	*ref = copy;
	return writer_at(writer, copy);
}

static uint32_t zone_pages(uint32_t zones)
{
	return (zones + IMAGE_ZONES - 1) / IMAGE_ZONES;
}

bool image_set_zone(struct image_writer *writer, uint16_t zone_index, const struct image_zone *zone)
{
	struct image_root *root = &writer->work;
	uint32_t number = zone_index / IMAGE_ZONES, held = zone_pages(root->zone_count);
	uint32_t count = held > number ? held : number + 1;
	struct image_zones *page;
	image_ref *pages;

	assert(writer->open);
	pages = block_writable(writer, &root->zones, held * sizeof(*pages), count * sizeof(*pages));
	if (pages == NULL)
		return false;
	if (zone_index >= root->zone_count)
		root->zone_count = zone_index + 1u;
	page = block_writable(writer, &pages[number], pages[number] == 0 ? 0 : sizeof(*page),
			      sizeof(*page));
	if (page == NULL)
		return false;
	page->zone[zone_index % IMAGE_ZONES] = *zone;
	return true;
}

void image_set_settings(struct image_writer *writer, const struct image_settings *settings)
{
	assert(writer->open);
	writer->work.settings = *settings;
}

bool image_set_policy(struct image_writer *writer, const struct image_policy *policy)
{
	image_ref ref;

	assert(writer->open);
	ref = writer_block_new(writer, sizeof(*policy), false);
	if (ref == 0)
		return false;
	memcpy(writer_at(writer, ref), policy, sizeof(*policy));
	writer_block_leave(writer, writer->work.policy);
	writer->work.policy = ref;
	return true;
}

void *image_block_new(struct image_writer *writer, size_t octets, image_ref *ref)
{
	*ref = writer_block_new(writer, octets, false);
	return *ref == 0 ? NULL : writer_at(writer, *ref);
}

void image_block_retire(struct image_writer *writer, image_ref ref, size_t octets)
{
	assert(ref == 0 || octets <= arena_block_octets(&writer->arena, ref));
	(void)octets;
	writer_block_leave(writer, ref);
}

/* The transaction's blocks are part of the image now, or free again. */
static void made_forget(struct image_writer *writer, bool release)
{
	for (size_t i = 0; i < writer->made.count; i++) {
		image_ref ref = writer->made.at[i];

		/* Not fresh any more: left in the same transaction. Listed twice: taken again. */
		if (!writer_is_fresh(writer, ref))
			continue;
		fresh_set(writer, ref, false);
		if (release)
			arena_free(&writer->arena, ref);
	}
	list_clear(&writer->made);
}

void image_abort(struct image_writer *writer)
{
	assert(writer->open);
	puts_forget(&writer->puts);
	made_forget(writer, true);
	list_clear(&writer->leaving);
	writer->leaving_octets = 0;
	writer->work = writer->committed;
	writer->open = false;
}

/* Every block that the transaction made and kept: a page that it changed in place is one of them,
 * and no block of an earlier one is ever changed. */
static void made_copy(const struct image_writer *writer)
{
	const struct image_replicas *replicas = &writer->replicas;

	for (size_t i = 0; replicas->count > 1 && i < writer->made.count; i++) {
		image_ref ref = writer->made.at[i];
		uint64_t at = (uint64_t)ref * IMAGE_UNIT;

		if (!writer_is_fresh(writer, ref))
			continue;
		for (unsigned n = 1; n < replicas->count; n++)
			memcpy(replicas->base[n] + at, replicas->base[0] + at,
			       arena_block_octets(&writer->arena, ref));
	}
}

static bool retire(struct image_writer *writer, uint64_t generation)
{
	struct retired *batch = malloc(sizeof(*batch));

	if (batch == NULL)
		return false;
	*batch = (struct retired){NULL, generation, writer->leaving_octets, writer->leaving};
	if (writer->oldest == NULL)
		writer->oldest = batch;
	else
		writer->newest->next = batch;
	writer->newest = batch;
	writer->retired_octets += batch->octets;
	writer->leaving = (struct ref_list){0};
	writer->leaving_octets = 0;
	return true;
}

image_ref image_commit(struct image_writer *writer)
{
	struct image_root *root = &writer->work;
	const size_t from = offsetof(struct image_root, generation);
	image_ref ref = writer_block_new(writer, sizeof(*root), true);

	assert(writer->puts.waiting == 0 || writer->failed);
	writer_block_leave(writer, writer->root);
	if (writer->failed || !retire(writer, writer->generation + 1)) {
		image_abort(writer);
		return 0;
	}
	root->generation = ++writer->generation;
	root->limit = arena_limit(&writer->arena);
	root->check =
	    image_checksum((const uint8_t *)root + from, offsetof(struct image_root, top) - from);
	memcpy(writer_at(writer, ref), root, sizeof(*root));
	made_copy(writer);
	made_forget(writer, false);
	writer->committed = *root;
	writer->root = ref;
	writer->open = false;
	return ref;
}

uint64_t image_generation(const struct image_writer *writer)
{
	return writer->generation;
}

void image_reclaim(struct image_writer *writer, uint64_t seen)
{
	while (writer->oldest != NULL && writer->oldest->generation <= seen) {
		struct retired *batch = writer->oldest;

		writer->oldest = batch->next;
		retired_free(writer, batch, true);
	}
}

struct image_usage image_usage(const struct image_writer *writer)
{
	uint64_t header = arena_block_octets(&writer->arena, 0);

	return (struct image_usage){
	    .backed = writer->arena.backed,
	    .live = writer->arena.used - header - writer->retired_octets,
	    .retired = writer->retired_octets,
	    .names = writer->work.name_count,
	};
}
