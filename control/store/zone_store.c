#include "control/store/zone_store.h"

#include "control/store/denial.h"
#include "zones/compile/compile.h"
#include "zones/name/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A change that waits for apply. old, new: either may be NULL, not both. */
struct staged {
	struct zone *old, *new;
	uint16_t index; /* in the root's zones */
	uint8_t apex[NAME_MAX_OCTETS];
};

struct zone_store {
	struct image_writer *writer;
	struct image_settings settings;
	struct image_policy policy;
	bool policy_staged; /* settings or policy are not those of the last root */
	store_commit commit;
	void *context;
	struct zone_set *zones;
	struct image_zone *entry; /* by zone index */
	size_t entries;
	size_t denials; /* zones in force that prove absence: their trees cost extra looks */
	struct staged *staged;
	size_t staged_count;
	bool failed; /* the open transaction is out of memory */
	struct store_change change;
	struct image_node *scratch; /* IMAGE_NODE_MAX octets */
};

struct zone_store *zone_store_new(struct image_writer *writer,
				  const struct image_settings *settings, store_commit commit,
				  void *context)
{
	struct zone_store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		abort();
	store->writer = writer;
	store->settings = *settings;
	store->policy_staged = true;
	store->commit = commit;
	store->context = context;
	store->zones = zone_set_new();
	store->scratch = aligned_alloc(64, IMAGE_NODE_MAX);
	if (store->scratch == NULL)
		abort();
	return store;
}

void zone_store_free(struct zone_store *store)
{
	for (size_t i = 0; i < store->staged_count; i++)
		zone_free(store->staged[i].old);
	zone_set_free(store->zones);
	free(store->staged);
	free(store->entry);
	free(store->scratch);
	free(store);
}

void zone_store_stage_policy(struct zone_store *store, const struct image_settings *settings,
			     const struct image_policy *policy)
{
	static const struct image_policy nothing;

	store->settings = *settings;
	store->policy = policy == NULL ? nothing : *policy;
	store->policy_staged = true;
}

const struct zone_set *zone_store_zones(const struct zone_store *store)
{
	return store->zones;
}

static struct staged *staged_new(struct zone_store *store, const uint8_t *apex)
{
	struct staged *grown =
	    realloc(store->staged, (store->staged_count + 1) * sizeof(*store->staged));

	if (grown == NULL)
		abort();
	store->staged = grown;
	struct staged *staged = &grown[store->staged_count++];

	memset(staged, 0, sizeof(*staged));
	memcpy(staged->apex, apex, name_length(apex, NAME_MAX_OCTETS));
	return staged;
}

static void entry_reach(struct zone_store *store, uint16_t index)
{
	size_t wanted = (size_t)index + 1;

	if (wanted <= store->entries)
		return;
	wanted += wanted / 2 + 16;
	store->entry = realloc(store->entry, wanted * sizeof(*store->entry));
	if (store->entry == NULL)
		abort();
	memset(store->entry + store->entries, 0, (wanted - store->entries) * sizeof(*store->entry));
	store->entries = wanted;
}

bool zone_store_stage(struct zone_store *store, struct zone *zone)
{
	const uint8_t *apex = zone_apex(zone);
	struct staged *staged;

	if (zone_set_find(store->zones, apex) == NULL &&
	    zone_set_count(store->zones) >= ZONE_SET_MAX) {
		zone_free(zone);
		return false;
	}
	staged = staged_new(store, apex);
	staged->old = zone_set_put(store->zones, zone);
	staged->new = zone;
	staged->index = zone_set_index(store->zones, apex);
	entry_reach(store, staged->index);
	return true;
}

void zone_store_stage_removal(struct zone_store *store, const uint8_t *apex)
{
	struct staged *staged;

	if (zone_set_find(store->zones, apex) == NULL)
		return;
	staged = staged_new(store, apex);
	staged->index = zone_set_index(store->zones, apex);
	staged->old = zone_set_take(store->zones, apex);
}

/* Every zone at or above the name may have it in its tree, or have had it there. */
static void refresh_denial(struct zone_store *store, const uint8_t *owner,
			   const struct denial_nodes *nodes)
{
	struct zone *zone = zone_set_zone_of(store->zones, owner, false);
	enum denial_voice voice = DENIAL_SPEAKS;

	while (zone != NULL && !store->failed) {
		const uint8_t *apex = zone_apex(zone);
		uint16_t index = zone_set_index(store->zones, apex);

		store->failed = !denial_refresh(store->writer, zone, &store->entry[index], owner,
						voice, nodes, store->scratch);
		voice = voice == DENIAL_SPEAKS && name_equal(apex, owner) ? DENIAL_DELEGATES
									  : DENIAL_SILENT;
		zone = zone_set_zone_of(store->zones, apex, true);
	}
}

/* Makes the image say of one name what the zones say. */
static void refresh(void *context, const uint8_t *owner)
{
	struct zone_store *store = context;
	struct denial_nodes nodes = {0};
	enum compile_result result;

	if (store->failed)
		return;
	if (store->denials > 0)
		nodes.previous = denial_node_ref(store->writer, owner);
	result = compile_node(store->zones, image_writer_key(store->writer), owner, store->scratch);
	store->change.changed++;
	if (result == COMPILE_TOO_LARGE)
		store->change.too_large++;
	if (result == COMPILE_ABSENT) {
		store->failed = !image_delete(store->writer, owner);
	} else {
		nodes.now = image_put(store->writer, store->scratch);
		store->failed = nodes.now == 0;
	}
	if (store->denials > 0 && !store->failed)
		refresh_denial(store, owner, &nodes);
}

