/* What compile.h promises at its edges, case by case. */
#include "tests/unit/compile/node_reader.h"
#include "zones/compile/compile.h"
#include "zones/compile/tail.h"

#include <stdio.h>
#include <string.h>

static const uint64_t key[2] = {1, 2};
alignas(16) static uint8_t block[IMAGE_NODE_MAX];
static struct random none;

static const struct image_node *node(void)
{
	return (const struct image_node *)(const void *)block;
}

static void add(struct zone *zone, const char *owner, uint16_t type, const void *rdata,
		size_t length)
{
	const struct place place = {.file = 1, .line = 1};
	uint8_t name[NAME_MAX_OCTETS];

	test_name(owner, name);
	assert_int_equal(zone_add(zone, name, type, 300, rdata, (uint16_t)length, place),
			 ZONE_ADDED);
}

static struct zone *put_zone(struct zone_set *set, const char *apex)
{
	uint8_t name[NAME_MAX_OCTETS];

	test_name(apex, name);
	struct zone *zone = zone_new(name);
	assert_null(zone_set_put(set, zone));
	return zone;
}

static enum compile_result compile(const struct zone_set *set, const char *owner)
{
	uint8_t name[NAME_MAX_OCTETS];

	test_name(owner, name);
	enum compile_result result =
	    compile_node(set, key, name, (struct image_node *)(void *)block);
	if (result != COMPILE_ABSENT)
		node_check(&none, node());
	return result;
}

static const uint8_t *tail_of(uint16_t type)
{
	const struct image_rrset *rrset = node_rrset(node(), type);

	assert_non_null(rrset);
	return block + rrset->tail * 4u;
}

static void an_address_is_sixteen_octets(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *zone = put_zone(set, "example.");

	add(zone, "www.example.", TYPE_A, "\xc0\0\2\1", 4);
	assert_int_equal(compile(set, "www.example."), COMPILE_NODE);
	const struct image_rrset *rrset = node_rrset(node(), TYPE_A);
	assert_int_equal(rrset->length, 16);
	assert_int_equal(rrset->signed_length, 16);
	assert_int_equal(rrset->flags, 0);
	assert_memory_equal(tail_of(TYPE_A), "\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\1", 16);
	zone_set_free(set);
}

static void names_are_compressed_against_owner_and_tail(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *zone = put_zone(set, "example.");

	add(zone, "example.", TYPE_NS, "\3ns1\3Dns\7EXAMPLE", 17);
	add(zone, "example.", TYPE_NS, "\3ns2\3dns\7example", 17);
	add(zone, "example.", TYPE_MX, "\0\1\7example", 11);
	assert_int_equal(compile(set, "example."), COMPILE_NODE);
	/* The tail starts at 25, the first rdata at 37: "Dns" stands at 41. */
	assert_memory_equal(tail_of(TYPE_NS) + 12, "\3ns1\3Dns\xc0\x0c", 10);
	assert_memory_equal(tail_of(TYPE_NS) + 22 + 12, "\3ns2\xc0\x29", 6);
	assert_int_equal(node_rrset(node(), TYPE_NS)->length, 12 + 10 + 12 + 6);
	assert_int_equal(node_rrset(node(), TYPE_NS)->flags, IMAGE_RRSET_POINTERS);
	assert_memory_equal(tail_of(TYPE_MX) + 10, "\0\4\0\1\xc0\x0c", 6);
	zone_set_free(set);
}

static void only_old_types_are_compressed(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *zone = put_zone(set, "example.");

	add(zone, "x.example.", TYPE_SRV, "\0\0\0\0\0\0\7example", 15);
	add(zone, "x.example.", TYPE_DNAME, "\7example", 9);
	assert_int_equal(compile(set, "x.example."), COMPILE_NODE);
	assert_int_equal(node_rrset(node(), TYPE_SRV)->length, 12 + 15);
	assert_int_equal(node_rrset(node(), TYPE_SRV)->flags, 0);
	assert_int_equal(node_rrset(node(), TYPE_DNAME)->length, 12 + 9);
	assert_int_equal(node()->flags, IMAGE_NODE_DNAME);
	zone_set_free(set);
}

