/* A zone against the obvious: the list of its records. */
#include "tests/unit/zone/random_zone.h"

#include <string.h>

#define RUNS 2000u

static bool in_list(const struct test_zone *model, const uint8_t *owner)
{
	if (name_equal(owner, model->apex))
		return true;
	for (unsigned i = 0; i < model->count; i++) {
		if (name_is_at_or_below(model->record[i].owner, owner))
			return true;
	}
	return false;
}

/* All records of the RRset that record[first] starts, in order, with its TTL. */
static void check_rrset(struct random *random, const struct zone *zone,
			const struct test_zone *model, unsigned first)
{
	const struct test_record *head = &model->record[first];
	zone_name name = zone_find(zone, head->owner);
	struct rrset_view view;
	const uint8_t *rdata;
	uint16_t length;
	uint32_t at = 0;

	CHECK(random, name != ZONE_NO_NAME);
	if (head->type == TYPE_RRSIG)
		CHECK(random,
		      zone_signatures(zone, name, rrsig_covered(head->rdata, head->length), &view));
	else
		CHECK(random, zone_rrset(zone, name, head->type, &view));
	CHECK(random, view.ttl == head->ttl);
	for (unsigned i = first; i < model->count; i++) {
		if (!test_same_rrset(&model->record[i], head))
			continue;
		CHECK(random, rrset_record_next(&view, &at, &rdata, &length));
		CHECK(random, length == model->record[i].length);
		CHECK(random, memcmp(rdata, model->record[i].rdata, length) == 0);
	}
	CHECK(random, !rrset_record_next(&view, &at, &rdata, &length));
}

static bool first_of_rrset(const struct test_zone *model, unsigned index)
{
	for (unsigned i = 0; i < index; i++) {
		if (test_same_rrset(&model->record[i], &model->record[index]))
			return false;
	}
	return true;
}

static bool first_of_name(const struct test_zone *model, unsigned index)
{
	for (unsigned i = 0; i < index; i++) {
		if (name_equal(model->record[i].owner, model->record[index].owner))
			return false;
	}
	return true;
}

static void check_records(struct random *random, const struct zone *zone,
			  const struct test_zone *model)
{
	struct zone_counts counts = {0};

	for (unsigned i = 0; i < model->count; i++) {
		counts.records++;
		counts.names += first_of_name(model, i);
		if (!first_of_rrset(model, i))
			continue;
		counts.rrsets += model->record[i].type != TYPE_RRSIG;
		check_rrset(random, zone, model, i);
	}
	CHECK(random, counts.records == zone_counts(zone).records);
	CHECK(random, counts.rrsets == zone_counts(zone).rrsets);
	CHECK(random, counts.names == zone_counts(zone).names);
}

/* Each name of the walk is in the list, comes once, after its parent, and is found by its owner. */
static void check_walk(struct random *random, const struct zone *zone,
		       const struct test_zone *model)
{
	uint8_t owner[NAME_MAX_OCTETS], parent[NAME_MAX_OCTETS];
	unsigned children = 0, names = 0;

	for (zone_name name = ZONE_APEX; name != ZONE_NO_NAME; name = zone_next(zone, name)) {
		names++;
		size_t length = zone_owner(zone, name, owner);
		CHECK(random, length == name_length(owner, NAME_MAX_OCTETS));
		CHECK(random, in_list(model, owner));
		CHECK(random, zone_find(zone, owner) == name);
		for (zone_name child = zone_child(zone, name); child != ZONE_NO_NAME;
		     child = zone_sibling(zone, child)) {
			children++;
			CHECK(random, zone_parent(zone, child) == name);
			zone_owner(zone, child, parent);
			CHECK(random, name_equal(name_skip(parent, 1), owner));
		}
	}
	CHECK(random, names == children + 1);
}

/* Names that are not in the list are not found; those that are, are. */
static void check_finding(struct random *random, const struct zone *zone,
			  const struct test_zone *model)
{
	uint8_t owner[NAME_MAX_OCTETS];

	for (unsigned i = 0; i < 20; i++) {
		random_owner(random, model->apex, owner);
		CHECK(random, (zone_find(zone, owner) != ZONE_NO_NAME) == in_list(model, owner));
	}
}

