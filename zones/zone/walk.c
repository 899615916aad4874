/* walk.c: see walk.h. */
#include "zones/zone/walk.h"

#include "zones/zone/tree.h"

zone_name zone_name_end(const struct zone *zone)
{
	return zone->names_used;
}

static void way_start(struct zone_walk *walk)
{
	const struct zone *zone = walk->zone;
	uint8_t start = (uint8_t)(NAME_MAX_OCTETS - zone->apex_length);

	memcpy(walk->wire + start, zone->apex, zone->apex_length);
	walk->way[0] = (struct zone_way){.name = ZONE_APEX,
					 .start = start,
					 .cut_labels = IMAGE_NONE,
					 .occludes = zone->names[ZONE_APEX].has_dname};
	walk->depth = 1;
}

void zone_walk_start(struct zone_walk *walk, const struct zone *zone, zone_name from, zone_name end)
{
	walk->zone = zone;
	walk->next = from;
	walk->end = end;
	walk->apex_labels = (uint8_t)name_labels(zone->apex);
	way_start(walk);
}

/* The name's label in front of that of the way's end, and what stands above it. */
static struct zone_way way_to(struct zone_walk *walk, zone_name name)
{
	const struct name_entry *entry = &walk->zone->names[name];
	const struct zone_way *above = &walk->way[walk->depth - 1];
	const uint8_t *label = name_data(walk->zone, name);
	struct zone_way way = {.name = name,
			       .start = (uint8_t)(above->start - 1u - label[0]),
			       .cut_labels = above->cut_labels,
			       .occludes = above->occludes || entry->has_dname};

	memcpy(walk->wire + way.start, label, 1u + label[0]);
	if (way.cut_labels == IMAGE_NONE && entry->has_ns)
		way.cut_labels = (uint8_t)(walk->apex_labels + walk->depth);
	return way;
}

/* Makes the way lead to `parent`: mostly it is on it, or the name before was the parent. */
static void way_make(struct zone_walk *walk, zone_name parent)
{
	zone_name climb[NAME_MAX_LABELS];
	unsigned count = 0;

	for (unsigned depth = walk->depth; depth > 0; depth--) {
		if (walk->way[depth - 1].name == parent) {
			walk->depth = depth;
			return;
		}
	}
	for (; parent != ZONE_APEX; parent = walk->zone->names[parent].parent)
		climb[count++] = parent;
	walk->depth = 1;
	while (count > 0) {
		walk->way[walk->depth] = way_to(walk, climb[--count]);
		walk->depth++;
	}
}

static void arrive(struct zone_walk *walk, const struct zone_way *way, unsigned depth,
		   bool occluded)
{
	walk->name = way->name;
	walk->owner = walk->wire + way->start;
	walk->length = (uint8_t)(NAME_MAX_OCTETS - way->start);
	walk->labels = (uint8_t)(walk->apex_labels + depth);
	walk->cut_labels = way->cut_labels;
	walk->occluded = occluded;
	walk->has_children = walk->zone->names[way->name].child != ZONE_NO_NAME;
}

bool zone_walk_next(struct zone_walk *walk)
{
	const struct name_entry *names = walk->zone->names;

	while (walk->next < walk->end && names[walk->next].used == 0)
		walk->next++;
	if (walk->next >= walk->end)
		return false;
	zone_name name = walk->next++;
	if (name == ZONE_APEX) {
		way_start(walk);
		arrive(walk, &walk->way[0], 0, false);
		return true;
	}
	way_make(walk, names[name].parent);
	bool occluded = walk->way[walk->depth - 1].occludes;
	struct zone_way way = way_to(walk, name);
	arrive(walk, &way, walk->depth, occluded);
	if (walk->has_children)
		walk->way[walk->depth++] = way;
	return true;
}
