/* Nodes of random zone sets, taken apart, against what the lists of records say by the RFCs. */
#include "tests/unit/compile/node_reader.h"
#include "zones/compile/compile.h"
#include "zones/name/hash.h"

#include <string.h>

#define RUNS	1500u
#define APEXES	6u
#define RECORDS 100u

static const char *const apexes[APEXES] = {"example.",	   "a.example.",   "www.b.example.",
					   "*.a.example.", "a.a.example.", "node.x.www.example."};
static const uint64_t key[2] = {0x1234567, 0x89abcdef};

struct world {
	unsigned count;
	struct test_zone zone[APEXES];
};

static const struct test_zone *zone_of(const struct world *world, const uint8_t *name, bool above)
{
	const struct test_zone *deepest = NULL;

	for (unsigned i = 0; i < world->count; i++) {
		const struct test_zone *zone = &world->zone[i];

		if (name_is_at_or_below(name, zone->apex) &&
		    !(above && name_equal(name, zone->apex)) &&
		    (deepest == NULL || name_labels(zone->apex) > name_labels(deepest->apex)))
			deepest = zone;
	}
	return deepest;
}

static bool above_apex(const struct world *world, const uint8_t *name)
{
	for (unsigned i = 0; i < world->count; i++) {
		const uint8_t *apex = world->zone[i].apex;

		if (name_is_at_or_below(apex, name) && !name_equal(apex, name))
			return true;
	}
	return false;
}

static bool has(const struct test_zone *zone, const uint8_t *name, uint16_t type)
{
	for (unsigned i = 0; i < zone->count; i++) {
		if (zone->record[i].type == type && name_equal(zone->record[i].owner, name))
			return true;
	}
	return false;
}

static bool in_zone(const struct test_zone *zone, const uint8_t *name)
{
	if (name_equal(zone->apex, name))
		return true;
	for (unsigned i = 0; i < zone->count; i++) {
		if (name_is_at_or_below(zone->record[i].owner, name))
			return true;
	}
	return false;
}

static bool nsec3_only(const struct test_zone *zone, const uint8_t *name)
{
	if (name_equal(zone->apex, name) || !has(zone, name, TYPE_NSEC3))
		return false;
	for (unsigned i = 0; i < zone->count; i++) {
		const struct test_record *record = &zone->record[i];

		if (!name_is_at_or_below(record->owner, name))
			continue;
		if (!name_equal(record->owner, name))
			return false;
		if (record->type != TYPE_NSEC3 &&
		    !(record->type == TYPE_RRSIG && get_u16(record->rdata) == TYPE_NSEC3))
			return false;
	}
	return true;
}

static bool occluded(const struct test_zone *zone, const uint8_t *name)
{
	while (!name_equal(name, zone->apex)) {
		name = name_skip(name, 1);
		if (has(zone, name, TYPE_DNAME))
			return true;
	}
	return false;
}

/* Labels of the topmost cut, or IMAGE_NONE. */
static unsigned cut_of(const struct test_zone *zone, const uint8_t *name)
{
	unsigned cut = IMAGE_NONE;

	for (; !name_equal(name, zone->apex); name = name_skip(name, 1)) {
		if (has(zone, name, TYPE_NS))
			cut = name_labels(name);
	}
	return cut;
}

enum kind {
	ABSENT,
	OF_NO_ZONE,
	EMPTY,
	FULL,
};

static enum kind kind_of(const struct world *world, const uint8_t *name)
{
	const struct test_zone *zone = zone_of(world, name, false);
	bool above = above_apex(world, name);

	if (zone == NULL || occluded(zone, name))
		return above ? OF_NO_ZONE : ABSENT;
	if (!in_zone(zone, name) || nsec3_only(zone, name))
		return above ? EMPTY : ABSENT;
	return FULL;
}

static bool wildcard_below(const struct world *world, const uint8_t *name)
{
	uint8_t wildcard[NAME_MAX_OCTETS] = {1, '*'};

	memcpy(wildcard + 2, name, name_length(name, NAME_MAX_OCTETS));
	return kind_of(world, wildcard) >= EMPTY &&
	       zone_of(world, wildcard, false) == zone_of(world, name, false);
}

/* What must stand in one entry of the table. */
struct expectation {
	const struct test_zone *zone;
	const uint8_t *name;
	uint16_t type;	   /* of the records */
	uint32_t ttl_most; /* UINT32_MAX: as they are */
};

