/* What a change of a record costs, counted: names compiled, and octets of the image that it
 * replaced. The same in any zone, and what lies below a cut where one comes. */
#include "tests/unit/control/store_world.h"

#include <stdio.h>
#include <string.h>

static const struct place nowhere;

struct cost {
	uint64_t names;	 /* compiled or deleted */
	uint64_t octets; /* of the image that were replaced */
};

static struct cost cost_of(struct arena *arena, const char *apex_text,
			   const struct zone_changes *changes)
{
	uint8_t apex[NAME_MAX_OCTETS];
	size_t refused;

	image_reclaim(arena->writer, image_generation(arena->writer));
	test_name(apex_text, apex);
	assert_int_equal(zone_store_stage_changes(arena->store, 0, apex, changes, &refused),
			 STORE_STAGED);
	const struct store_change change = arena_apply(arena);

	return (struct cost){change.changed, image_usage(arena->writer).retired};
}

static void put_host(struct zone *zone, unsigned number)
{
	const uint8_t address[4] = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				    (uint8_t)number};
	uint8_t owner[NAME_MAX_OCTETS];
	char text[64];

	snprintf(text, sizeof(text), "h%u.hosts.example.", number);
	test_name(text, owner);
	zone_add(zone, owner, TYPE_A, 60, address, 4, nowhere);
}

static struct zone *zone_of_hosts(unsigned hosts)
{
	static const uint8_t soa[22] = {0};
	uint8_t apex[NAME_MAX_OCTETS];

	test_name("example.", apex);
	struct zone *zone = zone_new(apex);
	zone_add(zone, apex, TYPE_SOA, 60, soa, sizeof(soa), nowhere);
	for (unsigned i = 0; i < hosts; i++)
		put_host(zone, i);
	return zone;
}

/* As many other zones beside it. */
static void arena_of_hosts(struct arena *arena, unsigned hosts, unsigned zones)
{
	arena_open(arena);
	assert_true(zone_store_stage(arena->store, (struct zone_terms){0}, zone_of_hosts(hosts)));
	for (unsigned i = 0; i < zones; i++) {
		uint8_t apex[NAME_MAX_OCTETS];
		char text[32];

		snprintf(text, sizeof(text), "z%u.", i);
		test_name(text, apex);
		assert_true(zone_store_stage(arena->store, (struct zone_terms){0}, zone_new(apex)));
	}
	arena_apply(arena);
}

#define CASES 9u

static void add(struct zone_changes *changes, const char *owner, uint16_t type, uint8_t last)
{
	const uint8_t rdata[4] = {192, 0, 2, last}, root[1] = {0};
	const bool name = type == TYPE_NS || type == TYPE_DNAME;
	uint8_t wire[NAME_MAX_OCTETS];

	test_name(owner, wire);
	zone_changes_add(changes, wire, type, 60, name ? root : rdata, name ? 1 : 4, nowhere);
}

static void measure(struct arena *arena, struct cost cost[CASES])
{
	static const char *const owner[CASES] = {
	    "h7.hosts.example.", "new.hosts.example.", "a.b.c.new.example.",
	    "*.hosts.example.",	 "sub.example.",       "example.",
	    "h8.hosts.example.", "h9.hosts.example.",  "x.h8.hosts.example.",
	};
	static const uint16_t type[CASES] = {TYPE_A,   TYPE_A,	TYPE_A,	    TYPE_A, TYPE_NS,
					     TYPE_TXT, TYPE_NS, TYPE_DNAME, TYPE_A};
	struct zone_changes changes = {0};

	for (unsigned i = 0; i < CASES; i++) {
		zone_changes_clear(&changes);
		add(&changes, owner[i], type[i], 99);
		cost[i] = cost_of(arena, "example.", &changes);
	}
	zone_changes_free(&changes);
}

/* One host of few, of many, and among many zones: the same names are compiled, and the image loses
 * no more than a node, a page of each level and the root. */
static void a_change_costs_the_same_in_any_zone(void **state)
{
	static const uint64_t names[CASES] = {1, 1, 4, 2, 1, 1, 1, 1, 1};
	static const unsigned hosts[] = {10, 30000, 10}, zones[] = {0, 0, 3000};
	struct cost cost[CASES];
	struct arena arena;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		arena_of_hosts(&arena, hosts[i], zones[i]);
		measure(&arena, cost);
		for (unsigned j = 0; j < CASES; j++) {
			assert_int_equal(cost[j].names, names[j]);
			assert_true(cost[j].octets <=
				    sizeof(struct image_root) +
					names[j] * (sizeof(struct image_leaf) + 512 + 256));
		}
		arena_close(&arena);
	}
}

