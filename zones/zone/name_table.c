/* name_table.c: see name_table.h. */
#include "zones/zone/tree.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define FIRST_BUCKETS 1u
#define FULL	      10u /* names for each bucket, on an average, at most: of 10, few go on */
#define LEAP	      16u /* times as many names at most: what is expected is a guess */

uint64_t name_table_hash(const struct zone *zone, zone_name parent, const uint8_t *label)
{
	const uint64_t key[2] = {zone->hash_key[0],
				 zone->hash_key[1] + parent * 0x9e3779b97f4a7c15ull};

	return name_hash(key, label, 1u + label[0]);
}

static uint8_t tag_of(uint64_t hash)
{
	return (uint8_t)(0x80u | hash >> 57);
}

/* One bit for each slot with this tag. */
static uint32_t slots_with(const struct name_bucket *bucket, uint8_t tag)
{
#if defined(__SSE2__)
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)bucket->tag);
	int found = _mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag)));

	return (uint32_t)found & ((1u << NAME_BUCKET_SLOTS) - 1);
#else
	uint32_t found = 0;

	for (unsigned i = 0; i < NAME_BUCKET_SLOTS; i++)
		found |= (uint32_t)(bucket->tag[i] == tag) << i;
	return found;
#endif
}

/* Where the hash belongs: any number of buckets will do, so a table can grow by half. */
static uint32_t home_of(const struct name_table *table, uint64_t hash)
{
	return (uint32_t)((hash & UINT32_MAX) * table->buckets >> 32);
}

static uint32_t after(const struct name_table *table, uint32_t at)
{
	return at + 1 < table->buckets ? at + 1 : 0;
}

static bool allocate(struct name_table *table, uint64_t buckets)
{
	table->bucket = area_zeroed(&table->room, buckets * sizeof(*table->bucket));
	table->buckets = (uint32_t)buckets;
	return table->bucket != NULL;
}

static void nothing_waits(struct name_puts *puts)
{
	for (unsigned i = 0; i < NAME_TABLE_PUTS; i++)
		puts->name[i] = ZONE_NO_NAME;
}

void name_table_start(struct zone *zone)
{
	zone->table = (struct name_table){0};
	nothing_waits(&zone->table.puts);
	if (!allocate(&zone->table, FIRST_BUCKETS))
		abort();
}

void name_table_free(struct zone *zone)
{
	area_free(zone->table.bucket, zone->table.room);
}

size_t name_table_memory(const struct zone *zone)
{
	return zone->table.buckets * sizeof(*zone->table.bucket);
}

static bool is_child(const struct zone *zone, zone_name name, zone_name parent,
		     const uint8_t *label)
{
	const uint8_t *its = name_data(zone, name);

	return zone->names[name].parent == parent && its[0] == label[0] &&
	       memcmp(its, label, 1u + label[0]) == 0;
}

static zone_name find_waiting(const struct zone *zone, zone_name parent, const uint8_t *label,
			      uint64_t hash)
{
	const struct name_puts *puts = &zone->table.puts;
	uint32_t found = 0;

	for (unsigned i = 0; i < NAME_TABLE_PUTS; i++)
		found |= (uint32_t)(puts->hash[i] == hash) << i;
	for (; found != 0; found &= found - 1) {
		zone_name name = puts->name[__builtin_ctz(found)];

		if (name != ZONE_NO_NAME && is_child(zone, name, parent, label))
			return name;
	}
	return ZONE_NO_NAME;
}

zone_name name_table_find(const struct zone *zone, zone_name parent, const uint8_t *label,
			  uint64_t hash)
{
	const struct name_table *table = &zone->table;
	uint32_t at = home_of(table, hash);

	/* In a small table, all may have been passed by some that are still there. */
	for (uint32_t tries = 0; tries < table->buckets; tries++) {
		const struct name_bucket *bucket = &table->bucket[at];
		uint32_t found = slots_with(bucket, tag_of(hash));

		for (; found != 0; found &= found - 1) {
			zone_name name = bucket->name[__builtin_ctz(found)];

			if (is_child(zone, name, parent, label))
				return name;
		}
		if (bucket->passed == 0)
			break;
		at = after(table, at);
	}
	return find_waiting(zone, parent, label, hash);
}

