/* What zone.h promises, case by case. */
#include "tests/unit/zone/random_zone.h"

#include <stdio.h>
#include <string.h>

static enum zone_add add(struct zone *zone, const char *owner, uint16_t type, uint32_t ttl,
			 const void *rdata, size_t length)
{
	const struct place place = {.file = 3, .line = 70000};
	uint8_t name[NAME_MAX_OCTETS];

	test_name(owner, name);
	return zone_add(zone, name, type, ttl, rdata, (uint16_t)length, place);
}

static zone_name find(const struct zone *zone, const char *owner)
{
	uint8_t name[NAME_MAX_OCTETS];

	test_name(owner, name);
	return zone_find(zone, name);
}

static bool remove_from(struct zone *zone, const char *owner, uint16_t type, const void *rdata,
			size_t length)
{
	uint8_t name[NAME_MAX_OCTETS];

	test_name(owner, name);
	return zone_remove(zone, name, type, rdata, (uint16_t)length);
}

static struct zone *example(void)
{
	uint8_t apex[NAME_MAX_OCTETS];

	test_name("EXAMPLE.", apex);
	return zone_new(apex);
}

static void a_new_zone_has_only_its_apex(void **state)
{
	(void)state;
	struct zone *zone = example();
	uint8_t owner[NAME_MAX_OCTETS];

	assert_memory_equal(zone_apex(zone), "\7example", 9);
	assert_int_equal(find(zone, "Example."), ZONE_APEX);
	assert_int_equal(find(zone, "www.example."), ZONE_NO_NAME);
	assert_int_equal(find(zone, "example.org."), ZONE_NO_NAME);
	assert_int_equal(zone_next(zone, ZONE_APEX), ZONE_NO_NAME);
	assert_int_equal(zone_parent(zone, ZONE_APEX), ZONE_NO_NAME);
	assert_int_equal(zone_owner(zone, ZONE_APEX, owner), 9);
	assert_int_equal(zone_counts(zone).names, 0);
	assert_int_equal(zone_serial(zone), 0);
	zone_free(zone);
}

static void names_above_a_record_exist(void **state)
{
	(void)state;
	struct zone *zone = example();
	uint8_t owner[NAME_MAX_OCTETS];
	struct rrset_view view;

	assert_int_equal(add(zone, "A.b.C.example.", TYPE_A, 60, "\1\2\3\4", 4), ZONE_ADDED);
	zone_name name = find(zone, "a.B.c.EXAMPLE.");
	assert_int_not_equal(name, ZONE_NO_NAME);
	assert_int_equal(zone_owner(zone, name, owner), 15);
	assert_memory_equal(owner, "\1a\1b\1c\7example", 15);
	assert_true(zone_rrset(zone, name, TYPE_A, &view));
	assert_int_equal(view.ttl, 60);
	assert_int_equal(view.place.file, 3);
	assert_int_equal(view.place.line, 70000);
	name = find(zone, "c.example.");
	assert_int_not_equal(name, ZONE_NO_NAME);
	assert_false(zone_rrset(zone, name, TYPE_A, &view));
	assert_int_equal(zone_counts(zone).names, 1);
	zone_free(zone);
}

static void additions_are_judged(void **state)
{
	(void)state;
	struct zone *zone = example();
	static const uint8_t large[65000];

	assert_int_equal(add(zone, "x.example.", TYPE_A, 60, "\1\2\3\4", 4), ZONE_ADDED);
	assert_int_equal(add(zone, "x.example.", TYPE_A, 60, "\1\2\3\4", 4), ZONE_DUPLICATE);
	assert_int_equal(add(zone, "x.example.", TYPE_A, 61, "\1\2\3\5", 4), ZONE_TTL_DIFFERS);
	assert_int_equal(add(zone, "x.example.org.", TYPE_A, 60, "\1\2\3\4", 4), ZONE_OUT_OF_ZONE);
	assert_int_equal(add(zone, "xexample.", TYPE_A, 60, "\1\2\3\4", 4), ZONE_OUT_OF_ZONE);
	assert_int_equal(add(zone, ".", TYPE_A, 60, "\1\2\3\4", 4), ZONE_OUT_OF_ZONE);
	assert_int_equal(add(zone, "x.example.", TYPE_MX, 60, "\0\1\1M\7example", 13), ZONE_ADDED);
	assert_int_equal(add(zone, "x.example.", TYPE_MX, 60, "\0\1\1m\7exAmple", 13),
			 ZONE_DUPLICATE);
	assert_int_equal(add(zone, "x.example.", TYPE_TXT, 60, "\1M", 2), ZONE_ADDED);
	assert_int_equal(add(zone, "x.example.", TYPE_TXT, 60, "\1m", 2), ZONE_ADDED);
	assert_int_equal(add(zone, "l.example.", 65280, 60, large, 65000), ZONE_ADDED);
	assert_int_equal(add(zone, "l.example.", 65280, 60, large, 600), ZONE_TOO_LARGE);
	assert_int_equal(add(zone, "l.example.", 65280, 60, large, 400), ZONE_ADDED);
	assert_int_equal(add(zone, "y.example.", 65280, 60, large, 65535), ZONE_TOO_LARGE);
	assert_int_equal(find(zone, "y.example."), ZONE_NO_NAME);
	assert_int_equal(zone_counts(zone).records, 7);
	assert_int_equal(zone_counts(zone).rrsets, 4);
	zone_free(zone);
}