/* The order tree's root stands in the root's table of zones, which is not copied as a whole. */
static void a_signed_zone_costs_the_same_among_many(void **state)
{
	static const uint8_t nsec[] = {0, 0, 1, 2};
	struct zone_changes changes = {0};
	uint8_t apex[NAME_MAX_OCTETS];
	struct cost cost[2];
	struct arena arena;

	(void)state;
	test_name("example.", apex);
	for (unsigned i = 0; i < 2; i++) {
		arena_of_hosts(&arena, 10, i == 0 ? 0 : 3000);
		zone_changes_clear(&changes);
		zone_changes_add(&changes, apex, TYPE_NSEC, 60, nsec, sizeof(nsec), nowhere);
		cost_of(&arena, "example.", &changes);
		zone_changes_clear(&changes);
		add(&changes, "example.", TYPE_TXT, 1);
		cost[i] = cost_of(&arena, "example.", &changes);
		arena_close(&arena);
	}
	assert_int_equal(cost[0].names, 1);
	assert_int_equal(cost[1].names, 1);
	assert_true(cost[0].octets > sizeof(struct image_zones));
	assert_true(cost[1].octets <= cost[0].octets + 256);
	zone_changes_free(&changes);
}

/* A cut concerns what lies below it, and no more. */
static void a_cut_costs_what_lies_below(void **state)
{
	struct zone_changes changes = {0};
	struct arena arena;

	(void)state;
	arena_of_hosts(&arena, 1000, 0);
	add(&changes, "hosts.example.", TYPE_NS, 0);
	assert_int_equal(cost_of(&arena, "example.", &changes).names, 1001);
	zone_changes_clear(&changes);
	add(&changes, "h1.hosts.example.", TYPE_NS, 0); /* the higher cut hides it */
	add(&changes, "x.h1.hosts.example.", TYPE_A, 0);
	assert_int_equal(cost_of(&arena, "example.", &changes).names, 2);
	zone_changes_free(&changes);
	arena_close(&arena);
}

static const struct image_node *node_of(const struct arena *arena, const char *text)
{
	uint8_t name[NAME_MAX_OCTETS];
	const struct image_node *node;

	test_name(text, name);
	node = image_writer_find(arena->writer, 0, name);
	assert_non_null(node);
	return node;
}

/* Names between a zone and a deeper apex exist without being in any zone's tree. */
static void names_above_apexes_follow_cuts(void **state)
{
	static const uint16_t types[] = {TYPE_NS, TYPE_DNAME};
	uint8_t apex[NAME_MAX_OCTETS];
	struct zone_changes changes = {0};
	struct rrset_view nothing = {0};
	struct arena arena;

	(void)state;
	arena_of_hosts(&arena, 1, 0);
	test_name("x.y.sub.example.", apex);
	assert_true(zone_store_stage(arena.store, (struct zone_terms){0}, zone_new(apex)));
	arena_apply(&arena);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(node_of(&arena, "y.sub.example.")->cut_labels, IMAGE_NONE);
		assert_int_equal(node_of(&arena, "y.sub.example.")->apex_labels, 1);
		zone_changes_clear(&changes);
		add(&changes, "sub.example.", types[i], 0);
		cost_of(&arena, "example.", &changes);
		assert_int_equal(node_of(&arena, "y.sub.example.")->cut_labels,
				 i == 0 ? 2 : IMAGE_NONE);
		assert_int_equal(node_of(&arena, "y.sub.example.")->apex_labels,
				 i == 0 ? 1 : IMAGE_NONE);
		zone_changes_clear(&changes);
		nothing.type = types[i];
		zone_changes_set(&changes, name_skip(apex, 2), &nothing);
		cost_of(&arena, "example.", &changes);
	}
	assert_int_equal(node_of(&arena, "y.sub.example.")->apex_labels, 1);
	zone_changes_free(&changes);
	arena_close(&arena);
}

/* What is new in a zone that not anyone may ask says so. */
static void who_may_ask_stands_in_new_names(void **state)
{
	struct zone_changes changes = {0};
	uint8_t name[NAME_MAX_OCTETS];
	struct arena arena;

	(void)state;
	arena_open(&arena);
	assert_true(zone_store_stage(arena.store, (struct zone_terms){.acl = 3}, zone_of_hosts(5)));
	arena_apply(&arena);
	add(&changes, "new.hosts.example.", TYPE_A, 1);
	cost_of(&arena, "example.", &changes);
	test_name("new.hosts.example.", name);
	assert_true(image_writer_find(arena.writer, 0, name)->flags & IMAGE_NODE_ACL);
	struct image image = arena_image(&arena);
	assert_int_equal(image_zone(&image, 0)->acl, 3);
	zone_changes_free(&changes);
	arena_close(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_above_apexes_follow_cuts),
	    cmocka_unit_test(a_change_costs_the_same_in_any_zone),
	    cmocka_unit_test(a_signed_zone_costs_the_same_among_many),
	    cmocka_unit_test(a_cut_costs_what_lies_below),
	    cmocka_unit_test(who_may_ask_stands_in_new_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