static unsigned expected_records(const struct expectation *expected, uint16_t type,
				 const struct test_record **list)
{
	unsigned count = 0;

	for (unsigned i = 0; i < expected->zone->count; i++) {
		const struct test_record *record = &expected->zone->record[i];

		if (name_equal(record->owner, expected->name) && record->type == type &&
		    (type != TYPE_RRSIG || get_u16(record->rdata) == expected->type))
			list[count++] = record;
	}
	return count;
}

static void check_record(struct random *random, const struct expectation *expected,
			 const struct test_record *record, const struct read_record *read)
{
	uint32_t ttl = record->ttl;

	/* Signatures of the negative SOA get the very TTL of it. */
	if (expected->ttl_most != UINT32_MAX)
		ttl = expected->ttl_most;
	CHECK(random, read->type == record->type);
	CHECK(random, read->ttl == ttl);
	CHECK(random, read->length == record->length);
	if (read->name_at == 0) {
		CHECK(random, memcmp(read->rdata, record->rdata, record->length) == 0);
		return;
	}
	/* Names from an earlier name or from the question may come in another case. */
	for (unsigned i = 0; i < record->length; i++) {
		uint8_t a = read->rdata[i], b = record->rdata[i];

		CHECK(random,
		      a == b || ((a ^ b) == 0x20 && (a | 0x20) >= 'a' && (a | 0x20) <= 'z'));
	}
}

static void check_records(struct random *random, const struct image_node *node,
			  const struct image_rrset *rrset, const struct expectation *expected,
			  const uint8_t *question)
{
	static struct read_record read[RECORDS];
	static const struct test_record *list[TEST_RECORDS];
	unsigned count = expected_records(expected, expected->type, list);
	bool pointers = false;

	CHECK(random, rrset->count == count);
	CHECK(random, node_records(random, node, rrset, false, question, read, RECORDS) == count);
	count += expected_records(expected, TYPE_RRSIG, list + count);
	CHECK(random, rrset->signed_count == count);
	CHECK(random, node_records(random, node, rrset, true, question, read, RECORDS) == count);
	for (unsigned i = 0; i < count; i++) {
		pointers = pointers || read[i].pointers;
		check_record(random, expected, list[i], &read[i]);
	}
	CHECK(random, pointers == ((rrset->flags & IMAGE_RRSET_POINTERS) != 0));
}

static unsigned kind_of_target(const struct test_record *record)
{
	switch (record->type) {
	case TYPE_NS:
	case TYPE_MX:
	case TYPE_SRV:
		return IMAGE_TARGET_ADDRESS;
	case TYPE_HTTPS:
		return IMAGE_TARGET_SERVICE;
	case TYPE_CNAME:
		return IMAGE_TARGET_ALIAS;
	case TYPE_NAPTR:
		if (record->rdata[4] == 0)
			return IMAGE_TARGET_NAPTR;
		if (record->rdata[5] == 's' || record->rdata[5] == 'S')
			return IMAGE_TARGET_SRV;
		return record->rdata[5] == 'A' ? IMAGE_TARGET_ADDRESS : 0;
	default:
		return 0;
	}
}

static uint32_t rank_of(const struct test_record *record)
{
	switch (record->type) {
	case TYPE_NAPTR:
		return get_u32(record->rdata);
	case TYPE_MX:
	case TYPE_SRV:
	case TYPE_HTTPS:
		return get_u16(record->rdata);
	default:
		return 0;
	}
}

/* Those of one rank stay as they are. */
static void sort_by_rank(const struct test_record **list, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		for (unsigned k = i; k > 0 && rank_of(list[k - 1]) > rank_of(list[k]); k--) {
			const struct test_record *later = list[k - 1];

			list[k - 1] = list[k];
			list[k] = later;
		}
	}
}

static void check_targets(struct random *random, const struct image_node *node,
			  const struct image_rrset *rrset, const struct expectation *expected)
{
	const struct image_target *target = node_targets(node, rrset);
	static const struct test_record *list[TEST_RECORDS];
	unsigned count = expected_records(expected, expected->type, list), found = 0;
	uint8_t name[NAME_MAX_OCTETS], lower[NAME_MAX_OCTETS];

	sort_by_rank(list, count);
	for (unsigned i = 0; i < count; i++) {
		unsigned kind = kind_of_target(list[i]);
		int at = rdata_name_offset(list[i]->type, list[i]->rdata, list[i]->length);

		if (kind == IMAGE_TARGET_SERVICE && list[i]->rdata[at] == 0 &&
		    get_u16(list[i]->rdata) > 0) {
			CHECK(random, found < rrset->target_count);
			CHECK(random, target[found++].kind == IMAGE_TARGET_OWNER);
			continue;
		}
		if (kind == 0 || list[i]->rdata[at] == 0)
			continue;
		size_t length = name_length(list[i]->rdata + at, NAME_MAX_OCTETS);
		name_lower(lower, list[i]->rdata + at, length);
		CHECK(random, found < rrset->target_count);
		CHECK(random, target[found].kind == kind);
		CHECK(random, target[found].hash == name_hash(key, lower, length));
		node_name_at(random, node, rrset, target[found].offset, name);
		CHECK(random, name_equal(name, lower));
		found++;
	}
	CHECK(random, found == rrset->target_count);
}