void name_table_prefetch(const struct name_table *table, uint64_t hash)
{
	__builtin_prefetch(&table->bucket[home_of(table, hash)], 1);
}

static void put(struct name_table *table, uint64_t hash, zone_name name)
{
	uint32_t at = home_of(table, hash);
	uint32_t empty;

	while ((empty = slots_with(&table->bucket[at], 0)) == 0) {
		table->bucket[at].passed++;
		at = after(table, at);
	}
	unsigned slot = (unsigned)__builtin_ctz(empty);
	table->bucket[at].tag[slot] = tag_of(hash);
	table->bucket[at].name[slot] = name;
}

/* Names whose buckets are brought from memory together. */
#define BATCH 32u

static void put_from(struct zone *zone, zone_name first, zone_name end)
{
	struct name_table *table = &zone->table;
	uint64_t hash[BATCH];

	for (zone_name name = first; name < end; name++) {
		const struct name_entry *entry = &zone->names[name];

		if (entry->used == 0)
			continue;
		hash[name - first] = name_table_hash(zone, entry->parent, name_data(zone, name));
		name_table_prefetch(table, hash[name - first]);
	}
	for (zone_name name = first; name < end; name++)
		if (zone->names[name].used != 0)
			put(table, hash[name - first], name);
}

static void put_oldest(struct name_table *table)
{
	struct name_puts *puts = &table->puts;
	uint32_t at = puts->next;

	if (puts->name[at] != ZONE_NO_NAME)
		put(table, puts->hash[at], puts->name[at]);
	puts->name[at] = ZONE_NO_NAME;
	puts->next = (at + 1) % NAME_TABLE_PUTS;
}

/* To what is expected and a little more, so that it is not grown again for that. */
static uint64_t buckets_expected(const struct name_table *table)
{
	uint64_t most = (uint64_t)table->buckets * LEAP;
	uint64_t wanted = ((uint64_t)table->expected + table->expected / 32) / FULL + 1;

	return wanted < most ? wanted : most;
}

static void grow(struct zone *zone)
{
	struct name_table old = zone->table;
	uint64_t least = old.buckets + old.buckets / 2 + 1;
	uint64_t expected = buckets_expected(&old);

	/* What is expected is a guess, so it is not what control may fail for. */
	if ((expected <= least || !allocate(&zone->table, expected)) &&
	    !allocate(&zone->table, least))
		abort();
	nothing_waits(&zone->table.puts);
	/* Over the entries, not over the old buckets: they and their blocks lie in this order. */
	for (zone_name name = 1; name < zone->names_used; name += BATCH)
		put_from(zone, name,
			 zone->names_used - name < BATCH ? zone->names_used : name + BATCH);
	area_free(old.bucket, old.room);
}

void name_table_insert(struct zone *zone, zone_name name, uint64_t hash)
{
	struct name_table *table = &zone->table;
	struct name_puts *puts = &table->puts;
	uint32_t at = puts->next;

	if (table->used++ >= (uint64_t)table->buckets * FULL) {
		grow(zone); /* puts `name`, too, and all that wait */
		return;
	}
	put_oldest(table);
	puts->hash[at] = hash;
	puts->name[at] = name;
	name_table_prefetch(table, hash);
}

/* The slot of the name in the bucket, or NAME_BUCKET_SLOTS. */
static unsigned slot_of(const struct name_bucket *bucket, zone_name name)
{
	unsigned slot = 0;

	while (slot < NAME_BUCKET_SLOTS && (bucket->tag[slot] == 0 || bucket->name[slot] != name))
		slot++;
	return slot;
}

void name_table_remove(struct zone *zone, zone_name name)
{
	struct name_table *table = &zone->table;
	uint64_t hash = name_table_hash(zone, zone->names[name].parent, name_data(zone, name));
	uint32_t at = home_of(table, hash);
	unsigned slot;

	for (unsigned i = 0; i < NAME_TABLE_PUTS; i++)
		put_oldest(table);
	while ((slot = slot_of(&table->bucket[at], name)) == NAME_BUCKET_SLOTS) {
		table->bucket[at].passed--;
		at = after(table, at);
	}
	table->bucket[at].tag[slot] = 0;
	table->used--;
}
