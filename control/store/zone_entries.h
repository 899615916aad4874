/* zone_entries.h: what the image's root says of each zone (struct image_zone), by zone index, and
 * what a transaction has changed of it.
 *
 * Threads:   one. Cost: each call that of what was changed, never of how many zones there are. */
#ifndef SKUA_CONTROL_STORE_ZONE_ENTRIES_H
#define SKUA_CONTROL_STORE_ZONE_ENTRIES_H

#include "zones/image/writer.h"

struct zone_entry {
	struct image_zone now, before; /* before: good if it was changed in this transaction */
	uint64_t changed;	       /* the transaction that changed it last; 0: none */
};

/* All zero: none. */
struct zone_entries {
	struct zone_entry *at;
	size_t room;
	uint64_t transaction;
	uint16_t *changed; /* in this transaction */
	size_t changed_count, changed_room;
};

void zone_entries_free(struct zone_entries *entries);
/* The entry of this index is there from now on. What was borrowed is void. */
void zone_entries_reach(struct zone_entries *entries, uint16_t index);

void zone_entries_begin(struct zone_entries *entries);
/* Requires of all these: zone_entries_reach() was told of the index. */
const struct image_zone *zone_entries_at(const struct zone_entries *entries, uint16_t index);
/* The entry to write to. */
struct image_zone *zone_entries_change(struct zone_entries *entries, uint16_t index);
/* As it was at zone_entries_begin(). */
const struct image_zone *zone_entries_before(const struct zone_entries *entries, uint16_t index);
/* Puts those that differ into the image. False: out of memory. */
bool zone_entries_put(const struct zone_entries *entries, struct image_writer *writer);
/* All are as they were at zone_entries_begin(). */
void zone_entries_restore(struct zone_entries *entries);

#endif
