#include "zones/zone/tree.h"

static uint32_t units_of(uint32_t octets)
{
	return (octets + BLOCK_UNIT - 1) / BLOCK_UNIT;
}

static void small_reserve(struct zone *zone, uint64_t units)
{
	if (units > UINT32_MAX - 1)
		abort();
	zone->small = area_grow(zone->small, &zone->small_room,
				(size_t)zone->small_used * BLOCK_UNIT, (size_t)units * BLOCK_UNIT);
}

static uint32_t small_new(struct zone *zone, uint32_t units)
{
	uint32_t block = zone->small_free[units];

	if (block != 0) {
		memcpy(&zone->small_free[units], zone->small + (size_t)block * BLOCK_UNIT,
		       sizeof(uint32_t));
		return block;
	}
	if (zone->small_used == 0)
		zone->small_used = 1; /* unit 0 stands for "none" in the free lists */
	small_reserve(zone, (uint64_t)zone->small_used + units);
	block = zone->small_used;
	zone->small_used += units;
	return block;
}

static void small_release(struct zone *zone, uint32_t block, uint32_t units)
{
	memcpy(zone->small + (size_t)block * BLOCK_UNIT, &zone->small_free[units],
	       sizeof(uint32_t));
	zone->small_free[units] = block;
}

static uint32_t large_new(struct zone *zone)
{
	uint32_t index = zone->large_free;

	if (index != UINT32_MAX) {
		zone->large_free = zone->large[index].capacity;
		return index;
	}
	if (zone->large_used == zone->large_capacity) {
		zone->large_capacity = capacity_for(
		    zone->large_capacity, (uint64_t)zone->large_used + 4, sizeof(*zone->large));
		zone->large = memory_or_abort(
		    realloc(zone->large, zone->large_capacity * sizeof(*zone->large)));
	}
	return zone->large_used++;
}

static void large_release(struct zone *zone, uint32_t index)
{
	struct large_block *block = &zone->large[index];

	zone->large_octets -= block->capacity;
	free(block->data);
	block->data = NULL;
	block->capacity = zone->large_free;
	zone->large_free = index;
}

static void block_release(struct zone *zone, const struct name_entry *entry)
{
	if (entry->large)
		large_release(zone, entry->block);
	else if (entry->used != 0)
		small_release(zone, entry->block, units_of(entry->used));
}

static void large_grow(struct zone *zone, struct large_block *block, uint32_t used)
{
	uint32_t capacity = used + used / 2;

	if (used <= block->capacity && used >= block->capacity / 4)
		return;
	zone->large_octets += (size_t)capacity - block->capacity;
	block->capacity = capacity;
	block->data = memory_or_abort(realloc(block->data, capacity));
}

static void resize_to_large(struct zone *zone, struct name_entry *entry, uint32_t used)
{
	if (!entry->large) {
		uint32_t index = large_new(zone);
		struct large_block *block = &zone->large[index];

		*block = (struct large_block){0};
		large_grow(zone, block, used);
		memcpy(block->data, zone->small + (size_t)entry->block * BLOCK_UNIT, entry->used);
		block_release(zone, entry);
		entry->block = index;
		entry->large = 1;
	} else {
		large_grow(zone, &zone->large[entry->block], used);
	}
	entry->used = used;
}

/* A block at the end of the area grows where it is: what a zone file fills in sequence leaves no
 * holes behind. Not if a freed block fits: else churn at the end of the area would never reuse. */
static bool resize_in_place(struct zone *zone, const struct name_entry *entry, uint32_t units)
{
	uint32_t had = units_of(entry->used);

	if (entry->large || had == 0)
		return false;
	if (had == units)
		return true;
	if (had > units || entry->block + had != zone->small_used || zone->small_free[units] != 0)
		return false;
	small_reserve(zone, (uint64_t)entry->block + units);
	zone->small_used = entry->block + units;
	return true;
}

void name_resize(struct zone *zone, zone_name name, uint32_t used)
{
	struct name_entry *entry = &zone->names[name];

	if (used > SMALL_MAX) {
		resize_to_large(zone, entry, used);
		return;
	}
	if (used == 0) {
		block_release(zone, entry);
		entry->large = 0;
	} else if (!resize_in_place(zone, entry, units_of(used))) {
		uint32_t block = small_new(zone, units_of(used));

		memcpy(zone->small + (size_t)block * BLOCK_UNIT, name_data(zone, name),
		       used < entry->used ? used : entry->used);
		block_release(zone, entry);
		entry->block = block;
		entry->large = 0;
	}
	entry->used = used;
}

void blocks_free(struct zone *zone)
{
	for (uint32_t i = 0; i < zone->large_used; i++)
		free(zone->large[i].data);
	free(zone->large);
	area_free(zone->small, zone->small_room);
}

size_t blocks_memory(const struct zone *zone)
{
	return area_memory(zone->small_room, (size_t)zone->small_used * BLOCK_UNIT) +
	       zone->large_octets + zone->large_capacity * sizeof(*zone->large);
}
