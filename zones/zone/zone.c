#include "zones/zone/tree.h"

#define MESSAGE_MAX  65535u
#define HEADER	     12u
#define QUESTION_END 4u	 /* type and class of the question */
#define RECORD_FIXED 12u /* compressed owner, type, class, TTL, rdata length */

struct zone *zone_new(const uint8_t *apex)
{
	struct zone *zone = memory_or_abort(calloc(1, sizeof(*zone)));

	zone->apex_length = (uint8_t)name_length(apex, NAME_MAX_OCTETS);
	name_lower(zone->apex, apex, zone->apex_length);
	/* Where the heap lies is what an outsider who picks names to collide does not know. */
	zone->hash_key[0] = hash_fold((uintptr_t)zone, 0x9e3779b97f4a7c15ull);
	zone->hash_key[1] = hash_fold((uintptr_t)zone, 0xd6e8feb86659fd93ull);
	zone->duplicates.name = ZONE_NO_NAME;
	tree_start(zone);
	return zone;
}

void zone_free(struct zone *zone)
{
	if (zone == NULL)
		return;
	duplicates_forget(zone);
	blocks_free(zone);
	tree_free(zone);
	free(zone);
}

const uint8_t *zone_apex(const struct zone *zone)
{
	return zone->apex;
}

static uint16_t covered_by(uint16_t type, const uint8_t *rdata, uint16_t length)
{
	return type == TYPE_RRSIG ? rrsig_covered(rdata, length) : 0;
}

/* Octets of a message that a record takes in it at most. */
static uint32_t record_room(uint16_t rdata_length)
{
	return RECORD_FIXED + rdata_length;
}

/* Octets that are left for records behind the question. */
static uint32_t message_room(uint32_t owner_length)
{
	return MESSAGE_MAX - HEADER - owner_length - QUESTION_END;
}

static uint32_t rrset_room(const struct rrset_view *view)
{
	uint32_t length_field = sizeof(uint16_t);

	return view->octets + view->count * (RECORD_FIXED - length_field);
}

/* Makes a gap of `octets` at `at` in the block; false if the name would become too large. */
static bool block_open(struct zone *zone, zone_name name, uint32_t at, uint32_t octets)
{
	uint32_t used = zone->names[name].used;

	if (used + octets > BLOCK_MAX)
		return false;
	name_resize(zone, name, used + octets);
	uint8_t *data = name_data(zone, name);
	memmove(data + at + octets, data + at, used - at);
	return true;
}

static void block_close(struct zone *zone, zone_name name, uint32_t at, uint32_t octets)
{
	uint32_t used = zone->names[name].used;
	uint8_t *data = name_data(zone, name);

	memmove(data + at, data + at + octets, used - at - octets);
	name_resize(zone, name, used - octets);
}

static void record_write(uint8_t *at, const uint8_t *rdata, uint16_t length)
{
	memcpy(at, &length, sizeof(length));
	if (length != 0)
		memcpy(at + sizeof(length), rdata, length);
}

static bool is_proof(uint16_t type)
{
	return type == TYPE_RRSIG || type == TYPE_NSEC || type == TYPE_NSEC3;
}

static void rrset_appeared(struct zone *zone, zone_name name, uint16_t type)
{
	if (type == TYPE_NS)
		zone->names[name].has_ns = 1;
	if (type == TYPE_DNAME)
		zone->names[name].has_dname = 1;
	if (type != TYPE_RRSIG)
		zone->counts.rrsets++;
	zone->counts.proofs += is_proof(type);
}

static void rrset_disappeared(struct zone *zone, zone_name name, uint16_t type)
{
	if (type == TYPE_NS)
		zone->names[name].has_ns = 0;
	if (type == TYPE_DNAME)
		zone->names[name].has_dname = 0;
	if (type != TYPE_RRSIG)
		zone->counts.rrsets--;
	zone->counts.proofs -= is_proof(type);
}

