#include "control/store/zone_store_private.h"

#include "control/store/client_blocks.h"
#include "control/store/denial.h"
#include "zones/name/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	store->load_threads = 1;
	store->commit = commit;
	store->context = context;
	store->zones[0] = zone_set_new();
	store->none = zone_set_new();
	store->scratch = aligned_alloc(64, IMAGE_NODE_MAX);
	if (store->scratch == NULL)
		abort();
	return store;
}

void zone_store_set_threads(struct zone_store *store, unsigned threads)
{
	store->load_threads = threads;
}

void zone_store_free(struct zone_store *store)
{
	for (size_t i = 0; i < store->pending.count; i++)
		zone_free(store->pending.at[i].old);
	for (unsigned view = IMAGE_VIEWS; view-- > 0;) /* the first last: the others lean on it */
		zone_set_free(store->zones[view]);
	zone_set_free(store->none);
	pending_free(&store->pending);
	zone_entries_free(&store->entries);
	free(store->scratch);
	free(store);
}

void zone_store_stage_policy(struct zone_store *store, const struct image_settings *settings,
			     const struct image_policy *policy, const struct client_table *clients)
{
	static const struct image_policy nothing;

	store->settings = *settings;
	store->policy = policy == NULL ? nothing : *policy;
	store->clients = clients;
	store->policy_staged = true;
}

const struct zone_set *zone_store_zones(const struct zone_store *store, unsigned view)
{
	return store->zones[view] != NULL ? store->zones[view] : store->none;
}

static struct zone_set *zones_of(struct zone_store *store, unsigned view)
{
	if (store->zones[view] == NULL)
		store->zones[view] = zone_set_new_beside(store->zones[0]);
	return store->zones[view];
}

static size_t count_zones(const struct zone_store *store)
{
	size_t count = 0;

	for (unsigned view = 0; view < IMAGE_VIEWS; view++)
		count += zone_set_count(zone_store_zones(store, view));
	return count;
}

bool zone_store_stage(struct zone_store *store, struct zone_terms terms, struct zone *zone)
{
	struct zone_set *zones = zones_of(store, terms.view);
	const uint8_t *apex = zone_apex(zone);
	struct staged *staged;

	if (zone_set_find(zones, apex) == NULL && count_zones(store) >= ZONE_SET_MAX) {
		zone_free(zone);
		return false;
	}
	staged = pending_add(&store->pending);
	staged->terms = terms;
	staged->old = zone_set_put(zones, zone);
	staged->new = zone;
	staged->index = zone_set_index(zones, apex);
	zone_entries_reach(&store->entries, staged->index);
	return true;
}

void zone_store_stage_removal(struct zone_store *store, unsigned view, const uint8_t *apex)
{
	struct zone_set *zones = zones_of(store, view);
	struct staged *staged;

	if (zone_set_find(zones, apex) == NULL)
		return;
	staged = pending_add(&store->pending);
	staged->terms.view = (uint8_t)view;
	staged->index = zone_set_index(zones, apex);
	staged->old = zone_set_take(zones, apex);
}

static void note_name(void *context, const uint8_t *owner)
{
	struct zone_store *store = context;

	pending_name(&store->pending, store->view, owner);
}

enum store_staging zone_store_stage_changes(struct zone_store *store, unsigned view,
					    const uint8_t *apex, const struct zone_changes *changes,
					    size_t *refused)
{
	struct pending *pending = &store->pending;
	size_t names = pending->names_used, from = pending->undo.used;
	struct zone *zone = zone_set_find(zone_store_zones(store, view), apex);
	enum zone_add made;

	*refused = 0;
	if (zone == NULL)
		return STORE_NO_ZONE;
	store->view = view;
	pending_names_cut(pending, names); /* what was told before is another batch's */
	made = zone_set_change(store->zones[view], zone, changes, &pending->undo, note_name, store,
			       refused);
	if (made != ZONE_ADDED) {
		pending_names_cut(pending, names);
		return made == ZONE_OUT_OF_ZONE ? STORE_OUT_OF_ZONE : STORE_TOO_LARGE;
	}
	if (pending->undo.used == from)
		return STORE_STAGED;
	struct staged *staged = pending_add(pending);

	staged->changed = zone;
	staged->from = from;
	staged->to = pending->undo.used;
	staged->terms.view = (uint8_t)view;
	staged->index = zone_set_index(store->zones[view], apex);
	return STORE_STAGED;
}

