#include "control/store/zone_entries.h"

#include <stdlib.h>
#include <string.h>

void zone_entries_free(struct zone_entries *entries)
{
	free(entries->at);
	free(entries->changed);
}

void zone_entries_reach(struct zone_entries *entries, uint16_t index)
{
	size_t wanted = (size_t)index + 1;

	if (wanted <= entries->room)
		return;
	wanted += wanted / 2 + 16;
	entries->at = realloc(entries->at, wanted * sizeof(*entries->at));
	if (entries->at == NULL)
		abort();
	memset(entries->at + entries->room, 0, (wanted - entries->room) * sizeof(*entries->at));
	entries->room = wanted;
}

void zone_entries_begin(struct zone_entries *entries)
{
	entries->transaction++;
	entries->changed_count = 0;
}

const struct image_zone *zone_entries_at(const struct zone_entries *entries, uint16_t index)
{
	return &entries->at[index].now;
}

static void note(struct zone_entries *entries, uint16_t index)
{
	if (entries->changed_count == entries->changed_room) {
		entries->changed_room = entries->changed_room * 2 + 16;
		entries->changed =
		    realloc(entries->changed, entries->changed_room * sizeof(*entries->changed));
		if (entries->changed == NULL)
			abort();
	}
	entries->changed[entries->changed_count++] = index;
}

struct image_zone *zone_entries_change(struct zone_entries *entries, uint16_t index)
{
	struct zone_entry *entry = &entries->at[index];

	if (entry->changed != entries->transaction) {
		entry->changed = entries->transaction;
		entry->before = entry->now;
		note(entries, index);
	}
	return &entry->now;
}

const struct image_zone *zone_entries_before(const struct zone_entries *entries, uint16_t index)
{
	const struct zone_entry *entry = &entries->at[index];

	return entry->changed == entries->transaction ? &entry->before : &entry->now;
}

bool zone_entries_put(const struct zone_entries *entries, struct image_writer *writer)
{
	for (size_t i = 0; i < entries->changed_count; i++) {
		uint16_t index = entries->changed[i];
		const struct zone_entry *entry = &entries->at[index];

		if (memcmp(&entry->now, &entry->before, sizeof(entry->now)) != 0 &&
		    !image_set_zone(writer, index, &entry->now))
			return false;
	}
	return true;
}

void zone_entries_restore(struct zone_entries *entries)
{
	for (size_t i = 0; i < entries->changed_count; i++) {
		struct zone_entry *entry = &entries->at[entries->changed[i]];

		entry->now = entry->before;
	}
}
