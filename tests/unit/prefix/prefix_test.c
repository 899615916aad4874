/* prefix_test.c: prefixes as text, and the table of ranges against a scan of all prefixes. */
#include "tests/unit/zone/random_zone.h"
#include "zones/prefix/client_table.h"

#include <stdlib.h>
#include <string.h>

#define RUNS	 300u
#define PREFIXES 60u
#define RULES	 5u

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;
	const char *why = prefix_from_text(text, &prefix);

	if (why != NULL)
		fail_msg("%s %s", text, why);
	return prefix;
}

static void text_becomes_a_prefix(void **state)
{
	struct prefix prefix = prefix_of("10.0.0.0/8");

	(void)state;
	assert_int_equal(prefix.family, 4);
	assert_int_equal(prefix.length, 8);
	assert_true(prefix.first.high == 0x0a00000000000000ull && prefix.first.low == 0);
	prefix = prefix_of("192.0.2.1");
	assert_int_equal(prefix.length, 32);
	prefix = prefix_of("2001:db8::/32");
	assert_int_equal(prefix.family, 6);
	assert_int_equal(prefix.length, 32);
	assert_true(prefix.first.high == 0x20010db800000000ull);
	prefix = prefix_of("2001:db8::1");
	assert_int_equal(prefix.length, 128);
	assert_int_equal(prefix.first.low, 1);
	prefix = prefix_of("::ffff:192.0.2.0/120"); /* RFC 4291 2.5.5.2 */
	assert_int_equal(prefix.family, 4);
	assert_int_equal(prefix.length, 24);
	assert_true(prefix.first.high == 0xc000020000000000ull);
	assert_int_equal(prefix_of("0.0.0.0/0").length, 0);
	assert_int_equal(prefix_of("::/0").length, 0);
}

static void text_that_is_none_is_refused(void **state)
{
	static const char *const none[] = {"",
					   "10",
					   "10.0.0.0/",
					   "10.0.0.0/33",
					   "10.0.0.0/-1",
					   "10.0.0.0/08x",
					   "10.0.0.1/8",
					   "2001:db8::/129",
					   "2001:db8::1/64",
					   "::1/0",
					   "example.org",
					   "::ffff:0:0/90",
					   "1.2.3.4.5",
					   "10.0.0.0/1111"};
	struct prefix prefix;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (prefix_from_text(none[i], &prefix) == NULL)
			fail_msg("\"%s\" was taken", none[i]);
}

static void mapped_addresses_are_ipv4(void **state)
{
	const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
	unsigned family = 6;
	struct image_address address = prefix_address(&family, mapped);

	(void)state;
	assert_int_equal(family, 4);
	assert_true(address.high == 0xc000020100000000ull && address.low == 0);
}

struct plain {
	struct prefix prefix;
	struct client_change change;
};

/* Few different bits, so that prefixes nest and repeat. */
static struct image_address random_address(struct random *random, unsigned family)
{
	struct image_address a = {0};

	a.high = (uint64_t)random_below(random, 4) << 62 | (uint64_t)random_below(random, 4) << 48 |
		 (uint64_t)random_below(random, 4) << 32;
	if (random_below(random, 8) == 0)
		a.high = UINT64_MAX;
	if (family == 4)
		a.high &= ~(uint64_t)UINT32_MAX;
	else
		a.low = (uint64_t)random_below(random, 4) << 62 | random_below(random, 4);
	return a;
}

static void random_plain(struct random *random, struct plain *plain)
{
	struct prefix *prefix = &plain->prefix;
	struct image_address last;

	prefix->family = random_below(random, 2) == 0 ? 4 : 6;
	prefix->length = (uint8_t)random_below(random, prefix->family == 4 ? 33 : 129);
	prefix->first = (struct image_address){0, 0};
	last = prefix_last(prefix); /* what may be set is what lies behind the length */
	prefix->first = random_address(random, prefix->family);
	prefix->first.high &= ~last.high;
	prefix->first.low &= ~last.low;
	plain->change = (struct client_change){0};
	uint64_t rule = 1ull << random_below(random, RULES);
	switch (random_below(random, 6)) {
	case 0:
		plain->change.refuses = rule;
		break;
	case 1: /* two views at one prefix are refused: the view follows from the prefix */
		plain->change.view = (uint8_t)(1 + prefix->length % 3);
		break;
	case 2:
		plain->change.sets = IMAGE_CLIENT_EXEMPT;
		break;
	case 3:
		plain->change.clears = IMAGE_CLIENT_EXEMPT;
		break;
	default:
		plain->change.admits = rule;
	}
}

