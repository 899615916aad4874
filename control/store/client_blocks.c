#include "control/store/client_blocks.h"

#include "zones/name/hash.h"
#include "zones/name/name.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 16u

/* A block that holds the octets; 0: none are to be held, or out of memory (*good is false then). */
static image_ref put_block(struct image_writer *writer, const void *octets, size_t length,
			   bool *good)
{
	image_ref ref = 0;
	void *block = length == 0 ? NULL : image_block_new(writer, length, &ref);

	if (block != NULL)
		memcpy(block, octets, length);
	*good = *good && (block != NULL || length == 0);
	return ref;
}

static void retire_ranges(struct image_writer *writer, struct image_clients *clients)
{
	image_block_retire(writer, clients->first4, clients->count4 * sizeof(uint32_t));
	image_block_retire(writer, clients->class4, clients->count4 * sizeof(uint16_t));
	image_block_retire(writer, clients->first6, clients->count6 * sizeof(struct image_address));
	image_block_retire(writer, clients->class6, clients->count6 * sizeof(uint16_t));
	image_block_retire(writer, clients->classes,
			   clients->class_count * sizeof(struct image_client_class));
	clients->first4 = clients->class4 = clients->first6 = clients->class6 = 0;
	clients->count4 = clients->count6 = 0;
	clients->classes = 0;
	clients->class_count = 0;
	clients->flags = 0;
}

static image_ref put_first4(struct image_writer *writer, const struct client_ranges *ranges,
			    bool *good)
{
	image_ref ref = 0;
	uint32_t *first = NULL;

	if (ranges->count > 0)
		first = image_block_new(writer, ranges->count * sizeof(*first), &ref);
	*good = *good && (first != NULL || ranges->count == 0);
	for (uint32_t i = 0; first != NULL && i < ranges->count; i++)
		first[i] = (uint32_t)(ranges->first[i].high >> 32);
	return ref;
}

/* An enum image_clients_flag. */
static uint32_t flags_of(const struct client_table *table)
{
	uint32_t flags = 0;

	for (uint32_t i = 0; i < table->class_count; i++)
		if (table->classes[i].rules != 0 || table->classes[i].view != 0)
			flags |= IMAGE_CLIENTS_SEE;
	for (uint32_t view = 1; view < table->view_count; view++)
		if (table->view_flags[view] & IMAGE_VIEW_ECS)
			flags |= IMAGE_CLIENTS_ECS;
	return flags;
}

bool client_blocks_put_ranges(struct image_writer *writer, const struct client_table *table,
			      struct image_clients *clients)
{
	bool good = true;

	retire_ranges(writer, clients);
	if (table == NULL)
		return true;
	const struct client_ranges *v4 = &table->v4, *v6 = &table->v6;

	clients->first4 = put_first4(writer, v4, &good);
	clients->class4 = put_block(writer, v4->class, v4->count * sizeof(*v4->class), &good);
	clients->count4 = v4->count;
	clients->first6 = put_block(writer, v6->first, v6->count * sizeof(*v6->first), &good);
	clients->class6 = put_block(writer, v6->class, v6->count * sizeof(*v6->class), &good);
	clients->count6 = v6->count;
	clients->classes =
	    put_block(writer, table->classes, table->class_count * sizeof(*table->classes), &good);
	clients->class_count = table->class_count;
	clients->flags = flags_of(table);
	return good;
}

static void retire_views(struct image_writer *writer, struct image_clients *clients)
{
	const struct image_view *views =
	    (const void *)(image_writer_base(writer) + (uint64_t)clients->views * IMAGE_UNIT);

	for (uint32_t view = 0; clients->views != 0 && view < clients->view_count; view++)
		image_block_retire(writer, views[view].apexes,
				   views[view].slots * sizeof(struct image_view_apex));
	image_block_retire(writer, clients->views, clients->view_count * sizeof(*views));
	clients->views = 0;
	clients->view_count = 0;
}

/* False: the table is too full for a search to be short. */
static bool apex_place(struct image_view_apex *slot, uint32_t slots, struct image_view_apex apex)
{
	for (uint32_t probe = 0; probe < IMAGE_VIEW_PROBES; probe++) {
		struct image_view_apex *at = &slot[(apex.hash + probe) & (slots - 1)];

		if (at->flags != 0)
			continue;
		*at = apex;
		return true;
	}
	return false;
}

/* The zone above an apex answers for its DS; is it one of those of all? */
static bool parent_is_common(struct zone_set *const zones[IMAGE_VIEWS], const struct zone_set *own,
			     const uint8_t *apex)
{
	return zone_set_zone_of(own, apex, true) == NULL &&
	       zone_set_zone_of(zones[0], apex, true) != NULL;
}

static bool place_all(const struct image_writer *writer, struct zone_set *const zones[IMAGE_VIEWS],
		      const struct zone_set *own, struct image_view_apex *slot, uint32_t slots)
{
	const struct zone *zone;
	size_t at = 0;

	memset(slot, 0, slots * sizeof(*slot));
	while ((zone = zone_set_next(own, &at)) != NULL) {
		const uint8_t *apex = zone_apex(zone);
		struct image_view_apex entry = {
		    .hash = name_hash(image_writer_key(writer), apex,
				      name_length(apex, NAME_MAX_OCTETS)),
		    .flags = IMAGE_VIEW_APEX,
		};

		if (parent_is_common(zones, own, apex))
			entry.flags |= IMAGE_VIEW_PARENT_COMMON;
		if (!apex_place(slot, slots, entry))
			return false;
	}
	return true;
}

static bool put_apexes(struct image_writer *writer, struct zone_set *const zones[IMAGE_VIEWS],
		       const struct zone_set *own, struct image_view *view)
{
	struct image_view_apex *slot = NULL;
	const struct zone *zone;
	uint32_t slots = SLOTS_FIRST;
	bool good = true;
	size_t at = 0;

	if (own == NULL || zone_set_count(own) == 0)
		return true;
	while (slots < 2 * zone_set_count(own))
		slots *= 2;
	for (;; slots *= 2) {
		slot = realloc(slot, slots * sizeof(*slot));
		if (slot == NULL)
			abort();
		if (place_all(writer, zones, own, slot, slots))
			break;
	}
	view->apexes = put_block(writer, slot, slots * sizeof(*slot), &good);
	view->slots = slots;
	while ((zone = zone_set_next(own, &at)) != NULL) {
		unsigned labels = name_labels(zone_apex(zone));

		view->labels[labels / 64] |= 1ull << labels % 64;
	}
	free(slot);
	return good;
}

bool client_blocks_put_views(struct image_writer *writer, const struct client_table *table,
			     struct zone_set *const zones[IMAGE_VIEWS],
			     struct image_clients *clients)
{
	struct image_view views[IMAGE_VIEWS] = {0};
	bool good = true;

	retire_views(writer, clients);
	if (table == NULL || table->view_count <= 1)
		return true;
	for (uint32_t view = 1; good && view < table->view_count; view++) {
		views[view].flags = table->view_flags[view];
		good = put_apexes(writer, zones, zones[view], &views[view]);
	}
	clients->views = put_block(writer, views, table->view_count * sizeof(*views), &good);
	clients->view_count = table->view_count;
	return good;
}
