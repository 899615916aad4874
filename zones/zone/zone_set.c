#include "zones/zone/zone_set.h"

#include "zones/name/hash.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 16u

/* A name that is an apex, or stands above one. */
struct set_entry {
	uint64_t hash;
	struct zone *zone; /* NULL: no apex */
	uint32_t below;	   /* apexes strictly below it; zone == NULL && below == 0: leaves */
	uint16_t index;	   /* of the zone */
	uint8_t length;
	uint8_t labels;
	uint8_t name[];
};

/* Indexes of zones: in use are those below `next` that are not in the stack. */
struct zone_numbers {
	uint16_t *given_back;
	uint32_t count;
	uint32_t room;
	uint16_t next;
};

struct zone_set {
	struct set_entry **slot; /* open addressing; NULL: empty */
	uint32_t mask;
	uint32_t used;
	uint64_t hash_key[2];
	uint32_t apexes_with[NAME_MAX_LABELS + 1]; /* so that only lengths in use are probed */
	struct set_entry **ordered;		   /* apexes in canonical order */
	uint32_t count;
	uint32_t capacity;
	struct zone_numbers *numbers; /* own, or those of the first set */
	struct zone_numbers own;
};

/* A question to the set: the name in lower case. */
struct set_name {
	uint8_t length;
	uint8_t octets[NAME_MAX_OCTETS];
};