static void rrset_write(struct zone *zone, zone_name name, uint32_t at,
			const struct rrset_head *head, const uint8_t *rdata, uint16_t length)
{
	*rrset_head_at(zone, name, at) = *head;
	record_write(name_data(zone, name) + at + sizeof(*head), rdata, length);
	zone->counts.records++;
	rrset_appeared(zone, name, head->type);
}

static enum zone_add rrset_new(struct zone *zone, zone_name name, const struct rrset_head *head,
			       const uint8_t *rdata, uint16_t length)
{
	uint32_t at = zone->names[name].used;
	bool first = !name_has_rrsets(zone, name);

	if (!block_open(zone, name, at, (uint32_t)sizeof(*head) + head->octets))
		return ZONE_TOO_LARGE;
	rrset_write(zone, name, at, head, rdata, length);
	if (first)
		zone->counts.names++;
	return ZONE_ADDED;
}

static enum zone_add rrset_extend(struct zone *zone, zone_name name, uint32_t at, uint32_t ttl,
				  const struct rdata_key *key, uint32_t room)
{
	uint32_t octets = (uint32_t)sizeof(key->length) + key->length;
	struct rrset_view view;

	rrset_view_at(zone, name, at, &view);
	if (duplicates_hold(zone, name, &view, key))
		return ZONE_DUPLICATE;
	uint32_t end = at + (uint32_t)sizeof(struct rrset_head) + view.octets;
	if (rrset_room(&view) + record_room(key->length) > room ||
	    !block_open(zone, name, end, octets))
		return ZONE_TOO_LARGE;
	record_write(name_data(zone, name) + end, key->rdata, key->length);
	struct rrset_head *head = rrset_head_at(zone, name, at);
	head->count++;
	head->octets = (uint16_t)(head->octets + octets);
	zone->counts.records++;
	duplicates_add(zone, name, &view, key, view.octets);
	return ttl == head->ttl ? ZONE_ADDED : ZONE_TTL_DIFFERS;
}

static enum zone_add record_add(struct zone *zone, zone_name name, uint32_t owner_length,
				const struct rrset_head *head, const uint8_t *rdata,
				uint16_t length)
{
	uint32_t at = rrset_find(zone, name, head->type, head->covered);

	if (at == 0)
		return rrset_new(zone, name, head, rdata, length);
	struct rdata_key key = rdata_key_of(head->type, rdata, length);
	return rrset_extend(zone, name, at, head->ttl, &key, message_room(owner_length));
}

/* At the apex, or refused. */
static enum zone_add add_at_apex(struct zone *zone, const uint8_t *owner,
				 const struct rrset_head *head, const uint8_t *rdata,
				 uint16_t length)
{
	struct owner_labels labels;

	if (!owner_split(zone, owner, &labels))
		return ZONE_OUT_OF_ZONE;
	if (labels.count > 0 || record_room(length) > message_room(labels.length))
		return ZONE_TOO_LARGE;
	return record_add(zone, ZONE_APEX, labels.length, head, rdata, length);
}

enum zone_add zone_add_measured(struct zone *zone, const uint8_t *owner, size_t owner_length,
				uint16_t type, uint32_t ttl, const uint8_t *rdata,
				uint16_t rdata_length, struct place place)
{
	const struct rrset_head head = {
	    .type = type,
	    .covered = covered_by(type, rdata, rdata_length),
	    .count = 1,
	    .octets = (uint16_t)(sizeof(uint16_t) + rdata_length),
	    .ttl = ttl,
	    .line = place.line,
	    .file = place.file,
	};
	uint8_t label[64];
	bool is_new;

	/* Before the name is made, so that a refusal leaves no empty name behind. */
	bool is_large = record_room(rdata_length) > message_room((uint32_t)owner_length);
	zone_name parent = is_large ? ZONE_NO_NAME : tree_parent(zone, owner, owner_length);
	if (parent == ZONE_NO_NAME)
		return add_at_apex(zone, owner, &head, rdata, rdata_length);
	uint32_t at = 1u + owner[0];
	name_lower(label, owner, at);
	zone_name name = tree_child_or_new(zone, parent, label,
					   at + (uint32_t)sizeof(head) + head.octets, &is_new);
	if (!is_new)
		return record_add(zone, name, (uint32_t)owner_length, &head, rdata, rdata_length);
	rrset_write(zone, name, at, &head, rdata, rdata_length);
	zone->counts.names++;
	return ZONE_ADDED;
}

