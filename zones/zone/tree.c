#include "zones/zone/tree.h"

zone_name tree_child(const struct zone *zone, zone_name parent, const uint8_t *label)
{
	return name_table_find(zone, parent, label, name_table_hash(zone, parent, label));
}

bool owner_split(const struct zone *zone, const uint8_t *owner, struct owner_labels *labels)
{
	size_t length = name_length(owner, NAME_MAX_OCTETS);
	unsigned at = 0;

	if (length < zone->apex_length)
		return false;
	name_lower(labels->lower, owner, length);
	labels->length = (uint8_t)length;
	labels->count = 0;
	while (at < length - zone->apex_length) {
		labels->offset[labels->count++] = (uint8_t)at;
		at += 1u + labels->lower[at];
	}
	return at == length - zone->apex_length &&
	       memcmp(labels->lower + at, zone->apex, zone->apex_length) == 0;
}

zone_name tree_deepest(const struct zone *zone, const struct owner_labels *labels,
		       unsigned *missing)
{
	zone_name name = ZONE_APEX;

	for (*missing = labels->count; *missing > 0; --*missing) {
		zone_name child =
		    tree_child(zone, name, labels->lower + labels->offset[*missing - 1]);

		if (child == ZONE_NO_NAME)
			break;
		name = child;
	}
	return name;
}

static zone_name entry_new(struct zone *zone)
{
	zone_name name = zone->names_free;

	if (name != ZONE_NO_NAME) {
		zone->names_free = zone->names[name].parent;
		return name;
	}
	if (zone->names_used == ZONE_NO_NAME - 1)
		abort();
	zone->names =
	    area_grow(zone->names, &zone->names_room, zone->names_used * sizeof(*zone->names),
		      (zone->names_used + 1) * sizeof(*zone->names));
	return zone->names_used++;
}

static void child_link(struct zone *zone, zone_name parent, zone_name name)
{
	struct name_entry *names = zone->names;
	zone_name first = names[parent].child;

	names[name].parent = parent;
	names[name].next = ZONE_NO_NAME;
	if (first == ZONE_NO_NAME) {
		names[parent].child = name;
		names[name].previous = name;
		return;
	}
	names[name].previous = names[first].previous;
	names[names[first].previous].next = name;
	names[first].previous = name;
}

static void child_unlink(struct zone *zone, zone_name name)
{
	struct name_entry *names = zone->names;
	struct name_entry *entry = &names[name];
	zone_name first = names[entry->parent].child;

	if (first == name)
		names[entry->parent].child = entry->next;
	else
		names[entry->previous].next = entry->next;
	if (entry->next != ZONE_NO_NAME)
		names[entry->next].previous = entry->previous;
	else if (first != name)
		names[first].previous = entry->previous;
}

static bool is_asterisk(const uint8_t *label)
{
	return label[0] == 1 && label[1] == '*';
}

/* used: octets of its block, of which the label is written. */
static zone_name child_new(struct zone *zone, zone_name parent, const uint8_t *label, uint64_t hash,
			   uint32_t used)
{
	zone_name name = entry_new(zone);

	zone->names[name] = (struct name_entry){.child = ZONE_NO_NAME};
	child_link(zone, parent, name);
	name_resize(zone, name, used);
	memcpy(name_data(zone, name), label, 1u + label[0]);
	name_table_insert(zone, name, hash);
	if (is_asterisk(label))
		zone->names[parent].has_asterisk = 1;
	return name;
}

zone_name tree_insert(struct zone *zone, const struct owner_labels *labels)
{
	unsigned missing;
	zone_name name = tree_deepest(zone, labels, &missing);

	while (missing > 0) {
		const uint8_t *label = labels->lower + labels->offset[--missing];

		name =
		    child_new(zone, name, label, name_table_hash(zone, name, label), 1u + label[0]);
	}
	return name;
}

zone_name tree_parent(struct zone *zone, const uint8_t *owner, size_t length)
{
	struct last_parent *last = &zone->last_parent;
	struct owner_labels labels;

	if (length <= zone->apex_length)
		return ZONE_NO_NAME;
	length -= 1u + owner[0];
	owner += 1u + owner[0];
	if (length == last->length && memcmp(owner, last->wire, length) == 0)
		return last->name;
	if (!owner_split(zone, owner, &labels))
		return ZONE_NO_NAME;
	last->name = tree_insert(zone, &labels);
	last->length = (uint8_t)length;
	memcpy(last->wire, owner, length);
	return last->name;
}

zone_name tree_child_or_new(struct zone *zone, zone_name parent, const uint8_t *label,
			    uint32_t used, bool *is_new)
{
	uint64_t hash = name_table_hash(zone, parent, label);
	zone_name name = ZONE_NO_NAME;

	/* A new parent has no child, and no look is free. */
	if (zone->names[parent].child != ZONE_NO_NAME)
		name = name_table_find(zone, parent, label, hash);
	*is_new = name == ZONE_NO_NAME;
	return *is_new ? child_new(zone, parent, label, hash, used) : name;
}

void tree_prune(struct zone *zone, zone_name name)
{
	while (name != ZONE_APEX && zone->names[name].child == ZONE_NO_NAME &&
	       !name_has_rrsets(zone, name)) {
		zone_name parent = zone->names[name].parent;

		if (name == zone->last_parent.name)
			zone->last_parent.length = 0;
		if (is_asterisk(name_data(zone, name)))
			zone->names[parent].has_asterisk = 0;
		name_table_remove(zone, name);
		child_unlink(zone, name);
		name_resize(zone, name, 0);
		zone->names[name].parent = zone->names_free;
		zone->names_free = name;
		name = parent;
	}
}

void tree_start(struct zone *zone)
{
	zone->names_free = ZONE_NO_NAME;
	zone->large_free = UINT32_MAX;
	name_table_start(zone);
	entry_new(zone);
	zone->names[ZONE_APEX] = (struct name_entry){.parent = ZONE_NO_NAME,
						     .child = ZONE_NO_NAME,
						     .next = ZONE_NO_NAME,
						     .previous = ZONE_NO_NAME};
	/* The apex has no label of its own: zone->apex holds all of it. */
	name_resize(zone, ZONE_APEX, 1);
	name_data(zone, ZONE_APEX)[0] = 0;
}

void tree_free(struct zone *zone)
{
	area_free(zone->names, zone->names_room);
	name_table_free(zone);
}

size_t tree_memory(const struct zone *zone)
{
	return area_memory(zone->names_room, zone->names_used * sizeof(*zone->names)) +
	       name_table_memory(zone);
}