static void a_wildcards_own_label_is_never_pointed_to(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *zone = put_zone(set, "example.");

	add(zone, "*.example.", TYPE_MX, "\0\1\1*\7example", 13);
	assert_int_equal(compile(set, "*.example."), COMPILE_NODE);
	assert_memory_equal(tail_of(TYPE_MX) + 14, "\1*\xc0\x0e", 4);
	assert_int_equal(compile(set, "example."), COMPILE_NODE);
	assert_int_equal(node()->flags, IMAGE_NODE_APEX | IMAGE_NODE_WILDCARD);
	zone_set_free(set);
}

/* Three labels of 63 octets that no other number has, then "org". */
static size_t long_name(uint8_t *name, unsigned number)
{
	for (unsigned label = 0; label < 3; label++) {
		uint8_t *at = name + (size_t)label * 64;

		memset(at, 'a' + (int)label, 64);
		at[0] = 63;
		at[1] = (uint8_t)('A' + number / 16);
		at[2] = (uint8_t)('A' + number % 16);
	}
	memcpy(name + 192, "\3org", 5);
	return 197;
}

/* A question may be 254 octets longer than the owner: no pointer may then pass 14 bits. */
static void pointers_keep_room_to_move(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *zone = put_zone(set, ".");
	static struct read_record records[160];
	uint8_t rdata[160][NAME_MAX_OCTETS] = {{0}}, question[NAME_MAX_OCTETS] = {0};
	size_t length = 0;

	/* Each of the second half ends like one of the first, the last of which stand too far. */
	for (unsigned i = 0; i < 160; i++) {
		uint8_t *name = rdata[i];

		if (i >= 80) {
			memcpy(name, "\5again", 6);
			name += 6;
		}
		length = long_name(name, i % 80) + (size_t)(name - rdata[i]);
		add(zone, "c.", TYPE_PTR, rdata[i], length);
	}
	long_name(question, 0);
	memset(question + 192, 'd', 60);
	question[192] = 58;
	memcpy(question + 251, "\1c", 3);
	assert_int_equal(name_length(question, NAME_MAX_OCTETS), 254);
	assert_int_equal(compile(set, "c."), COMPILE_NODE);
	const struct image_rrset *rrset = node_rrset(node(), TYPE_PTR);
	assert_int_equal(node_records(&none, node(), rrset, false, question, records, 160), 160);
	for (unsigned i = 0; i < 160; i++)
		assert_memory_equal(records[i].rdata, rdata[i], records[i].length);
	assert_int_equal(records[159].length, length);
	assert_true(rrset->length > 0x4000);
	/* The first ones of the second half did find their suffix. */
	assert_true(rrset->length < 160 * 190);
	zone_set_free(set);
}

static void rdata_that_is_no_name_is_copied(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *zone = put_zone(set, "example.");

	add(zone, "x.example.", TYPE_PTR, "\7exam", 5);
	add(zone, "x.example.", TYPE_SOA, "\0\7exam", 6);
	add(zone, "x.example.", TYPE_NAPTR, "\0", 1);
	assert_int_equal(compile(set, "x.example."), COMPILE_NODE);
	assert_memory_equal(tail_of(TYPE_PTR) + 10, "\0\5\7exam", 7);
	assert_memory_equal(tail_of(TYPE_SOA) + 10, "\0\6\0\7exam", 8);
	assert_int_equal(node_rrset(node(), TYPE_NAPTR)->target_count, 0);
	zone_set_free(set);
}

static void the_negative_soa_lives_as_long_as_its_minimum(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *zone = put_zone(set, "example.");
	uint8_t soa[22] = {0}, signature[24] = {0, TYPE_SOA};

	soa[21] = 77;
	add(zone, "example.", TYPE_SOA, soa, sizeof(soa));
	add(zone, "example.", TYPE_RRSIG, signature, sizeof(signature));
	assert_int_equal(compile(set, "example."), COMPILE_NODE);
	const struct image_rrset *negative = node_rrset(node(), IMAGE_TYPE_NEGATIVE_SOA);
	assert_int_equal(negative->signed_count, 2);
	const uint8_t *tail = tail_of(IMAGE_TYPE_NEGATIVE_SOA);
	assert_int_equal(get_u16(tail + 2), TYPE_SOA);
	assert_int_equal(get_u32(tail + 6), 77);
	assert_int_equal(get_u16(tail + 34 + 2), TYPE_RRSIG);
	assert_int_equal(get_u32(tail + 34 + 6), 77);
	assert_int_equal(get_u32(tail_of(TYPE_SOA) + 6), 300);
	zone_set_free(set);
}

