#include "zones/zone/change.h"

#include "zones/zone/tree.h"

/* Followed by the owner in lower case and the records, as in rrset_view, padded to CHANGE_ALIGN. */
struct change_head {
	uint32_t size; /* with all that follows */
	uint32_t octets;
	uint32_t ttl;
	uint32_t line;
	uint16_t file;
	uint16_t type;
	uint16_t covered;
	uint16_t count;
	uint8_t kind; /* enum change_kind */
	uint8_t owner_length;
	uint8_t reserved[2];
};
#define CHANGE_ALIGN 4u
static_assert(sizeof(struct change_head) % CHANGE_ALIGN == 0, "heads are aligned");

void zone_changes_clear(struct zone_changes *changes)
{
	changes->used = 0;
	changes->count = 0;
}

void zone_changes_free(struct zone_changes *changes)
{
	free(changes->octets);
	*changes = (struct zone_changes){0};
}

/* Room for the head and what follows it; the records are still to be written, at the returned
 * place. */
static uint8_t *append(struct zone_changes *changes, struct change_head head, const uint8_t *owner)
{
	size_t size = sizeof(head) + head.owner_length + head.octets;
	uint8_t *at;

	size = (size + CHANGE_ALIGN - 1) & ~(size_t)(CHANGE_ALIGN - 1);
	if (changes->room - changes->used < size) {
		changes->room += changes->room / 2 + size + 256;
		changes->octets = memory_or_abort(realloc(changes->octets, changes->room));
	}
	at = changes->octets + changes->used;
	head.size = (uint32_t)size;
	memcpy(at, &head, sizeof(head));
	name_lower(at + sizeof(head), owner, head.owner_length);
	changes->used += size;
	changes->count++;
	return at + sizeof(head) + head.owner_length;
}

static struct change_head head_of(enum change_kind kind, const uint8_t *owner)
{
	return (struct change_head){
	    .kind = (uint8_t)kind,
	    .owner_length = (uint8_t)name_length(owner, NAME_MAX_OCTETS),
	};
}

static void append_record(struct zone_changes *changes, struct change_head head,
			  const uint8_t *owner, const uint8_t *rdata, uint16_t length)
{
	uint8_t *at;

	head.covered = head.type == TYPE_RRSIG ? rrsig_covered(rdata, length) : 0;
	head.count = 1;
	head.octets = (uint32_t)sizeof(length) + length;
	at = append(changes, head, owner);
	memcpy(at, &length, sizeof(length));
	if (length > 0)
		memcpy(at + sizeof(length), rdata, length);
}

void zone_changes_add(struct zone_changes *changes, const uint8_t *owner, uint16_t type,
		      uint32_t ttl, const uint8_t *rdata, uint16_t rdata_length, struct place place)
{
	struct change_head head = head_of(CHANGE_ADD, owner);

	head.type = type;
	head.ttl = ttl;
	head.file = place.file;
	head.line = place.line;
	append_record(changes, head, owner, rdata, rdata_length);
}

void zone_changes_remove(struct zone_changes *changes, const uint8_t *owner, uint16_t type,
			 const uint8_t *rdata, uint16_t rdata_length)
{
	struct change_head head = head_of(CHANGE_REMOVE, owner);

	head.type = type;
	append_record(changes, head, owner, rdata, rdata_length);
}

void zone_changes_set(struct zone_changes *changes, const uint8_t *owner,
		      const struct rrset_view *rrset)
{
	struct change_head head = head_of(CHANGE_SET, owner);

	head.type = rrset->type;
	head.covered = rrset->covered;
	head.count = rrset->count;
	head.ttl = rrset->ttl;
	head.octets = rrset->count == 0 ? 0 : rrset->octets;
	head.file = rrset->place.file;
	head.line = rrset->place.line;
	uint8_t *at = append(changes, head, owner);
	if (head.octets > 0)
		memcpy(at, rrset->records, head.octets);
}

bool zone_changes_next(const struct zone_changes *changes, size_t *at, struct record_change *change)
{
	struct change_head head;

	if (*at >= changes->used)
		return false;
	memcpy(&head, changes->octets + *at, sizeof(head));
	change->kind = head.kind;
	change->owner = changes->octets + *at + sizeof(head);
	change->rrset = (struct rrset_view){
	    .type = head.type,
	    .covered = head.covered,
	    .count = head.count,
	    .ttl = head.ttl,
	    .place = {.file = head.file, .line = head.line},
	    .records = change->owner + head.owner_length,
	    .octets = head.octets,
	};
	*at += head.size;
	return true;
}

/* A change that is being made. */
struct making {
	const struct zone_set *set;
	struct zone *zone;
	struct zone_changes *undo;
	void (*changed)(void *context, const uint8_t *owner);
	void *context;
};