static void the_largest_rrset_just_fits_a_message(void **state)
{
	(void)state;
	struct zone *zone = example();
	static const uint8_t zeros[65535];
	size_t most = 65535 - 12 - 9 - 4 - 12;

	assert_int_equal(add(zone, "example.", 65280, 60, zeros, most + 1), ZONE_TOO_LARGE);
	assert_int_equal(add(zone, "example.", 65280, 60, zeros, most), ZONE_ADDED);
	assert_int_equal(add(zone, "example.", 65280, 60, zeros, 0), ZONE_TOO_LARGE);
	zone_free(zone);
}

static void thousands_of_records_form_one_rrset(void **state)
{
	(void)state;
	struct zone *zone = example();
	struct rrset_view view;
	uint8_t rdata[4];

	for (uint32_t i = 0; i < 4000; i++) {
		put_u32(rdata, i * 2654435761u);
		assert_int_equal(add(zone, "x.example.", TYPE_A, 1, rdata, 4), ZONE_ADDED);
		/* Another RRset of the name, and one elsewhere, between. */
		if (i % 1000 == 500)
			add(zone, "x.example.", TYPE_TXT, 1, rdata, 4);
		if (i % 1000 == 700)
			add(zone, "y.example.", TYPE_A, 1, rdata, 4);
		if (i % 100 == 99) {
			put_u32(rdata, i / 2 * 2654435761u);
			assert_int_equal(add(zone, "x.example.", TYPE_A, 1, rdata, 4),
					 ZONE_DUPLICATE);
		}
	}
	assert_true(zone_rrset(zone, find(zone, "x.example."), TYPE_A, &view));
	assert_int_equal(view.count, 4000);
	put_u32(rdata, 17 * 2654435761u);
	assert_true(remove_from(zone, "x.example.", TYPE_A, rdata, 4));
	assert_int_equal(add(zone, "x.example.", TYPE_A, 1, rdata, 4), ZONE_ADDED);
	assert_int_equal(add(zone, "x.example.", TYPE_A, 1, rdata, 4), ZONE_DUPLICATE);
	zone_free(zone);
}

static void removal_prunes_empty_names(void **state)
{
	(void)state;
	struct zone *zone = example();

	add(zone, "a.b.example.", TYPE_A, 60, "\1\2\3\4", 4);
	add(zone, "a.b.example.", TYPE_A, 60, "\1\2\3\5", 4);
	add(zone, "c.b.example.", TYPE_A, 60, "\1\2\3\4", 4);
	assert_false(remove_from(zone, "a.b.example.", TYPE_AAAA, NULL, 0));
	assert_false(remove_from(zone, "a.b.example.", TYPE_A, "\1\2\3\6", 4));
	assert_false(remove_from(zone, "z.example.", TYPE_A, NULL, 0));
	assert_true(remove_from(zone, "a.b.example.", TYPE_A, "\1\2\3\4", 4));
	assert_int_not_equal(find(zone, "a.b.example."), ZONE_NO_NAME);
	assert_true(remove_from(zone, "a.b.example.", TYPE_A, "\1\2\3\5", 4));
	assert_int_equal(find(zone, "a.b.example."), ZONE_NO_NAME);
	assert_int_not_equal(find(zone, "b.example."), ZONE_NO_NAME);
	assert_true(remove_from(zone, "c.b.example.", TYPE_A, NULL, 0));
	assert_int_equal(find(zone, "b.example."), ZONE_NO_NAME);
	assert_int_equal(zone_counts(zone).names, 0);
	assert_int_equal(zone_counts(zone).records, 0);
	zone_free(zone);
}