static void the_ds_of_an_apex_is_the_parents(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *parent = put_zone(set, "example.");
	struct zone *child = put_zone(set, "c.example.");
	uint8_t signature[24] = {0, TYPE_DS};

	add(child, "c.example.", TYPE_DS, "child", 5);
	add(child, "c.example.", TYPE_A, "\1\2\3\4", 4);
	add(parent, "c.example.", TYPE_NS, "\0", 1);
	add(parent, "c.example.", TYPE_A, "\4\3\2\1", 4);
	assert_int_equal(compile(set, "c.example."), COMPILE_NODE);
	assert_null(node_rrset(node(), TYPE_DS));
	assert_int_equal(node()->parent_apex_labels, 1);
	add(parent, "c.example.", TYPE_DS, "parent", 6);
	add(parent, "c.example.", TYPE_RRSIG, signature, sizeof(signature));
	assert_int_equal(compile(set, "c.example."), COMPILE_NODE);
	assert_memory_equal(tail_of(TYPE_DS) + 12, "parent", 6);
	assert_int_equal(node_rrset(node(), TYPE_DS)->signed_count, 2);
	assert_int_equal(node_rrset(node(), TYPE_DS)->flags, IMAGE_RRSET_PARENT_SIDE);
	assert_memory_equal(tail_of(TYPE_A) + 12, "\1\2\3\4", 4);
	assert_null(node_rrset(node(), TYPE_NS));
	assert_int_equal(node()->apex_labels, 2);
	assert_int_equal(node()->cut_labels, IMAGE_NONE);
	zone_set_free(set);
}

static void signatures_without_their_rrset_are_left_out(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *zone = put_zone(set, "example.");
	uint8_t signature[24] = {0, TYPE_TXT};

	add(zone, "x.example.", TYPE_RRSIG, signature, sizeof(signature));
	assert_int_equal(compile(set, "x.example."), COMPILE_NODE);
	assert_int_equal(node()->rrset_count, 0);
	zone_set_free(set);
}

/* The types of what compile_excess() finds; 0: nothing. */
static void assert_excess(const struct zone *zone, const char *owner, uint16_t rrset,
			  uint16_t signatures)
{
	struct compile_excess excess;
	uint8_t name[NAME_MAX_OCTETS];

	test_name(owner, name);
	compile_excess(zone, zone_find(zone, name), &excess);
	assert_int_equal(excess.rrset.count == 0 ? 0 : excess.rrset.type, rrset);
	assert_int_equal(excess.signatures.count == 0 ? 0 : excess.signatures.covered, signatures);
}

/* Four RRsets of 64 KiB do not fit with the rest: the last is left out, the small ones stay. */
static void a_node_too_large_holds_what_fits(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *zone = put_zone(set, "example.");
	static const uint8_t zeros[65400];

	for (uint16_t type = 300; type < 304; type++)
		add(zone, "x.example.", type, zeros, sizeof(zeros));
	assert_int_equal(compile(set, "x.example."), COMPILE_NODE);
	assert_excess(zone, "x.example.", 0, 0);
	add(zone, "x.example.", TYPE_TXT, zeros, 600);
	assert_excess(zone, "x.example.", TYPE_TXT, 0);
	add(zone, "x.example.", 65000, "small", 5);
	assert_int_equal(compile(set, "x.example."), COMPILE_TOO_LARGE);
	assert_int_equal(node()->rrset_count, 5);
	assert_non_null(node_rrset(node(), TYPE_TXT));
	assert_non_null(node_rrset(node(), 302));
	assert_null(node_rrset(node(), 303));
	assert_non_null(node_rrset(node(), 65000));
	zone_set_free(set);
}

/* Where nothing is said to be too much, an apex has room for whatever DS the zone above has. */
static void an_apex_keeps_room_for_its_parents_ds(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *above = put_zone(set, "example."), *zone = put_zone(set, "c.example.");
	static const uint8_t zeros[65300], soa[22], signature[1000] = {0, TYPE_SOA};

	add(zone, "c.example.", TYPE_SOA, soa, sizeof(soa));
	add(zone, "c.example.", TYPE_RRSIG, signature, sizeof(signature));
	for (uint16_t type = 300; type < 302; type++)
		add(zone, "c.example.", type, zeros, sizeof(zeros));
	add(above, "c.example.", TYPE_NS, "\0", 1);
	add(above, "c.example.", TYPE_DS, zeros, sizeof(zeros));
	add(zone, "c.example.", 302, zeros, 63000 - 1000);
	assert_excess(zone, "c.example.", 0, 0);
	assert_int_equal(compile(set, "c.example."), COMPILE_NODE);
	add(zone, "c.example.", 303, zeros, 2000);
	assert_excess(zone, "c.example.", 303, 0);
	zone_set_free(set);
}