/* What decides which nodes a change of the RRsets at one name concerns. */
struct footprint {
	unsigned missing; /* labels of the owner that are not in the tree */
	bool nsec3;	  /* the deepest name that is there is an NSEC3 owner */
	bool cut, dname;  /* at the owner */
};

static struct footprint footprint_of(const struct zone *zone, const struct owner_labels *labels)
{
	struct footprint footprint = {0};
	zone_name name = tree_deepest(zone, labels, &footprint.missing);

	footprint.nsec3 = zone_is_nsec3_owner(zone, name);
	if (footprint.missing == 0) {
		footprint.cut = zone->names[name].has_ns && name != ZONE_APEX;
		footprint.dname = zone->names[name].has_dname;
	}
	return footprint;
}

static void report_subtree(const struct making *making, zone_name top)
{
	const struct zone *zone = making->zone;
	uint8_t owner[NAME_MAX_OCTETS];

	for (zone_name name = zone_child(zone, top); name != ZONE_NO_NAME && name != top;) {
		zone_owner(zone, name, owner);
		making->changed(making->context, owner);
		if (zone_child(zone, name) != ZONE_NO_NAME) {
			name = zone_child(zone, name);
			continue;
		}
		while (name != top && zone_sibling(zone, name) == ZONE_NO_NAME)
			name = zone_parent(zone, name);
		if (name != top)
			name = zone_sibling(zone, name);
	}
}

/* A cut or a DNAME came or went at the owner: it counts for what lies below unless there is another
 * above it. */
static void report_below(const struct making *making, const struct owner_labels *labels, bool cut,
			 bool dname)
{
	const struct zone *zone = making->zone;
	unsigned missing;
	zone_name name = tree_deepest(zone, labels, &missing);
	struct zone_place place = zone_place_of(zone, name);
	bool cut_above = place.cut != ZONE_NO_NAME && (missing > 0 || place.cut != name);
	bool dname_above =
	    place.dname != ZONE_NO_NAME || (missing > 0 && zone->names[name].has_dname);

	if ((!cut || cut_above) && (!dname || dname_above))
		return;
	if (missing == 0)
		report_subtree(making, name);
	zone_set_report_apexes_below(making->set, labels->lower, making->changed, making->context);
}

static bool is_wildcard(const uint8_t *name)
{
	return name[0] == 1 && name[1] == '*';
}

/* The name `skip` labels above the owner is a name of the zone now, or no longer: what its parent
 * says of it. */
static void report_parent(const struct making *making, const struct owner_labels *labels,
			  unsigned skip)
{
	if (skip < labels->count && is_wildcard(labels->lower + labels->offset[skip]))
		making->changed(making->context, name_skip(labels->lower, skip + 1));
}

/* Above the owner: ancestors that came or went; the one above them, if it was or is an NSEC3 owner
 * only as long as it has no children (RFC 5155 7.2.8); and whoever has a wildcard child among them.
 */
static void report_above(const struct making *making, const struct owner_labels *labels,
			 const struct footprint *before, const struct footprint *after)
{
	const struct footprint *without = before->missing > after->missing ? before : after;
	unsigned missing = without->missing;

	if (missing == 0) {
		if (before->nsec3 != after->nsec3)
			report_parent(making, labels, 0);
		return;
	}
	if (without->nsec3) {
		making->changed(making->context, name_skip(labels->lower, missing));
		report_parent(making, labels, missing);
	} else {
		report_parent(making, labels, missing - 1);
	}
	for (unsigned skip = missing - 1; skip > 0; skip--)
		making->changed(making->context, name_skip(labels->lower, skip));
}

static bool rrset_find_view(const struct zone *zone, const uint8_t *owner,
			    const struct rrset_view *which, struct rrset_view *found)
{
	zone_name name = zone_find(zone, owner);
	uint32_t at =
	    name == ZONE_NO_NAME ? 0 : rrset_find(zone, name, which->type, which->covered);

	if (at == 0) {
		*found = (struct rrset_view){.type = which->type, .covered = which->covered};
		return false;
	}
	rrset_view_at(zone, name, at, found);
	return true;
}

static bool is_same_rrset(const struct rrset_view *a, const struct rrset_view *b)
{
	return a->count == b->count && a->octets == b->octets && a->ttl == b->ttl &&
	       memcmp(a->records, b->records, a->octets) == 0;
}

