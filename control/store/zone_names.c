/* zone_names.c: what the zones say of a name, put into the image. */
#include "control/store/denial.h"
#include "control/store/load_ahead.h"
#include "control/store/zone_store_private.h"
#include "zones/compile/compile.h"
#include "zones/name/name.h"

#include <stdlib.h>

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

		store->failed = !denial_refresh(store->writer, zone,
						zone_entries_change(&store->entries, index), owner,
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

	if (zone_entries_at(&store->entries, index)->acl == IMAGE_ANYONE)
		return;
	node->flags |= IMAGE_NODE_ACL;
	node->zone_index = index;
}

void store_refresh(void *context, const uint8_t *owner)
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

void store_refresh_subtree(struct zone_store *store, const struct zone *zone, zone_name top)
{
	uint8_t owner[NAME_MAX_OCTETS];
	zone_name at = top;

	while (at != ZONE_NO_NAME) {
		zone_name next = zone_child(zone, at);

		zone_owner(zone, at, owner);
		store_refresh(store, owner);
		while (next == ZONE_NO_NAME && at != top) {
			next = zone_sibling(zone, at);
			at = zone_parent(zone, at);
		}
		at = next;
	}
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

/* Fewer names than these are compiled before a thread has begun. */
#define AHEAD_NAMES 20000u

/* load_name() of all names, compiled by other threads. False: none can be had. */
static bool load_ahead(struct zone_store *store, const struct zone *zone, const uint64_t *shared)
{
	struct load_ahead *ahead = load_ahead_start(zone, shared, image_writer_key(store->writer),
						    store->load_threads - 1);
	const struct load_range *range;

	if (ahead == NULL)
		return false;
	while (!store->failed && (range = load_ahead_next(ahead)) != NULL) {
		store->change.changed += range->names;
		store->change.too_large += range->too_large;
		for (size_t at = 0; at < range->octets && !store->failed;) {
			struct image_node *node = (void *)(range->nodes + at);

			at += (size_t)node->units * IMAGE_UNIT;
			put_terms(store, node);
			store->failed = image_put_later(store->writer, node) == 0;
		}
	}
	load_ahead_stop(ahead);
	return true;
}

/* The same as store_refresh() for the names that only this zone speaks of, but in one walk that
 * looks up nothing. Requires: the image holds none of them yet. */
static void load_zone(struct zone_store *store, const struct zone *zone)
{
	uint64_t *shared = shared_names(store->zones[store->view], zone);
	/* What proves absence is kept in the order of the walk, by this thread. */
	bool is_ahead = store->load_threads > 1 && store->denials == 0 &&
			zone_name_end(zone) >= AHEAD_NAMES && load_ahead(store, zone, shared);
	struct zone_walk walk;

	zone_walk_start(&walk, zone, is_ahead ? zone_name_end(zone) : ZONE_APEX + 1,
			zone_name_end(zone));
	while (!store->failed && zone_walk_next(&walk)) {
		if (shared == NULL || !(shared[walk.name / 64] >> walk.name % 64 & 1))
			load_name(store, &walk);
	}
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
			store_refresh(store, owner);
		}
	}
	free(shared);
}

void store_load_zones(struct zone_store *store)
{
	uint64_t names = 0;

	for (size_t i = 0; i < store->pending.count; i++)
		names += zone_name_end(store->pending.at[i].new);
	store->failed |= !image_expect(store->writer, names);
	for (size_t i = 0; i < store->pending.count; i++) {
		store->view = store->pending.at[i].terms.view;
		load_zone(store, store->pending.at[i].new);
	}
	store->failed |= !image_put_rest(store->writer);
	for (size_t i = 0; i < store->pending.count; i++) {
		const struct staged *staged = &store->pending.at[i];
		unsigned labels = name_labels(zone_apex(staged->new));

		store->view = staged->terms.view;
		load_shared(store, staged->new);
		for (unsigned skip = 0; skip <= labels; skip++)
			store_refresh(store, name_skip(zone_apex(staged->new), skip));
	}
}

bool store_is_first_load(const struct zone_store *store)
{
	for (size_t i = 0; i < store->pending.count; i++)
		if (store->pending.at[i].old != NULL || store->pending.at[i].new == NULL)
			return false;
	return image_usage(store->writer).names == 0;
}
