/* store_load_test.c: a large zone that comes into an empty image, compiled by one thread and by
 * several: the same image, name for name, whatever is in the zone and in a zone below it; and none
 * at all where there is no room. */
#include "tests/unit/control/store_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES 30000u

static void add(struct zone *zone, uint16_t type, const char *rdata_name, const char *format,
		unsigned number)
{
	const struct place place = {.file = 1, .line = 1};
	uint8_t owner[NAME_MAX_OCTETS], rdata[NAME_MAX_OCTETS] = {192, 0, 2, (uint8_t)number};
	char text[128];
	size_t length = 4;

	snprintf(text, sizeof(text), format, number);
	test_name(text, owner);
	if (rdata_name != NULL) {
		test_name(rdata_name, rdata);
		length = name_length(rdata, sizeof(rdata));
	}
	assert_int_not_equal(zone_add(zone, owner, type, 60, rdata, (uint16_t)length, place),
			     ZONE_OUT_OF_ZONE);
}

/* Hosts, and among them cuts with glue, DNAMEs with what they hide, wildcards and long ways. */
static struct zone *large_zone(void)
{
	uint8_t apex[NAME_MAX_OCTETS];
	struct zone *zone;

	test_name("example.", apex);
	zone = zone_new(apex);
	add(zone, TYPE_NS, "ns.example.", "example.", 0);
	for (unsigned i = 0; i < NAMES; i++) {
		add(zone, TYPE_A, NULL, "h%u.example.", i);
		if (i % 97 == 0) {
			add(zone, TYPE_NS, "ns.h0.cut0.example.", "cut%u.example.", i);
			add(zone, TYPE_A, NULL, "ns.h0.cut%u.example.", i);
		}
		if (i % 101 == 0) {
			add(zone, TYPE_DNAME, "example.", "d%u.example.", i);
			add(zone, TYPE_A, NULL, "hidden.d%u.example.", i);
		}
		if (i % 50 == 0)
			add(zone, TYPE_CNAME, "h1.example.", "*.w%u.example.", i);
		if (i % 7 == 0)
			add(zone, TYPE_A, NULL, "a.%u.b.sub.example.", i);
	}
	return zone;
}

static struct zone *zone_below(void)
{
	uint8_t apex[NAME_MAX_OCTETS];
	struct zone *zone;

	test_name("sub.example.", apex);
	zone = zone_new(apex);
	add(zone, TYPE_NS, "ns.example.", "sub.example.", 0);
	for (unsigned i = 0; i < 100; i++)
		add(zone, TYPE_A, NULL, "a.%u.b.sub.example.", i);
	return zone;
}

static struct store_change load(struct arena *arena, unsigned threads, bool below)
{
	arena_open(arena);
	zone_store_set_threads(arena->store, threads);
	assert_true(zone_store_stage(arena->store, (struct zone_terms){0}, large_zone()));
	if (below)
		assert_true(zone_store_stage(arena->store, (struct zone_terms){0}, zone_below()));
	return arena_apply(arena);
}

static void compare(const struct arena *a, const struct arena *b)
{
	uint8_t apex[NAME_MAX_OCTETS], owner[NAME_MAX_OCTETS];
	unsigned nodes = 0;

	test_name("example.", apex);
	const struct zone *zone = zone_set_find(zone_store_zones(a->store, 0), apex);
	assert_int_equal(image_usage(a->writer).names, image_usage(b->writer).names);
	for (zone_name name = ZONE_APEX; name != ZONE_NO_NAME; name = zone_next(zone, name)) {
		zone_owner(zone, name, owner);
		const struct image_node *one = image_writer_find(a->writer, 0, owner);
		const struct image_node *other = image_writer_find(b->writer, 0, owner);

		assert_true((one == NULL) == (other == NULL));
		if (one == NULL)
			continue;
		assert_int_equal(one->units, other->units);
		assert_memory_equal(one, other, one->units * IMAGE_UNIT);
		nodes++;
	}
	assert_true(nodes > NAMES);
}

static void threads_make_the_same_image(void **state)
{
	struct arena one, several;

	(void)state;
	for (unsigned below = 0; below < 2; below++) {
		struct store_change a = load(&one, 1, below), b = load(&several, 4, below);

		assert_int_equal(a.changed, b.changed);
		assert_int_equal(a.too_large, b.too_large);
		compare(&one, &several);
		arena_close(&one);
		arena_close(&several);
	}
}

static void no_room_for_a_large_zone(void **state)
{
	struct store_change change;
	struct arena arena;
	char error[256];

	(void)state;
	arena_open(&arena);
	arena.granted = 3u << 20;
	zone_store_set_threads(arena.store, 4);
	assert_true(zone_store_stage(arena.store, (struct zone_terms){0}, large_zone()));
	assert_false(zone_store_apply(arena.store, &change, error, sizeof(error)));
	assert_int_equal(image_usage(arena.writer).names, 0);
	assert_int_equal(zone_set_count(zone_store_zones(arena.store, 0)), 0);
	arena_close(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(threads_make_the_same_image),
	    cmocka_unit_test(no_room_for_a_large_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