/* The zone that a step leaves in force, or NULL: a zone that was changed may have been replaced or
 * removed since. */
static const struct zone *zone_left(const struct zone_store *store, const struct staged *staged)
{
	if (staged->changed == NULL)
		return staged->new;
	return zone_set_find(store->zones[staged->terms.view], zone_apex(staged->changed)) ==
		       staged->changed
		   ? staged->changed
		   : NULL;
}

/* The same, if the apex had a zone before the step, too. */
static const struct zone *zone_kept(const struct zone_store *store, const struct staged *staged)
{
	return staged->changed == NULL && staged->old == NULL ? NULL : zone_left(store, staged);
}

static bool is_renewed(const struct zone_store *store, const struct staged *staged)
{
	const struct zone *zone = zone_kept(store, staged);

	return zone != NULL && !denial_is_current(store->writer, zone,
						  zone_entries_at(&store->entries, staged->index));
}

/* Trees that can't be kept are taken down. */
static void retire_denials(struct zone_store *store)
{
	for (size_t i = 0; i < store->pending.count; i++) {
		struct staged *staged = &store->pending.at[i];
		struct image_zone *entry;

		staged->renewed = is_renewed(store, staged);
		if (!staged->renewed && (staged->old == NULL || staged->new != NULL))
			continue;
		entry = zone_entries_change(&store->entries, staged->index);
		store->denials -= entry->flags != 0;
		denial_retire(store->writer, staged->terms.view, entry);
	}
}

/* Before any node changes: trees that can't be kept are taken down, then new ones begun. Who may
 * ask a zone is not the tree's. */
static void prepare_denials(struct zone_store *store)
{
	retire_denials(store);
	for (size_t i = 0; i < store->pending.count; i++) {
		const struct staged *staged = &store->pending.at[i];
		const struct zone *zone = zone_left(store, staged);
		struct image_zone *entry;

		if (zone == NULL ||
		    denial_is_current(store->writer, zone,
				      zone_entries_at(&store->entries, staged->index)))
			continue;
		entry = zone_entries_change(&store->entries, staged->index);
		if (!denial_start(store->writer, zone, entry))
			store->failed = true;
		store->denials += entry->flags != 0;
	}
}

/* Before any node changes: who may ask each zone that was put. */
static void prepare_acls(struct zone_store *store)
{
	for (size_t i = 0; i < store->pending.count; i++) {
		const struct staged *staged = &store->pending.at[i];
		struct image_zone *entry;

		if (staged->changed != NULL)
			continue;
		entry = zone_entries_change(&store->entries, staged->index);
		store->guarded -=
		    zone_entries_before(&store->entries, staged->index)->acl != IMAGE_ANYONE;
		entry->acl = staged->new != NULL ? staged->terms.acl : IMAGE_ANYONE;
		store->guarded += entry->acl != IMAGE_ANYONE;
	}
}

/* A zone that keeps its records but gets another way of proof needs all names in the new tree; and
 * that not anyone may ask stands in every node. */
static void refresh_all_if_needed(struct zone_store *store, const struct staged *staged)
{
	const struct zone *zone = zone_kept(store, staged);
	bool acl = zone_entries_before(&store->entries, staged->index)->acl !=
		   zone_entries_at(&store->entries, staged->index)->acl;

	if (zone != NULL && (acl || staged->renewed))
		store_refresh_subtree(store, zone, ZONE_APEX);
}