static void signatures_stand_beside_what_they_cover(void **state)
{
	(void)state;
	struct zone *zone = example();
	uint8_t signature[24] = {0, TYPE_A};
	struct rrset_view view;

	add(zone, "example.", TYPE_RRSIG, 60, signature, sizeof(signature));
	signature[1] = TYPE_NS;
	add(zone, "example.", TYPE_RRSIG, 70, signature, sizeof(signature));
	signature[23] = 1;
	add(zone, "example.", TYPE_RRSIG, 70, signature, sizeof(signature));
	assert_true(zone_signatures(zone, ZONE_APEX, TYPE_A, &view));
	assert_int_equal(view.count, 1);
	assert_int_equal(view.ttl, 60);
	assert_true(zone_signatures(zone, ZONE_APEX, TYPE_NS, &view));
	assert_int_equal(view.count, 2);
	assert_int_equal(view.covered, TYPE_NS);
	assert_false(zone_signatures(zone, ZONE_APEX, TYPE_SOA, &view));
	assert_int_equal(zone_counts(zone).rrsets, 0);
	assert_int_equal(zone_counts(zone).records, 3);
	assert_true(remove_from(zone, "example.", TYPE_RRSIG, NULL, 0));
	assert_int_equal(zone_counts(zone).records, 0);
	zone_free(zone);
}

static void cuts_and_dnames_place_what_is_below(void **state)
{
	(void)state;
	struct zone *zone = example();

	add(zone, "example.", TYPE_NS, 60, "\0", 1);
	add(zone, "cut.example.", TYPE_NS, 60, "\0", 1);
	add(zone, "b.a.cut.example.", TYPE_A, 60, "\1\2\3\4", 4);
	add(zone, "a.cut.example.", TYPE_NS, 60, "\0", 1);
	add(zone, "d.example.", TYPE_DNAME, 60, "\0", 1);
	add(zone, "x.d.example.", TYPE_A, 60, "\1\2\3\4", 4);
	zone_name cut = find(zone, "cut.example.");
	assert_int_equal(zone_place_of(zone, ZONE_APEX).cut, ZONE_NO_NAME);
	assert_int_equal(zone_place_of(zone, cut).cut, cut);
	assert_int_equal(zone_place_of(zone, find(zone, "b.a.cut.example.")).cut, cut);
	zone_name dname = find(zone, "d.example.");
	assert_int_equal(zone_place_of(zone, dname).dname, ZONE_NO_NAME);
	assert_int_equal(zone_place_of(zone, find(zone, "x.d.example.")).dname, dname);
	remove_from(zone, "cut.example.", TYPE_NS, NULL, 0);
	assert_int_equal(zone_place_of(zone, find(zone, "b.a.cut.example.")).cut,
			 find(zone, "a.cut.example."));
	remove_from(zone, "d.example.", TYPE_DNAME, NULL, 0);
	assert_int_equal(zone_place_of(zone, find(zone, "x.d.example.")).dname, ZONE_NO_NAME);
	zone_free(zone);
}

static void the_serial_is_the_soas(void **state)
{
	(void)state;
	struct zone *zone = example();
	uint8_t soa[22] = {0, 0, 1, 2, 3, 4};

	add(zone, "example.", TYPE_SOA, 60, soa, sizeof(soa));
	assert_int_equal(zone_serial(zone), 0x01020304);
	zone_free(zone);
}

static void churn_does_not_grow_memory(void **state)
{
	(void)state;
	struct random random = random_start(1);
	struct zone *zone = example();
	uint8_t rdata[200] = {0};
	char owner[40];
	size_t settled = 0;

	for (unsigned i = 0; i < 60000; i++) {
		snprintf(owner, sizeof(owner), "host%u.example.", i % 500);
		if (remove_from(zone, owner, TYPE_TXT, NULL, 0) && random_below(&random, 4) == 0)
			continue;
		add(zone, owner, TYPE_TXT, 60, rdata, 1 + random_below(&random, sizeof(rdata) - 1));
		if (i == 40000)
			settled = zone_memory(zone);
	}
	/* Sizes meet by chance, so it may still take a step; 20,000 changes lost would be ten. */
	assert_true(zone_memory(zone) <= 2 * settled);
	zone_free(zone);
}

