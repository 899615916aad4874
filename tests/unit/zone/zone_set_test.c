/* Zones by apex, against a list of them. */
#include "tests/unit/zone/random_zone.h"

#include <stdio.h>
#include <string.h>

#define MODEL 40u

static struct zone *put(struct zone_set *set, const char *apex)
{
	uint8_t name[NAME_MAX_OCTETS];

	test_name(apex, name);
	return zone_set_put(set, zone_new(name));
}

static const uint8_t *apex_of(const struct zone_set *set, const char *text, bool above)
{
	uint8_t name[NAME_MAX_OCTETS];

	test_name(text, name);
	struct zone *zone = zone_set_zone_of(set, name, above);
	return zone == NULL ? NULL : zone_apex(zone);
}

static void a_name_belongs_to_the_deepest_zone(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();

	assert_null(apex_of(set, "example.", false));
	assert_null(put(set, "example."));
	assert_null(put(set, "a.b.EXAMPLE."));
	assert_memory_equal(apex_of(set, "B.example.", false), "\7example", 9);
	assert_memory_equal(apex_of(set, "x.A.b.example.", false), "\1a\1b\7example", 13);
	assert_memory_equal(apex_of(set, "a.b.example.", false), "\1a\1b\7example", 13);
	assert_memory_equal(apex_of(set, "a.b.example.", true), "\7example", 9);
	assert_null(apex_of(set, "example.", true));
	assert_null(apex_of(set, "example.org.", false));
	assert_null(apex_of(set, ".", false));
	assert_null(put(set, "."));
	assert_memory_equal(apex_of(set, "example.org.", false), "", 1);
	assert_memory_equal(apex_of(set, "example.", true), "", 1);
	zone_set_free(set);
}

static void a_zone_in_place_of_another_keeps_its_number(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	uint8_t name[NAME_MAX_OCTETS];

	put(set, "a.");
	put(set, "b.");
	test_name("A.", name);
	assert_int_equal(zone_set_index(set, name), 0);
	struct zone *old = put(set, "A.");
	assert_non_null(old);
	assert_ptr_not_equal(old, zone_set_find(set, name));
	assert_int_equal(zone_set_count(set), 2);
	assert_int_equal(zone_set_index(set, name), 0);
	zone_free(old);
	zone_free(zone_set_take(set, name));
	assert_null(zone_set_take(set, name));
	assert_int_equal(zone_set_index(set, name), ZONE_SET_MAX);
	put(set, "c.");
	test_name("c.", name);
	assert_int_equal(zone_set_index(set, name), 0);
	put(set, "d.");
	test_name("d.", name);
	assert_int_equal(zone_set_index(set, name), 2);
	zone_set_free(set);
}

/* The list: apexes, without order. */
struct model {
	unsigned count;
	uint8_t apex[MODEL][NAME_MAX_OCTETS];
};

static int model_find(const struct model *model, const uint8_t *apex)
{
	for (unsigned i = 0; i < model->count; i++) {
		if (name_equal(model->apex[i], apex))
			return (int)i;
	}
	return -1;
}

static void model_change(struct random *random, struct model *model, struct zone_set *set)
{
	uint8_t apex[NAME_MAX_OCTETS];

	random_owner(random, (const uint8_t *)"\7example", apex);
	int at = model_find(model, apex);
	if (at >= 0 && random_below(random, 2) == 0) {
		struct zone *zone = zone_set_take(set, apex);
		CHECK(random, zone != NULL);
		zone_free(zone);
		memcpy(model->apex[at], model->apex[--model->count], NAME_MAX_OCTETS);
	} else if (at >= 0 || model->count < MODEL) {
		struct zone *old = zone_set_put(set, zone_new(apex));
		CHECK(random, (old != NULL) == (at >= 0));
		zone_free(old);
		if (at < 0)
			memcpy(model->apex[model->count++], apex, NAME_MAX_OCTETS);
	}
}

static void check_name(struct random *random, const struct model *model, const struct zone_set *set)
{
	uint8_t name[NAME_MAX_OCTETS];
	const uint8_t *deepest[2] = {NULL, NULL};
	bool below = false;

	random_owner(random, (const uint8_t *)"\7example", name);
	for (unsigned i = 0; i < model->count; i++) {
		const uint8_t *apex = model->apex[i];
		bool equal = name_equal(apex, name);

		below = below || (!equal && name_is_at_or_below(apex, name));
		for (int above = 0; above < 2; above++) {
			if (name_is_at_or_below(name, apex) && !(above && equal) &&
			    (deepest[above] == NULL ||
			     name_labels(apex) > name_labels(deepest[above])))
				deepest[above] = apex;
		}
	}
	CHECK(random, zone_set_is_above_apex(set, name) == below);
	for (int above = 0; above < 2; above++) {
		struct zone *zone = zone_set_zone_of(set, name, above != 0);

		CHECK(random, (zone == NULL) == (deepest[above] == NULL));
		if (zone != NULL)
			CHECK(random, name_equal(zone_apex(zone), deepest[above]));
	}
}

static void check_order(struct random *random, const struct model *model,
			const struct zone_set *set)
{
	static bool taken[ZONE_SET_MAX];
	const uint8_t *last = NULL;
	struct zone *zone;
	size_t at = 0, count = 0;

	memset(taken, 0, sizeof(taken));
	while ((zone = zone_set_next(set, &at)) != NULL) {
		const uint8_t *apex = zone_apex(zone);
		uint16_t index = zone_set_index(set, apex);

		CHECK(random, model_find(model, apex) >= 0);
		CHECK(random, last == NULL || name_compare(last, apex) < 0);
		CHECK(random, index < MODEL && !taken[index]);
		taken[index] = true;
		last = apex;
		count++;
	}
	CHECK(random, count == model->count && zone_set_count(set) == count);
}

static void the_set_knows_what_a_list_knows(void **state)
{
	(void)state;
	static struct model model;

	for (uint64_t run = 0, first = random_first_seed(); run < 200; run++) {
		struct random random = random_start(first + run);
		struct zone_set *set = zone_set_new();

		model.count = 0;
		for (unsigned i = 0; i < 100; i++) {
			model_change(&random, &model, set);
			check_name(&random, &model, set);
		}
		check_order(&random, &model, set);
		zone_set_free(set);
	}
}

static void thousands_of_zones_are_found(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	uint8_t name[NAME_MAX_OCTETS];
	char text[40];

	for (unsigned i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "z%u.example.", i);
		put(set, text);
	}
	for (unsigned i = 0; i < 5000; i += 7) {
		snprintf(text, sizeof(text), "www.z%u.example.", i);
		test_name(text, name);
		assert_true(
		    name_equal(zone_apex(zone_set_zone_of(set, name, false)), name_skip(name, 1)));
	}
	zone_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_belongs_to_the_deepest_zone),
	    cmocka_unit_test(a_zone_in_place_of_another_keeps_its_number),
	    cmocka_unit_test(the_set_knows_what_a_list_knows),
	    cmocka_unit_test(thousands_of_zones_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
