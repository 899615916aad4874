#include "control/store/zone_store.h"

#include "control/store/client_blocks.h"
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
	struct zone_terms terms;
	uint8_t apex[NAME_MAX_OCTETS];
};

struct zone_store {
	struct image_writer *writer;
	struct image_settings settings;
	struct image_policy policy;
	bool policy_staged;		    /* settings or policy are not those of the last root */
	const struct client_table *clients; /* or NULL */
	struct image_clients client_blocks; /* that the image has for them */
	store_commit commit;
	void *context;
	struct zone_set *zones[IMAGE_VIEWS]; /* NULL: none yet; [0] is always there */
	struct zone_set *none;		     /* has no zones */
	unsigned view;			     /* whose names refresh() is told of */
	struct image_zone *entry;	     /* by zone index */
	size_t entries;
	size_t guarded; /* zones in force or staged that not anyone may ask */
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
	store->zones[0] = zone_set_new();
	store->none = zone_set_new();
	store->scratch = aligned_alloc(64, IMAGE_NODE_MAX);
	if (store->scratch == NULL)
		abort();
	return store;
}

void zone_store_free(struct zone_store *store)
{
	for (size_t i = 0; i < store->staged_count; i++)
		zone_free(store->staged[i].old);
	for (unsigned view = IMAGE_VIEWS; view-- > 0;) /* the first last: the others lean on it */
		zone_set_free(store->zones[view]);
	zone_set_free(store->none);
	free(store->staged);
	free(store->entry);
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

bool zone_store_stage(struct zone_store *store, struct zone_terms terms, struct zone *zone)
{
	struct zone_set *zones = zones_of(store, terms.view);
	const uint8_t *apex = zone_apex(zone);
	struct staged *staged;

	if (zone_set_find(zones, apex) == NULL && count_zones(store) >= ZONE_SET_MAX) {
		zone_free(zone);
		return false;
	}
	staged = staged_new(store, apex);
	staged->terms = terms;
	staged->old = zone_set_put(zones, zone);
	staged->new = zone;
	staged->index = zone_set_index(zones, apex);
	entry_reach(store, staged->index);
	return true;
}

void zone_store_stage_removal(struct zone_store *store, unsigned view, const uint8_t *apex)
{
	struct zone_set *zones = zones_of(store, view);
	struct staged *staged;

	if (zone_set_find(zones, apex) == NULL)
		return;
	staged = staged_new(store, apex);
	staged->terms.view = (uint8_t)view;
	staged->index = zone_set_index(zones, apex);
	staged->old = zone_set_take(zones, apex);
}

/* Every zone at or above the name may have it in its tree, or have had it there. */
static void refresh_denial(struct zone_store *store, const uint8_t *owner,
			   const struct denial_nodes *nodes)
{
	const struct zone_set *zones = store->zones[store->view];
	struct zone *zone = zone_set_zone_of(zones, owner, false);
	enum denial_voice voice = DENIAL_SPEAKS;

	while (zone != NULL && !store->failed) {
		const uint8_t *apex = zone_apex(zone);
		uint16_t index = zone_set_index(zones, apex);

		store->failed = !denial_refresh(store->writer, zone, &store->entry[index], owner,
						voice, nodes, store->scratch);
		voice = DENIAL_HIDDEN;
		zone = zone_set_zone_of(zones, apex, true);
	}
}

/* What the compiled node does not know: whose it is, and whether anyone may see it. */
static void put_terms(const struct zone_store *store, struct image_node *node)
{
	node->view = (uint8_t)store->view;
	if (store->guarded == 0 || node->apex_labels == IMAGE_NONE)
		return;
	const uint8_t *apex = name_skip(node->name, node->labels - node->apex_labels);
	uint16_t index = zone_set_index(store->zones[store->view], apex);

	if (store->entry[index].acl == IMAGE_ANYONE)
		return;
	node->flags |= IMAGE_NODE_ACL;
	node->zone_index = index;
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
		nodes.previous = denial_node_ref(store->writer, store->view, owner);
	result = compile_node(store->zones[store->view], image_writer_key(store->writer), owner,
			      store->scratch);
	store->change.changed++;
	if (result == COMPILE_TOO_LARGE)
		store->change.too_large++;
	if (result == COMPILE_ABSENT) {
		store->failed = !image_delete(store->writer, store->view, owner);
	} else {
		put_terms(store, store->scratch);
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
		denial_retire(store->writer, staged->terms.view, staged->old,
			      &store->entry[staged->index]);
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

/* Before any node changes: who may ask each staged zone. before: as the last root has it. */
static void prepare_acls(struct zone_store *store, const struct image_zone *before)
{
	store->guarded = 0;
	for (size_t i = 0; i < store->staged_count; i++) {
		const struct staged *staged = &store->staged[i];

		store->entry[staged->index].acl =
		    staged->new != NULL ? staged->terms.acl : IMAGE_ANYONE;
	}
	for (size_t i = 0; i < store->entries; i++)
		store->guarded +=
		    store->entry[i].acl != IMAGE_ANYONE || before[i].acl != IMAGE_ANYONE;
}

/* A zone that keeps its records but gets another way of proof needs all names in the new tree; and
 * that not anyone may ask stands in every node. */
static void refresh_all_if_needed(struct zone_store *store, const struct staged *staged,
				  const struct image_zone *before)
{
	bool acl = before[staged->index].acl != store->entry[staged->index].acl;

	if (staged->old != NULL && staged->new != NULL && (acl || !keeps_denial(staged)))
		refresh_subtree(store, staged->new, ZONE_APEX);
}

static void bit_set(uint64_t *bits, zone_name name)
{
	bits[name / 64] |= 1ull << name % 64;
}

/* A deeper zone's apex and what lies there or below belong to that zone; the names above it exist
 * because of it. */
static void mark_shared(const struct zone *zone, const uint8_t *deeper, uint64_t *shared)
{
	zone_name top = zone_deepest(zone, deeper);

	for (zone_name at = top; at != ZONE_NO_NAME; at = zone_parent(zone, at))
		bit_set(shared, at);
	if (zone_find(zone, deeper) == ZONE_NO_NAME)
		return;
	for (zone_name at = top; at != ZONE_NO_NAME; at = zone_next_below(zone, top, at))
		bit_set(shared, at);
}

/* The names of a zone that deeper zones say something about, one bit each; NULL: there are none. */
static uint64_t *shared_names(const struct zone_set *zones, const struct zone *zone)
{
	size_t at = zone_set_after(zones, zone_apex(zone));
	const struct zone *deeper;
	uint64_t *shared = NULL;

	while ((deeper = zone_set_next(zones, &at)) != NULL &&
	       name_is_at_or_below(zone_apex(deeper), zone_apex(zone))) {
		if (shared == NULL)
			shared = calloc(zone_name_end(zone) / 64 + 1, sizeof(*shared));
		if (shared == NULL)
			abort();
		mark_shared(zone, zone_apex(deeper), shared);
	}
	return shared;
}

/* One name of a zone that comes into an empty image. */
static void load_name(struct zone_store *store, const struct zone_walk *walk)
{
	enum compile_result result =
	    compile_walked(walk, image_writer_key(store->writer), store->scratch);
	struct denial_nodes nodes = {0};

	store->change.changed++;
	store->change.too_large += result == COMPILE_TOO_LARGE;
	if (result != COMPILE_ABSENT) {
		put_terms(store, store->scratch);
		nodes.now = image_put_later(store->writer, store->scratch);
		store->failed = nodes.now == 0;
	}
	if (store->denials > 0 && !store->failed)
		refresh_denial(store, walk->owner, &nodes);
}

/* The same as refresh() for the names that only this zone speaks of, but in one walk that looks up
 * nothing. Requires: the image holds none of them yet. */
static void load_zone(struct zone_store *store, const struct zone *zone)
{
	uint64_t *shared = shared_names(store->zones[store->view], zone);
	struct zone_walk walk;

	zone_walk_start(&walk, zone, ZONE_APEX + 1, zone_name_end(zone));
	while (!store->failed && zone_walk_next(&walk)) {
		if (shared == NULL || !(shared[walk.name / 64] >> walk.name % 64 & 1))
			load_name(store, &walk);
	}
	store->failed |= !image_put_rest(store->writer);
	free(shared);
}

/* The names that load_zone() left. */
static void load_shared(struct zone_store *store, const struct zone *zone)
{
	uint64_t *shared = shared_names(store->zones[store->view], zone);
	uint8_t owner[NAME_MAX_OCTETS];

	for (zone_name name = ZONE_APEX; shared != NULL && name < zone_name_end(zone); name++) {
		if (shared[name / 64] >> name % 64 & 1) {
			zone_owner(zone, name, owner);
			refresh(store, owner);
		}
	}
	free(shared);
}

/* Into an image that holds no name yet: all names of the zones that come. Those that more than one
 * zone speaks of are few, and go the way of single changes. */
static void load_zones(struct zone_store *store)
{
	uint64_t names = 0;

	for (size_t i = 0; i < store->staged_count; i++)
		names += zone_name_end(store->staged[i].new);
	store->failed |= !image_expect(store->writer, names);
	for (size_t i = 0; i < store->staged_count; i++) {
		store->view = store->staged[i].terms.view;
		load_zone(store, store->staged[i].new);
	}
	for (size_t i = 0; i < store->staged_count; i++) {
		const struct staged *staged = &store->staged[i];
		unsigned labels = name_labels(staged->apex);

		store->view = staged->terms.view;
		load_shared(store, staged->new);
		for (unsigned skip = 0; skip <= labels; skip++)
			refresh(store, name_skip(staged->apex, skip));
	}
}

static bool is_first_load(const struct zone_store *store)
{
	for (size_t i = 0; i < store->staged_count; i++)
		if (store->staged[i].old != NULL || store->staged[i].new == NULL)
			return false;
	return image_usage(store->writer).names == 0;
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
		struct zone_set *zones = store->zones[staged->terms.view];

		if (staged->new != NULL)
			zone_free(zone_set_take(zones, staged->apex));
		if (staged->old != NULL)
			zone_set_put(zones, staged->old);
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

/* Views know their names by their apexes. */
static bool apexes_change(const struct zone_store *store)
{
	if (store->clients == NULL || store->clients->view_count <= 1)
		return false;
	for (size_t i = 0; i < store->staged_count; i++)
		if ((store->staged[i].old == NULL) != (store->staged[i].new == NULL))
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

static bool transact(struct zone_store *store, const struct image_zone *before, char *error,
		     size_t error_size)
{
	bool first = is_first_load(store);

	image_begin(store->writer);
	put_policy(store);
	prepare_denials(store);
	prepare_acls(store, before);
	if (first)
		load_zones(store);
	for (size_t i = 0; i < store->staged_count && !first; i++) {
		const struct staged *staged = &store->staged[i];

		store->view = staged->terms.view;
		zone_set_diff(store->zones[store->view], staged->old, staged->new, refresh, store);
		refresh_all_if_needed(store, staged, before);
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
	struct image_clients client_blocks = store->client_blocks;
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
		store->client_blocks = client_blocks;
		roll_back(store, entries, denials);
	}
	free(entries);
	*change = store->change;
	return good;
}