/* The owner as question, and a longer one, as a referral or a wildcard has it. */
static void check_rrset(struct random *random, const struct image_node *node, uint16_t table_type,
			const struct expectation *expected)
{
	const struct image_rrset *rrset = node_rrset(node, table_type);
	uint8_t longer[NAME_MAX_OCTETS] = "\4long\5label";
	const uint8_t *suffix = node->name;

	CHECK(random, rrset != NULL);
	check_records(random, node, rrset, expected, node->name);
	if (suffix[0] == 1 && suffix[1] == '*')
		suffix += 2;
	memcpy(longer + 11, suffix, name_length(suffix, NAME_MAX_OCTETS));
	check_records(random, node, rrset, expected, longer);
	if (table_type != IMAGE_TYPE_NEGATIVE_SOA)
		check_targets(random, node, rrset, expected);
	else
		CHECK(random, rrset->target_count == 0);
}

static unsigned check_negative_soa(struct random *random, const struct image_node *node,
				   const struct test_zone *zone, const uint8_t *name)
{
	struct expectation expected = {.zone = zone, .name = name, .type = TYPE_SOA};
	static const struct test_record *list[TEST_RECORDS];

	if (expected_records(&expected, TYPE_SOA, list) == 0)
		return 0;
	uint32_t minimum = get_u32(list[0]->rdata + list[0]->length - 4);
	expected.ttl_most = list[0]->ttl < minimum ? list[0]->ttl : minimum;
	check_rrset(random, node, IMAGE_TYPE_NEGATIVE_SOA, &expected);
	return 1;
}

static unsigned check_parent_side(struct random *random, const struct world *world,
				  const struct image_node *node, const uint8_t *name)
{
	const struct test_zone *parent = zone_of(world, name, true);
	struct expectation expected = {parent, name, TYPE_DS, UINT32_MAX};

	if (parent == NULL) {
		CHECK(random, node->parent_apex_labels == IMAGE_NONE);
		return 0;
	}
	CHECK(random, node->parent_apex_labels == name_labels(parent->apex));
	if (occluded(parent, name) || !has(parent, name, TYPE_DS) ||
	    (cut_of(parent, name) != IMAGE_NONE && cut_of(parent, name) != name_labels(name)))
		return 0;
	check_rrset(random, node, TYPE_DS, &expected);
	CHECK(random, (node_rrset(node, TYPE_DS)->flags & IMAGE_RRSET_PARENT_SIDE) != 0);
	return 1;
}

static void check_full(struct random *random, const struct world *world,
		       const struct image_node *node, const struct test_zone *zone,
		       const uint8_t *name)
{
	bool apex = name_equal(zone->apex, name);
	unsigned rrsets = 0;

	/* Random zones use no types between 99 and 65535. */
	for (unsigned type = 1; type < 65536; type = type == 99 ? 65535 : type + 1) {
		struct expectation expected = {zone, name, (uint16_t)type, UINT32_MAX};

		if (type == TYPE_RRSIG || (apex && type == TYPE_DS) ||
		    !has(zone, name, (uint16_t)type))
			continue;
		check_rrset(random, node, (uint16_t)type, &expected);
		CHECK(random,
		      (node_rrset(node, (uint16_t)type)->flags & IMAGE_RRSET_PARENT_SIDE) == 0);
		rrsets++;
	}
	if (apex) {
		rrsets += check_negative_soa(random, node, zone, name);
		rrsets += check_parent_side(random, world, node, name);
	}
	CHECK(random, node->rrset_count == rrsets);
}