static bool holds(const struct prefix *prefix, unsigned family, struct image_address address)
{
	return prefix->family == family && !prefix_address_before(address, prefix->first) &&
	       !prefix_address_before(prefix_last(prefix), address);
}

/* What the longest prefix that speaks of it says, for each rule, the flag and the view. */
static struct image_client_class scan(const struct plain *plain, unsigned count, unsigned family,
				      struct image_address address)
{
	struct image_client_class class = {0};
	int longest_rule[RULES], longest_view = -1, longest_flag = -1;

	memset(longest_rule, -1, sizeof(longest_rule));
	for (unsigned i = 0; i < count; i++) {
		const struct client_change *change = &plain[i].change;
		int length = plain[i].prefix.length;

		if (!holds(&plain[i].prefix, family, address))
			continue;
		if (change->view != 0 && length >= longest_view) {
			class.view = change->view;
			longest_view = length;
		}
		if ((change->sets | change->clears) != 0 && length >= longest_flag) {
			class.flags = change->sets;
			longest_flag = length;
		}
		for (unsigned rule = 0; rule < RULES; rule++) {
			uint64_t bit = 1ull << rule;

			if (!((change->admits | change->refuses) & bit) ||
			    length < longest_rule[rule])
				continue;
			longest_rule[rule] = length;
			class.rules = change->admits & bit ? class.rules | bit : class.rules & ~bit;
		}
	}
	return class;
}

static uint32_t find(const struct client_ranges *ranges, unsigned family,
		     struct image_address address)
{
	uint32_t first4[8 * PREFIXES];

	if (family == 6)
		return prefix_find6(ranges->first, ranges->count, address);
	for (uint32_t i = 0; i < ranges->count; i++)
		first4[i] = (uint32_t)(ranges->first[i].high >> 32);
	return prefix_find4(first4, ranges->count, (uint32_t)(address.high >> 32));
}

static void look_up(struct random *random, const struct client_table *table,
		    const struct plain *plain, unsigned count, unsigned family,
		    struct image_address address)
{
	const struct client_ranges *ranges = family == 4 ? &table->v4 : &table->v6;
	struct image_client_class wanted = scan(plain, count, family, address);
	uint32_t class = 0;

	if (ranges->count > 0) {
		uint32_t at = find(ranges, family, address);

		CHECK(random, !prefix_address_before(address, ranges->first[at]));
		CHECK(random, at + 1 == ranges->count ||
				  prefix_address_before(address, ranges->first[at + 1]));
		class = ranges->class[at];
	}
	CHECK(random, class < table->class_count);
	CHECK(random, memcmp(&table->classes[class], &wanted, sizeof(wanted)) == 0);
}

static void look_around(struct random *random, const struct client_table *table,
			const struct plain *plain, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned family = plain[i].prefix.family;
		struct image_address first = plain[i].prefix.first,
				     last = prefix_last(&plain[i].prefix);
		uint64_t step = family == 4 ? 1ull << 32 : 0;
		struct image_address before = {first.high - (family == 4 ? step : first.low == 0),
					       family == 4 ? 0 : first.low - 1};

		if (family == 4)
			last = (struct image_address){last.high & ~(uint64_t)UINT32_MAX, 0};
		struct image_address after = {last.high +
						  (family == 4 ? step : last.low == UINT64_MAX),
					      family == 4 ? 0 : last.low + 1};
		look_up(random, table, plain, count, family, first);
		look_up(random, table, plain, count, family, last);
		look_up(random, table, plain, count, family, before);
		look_up(random, table, plain, count, family, after);
	}
	for (unsigned i = 0; i < 50; i++) {
		unsigned family = i % 2 == 0 ? 4 : 6;

		look_up(random, table, plain, count, family, random_address(random, family));
	}
}