void zone_announce(const struct zone *zone, const uint8_t *owner, size_t owner_length)
{
	const struct last_parent *last = &zone->last_parent;
	size_t own = 1u + owner[0];
	uint8_t label[64];

	if (owner_length != own + last->length ||
	    memcmp(owner + own, last->wire, last->length) != 0)
		return;
	name_lower(label, owner, own);
	name_table_prefetch(&zone->table, name_table_hash(zone, last->name, label));
}

void zone_expect(struct zone *zone, uint64_t more)
{
	uint64_t names = zone->table.used + more;

	zone->table.expected = names < ZONE_NO_NAME ? (uint32_t)names : ZONE_NO_NAME - 1;
}

uint32_t zone_names(const struct zone *zone)
{
	return zone->table.used;
}

enum zone_add zone_add(struct zone *zone, const uint8_t *owner, uint16_t type, uint32_t ttl,
		       const uint8_t *rdata, uint16_t rdata_length, struct place place)
{
	return zone_add_measured(zone, owner, name_length(owner, NAME_MAX_OCTETS), type, ttl, rdata,
				 rdata_length, place);
}

void rrset_remove(struct zone *zone, zone_name name, uint32_t at)
{
	struct rrset_view view;

	rrset_view_at(zone, name, at, &view);
	block_close(zone, name, at, (uint32_t)sizeof(struct rrset_head) + view.octets);
	rrset_disappeared(zone, name, view.type);
	zone->counts.records -= view.count;
	if (!name_has_rrsets(zone, name))
		zone->counts.names--;
}

static bool record_remove(struct zone *zone, zone_name name, uint32_t at,
			  const struct rdata_key *key)
{
	struct rrset_view view;

	rrset_view_at(zone, name, at, &view);
	uint32_t record = rrset_scan(&view, key);
	if (record == UINT32_MAX)
		return false;
	if (view.count == 1) {
		rrset_remove(zone, name, at);
		return true;
	}
	uint32_t octets = (uint32_t)sizeof(key->length) + key->length;
	struct rrset_head *head = rrset_head_at(zone, name, at);
	head->count--;
	head->octets = (uint16_t)(head->octets - octets);
	block_close(zone, name, at + (uint32_t)sizeof(*head) + record, octets);
	zone->counts.records--;
	return true;
}

/* Signatures are one RRset per covered type here, but one RRset to who removes it whole. */
static bool rrsets_remove(struct zone *zone, zone_name name, uint16_t type)
{
	bool removed = false;

	for (uint32_t at = rrset_first(zone, name); at < zone->names[name].used;) {
		const struct rrset_head *head = rrset_head_at(zone, name, at);

		if (head->type != type) {
			at += (uint32_t)sizeof(*head) + head->octets;
			continue;
		}
		rrset_remove(zone, name, at);
		removed = true;
	}
	return removed;
}

bool zone_remove(struct zone *zone, const uint8_t *owner, uint16_t type, const uint8_t *rdata,
		 uint16_t rdata_length)
{
	zone_name name = zone_find(zone, owner);
	bool removed = false;

	if (name == ZONE_NO_NAME)
		return false;
	if (rdata == NULL) {
		removed = rrsets_remove(zone, name, type);
	} else {
		struct rdata_key key = rdata_key_of(type, rdata, rdata_length);
		uint32_t at = rrset_find(zone, name, type, covered_by(type, rdata, rdata_length));

		removed = at != 0 && record_remove(zone, name, at, &key);
	}
	if (!removed)
		return false;
	if (zone->duplicates.name == name)
		duplicates_forget(zone);
	tree_prune(zone, name);
	return true;
}

zone_name zone_find(const struct zone *zone, const uint8_t *owner)
{
	struct owner_labels labels;
	unsigned missing;

	if (!owner_split(zone, owner, &labels))
		return ZONE_NO_NAME;
	zone_name name = tree_deepest(zone, &labels, &missing);
	return missing == 0 ? name : ZONE_NO_NAME;
}