/* The records of one RRset, behind those that are there. */
static enum zone_add records_add(struct zone *zone, const uint8_t *owner,
				 const struct rrset_view *rrset)
{
	const uint8_t *rdata;
	uint16_t length;
	uint32_t at = 0;

	while (rrset_record_next(rrset, &at, &rdata, &length)) {
		enum zone_add added =
		    zone_add(zone, owner, rrset->type, rrset->ttl, rdata, length, rrset->place);

		if (added == ZONE_TOO_LARGE || added == ZONE_OUT_OF_ZONE)
			return added;
	}
	return ZONE_ADDED;
}

static enum zone_add rrset_replace(struct zone *zone, const uint8_t *owner,
				   const struct rrset_view *rrset)
{
	zone_name name = zone_find(zone, owner);
	uint32_t at =
	    name == ZONE_NO_NAME ? 0 : rrset_find(zone, name, rrset->type, rrset->covered);
	enum zone_add added;

	if (at != 0) {
		rrset_remove(zone, name, at);
		if (zone->duplicates.name == name)
			duplicates_forget(zone);
	}
	added = rrset->count == 0 ? ZONE_ADDED : records_add(zone, owner, rrset);
	name = zone_find(zone, owner);
	if (name != ZONE_NO_NAME)
		tree_prune(zone, name);
	return added;
}

/* The change itself. *done: something is different now. */
static enum zone_add change_make(struct zone *zone, const struct record_change *change,
				 const struct rrset_view *before, bool *done)
{
	const struct rrset_view *rrset = &change->rrset;
	const uint8_t *rdata;
	uint32_t at = 0;
	uint16_t length;
	enum zone_add added = ZONE_ADDED;

	*done = false;
	if (change->kind == CHANGE_SET) {
		if (rrset->count == 0 ? before->count == 0 : is_same_rrset(before, rrset))
			return ZONE_ADDED;
		*done = true;
		return rrset_replace(zone, change->owner, rrset);
	}
	rrset_record_next(rrset, &at, &rdata, &length);
	if (change->kind == CHANGE_REMOVE) {
		*done = zone_remove(zone, change->owner, rrset->type, rdata, length);
		return ZONE_ADDED;
	}
	added = zone_add(zone, change->owner, rrset->type, rrset->ttl, rdata, length, rrset->place);
	*done = added == ZONE_ADDED || added == ZONE_TTL_DIFFERS;
	return added == ZONE_TTL_DIFFERS || added == ZONE_DUPLICATE ? ZONE_ADDED : added;
}

static enum zone_add change_one(const struct making *making, const struct record_change *change)
{
	struct owner_labels labels;
	struct footprint before, after;
	struct rrset_view rrset;
	size_t undo = making->undo->used;
	enum zone_add added;
	bool done;

	if (!owner_split(making->zone, change->owner, &labels))
		return ZONE_OUT_OF_ZONE;
	before = footprint_of(making->zone, &labels);
	rrset_find_view(making->zone, change->owner, &change->rrset, &rrset);
	zone_changes_set(making->undo, change->owner, &rrset);
	added = change_make(making->zone, change, &rrset, &done);
	if (!done) {
		making->undo->used = undo;
		making->undo->count--;
	}
	if (!done || added != ZONE_ADDED)
		return added;
	after = footprint_of(making->zone, &labels);
	report_above(making, &labels, &before, &after);
	making->changed(making->context, labels.lower);
	if (before.cut != after.cut || before.dname != after.dname)
		report_below(making, &labels, before.cut != after.cut, before.dname != after.dname);
	return ZONE_ADDED;
}

enum zone_add zone_set_change(const struct zone_set *set, struct zone *zone,
			      const struct zone_changes *changes, struct zone_changes *undo,
			      void (*changed)(void *context, const uint8_t *owner), void *context,
			      size_t *refused)
{
	const struct making making = {set, zone, undo, changed, context};
	size_t from = undo->used, count = undo->count, at = 0;
	struct record_change change;

	for (size_t number = 0; zone_changes_next(changes, &at, &change); number++) {
		enum zone_add added = change_one(&making, &change);

		if (added == ZONE_ADDED)
			continue;
		zone_undo(zone, undo, from, undo->used);
		undo->used = from;
		undo->count = count;
		*refused = number;
		return added;
	}
	return ZONE_ADDED;
}

void zone_undo(struct zone *zone, const struct zone_changes *undo, size_t from, size_t to)
{
	struct record_change change;
	size_t count = 0, at = from;
	size_t *starts;

	while (at < to && zone_changes_next(undo, &at, &change))
		count++;
	starts = memory_or_abort(malloc((count + 1) * sizeof(*starts)));
	at = from;
	for (size_t i = 0; i < count; i++) {
		starts[i] = at;
		zone_changes_next(undo, &at, &change);
	}
	while (count > 0) {
		at = starts[--count];
		zone_changes_next(undo, &at, &change);
		rrset_replace(zone, change.owner, &change.rrset);
	}
	free(starts);
}