static void change(struct random *random, struct zone *zone, struct test_zone *model)
{
	const struct place place = {.file = 1, .line = 1};
	struct test_record record;
	unsigned index = random_below(random, TEST_RECORDS);

	if (index < model->count) {
		record = model->record[index];
		CHECK(random,
		      zone_remove(zone, record.owner, record.type, record.rdata, record.length));
		test_zone_remove(model, index);
		CHECK(random,
		      !zone_remove(zone, record.owner, record.type, record.rdata, record.length));
		return;
	}
	random_record(random, model->apex, &record);
	CHECK(random, zone_add(zone, record.owner, record.type, record.ttl, record.rdata,
			       record.length, place) == test_zone_add(model, &record));
}

static void a_zone_holds_what_a_list_holds(void **state)
{
	(void)state;
	static struct test_zone model;

	for (uint64_t run = 0, first = random_first_seed(); run < RUNS; run++) {
		struct random random = random_start(first + run);

		random_zone(&random, "Example.Org.", 60, &model);
		struct zone *zone = test_zone_build(&model, 1);
		for (unsigned changes = random_below(&random, 200); changes > 0; changes--)
			change(&random, zone, &model);
		check_records(&random, zone, &model);
		check_walk(&random, zone, &model);
		check_finding(&random, zone, &model);
		while (model.count > 0) {
			const struct test_record *last = &model.record[model.count - 1];

			zone_remove(zone, last->owner, last->type, last->rdata, last->length);
			test_zone_remove(&model, model.count - 1);
		}
		CHECK(&random, zone_next(zone, ZONE_APEX) == ZONE_NO_NAME);
		CHECK(&random, zone_counts(zone).records == 0);
		zone_free(zone);
	}
}

static unsigned reported;
static uint8_t reported_owner[NAME_MAX_OCTETS];

static void report(void *context, const uint8_t *owner)
{
	(void)context;
	reported++;
	memcpy(reported_owner, owner, name_length(owner, NAME_MAX_OCTETS));
}

static void the_same_records_are_no_difference(void **state)
{
	(void)state;
	static struct test_zone model;

	for (uint64_t run = 0, first = random_first_seed(); run < RUNS / 4; run++) {
		struct random random = random_start(first + run);

		random_zone(&random, "example.", 60, &model);
		struct zone *old = test_zone_build(&model, 1);
		struct zone *new = test_zone_build(&model, 1000); /* lines moved */
		reported = 0;
		zone_diff(old, new, report, NULL);
		CHECK(&random, reported == 0);
		unsigned names = 0;
		for (zone_name name = ZONE_APEX; name != ZONE_NO_NAME; name = zone_next(new, name))
			names++;
		zone_diff(NULL, new, report, NULL);
		CHECK(&random, reported == names);
		zone_diff(old, NULL, report, NULL);
		CHECK(&random, reported == 2 * names);
		zone_free(old);
		zone_free(new);
	}
}

static void one_changed_record_is_one_changed_name(void **state)
{
	(void)state;
	static struct test_zone model;

	for (uint64_t run = 0, first = random_first_seed(); run < RUNS / 4; run++) {
		struct random random = random_start(first + run);

		random_zone(&random, "example.", 60, &model);
		if (model.count == 0)
			continue;
		struct zone *old = test_zone_build(&model, 1);
		struct test_record *record = &model.record[random_below(&random, model.count)];
		/* Another TTL for the whole RRset. */
		uint32_t ttl = record->ttl + 1;
		for (unsigned i = 0; i < model.count; i++) {
			if (test_same_rrset(&model.record[i], record))
				model.record[i].ttl = ttl;
		}
		struct zone *new = test_zone_build(&model, 1);
		reported = 0;
		zone_diff(old, new, report, NULL);
		CHECK(&random, reported == 1);
		CHECK(&random, name_equal(reported_owner, record->owner));
		zone_free(old);
		zone_free(new);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_zone_holds_what_a_list_holds),
	    cmocka_unit_test(the_same_records_are_no_difference),
	    cmocka_unit_test(one_changed_record_is_one_changed_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