static void refresh_staged(struct zone_store *store)
{
	const uint8_t *name;
	size_t at = 0;

	for (size_t i = 0; i < store->pending.count; i++) {
		const struct staged *staged = &store->pending.at[i];

		store->view = staged->terms.view;
		zone_set_diff(store->zones[store->view], staged->old, staged->new, store_refresh,
			      store);
		refresh_all_if_needed(store, staged);
	}
	while (pending_next(&store->pending, &at, &store->view, &name))
		store_refresh(store, name);
}

/* A zone that came has an entry, even if nothing is to be said in it. */
static void put_zone_entries(struct zone_store *store)
{
	for (size_t i = 0; i < store->pending.count && !store->failed; i++) {
		const struct staged *staged = &store->pending.at[i];

		if (staged->old == NULL && staged->new != NULL)
			store->failed =
			    !image_set_zone(store->writer, staged->index,
					    zone_entries_at(&store->entries, staged->index));
	}
	if (!store->failed)
		store->failed = !zone_entries_put(&store->entries, store->writer);
}

static void roll_back(struct zone_store *store)
{
	for (size_t i = store->pending.count; i-- > 0;) {
		const struct staged *staged = &store->pending.at[i];
		struct zone_set *zones = store->zones[staged->terms.view];

		if (staged->changed != NULL)
			zone_undo(staged->changed, &store->pending.undo, staged->from, staged->to);
		if (staged->new != NULL)
			zone_free(zone_set_take(zones, zone_apex(staged->new)));
		if (staged->old != NULL)
			zone_set_put(zones, staged->old);
	}
	zone_entries_restore(&store->entries);
	pending_clear(&store->pending);
}

static void free_old(struct zone_store *store)
{
	for (size_t i = 0; i < store->pending.count; i++)
		zone_free(store->pending.at[i].old);
	pending_clear(&store->pending);
}

/* Views know their names by their apexes. */
static bool apexes_change(const struct zone_store *store)
{
	if (store->clients == NULL || store->clients->view_count <= 1)
		return false;
	for (size_t i = 0; i < store->pending.count; i++)
		if ((store->pending.at[i].old == NULL) != (store->pending.at[i].new == NULL))
			return true;
	return false;
}

static void put_policy(struct zone_store *store)
{
	bool views = store->policy_staged || apexes_change(store);

	if (store->policy_staged) {
		image_set_settings(store->writer, &store->settings);
		store->failed |=
		    !client_blocks_put_ranges(store->writer, store->clients, &store->client_blocks);
	}
	if (!views || store->failed)
		return;
	store->failed |= !client_blocks_put_views(store->writer, store->clients, store->zones,
						  &store->client_blocks);
	store->policy.clients = store->client_blocks;
	store->failed |= !image_set_policy(store->writer, &store->policy);
}

static bool transact(struct zone_store *store, char *error, size_t error_size)
{
	bool first = store_is_first_load(store);

	image_begin(store->writer);
	put_policy(store);
	prepare_denials(store);
	prepare_acls(store);
	if (first)
		store_load_zones(store);
	else
		refresh_staged(store);
	if (!store->policy_staged && store->change.changed == 0 && !store->failed) {
		image_abort(store->writer);
		return true;
	}
	put_zone_entries(store);
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
	struct image_clients client_blocks = store->client_blocks;
	size_t denials = store->denials, guarded = store->guarded;
	bool good;

	zone_entries_begin(&store->entries);
	store->failed = false;
	store->change = (struct store_change){0};
	good = transact(store, error, error_size);
	if (good) {
		store->policy_staged &= store->change.generation == 0;
		free_old(store);
	} else {
		store->client_blocks = client_blocks;
		store->denials = denials;
		store->guarded = guarded;
		roll_back(store);
	}
	*change = store->change;
	return good;
}