zone_name zone_deepest(const struct zone *zone, const uint8_t *owner)
{
	struct owner_labels labels;
	unsigned missing;

	if (!owner_split(zone, owner, &labels))
		return ZONE_NO_NAME;
	return tree_deepest(zone, &labels, &missing);
}

size_t zone_owner(const struct zone *zone, zone_name name, uint8_t *owner)
{
	size_t length = 0;

	for (; name != ZONE_APEX; name = zone->names[name].parent) {
		const uint8_t *label = name_data(zone, name);

		memcpy(owner + length, label, 1u + label[0]);
		length += 1u + label[0];
	}
	memcpy(owner + length, zone->apex, zone->apex_length);
	return length + zone->apex_length;
}

zone_name zone_parent(const struct zone *zone, zone_name name)
{
	return zone->names[name].parent;
}

zone_name zone_child(const struct zone *zone, zone_name name)
{
	return zone->names[name].child;
}

zone_name zone_sibling(const struct zone *zone, zone_name name)
{
	return zone->names[name].next;
}

zone_name zone_next(const struct zone *zone, zone_name name)
{
	if (zone->names[name].child != ZONE_NO_NAME)
		return zone->names[name].child;
	while (name != ZONE_APEX && zone->names[name].next == ZONE_NO_NAME)
		name = zone->names[name].parent;
	return zone->names[name].next;
}

zone_name zone_next_below(const struct zone *zone, zone_name top, zone_name name)
{
	if (zone->names[name].child != ZONE_NO_NAME)
		return zone->names[name].child;
	while (name != top && zone->names[name].next == ZONE_NO_NAME)
		name = zone->names[name].parent;
	return name == top ? ZONE_NO_NAME : zone->names[name].next;
}

struct zone_place zone_place_of(const struct zone *zone, zone_name name)
{
	struct zone_place place = {.cut = ZONE_NO_NAME, .dname = ZONE_NO_NAME};

	for (zone_name at = name; at != ZONE_NO_NAME; at = zone->names[at].parent) {
		if (zone->names[at].has_ns && at != ZONE_APEX)
			place.cut = at;
		if (zone->names[at].has_dname && at != name)
			place.dname = at;
	}
	return place;
}

bool zone_is_nsec3_owner(const struct zone *zone, zone_name name)
{
	struct rrset_view view;
	uint32_t at = 0;
	bool found = false;

	if (name == ZONE_APEX || zone->names[name].child != ZONE_NO_NAME)
		return false;
	while (zone_rrset_next(zone, name, &at, &view)) {
		if (view.type != TYPE_NSEC3 &&
		    !(view.type == TYPE_RRSIG && view.covered == TYPE_NSEC3))
			return false;
		found = found || view.type == TYPE_NSEC3;
	}
	return found;
}

bool zone_has_wildcard(const struct zone *zone, zone_name name)
{
	static const uint8_t asterisk[2] = {1, '*'};

	if (!zone->names[name].has_asterisk)
		return false;
	zone_name child = tree_child(zone, name, asterisk);
	return child != ZONE_NO_NAME && !zone_is_nsec3_owner(zone, child);
}

struct zone_counts zone_counts(const struct zone *zone)
{
	return zone->counts;
}

uint32_t zone_serial(const struct zone *zone)
{
	struct rrset_view view;
	const uint8_t *rdata;
	uint32_t at = 0;
	uint16_t length;

	if (!zone_rrset(zone, ZONE_APEX, TYPE_SOA, &view) ||
	    !rrset_record_next(&view, &at, &rdata, &length) ||
	    !rdata_is_sound(TYPE_SOA, rdata, length))
		return 0;
	return get_u32(rdata + length - 20);
}

size_t zone_memory(const struct zone *zone)
{
	size_t octets = sizeof(*zone) + tree_memory(zone) + blocks_memory(zone);

	if (zone->duplicates.slot != NULL)
		octets += ((size_t)zone->duplicates.mask + 1) * sizeof(*zone->duplicates.slot);
	return octets;
}