static void refresh_subtree(struct zone_store *store, const struct zone *zone, zone_name top)
{
	uint8_t owner[NAME_MAX_OCTETS];
	zone_name at = top;

	while (at != ZONE_NO_NAME) {
		zone_name next = zone_child(zone, at);

		zone_owner(zone, at, owner);
		refresh(store, owner);
		while (next == ZONE_NO_NAME && at != top) {
			next = zone_sibling(zone, at);
			at = zone_parent(zone, at);
		}
		at = next;
	}
}

static bool keeps_denial(const struct staged *staged)
{
	return staged->old != NULL &&
	       staged->new != NULL &&denial_is_same(staged->old, staged->new);
}

/* Before any node changes: trees that can't be kept are taken down, then new ones begun. */
static void prepare_denials(struct zone_store *store)
{
	for (size_t i = 0; i < store->staged_count; i++) {
		struct staged *staged = &store->staged[i];

		if (staged->old == NULL || keeps_denial(staged))
			continue;
		store->denials -= store->entry[staged->index].flags != 0;
		denial_retire(store->writer, staged->old, &store->entry[staged->index]);
	}
	for (size_t i = 0; i < store->staged_count; i++) {
		struct staged *staged = &store->staged[i];
		struct image_zone *entry = &store->entry[staged->index];

		if (staged->new == NULL || keeps_denial(staged))
			continue;
		if (!denial_start(store->writer, staged->new, entry))
			store->failed = true;
		store->denials += entry->flags != 0;
	}
}

/* A zone that keeps its records but gets another way of proof needs all names in the new tree. */
static void refresh_all_if_denial_changed(struct zone_store *store, const struct staged *staged)
{
	if (staged->old != NULL && staged->new != NULL && !keeps_denial(staged))
		refresh_subtree(store, staged->new, ZONE_APEX);
}

static void put_entry(struct zone_store *store, uint16_t index, const struct image_zone *entry)
{
	if (!image_set_zone(store->writer, index, entry))
		store->failed = true;
}

/* before: the entries as the last root has them. Trees of zones that were not staged may have
 * changed at a shared apex, too. */
static void put_zone_entries(struct zone_store *store, const struct image_zone *before)
{
	static const struct image_zone none;

	for (size_t i = 0; i < store->staged_count; i++)
		put_entry(store, store->staged[i].index,
			  store->staged[i].new == NULL ? &none
						       : &store->entry[store->staged[i].index]);
	for (size_t i = 0; i < store->entries; i++)
		if (memcmp(&store->entry[i], &before[i], sizeof(before[i])) != 0)
			put_entry(store, (uint16_t)i, &store->entry[i]);
}

static void staged_forget(struct zone_store *store)
{
	free(store->staged);
	store->staged = NULL;
	store->staged_count = 0;
}

static void roll_back(struct zone_store *store, const struct image_zone *entries, size_t denials)
{
	for (size_t i = store->staged_count; i-- > 0;) {
		struct staged *staged = &store->staged[i];

		if (staged->new != NULL)
			zone_free(zone_set_take(store->zones, staged->apex));
		if (staged->old != NULL)
			zone_set_put(store->zones, staged->old);
	}
	memcpy(store->entry, entries, store->entries * sizeof(*entries));
	store->denials = denials;
	staged_forget(store);
}

static void free_old(struct zone_store *store)
{
	for (size_t i = 0; i < store->staged_count; i++)
		zone_free(store->staged[i].old);
	staged_forget(store);
}

static void put_policy(struct zone_store *store)
{
	if (!store->policy_staged)
		return;
	image_set_settings(store->writer, &store->settings);
	if (!image_set_policy(store->writer, &store->policy))
		store->failed = true;
}

static bool transact(struct zone_store *store, const struct image_zone *before, char *error,
		     size_t error_size)
{
	image_begin(store->writer);
	put_policy(store);
	prepare_denials(store);
	for (size_t i = 0; i < store->staged_count; i++) {
		zone_set_diff(store->zones, store->staged[i].old, store->staged[i].new, refresh,
			      store);
		refresh_all_if_denial_changed(store, &store->staged[i]);
	}
	if (!store->policy_staged && store->change.changed == 0 && !store->failed) {
		image_abort(store->writer);
		return true;
	}
	put_zone_entries(store, before);
	if (store->failed) {
		image_abort(store->writer);
		snprintf(error, error_size,
			 "no room for the image; give it more with --arena-size, or free memory");
		return false;
	}
	store->change.generation = store->commit(store->context, error, error_size);
	return store->change.generation != 0;
}

bool zone_store_apply(struct zone_store *store, struct store_change *change, char *error,
		      size_t error_size)
{
	size_t denials = store->denials;
	struct image_zone *entries = calloc(store->entries + 1, sizeof(*entries));
	bool good;

	if (entries == NULL)
		abort();
	if (store->entries > 0)
		memcpy(entries, store->entry, store->entries * sizeof(*entries));
	store->failed = false;
	store->change = (struct store_change){0};
	good = transact(store, entries, error, error_size);
	if (good) {
		store->policy_staged &= store->change.generation == 0;
		free_old(store);
	} else {
		roll_back(store, entries, denials);
	}
	free(entries);
	*change = store->change;
	return good;
}