static void signatures_that_no_message_can_hold_are_left_out(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *zone = put_zone(set, "example.");
	static uint8_t zeros[65000], signature[1000] = {0, TYPE_TXT};

	add(zone, "x.example.", TYPE_TXT, zeros, sizeof(zeros));
	add(zone, "x.example.", TYPE_RRSIG, signature, sizeof(signature));
	assert_int_equal(compile(set, "x.example."), COMPILE_TOO_LARGE);
	assert_excess(zone, "x.example.", 0, TYPE_TXT);
	assert_int_equal(node_rrset(node(), TYPE_TXT)->count, 1);
	assert_int_equal(node_rrset(node(), TYPE_TXT)->signed_count, 1);
	zone_set_free(set);
}

static void more_types_than_a_table_holds(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *zone = put_zone(set, "example.");

	for (uint16_t type = 1000; type < 1255; type++)
		add(zone, "x.example.", type, "x", 1);
	assert_int_equal(compile(set, "x.example."), COMPILE_NODE);
	assert_int_equal(node()->rrset_count, 255);
	assert_excess(zone, "x.example.", 0, 0);
	add(zone, "x.example.", 999, "x", 1);
	assert_excess(zone, "x.example.", 999, 0);
	assert_int_equal(compile(set, "x.example."), COMPILE_TOO_LARGE);
	assert_int_equal(node()->rrset_count, 255);
	zone_set_free(set);
}

static void the_longest_name_has_no_room_for_a_wildcard(void **state)
{
	(void)state;
	struct zone_set *set = zone_set_new();
	struct zone *zone = put_zone(set, ".");
	char text[260] = "";

	while (strlen(text) < 250)
		strcat(text, "a.");
	strcat(text, "bcd.");
	add(zone, text, TYPE_A, "\1\2\3\4", 4);
	assert_int_equal(compile(set, text), COMPILE_NODE);
	assert_int_equal(node()->name_length, 255);
	assert_int_equal(node()->labels, 126);
	zone_set_free(set);
}

static void sums_are_of_big_endian_words(void **state)
{
	(void)state;
	uint8_t octets[300] = {0};

	assert_int_equal(tail_sum(octets, 0), 0);
	assert_int_equal(tail_sum((const uint8_t *)"\x12\x34\x56", 3), 0x1234 + 0x5600);
	assert_int_equal(tail_sum((const uint8_t *)"\xff\xff\0\1", 4), 1);
	assert_int_equal(tail_sum((const uint8_t *)"\xff\xff\0\0", 4), 0xffff);
	for (unsigned i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(i * 37 + 200);
	for (unsigned i = 0; i <= sizeof(octets); i++)
		assert_int_equal(tail_sum(octets, i), plain_sum(octets, i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_address_is_sixteen_octets),
	    cmocka_unit_test(names_are_compressed_against_owner_and_tail),
	    cmocka_unit_test(only_old_types_are_compressed),
	    cmocka_unit_test(a_wildcards_own_label_is_never_pointed_to),
	    cmocka_unit_test(pointers_keep_room_to_move),
	    cmocka_unit_test(rdata_that_is_no_name_is_copied),
	    cmocka_unit_test(the_negative_soa_lives_as_long_as_its_minimum),
	    cmocka_unit_test(the_ds_of_an_apex_is_the_parents),
	    cmocka_unit_test(signatures_without_their_rrset_are_left_out),
	    cmocka_unit_test(a_node_too_large_holds_what_fits),
	    cmocka_unit_test(an_apex_keeps_room_for_its_parents_ds),
	    cmocka_unit_test(signatures_that_no_message_can_hold_are_left_out),
	    cmocka_unit_test(more_types_than_a_table_holds),
	    cmocka_unit_test(the_longest_name_has_no_room_for_a_wildcard),
	    cmocka_unit_test(sums_are_of_big_endian_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