static void *memory_or_abort(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

static struct set_entry **slots_new(uint32_t slots)
{
	return memory_or_abort(calloc(slots, sizeof(struct set_entry *)));
}

struct zone_set *zone_set_new(void)
{
	struct zone_set *set = memory_or_abort(calloc(1, sizeof(*set)));

	set->slot = slots_new(SLOTS_FIRST);
	set->mask = SLOTS_FIRST - 1;
	set->numbers = &set->own;
	/* Where the heap lies is what an outsider who picks names to collide does not know. */
	set->hash_key[0] = hash_fold((uintptr_t)set, 0x9e3779b97f4a7c15ull);
	set->hash_key[1] = hash_fold((uintptr_t)set, 0xd6e8feb86659fd93ull);
	return set;
}

struct zone_set *zone_set_new_beside(struct zone_set *first)
{
	struct zone_set *set = zone_set_new();

	set->numbers = first->numbers;
	return set;
}

void zone_set_free(struct zone_set *set)
{
	if (set == NULL)
		return;
	for (uint32_t i = 0; i < set->count; i++)
		zone_free(set->ordered[i]->zone);
	for (uint32_t i = 0; i <= set->mask; i++)
		free(set->slot[i]);
	free(set->slot);
	free(set->ordered);
	free(set->own.given_back);
	free(set);
}

static void set_name_of(struct set_name *to, const uint8_t *name)
{
	to->length = (uint8_t)name_length(name, NAME_MAX_OCTETS);
	name_lower(to->octets, name, to->length);
}

static struct set_entry *entry_find(const struct zone_set *set, const uint8_t *lower,
				    uint32_t length)
{
	uint64_t hash = name_hash(set->hash_key, lower, length);
	struct set_entry *entry;

	for (uint32_t at = (uint32_t)hash & set->mask; (entry = set->slot[at]) != NULL;
	     at = (at + 1) & set->mask) {
		if (entry->hash == hash && entry->length == length &&
		    memcmp(entry->name, lower, length) == 0)
			return entry;
	}
	return NULL;
}

static void slot_put(struct zone_set *set, struct set_entry *entry)
{
	uint32_t at = (uint32_t)entry->hash & set->mask;

	while (set->slot[at] != NULL)
		at = (at + 1) & set->mask;
	set->slot[at] = entry;
}

static void slots_grow(struct zone_set *set)
{
	struct set_entry **old = set->slot;
	uint32_t slots = set->mask + 1;

	set->slot = slots_new(slots * 2);
	set->mask = slots * 2 - 1;
	for (uint32_t i = 0; i < slots; i++) {
		if (old[i] != NULL)
			slot_put(set, old[i]);
	}
	free(old);
}

static struct set_entry *entry_get(struct zone_set *set, const uint8_t *lower, uint32_t length)
{
	struct set_entry *entry = entry_find(set, lower, length);

	if (entry != NULL)
		return entry;
	if ((set->used + 1) * 2 > set->mask)
		slots_grow(set);
	entry = memory_or_abort(calloc(1, sizeof(*entry) + length));
	entry->hash = name_hash(set->hash_key, lower, length);
	entry->length = (uint8_t)length;
	entry->labels = (uint8_t)name_labels(lower);
	memcpy(entry->name, lower, length);
	slot_put(set, entry);
	set->used++;
	return entry;
}

static void entry_leave(struct zone_set *set, struct set_entry *entry)
{
	uint32_t hole = (uint32_t)entry->hash & set->mask;

	if (entry->zone != NULL || entry->below != 0)
		return;
	while (set->slot[hole] != entry)
		hole = (hole + 1) & set->mask;
	for (uint32_t at = (hole + 1) & set->mask; set->slot[at] != NULL;
	     at = (at + 1) & set->mask) {
		uint32_t home = (uint32_t)set->slot[at]->hash & set->mask;

		if (((at - home) & set->mask) < ((at - hole) & set->mask))
			continue;
		set->slot[hole] = set->slot[at];
		hole = at;
	}
	set->slot[hole] = NULL;
	set->used--;
	free(entry);
}

/* First apex in canonical order that is not before `name`. */
static uint32_t ordered_from(const struct zone_set *set, const uint8_t *name)
{
	uint32_t low = 0, high = set->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (name_compare(set->ordered[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void ordered_insert(struct zone_set *set, struct set_entry *entry)
{
	uint32_t at = ordered_from(set, entry->name);

	if (set->count == set->capacity) {
		set->capacity = set->capacity == 0 ? 16 : set->capacity * 2;
		set->ordered =
		    memory_or_abort(realloc(set->ordered, set->capacity * sizeof(*set->ordered)));
	}
	memmove(set->ordered + at + 1, set->ordered + at,
		(set->count - at) * sizeof(*set->ordered));
	set->ordered[at] = entry;
	set->count++;
}

static void ordered_remove(struct zone_set *set, const struct set_entry *entry)
{
	uint32_t at = ordered_from(set, entry->name);

	memmove(set->ordered + at, set->ordered + at + 1,
		(set->count - at - 1) * sizeof(*set->ordered));
	set->count--;
}

static uint16_t number_take(struct zone_numbers *numbers)
{
	return numbers->count > 0 ? numbers->given_back[--numbers->count] : numbers->next++;
}

static void number_give_back(struct zone_numbers *numbers, uint16_t number)
{
	if (numbers->count == numbers->room) {
		numbers->room = numbers->room == 0 ? 16 : numbers->room * 2;
		numbers->given_back = memory_or_abort(
		    realloc(numbers->given_back, numbers->room * sizeof(*numbers->given_back)));
	}
	numbers->given_back[numbers->count++] = number;
}

struct zone *zone_set_put(struct zone_set *set, struct zone *zone)
{
	const uint8_t *apex = zone_apex(zone);
	struct set_entry *entry =
	    entry_get(set, apex, (uint32_t)name_length(apex, NAME_MAX_OCTETS));
	struct zone *old = entry->zone;

	entry->zone = zone;
	if (old != NULL)
		return old;
	entry->index = number_take(set->numbers);
	set->apexes_with[entry->labels]++;
	ordered_insert(set, entry);
	for (unsigned skip = 1; skip <= entry->labels; skip++) {
		const uint8_t *above = name_skip(apex, skip);

		entry_get(set, above, (uint32_t)name_length(above, NAME_MAX_OCTETS))->below++;
	}
	return NULL;
}

struct zone *zone_set_take(struct zone_set *set, const uint8_t *apex)
{
	struct set_name name;

	set_name_of(&name, apex);
	struct set_entry *entry = entry_find(set, name.octets, name.length);
	if (entry == NULL || entry->zone == NULL)
		return NULL;
	struct zone *zone = entry->zone;
	unsigned labels = entry->labels;
	ordered_remove(set, entry);
	number_give_back(set->numbers, entry->index);
	set->apexes_with[labels]--;
	entry->zone = NULL;
	entry_leave(set, entry);
	for (unsigned skip = 1; skip <= labels; skip++) {
		const uint8_t *above = name_skip(name.octets, skip);

		entry = entry_find(set, above, (uint32_t)name_length(above, NAME_MAX_OCTETS));
		entry->below--;
		entry_leave(set, entry);
	}
	return zone;
}

static const struct set_entry *entry_of(const struct zone_set *set, const uint8_t *any_case)
{
	struct set_name name;

	set_name_of(&name, any_case);
	return entry_find(set, name.octets, name.length);
}

struct zone *zone_set_find(const struct zone_set *set, const uint8_t *apex)
{
	const struct set_entry *entry = entry_of(set, apex);

	return entry == NULL ? NULL : entry->zone;
}

bool zone_set_is_above_apex(const struct zone_set *set, const uint8_t *name)
{
	const struct set_entry *entry = entry_of(set, name);

	return entry != NULL && entry->below > 0;
}

uint16_t zone_set_index(const struct zone_set *set, const uint8_t *apex)
{
	const struct set_entry *entry = entry_of(set, apex);

	return entry == NULL || entry->zone == NULL ? ZONE_SET_MAX : entry->index;
}

struct zone *zone_set_zone_of(const struct zone_set *set, const uint8_t *name, bool above)
{
	struct set_name lower;

	set_name_of(&lower, name);
	unsigned labels = name_labels(lower.octets);
	for (unsigned at = 0, skip = 0; skip <= labels; skip++) {
		if (set->apexes_with[labels - skip] != 0 && (skip > 0 || !above)) {
			const struct set_entry *entry =
			    entry_find(set, lower.octets + at, lower.length - at);

			if (entry != NULL && entry->zone != NULL)
				return entry->zone;
		}
		at += 1u + lower.octets[at];
	}
	return NULL;
}

size_t zone_set_count(const struct zone_set *set)
{
	return set->count;
}

struct zone *zone_set_next(const struct zone_set *set, size_t *at)
{
	return *at < set->count ? set->ordered[(*at)++]->zone : NULL;
}

size_t zone_set_after(const struct zone_set *set, const uint8_t *apex)
{
	size_t at = ordered_from(set, apex);

	return at < set->count && name_equal(set->ordered[at]->name, apex) ? at + 1 : at;
}

struct set_difference {
	const struct zone_set *set;
	const struct zone *old;
	const struct zone *new;
	void (*changed)(void *context, const uint8_t *owner);
	void *context;
};

void zone_set_report_apexes_below(const struct zone_set *set, const uint8_t *name,
				  void (*changed)(void *context, const uint8_t *owner),
				  void *context)
{
	unsigned labels = name_labels(name);

	if (!zone_set_is_above_apex(set, name))
		return;
	for (uint32_t at = ordered_from(set, name); at < set->count; at++) {
		const uint8_t *apex = set->ordered[at]->name;

		if (!name_is_at_or_below(apex, name))
			break;
		for (unsigned below = set->ordered[at]->labels; below > labels; below--) {
			changed(context, apex);
			apex = name_skip(apex, 1);
		}
	}
}

static bool has_rrset(const struct zone *zone, const uint8_t *owner, uint16_t type)
{
	zone_name name = zone_find(zone, owner);
	struct rrset_view view;

	return name != ZONE_NO_NAME && zone_rrset(zone, name, type, &view);
}

/* A cut or a DNAME that comes or goes also changes names below it which no zone's tree holds, but
 * a deeper apex makes exist. */
static void changed_within(void *context, const uint8_t *owner)
{
	const struct set_difference *difference = context;

	difference->changed(difference->context, owner);
	if (zone_set_is_above_apex(difference->set, owner) &&
	    (has_rrset(difference->old, owner, TYPE_NS) !=
		 has_rrset(difference->new, owner, TYPE_NS) ||
	     has_rrset(difference->old, owner, TYPE_DNAME) !=
		 has_rrset(difference->new, owner, TYPE_DNAME)))
		zone_set_report_apexes_below(difference->set, owner, difference->changed,
					     difference->context);
}

/* Names that the zone above holds at or below the apex: they change hands. */
static void report_zone_above(const struct set_difference *difference, const uint8_t *apex)
{
	const struct zone *zone = zone_set_zone_of(difference->set, apex, true);
	zone_name top = zone == NULL ? ZONE_NO_NAME : zone_find(zone, apex);
	uint8_t owner[NAME_MAX_OCTETS];

	if (top == ZONE_NO_NAME)
		return;
	for (zone_name name = top;;) {
		zone_owner(zone, name, owner);
		difference->changed(difference->context, owner);
		if (zone_child(zone, name) != ZONE_NO_NAME) {
			name = zone_child(zone, name);
			continue;
		}
		while (name != top && zone_sibling(zone, name) == ZONE_NO_NAME)
			name = zone_parent(zone, name);
		if (name == top)
			break;
		name = zone_sibling(zone, name);
	}
}

void zone_set_diff(const struct zone_set *set, const struct zone *old, const struct zone *new,
		   void (*changed)(void *context, const uint8_t *owner), void *context)
{
	struct set_difference difference = {set, old, new, changed, context};

	if (old == NULL && new == NULL)
		return;
	if (old != NULL && new != NULL) {
		zone_diff(old, new, changed_within, &difference);
		return;
	}
	const uint8_t *apex = zone_apex(old != NULL ? old : new);
	zone_diff(old, new, changed, context);
	report_zone_above(&difference, apex);
	zone_set_report_apexes_below(set, apex, changed, context);
	for (unsigned skip = 1, labels = name_labels(apex); skip <= labels; skip++)
		changed(context, name_skip(apex, skip));
}