static void check_place(struct random *random, const struct world *world,
			const struct zone_set *set, const struct image_node *node,
			const uint8_t *name)
{
	const struct test_zone *zone = zone_of(world, name, false);
	bool apex = name_equal(zone->apex, name), full = kind_of(world, name) == FULL;
	unsigned flags = apex ? IMAGE_NODE_APEX : 0;

	if (cut_of(zone, name) == name_labels(name))
		flags |= IMAGE_NODE_CUT;
	if (wildcard_below(world, name))
		flags |= IMAGE_NODE_WILDCARD;
	if (full && has(zone, name, TYPE_CNAME))
		flags |= IMAGE_NODE_CNAME;
	if (full && has(zone, name, TYPE_DNAME))
		flags |= IMAGE_NODE_DNAME;
	CHECK(random, node->flags == flags);
	CHECK(random, node->apex_labels == name_labels(zone->apex));
	CHECK(random, node->cut_labels == cut_of(zone, name));
	CHECK(random, node->zone_index == (apex ? zone_set_index(set, name) : 0));
	if (!apex)
		CHECK(random, node->parent_apex_labels == IMAGE_NONE);
}

static void check_name(struct random *random, const struct world *world, const struct zone_set *set,
		       const uint8_t *any_case)
{
	alignas(16) static uint8_t block[IMAGE_NODE_MAX];
	struct image_node *node = (struct image_node *)(void *)block;
	uint8_t name[NAME_MAX_OCTETS];
	enum kind kind = kind_of(world, any_case);

	name_lower(name, any_case, name_length(any_case, NAME_MAX_OCTETS));
	memset(block, 0xa5, 4096);
	enum compile_result result = compile_node(set, key, name, node);
	CHECK(random, result == (kind == ABSENT ? COMPILE_ABSENT : COMPILE_NODE));
	if (kind == ABSENT)
		return;
	node_check(random, node);
	CHECK(random, name_equal(node->name, name));
	if (kind == OF_NO_ZONE) {
		CHECK(random, node->apex_labels == IMAGE_NONE && node->cut_labels == IMAGE_NONE &&
				  node->flags == 0 && node->rrset_count == 0);
		return;
	}
	check_place(random, world, set, node, name);
	if (kind == EMPTY)
		CHECK(random, node->rrset_count == 0);
	else
		check_full(random, world, node, zone_of(world, name, false), name);
}

static void check_nsec3(struct random *random, const struct test_zone *records,
			const struct zone *zone, const uint8_t *owner)
{
	alignas(16) static uint8_t block[IMAGE_NODE_MAX];
	struct image_node *node = (struct image_node *)(void *)block;
	struct expectation expected = {records, owner, TYPE_NSEC3, UINT32_MAX};
	zone_name name = zone_find(zone, owner);

	CHECK(random, compile_is_nsec3_owner(zone, name) == nsec3_only(records, owner));
	enum compile_result result = compile_nsec3_node(zone, name, node);
	if (!has(records, owner, TYPE_NSEC3)) {
		CHECK(random, result == COMPILE_ABSENT);
		return;
	}
	CHECK(random, result == COMPILE_NODE);
	node_check(random, node);
	CHECK(random, node->rrset_count == 1);
	CHECK(random, name_equal(node->name, owner));
	check_rrset(random, node, TYPE_NSEC3, &expected);
}

static void check_world(struct random *random, const struct world *world,
			const struct zone_set *set)
{
	uint8_t owner[NAME_MAX_OCTETS];

	for (unsigned z = 0; z < world->count; z++) {
		const struct test_zone *zone = &world->zone[z];

		for (unsigned i = 0; i < zone->count; i++) {
			const uint8_t *name = zone->record[i].owner;

			check_nsec3(random, zone, zone_set_find(set, zone->apex), name);
			for (unsigned skip = 0; skip <= name_labels(zone->record[i].owner); skip++)
				check_name(random, world, set, name_skip(name, skip));
		}
		for (unsigned skip = 0; skip <= name_labels(zone->apex); skip++)
			check_name(random, world, set, name_skip(zone->apex, skip));
	}
	for (unsigned i = 0; i < 20; i++) {
		random_owner(random, (const uint8_t *)"\7example", owner);
		check_name(random, world, set, owner);
	}
}

static void nodes_say_what_the_records_say(void **state)
{
	(void)state;
	static struct world world;

	for (uint64_t run = 0, first = random_first_seed(); run < RUNS; run++) {
		struct random random = random_start(first + run);
		struct zone_set *set = zone_set_new();

		world.count = 0;
		for (unsigned i = 0; i < APEXES; i++) {
			struct test_zone *zone = &world.zone[world.count];

			if (random_below(&random, 3) == 0)
				continue;
			random_zone(&random, apexes[i], 20, zone);
			zone_set_put(set, test_zone_build(zone, 1));
			world.count++;
		}
		check_world(&random, &world, set);
		zone_set_free(set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nodes_say_what_the_records_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