static void table_equals_a_scan(void **state)
{
	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		struct random random = random_start(random_first_seed() + run);
		struct client_builder *builder = client_builder_new();
		unsigned count = random_below(&random, PREFIXES);
		struct client_problem problem;
		struct plain plain[PREFIXES];

		for (unsigned i = 0; i < count; i++) {
			random_plain(&random, &plain[i]);
			client_builder_add(builder, &plain[i].prefix, &plain[i].change);
		}
		struct client_table *table = client_table_new(builder, &problem);
		CHECK(&random, table != NULL);
		for (uint32_t i = 1; i < table->v6.count; i++)
			CHECK(&random, table->v6.class[i] != table->v6.class[i - 1]);
		look_around(&random, table, plain, count);
		client_table_free(table);
		client_builder_free(builder);
	}
}

static void one_prefix_has_one_view(void **state)
{
	struct client_builder *builder = client_builder_new();
	struct prefix prefix = prefix_of("198.51.100.0/24");
	struct client_problem problem;

	(void)state;
	client_builder_add(builder, &prefix, &(struct client_change){.view = 1});
	client_builder_add(builder, &prefix, &(struct client_change){.admits = 1});
	struct client_table *table = client_table_new(builder, &problem);
	assert_non_null(table);
	client_table_free(table);
	client_builder_add(builder, &prefix, &(struct client_change){.view = 2});
	assert_null(client_table_new(builder, &problem));
	assert_int_equal(problem.view[0], 1);
	assert_int_equal(problem.view[1], 2);
	assert_true(problem.prefix.first.high == prefix.first.high);
	client_builder_free(builder);
}

/* Each further /25 …/32 in a row passes another set of rules. */
static void classes_are_bounded(void **state)
{
	struct client_builder *builder = client_builder_new();
	struct client_problem problem;

	(void)state;
	for (uint32_t i = 0; i < CLIENT_CLASSES_MAX; i++) {
		struct prefix prefix = {{(0x0a000000ull + i) << 32, 0}, 4, 32};

		client_builder_add(builder, &prefix, &(struct client_change){.admits = i + 1});
	}
	assert_null(client_table_new(builder, &problem));
	assert_int_equal(problem.view[0], 0);
	client_builder_free(builder);
}

/* What a scope of RFC 7871 says must hold for every address in it. */
static void scope_lies_in_the_range(void **state)
{
	static const struct {
		const char *address, *first, *last; /* of the range */
		unsigned length;
	} cases[] = {
	    {"192.0.2.77", "192.0.2.0", "192.0.2.255", 24},
	    {"192.0.2.77", "192.0.2.64", "192.0.3.255", 26},
	    {"192.0.2.77", "192.0.2.77", "192.0.2.77", 32},
	    {"192.0.2.77", "0.0.0.0", "255.255.255.255", 0},
	    {"192.0.2.77", "0.0.0.0", "192.0.2.127", 25},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prefix address = prefix_of(cases[i].address);
		struct prefix first = prefix_of(cases[i].first), last = prefix_of(cases[i].last);

		assert_int_equal(
		    prefix_length_within(address.first, first.first, prefix_last(&last), 32),
		    cases[i].length);
	}
	struct prefix address = prefix_of("2001:db8:0:1::1"), range = prefix_of("2001:db8::/32");
	assert_int_equal(prefix_length_within(address.first, range.first, prefix_last(&range), 128),
			 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_becomes_a_prefix),
	    cmocka_unit_test(text_that_is_none_is_refused),
	    cmocka_unit_test(mapped_addresses_are_ipv4),
	    cmocka_unit_test(table_equals_a_scan),
	    cmocka_unit_test(one_prefix_has_one_view),
	    cmocka_unit_test(classes_are_bounded),
	    cmocka_unit_test(scope_lies_in_the_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
