/* compile_walk_test.c: what a walk over a zone says of each name, and the nodes that are made from
 * it, against the same asked of each name by itself; for random zones, whole and in ranges, also
 * after names have come and gone. */
#include "tests/unit/zone/random_zone.h"

#include "zones/compile/compile.h"

#include <stdlib.h>
#include <string.h>

#define RUNS	1500u
#define RECORDS 120u

static const uint64_t key[2] = {0x1234567, 0x89abcdef};

static alignas(16) uint8_t walked[IMAGE_NODE_MAX], alone[IMAGE_NODE_MAX];

static uint8_t labels_of(const struct zone *zone, zone_name name)
{
	uint8_t owner[NAME_MAX_OCTETS];

	if (name == ZONE_NO_NAME)
		return IMAGE_NONE;
	zone_owner(zone, name, owner);
	return (uint8_t)name_labels(owner);
}

static void check_place(struct random *random, const struct zone *zone,
			const struct zone_walk *walk)
{
	struct zone_place place = zone_place_of(zone, walk->name);
	uint8_t owner[NAME_MAX_OCTETS];
	size_t length = zone_owner(zone, walk->name, owner);

	CHECK(random, walk->length == length && memcmp(walk->owner, owner, length) == 0);
	CHECK(random, walk->labels == name_labels(owner));
	CHECK(random, walk->cut_labels == labels_of(zone, place.cut));
	CHECK(random, walk->occluded == (place.dname != ZONE_NO_NAME));
	CHECK(random, walk->has_children == (zone_child(zone, walk->name) != ZONE_NO_NAME));
}

static void check_node(struct random *random, const struct zone_set *set,
		       const struct zone_walk *walk)
{
	struct image_node *a = (struct image_node *)walked, *b = (struct image_node *)alone;
	enum compile_result result = compile_walked(walk, key, a);

	CHECK(random, result == compile_node(set, key, walk->owner, b));
	if (result != COMPILE_ABSENT) {
		CHECK(random, a->units == b->units);
		CHECK(random, memcmp(a, b, a->units * IMAGE_UNIT) == 0);
	}
}

/* All names of the zone, in ranges of random length. */
static void check_zone(struct random *random, const struct zone_set *set, const struct zone *zone)
{
	zone_name end = zone_name_end(zone), from = 0;
	unsigned seen = 0, names = 0;

	while (from < end) {
		zone_name to = from + 1 + random_below(random, end - from);
		struct zone_walk walk;

		zone_walk_start(&walk, zone, from, to);
		while (zone_walk_next(&walk)) {
			CHECK(random, walk.name >= from && walk.name < to);
			check_place(random, zone, &walk);
			if (walk.name != ZONE_APEX)
				check_node(random, set, &walk);
			seen++;
		}
		from = to;
	}
	for (zone_name name = ZONE_APEX; name != ZONE_NO_NAME; name = zone_next(zone, name))
		names++;
	CHECK(random, seen == names);
}

static void change(struct random *random, struct zone *zone, struct test_zone *records)
{
	for (unsigned left = random_below(random, 30); left > 0 && records->count > 0; left--) {
		unsigned at = random_below(random, records->count);
		const struct test_record *record = &records->record[at];

		zone_remove(zone, record->owner, record->type, record->rdata, record->length);
		test_zone_remove(records, at);
	}
	for (unsigned left = random_below(random, 30); left > 0; left--) {
		const struct place place = {.file = 1, .line = 1};
		struct test_record record;

		random_record(random, records->apex, &record);
		zone_add(zone, record.owner, record.type, record.ttl, record.rdata, record.length,
			 place);
	}
}

static void a_walk_says_what_each_name_says(void **state)
{
	static struct test_zone records;

	(void)state;
	for (uint64_t run = 0, first = random_first_seed(); run < RUNS; run++) {
		struct random random = random_start(first + run);
		struct zone_set *set = zone_set_new();
		struct zone *zone;

		random_zone(&random, "example.", 1 + random_below(&random, RECORDS), &records);
		zone = test_zone_build(&records, 1);
		zone_set_put(set, zone);
		check_zone(&random, set, zone);
		change(&random, zone, &records);
		check_zone(&random, set, zone);
		zone_set_free(set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_walk_says_what_each_name_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
