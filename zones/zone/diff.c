#include "zones/zone/tree.h"

#define NO_CUT 0xffu

/* What the walk knows of one name on the path from the apex, in both zones. */
struct side {
	zone_name name; /* ZONE_NO_NAME: not in this zone */
	uint8_t cut;	/* depth of the topmost cut at or above it, or NO_CUT */
	bool occluded;	/* a DNAME stands above it */
	bool dname_above_children;
};

struct level {
	struct side walked;
	struct side other;
};

static void side_place(const struct zone *zone, struct side *side, const struct side *parent,
		       uint8_t depth)
{
	const struct name_entry *entry = &zone->names[side->name];

	side->cut = parent->cut;
	side->occluded = parent->dname_above_children;
	if (side->cut == NO_CUT && entry->has_ns && depth > 0)
		side->cut = depth;
	side->dname_above_children = side->occluded || entry->has_dname;
}

static bool records_equal(const struct rrset_view *a, const struct rrset_view *b)
{
	return a->count == b->count && a->ttl == b->ttl && a->octets == b->octets &&
	       memcmp(a->records, b->records, a->octets) == 0;
}

static bool rrsets_equal(const struct zone *a, zone_name in_a, const struct zone *b, zone_name in_b)
{
	struct rrset_view view, other;
	uint32_t at = 0, at_b = 0, count = 0, count_b = 0;

	if (name_has_rrsets(a, in_a) != name_has_rrsets(b, in_b))
		return false;
	while (zone_rrset_next(a, in_a, &at, &view)) {
		uint32_t found = rrset_find(b, in_b, view.type, view.covered);

		if (found == 0)
			return false;
		rrset_view_at(b, in_b, found, &other);
		if (!records_equal(&view, &other))
			return false;
		count++;
	}
	while (zone_rrset_next(b, in_b, &at_b, &other))
		count_b++;
	return count == count_b;
}

static bool level_differs(const struct zone *walked, const struct zone *other,
			  const struct level *level)
{
	zone_name a = level->walked.name, b = level->other.name;

	return level->walked.cut != level->other.cut ||
	       level->walked.occluded != level->other.occluded ||
	       zone_is_nsec3_owner(walked, a) != zone_is_nsec3_owner(other, b) ||
	       zone_has_wildcard(walked, a) != zone_has_wildcard(other, b) ||
	       !rrsets_equal(walked, a, other, b);
}

/* The next name of the walk, parents first; *depth follows it. */
static zone_name walk_next(const struct zone *zone, zone_name name, unsigned *depth)
{
	if (zone->names[name].child != ZONE_NO_NAME) {
		++*depth;
		return zone->names[name].child;
	}
	while (name != ZONE_APEX && zone->names[name].next == ZONE_NO_NAME) {
		name = zone->names[name].parent;
		--*depth;
	}
	return zone->names[name].next;
}

struct difference {
	const struct zone *walked;
	const struct zone *other; /* NULL: every name differs */
	bool compare;		  /* else only names that `other` lacks are reported */
	void (*changed)(void *context, const uint8_t *owner);
	void *context;
};

static bool name_differs(const struct difference *difference, struct level *level,
			 const struct level *parent, unsigned depth)
{
	const struct zone *walked = difference->walked, *other = difference->other;

	level->other.name = ZONE_NO_NAME;
	if (other == NULL)
		return true;
	if (depth == 0)
		level->other.name = ZONE_APEX;
	else if (parent->other.name != ZONE_NO_NAME)
		level->other.name =
		    tree_child(other, parent->other.name, name_data(walked, level->walked.name));
	if (level->other.name == ZONE_NO_NAME)
		return true;
	if (!difference->compare)
		return false;
	side_place(walked, &level->walked, &parent->walked, (uint8_t)depth);
	side_place(other, &level->other, &parent->other, (uint8_t)depth);
	return level_differs(walked, other, level);
}

static void difference_walk(const struct difference *difference)
{
	static const struct level above = {.walked = {.cut = NO_CUT}, .other = {.cut = NO_CUT}};
	struct level path[NAME_MAX_LABELS + 1];
	uint8_t owner[NAME_MAX_OCTETS];
	unsigned depth = 0;

	for (zone_name name = ZONE_APEX; name != ZONE_NO_NAME;
	     name = walk_next(difference->walked, name, &depth)) {
		const struct level *parent = depth == 0 ? &above : &path[depth - 1];

		path[depth].walked.name = name;
		if (!name_differs(difference, &path[depth], parent, depth))
			continue;
		zone_owner(difference->walked, name, owner);
		difference->changed(difference->context, owner);
	}
}

void zone_diff(const struct zone *old, const struct zone *new,
	       void (*changed)(void *context, const uint8_t *owner), void *context)
{
	struct difference difference = {.changed = changed, .context = context};

	if (new != NULL) {
		difference.walked = new;
		difference.other = old;
		difference.compare = true;
		difference_walk(&difference);
	}
	if (old != NULL) {
		difference.walked = old;
		difference.other = new;
		difference.compare = false;
		difference_walk(&difference);
	}
}