static void nsec3_owners_are_no_names(void **state)
{
	(void)state;
	struct zone *zone = example();
	uint8_t signature[24] = {0, TYPE_NSEC3};

	add(zone, "h.example.", TYPE_NSEC3, 60, "\1\0\0\0\0\1x", 7);
	assert_true(zone_is_nsec3_owner(zone, find(zone, "h.example.")));
	add(zone, "h.example.", TYPE_RRSIG, 60, signature, sizeof(signature));
	assert_true(zone_is_nsec3_owner(zone, find(zone, "h.example.")));
	add(zone, "h.example.", TYPE_A, 60, "\1\2\3\4", 4);
	assert_false(zone_is_nsec3_owner(zone, find(zone, "h.example.")));
	remove_from(zone, "h.example.", TYPE_A, NULL, 0);
	add(zone, "x.h.example.", TYPE_A, 60, "\1\2\3\4", 4);
	assert_false(zone_is_nsec3_owner(zone, find(zone, "h.example.")));
	zone_free(zone);
}

static void numbered(unsigned i, char owner[32])
{
	sprintf(owner, i % 3 == 0 ? "h%u.example." : "a.h%u.example.", i);
}

static void add_numbered(struct zone *zone, unsigned i)
{
	uint8_t name[NAME_MAX_OCTETS];
	char owner[32];

	numbered(i, owner);
	test_name(owner, name);
	zone_announce(zone, name, name_length(name, sizeof(name)));
	assert_int_equal(add(zone, owner, TYPE_A, 60, "\1\2\3\4", 4), ZONE_ADDED);
	assert_int_not_equal(find(zone, owner), ZONE_NO_NAME); /* while it may still wait */
}

/* Too few, too many, none, and one that is taken back half-way. */
static void what_is_expected_changes_nothing(void **state)
{
	static const uint64_t guesses[] = {0, 1, 300, 20000, UINT32_MAX, UINT64_MAX / 2};
	enum { NAMES = 3000 };
	char owner[32];

	(void)state;
	for (unsigned g = 0; g < sizeof(guesses) / sizeof(guesses[0]); g++) {
		struct zone *zone = example();

		zone_expect(zone, guesses[g]);
		for (unsigned i = 0; i < NAMES; i++) {
			add_numbered(zone, i);
			if (i == NAMES / 2)
				zone_expect(zone, guesses[5 - g]);
		}
		assert_int_equal(zone_names(zone), NAMES + NAMES / 3 * 2);
		for (unsigned i = 0; i < NAMES; i += 2) {
			numbered(i, owner);
			assert_true(remove_from(zone, owner, TYPE_A, NULL, 0));
		}
		for (unsigned i = 0; i < NAMES; i++) {
			numbered(i, owner);
			assert_int_equal(find(zone, owner) != ZONE_NO_NAME, i % 2);
		}
		assert_int_equal(zone_names(zone), (NAMES + NAMES / 3 * 2) / 2);
		zone_free(zone);
	}
}

/* Nothing is known of the last parent, or it is another's, or none of the zone's names is meant. */
static void any_name_may_be_announced(void **state)
{
	static const char *const names[] = {
	    ".", "example.", "a.example.", "a.b.c.example.", "a.other.", "example.example."};
	struct zone *zone = example();
	uint8_t name[NAME_MAX_OCTETS];

	(void)state;
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			test_name(names[i], name);
			zone_announce(zone, name, name_length(name, sizeof(name)));
		}
		assert_int_equal(zone_names(zone), turn == 1 ? 2 : 0);
		if (turn == 0)
			add(zone, "x.y.example.", TYPE_A, 60, "\1\2\3\4", 4);
		else
			remove_from(zone, "x.y.example.", TYPE_A, NULL, 0);
	}
	zone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_zone_has_only_its_apex),
	    cmocka_unit_test(names_above_a_record_exist),
	    cmocka_unit_test(additions_are_judged),
	    cmocka_unit_test(the_largest_rrset_just_fits_a_message),
	    cmocka_unit_test(thousands_of_records_form_one_rrset),
	    cmocka_unit_test(removal_prunes_empty_names),
	    cmocka_unit_test(signatures_stand_beside_what_they_cover),
	    cmocka_unit_test(cuts_and_dnames_place_what_is_below),
	    cmocka_unit_test(the_serial_is_the_soas),
	    cmocka_unit_test(churn_does_not_grow_memory),
	    cmocka_unit_test(nsec3_owners_are_no_names),
	    cmocka_unit_test(what_is_expected_changes_nothing),
	    cmocka_unit_test(any_name_may_be_announced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
