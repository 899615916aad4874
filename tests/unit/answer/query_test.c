/* query_test.c: what a datagram asks, and that nothing but the datagram is read. */
#include "dataplane/answer/query.h"
#include "tests/unit/answer/message.h"
#include "zones/record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 1024u

static const struct query_options plain = {0};
static const struct query_options edns = {.edns = true, .dnssec_ok = true, .udp_size = 4096};

/* Parses a copy that ends where its memory ends, so that a sanitizer sees every read past it. */
static enum query_verdict parse(const uint8_t *wire, size_t length, struct query *query)
{
	uint8_t *copy = malloc(length > 0 ? length : 1);

	memset(query, 0xa5, sizeof(*query));
	memcpy(copy, wire, length);
	enum query_verdict verdict = query_parse(copy, length, query);
	free(copy);
	return verdict;
}

static void assert_refused(const uint8_t *wire, size_t length, unsigned rcode)
{
	struct query query;

	assert_int_equal(parse(wire, length, &query), QUERY_ERROR);
	assert_int_equal(query.rcode, rcode);
}

static size_t append(uint8_t *wire, size_t length, const char *octets, size_t count)
{
	memcpy(wire + length, octets, count);
	return length + count;
}
#define APPEND(wire, length, text) append(wire, length, text, sizeof(text) - 1)

static const char tsig[] = "\3key\0\0\372\0\377\0\0\0\0\0\42"
			   "\13hmac-sha256\0\0\0\142\0\0\0\1\54\0\5"
			   "01234\22\64\0\0\0\0";
static const char opt[] = "\0\0\51\4\320\0\0\200\0\0\0";

static void test_plain_query(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	size_t length = message_query_text(wire, "WwW.eXample.", TYPE_NAPTR, &plain);

	(void)state;
	assert_int_equal(parse(wire, length, &query), QUERY_GOOD);
	assert_int_equal(query.type, TYPE_NAPTR);
	assert_int_equal(query.class, CLASS_IN);
	assert_int_equal(query.question_end, length);
	assert_int_equal(query.name_length, 13);
	assert_int_equal(query.udp_size, 512);
	assert_false(query.edns);
	assert_false(query.dnssec_ok);
	assert_int_equal(query.tsig.octets, 0);
}

static void test_edns_query(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	size_t length = message_query_text(wire, ".", TYPE_NS, &edns);

	(void)state;
	assert_int_equal(parse(wire, length, &query), QUERY_GOOD);
	assert_int_equal(query.name_length, 1);
	assert_true(query.edns);
	assert_true(query.dnssec_ok);
	assert_int_equal(query.udp_size, 4096);
	assert_int_equal(query.options.asked, 0);
}

static void test_every_size_of_edns(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	size_t length = message_query_text(wire, "a.", TYPE_A, &edns);

	(void)state;
	for (unsigned size = 0; size <= 0xffff; size++) {
		put_u16(wire + length - 8, (uint16_t)size);
		assert_int_equal(parse(wire, length, &query), QUERY_GOOD);
		assert_int_equal(query.udp_size, size < 512 ? 512 : size);
	}
}

/* Every value of the header's second word: QR wins, then the opcode; all else is no error. */
static void test_every_flag_word(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	size_t length = message_query_text(wire, "a.", TYPE_A, &plain);

	(void)state;
	for (unsigned flags = 0; flags <= 0xffff; flags++) {
		put_u16(wire + 2, (uint16_t)flags);
		enum query_verdict verdict = parse(wire, length, &query);

		if (flags & 0x8000) {
			assert_int_equal(verdict, QUERY_RESPONSE);
			continue;
		}
		assert_int_equal(query.flags, flags);
		assert_int_equal(verdict, flags & 0x7800 ? QUERY_ERROR : QUERY_GOOD);
		if (flags & 0x7800)
			assert_int_equal(query.rcode, RCODE_NOTIMP);
	}
}

/* No prefix of a good query is a good query, whatever it ends in. */
static void test_every_prefix(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	size_t length = message_query_text(wire, "www.example.", TYPE_A, &edns);

	(void)state;
	length = append(wire, length, tsig, sizeof(tsig) - 1);
	put_u16(wire + 10, 2);
	for (size_t cut = 0; cut < 12; cut++)
		assert_int_equal(parse(wire, cut, &query), QUERY_SHORT);
	for (size_t cut = 12; cut < length; cut++)
		assert_refused(wire, cut, RCODE_FORMERR);
	assert_refused(wire, length, RCODE_NOTAUTH);
}

/* What follows is read as a label of this length, so only the real one leads to the root label. */
static void test_every_label_length(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	size_t length = message_query_text(wire, "abcdefgh.", TYPE_A, &plain);

	(void)state;
	for (unsigned octet = 0; octet <= 0xff; octet++) {
		wire[12] = (uint8_t)octet;
		if (octet == 8)
			assert_int_equal(parse(wire, length, &query), QUERY_GOOD);
		else
			assert_refused(wire, length, RCODE_FORMERR);
	}
}

/* labels of 63 octets, the last one shorter, so that the name has `octets`. */
static size_t long_query(uint8_t *wire, size_t octets)
{
	size_t at = 12;

	memset(wire, 'x', ROOM);
	memset(wire, 0, 12);
	put_u16(wire + 4, 1);
	for (size_t left = octets - 1; left > 0;) {
		size_t label = left > 64 ? 63 : left - 1;

		if (left - label - 1 == 1) /* one octet can't be a label */
			label--;
		wire[at] = (uint8_t)label;
		at += label + 1;
		left -= label + 1;
	}
	wire[at++] = 0;
	put_u16(wire + at, TYPE_A);
	put_u16(wire + at + 2, CLASS_IN);
	return at + 4;
}

static void test_longest_name(void **state)
{
	uint8_t wire[ROOM];
	struct query query;

	(void)state;
	for (size_t octets = 3; octets <= 255; octets++) {
		assert_int_equal(parse(wire, long_query(wire, octets), &query), QUERY_GOOD);
		assert_int_equal(query.name_length, octets);
	}
	for (size_t octets = 256; octets < 300; octets++)
		assert_refused(wire, long_query(wire, octets), RCODE_FORMERR);
}

static void test_most_labels(void **state)
{
	uint8_t wire[ROOM] = {0};
	struct query query;

	(void)state;
	put_u16(wire + 4, 1);
	for (unsigned i = 0; i < 127; i++)
		wire[12 + 2 * i] = 1;
	assert_int_equal(parse(wire, 12 + 255 + 4, &query), QUERY_GOOD);
	assert_int_equal(query.name_length, 255);
	wire[12 + 254] = 1;
	assert_refused(wire, 12 + 257 + 4, RCODE_FORMERR);
}

static void test_counts(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	size_t length = message_query_text(wire, "a.", TYPE_A, &plain);

	(void)state;
	for (unsigned section = 0; section < 4; section++) {
		for (unsigned count = 0; count <= 0xffff; count += count < 4 ? 1 : 1021) {
			uint8_t *at = wire + 4 + 2 * section;
			uint16_t was = get_u16(at);

			put_u16(at, (uint16_t)count);
			if (count == was)
				assert_int_equal(parse(wire, length, &query), QUERY_GOOD);
			else
				assert_refused(wire, length, RCODE_FORMERR);
			put_u16(at, was);
		}
	}
}

static void test_trailing_octets(void **state)
{
	uint8_t wire[ROOM];
	size_t length = message_query_text(wire, "a.", TYPE_A, &edns);

	(void)state;
	memset(wire + length, 0, 20);
	for (size_t more = 1; more < 20; more++)
		assert_refused(wire, length + more, RCODE_FORMERR);
}

/* No length field of DNS can say so much; and offsets in struct query have 16 bits. */
static void test_more_than_any_message(void **state)
{
	uint8_t *wire = calloc(1, 70000);
	struct query query;
	size_t length = message_query_text(wire, "a.", TYPE_A, &plain);

	(void)state;
	/* One record that fills it: as long as it is a message, it is a good query. */
	put_u16(wire + 8, 1);
	put_u16(wire + length + 9, (uint16_t)(UINT16_MAX - length - 11));
	assert_int_equal(parse(wire, UINT16_MAX, &query), QUERY_GOOD);
	put_u16(wire + length + 9, (uint16_t)(UINT16_MAX - length - 10));
	assert_refused(wire, UINT16_MAX + 1, RCODE_FORMERR);
	assert_refused(wire, 70000, RCODE_FORMERR);
	free(wire);
}

/* A query of nothing but tiny records, each owned by the root: as many as fit in 65,535 octets. */
static void test_most_records(void **state)
{
	const unsigned records = (UINT16_MAX - 12 - 7) / 11;
	uint8_t *wire = calloc(1, UINT16_MAX);
	struct query query;
	size_t length = message_query_text(wire, "a.", TYPE_A, &plain) + 11 * records;

	(void)state;
	put_u16(wire + 10, (uint16_t)records);
	assert_int_equal(parse(wire, length, &query), QUERY_GOOD);
	put_u16(wire + 10, (uint16_t)(records - 1));
	assert_refused(wire, length, RCODE_FORMERR);
	assert_int_equal(parse(wire, length, &query), QUERY_ERROR);
	assert_int_equal(query.malformed, COUNT_formerr_trailing);
	free(wire);
}

static void test_records_before_the_additional_section(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	size_t question = message_query_text(wire, "a.", TYPE_A, &plain);
	size_t length = APPEND(wire, question, "\300\14\0\1\0\1\0\0\0\0\0\4\1\2\3\4");

	(void)state;
	put_u16(wire + 6, 1);
	assert_int_equal(parse(wire, length, &query), QUERY_GOOD);
	put_u16(wire + 6, 0);
	put_u16(wire + 8, 1);
	assert_int_equal(parse(wire, length, &query), QUERY_GOOD);
	length = append(wire, question, opt, sizeof(opt) - 1);
	assert_refused(wire, length, RCODE_FORMERR);
}

/* Every pointer as owner of a record: it must lead back, and not into the header. */
static void test_every_pointer(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	size_t owner = message_query_text(wire, "a.", TYPE_A, &plain);
	size_t length = APPEND(wire, owner, "\300\14\0\1\0\1\0\0\0\0\0\4\1\2\3\4");

	(void)state;
	put_u16(wire + 8, 1);
	for (unsigned pointer = 0; pointer <= 0x3fff; pointer++) {
		put_u16(wire + owner, (uint16_t)(0xc000u | pointer));
		if (pointer >= 12 && pointer < owner)
			assert_int_equal(parse(wire, length, &query), QUERY_GOOD);
		else
			assert_refused(wire, length, RCODE_FORMERR);
	}
}

static void test_options(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	size_t question = message_query_text(wire, "a.", TYPE_A, &plain);
	size_t length =
	    APPEND(wire, question, "\0\0\51\4\320\0\0\0\0\0\12\0\3\0\0\375\351\0\2\1\2");

	(void)state;
	put_u16(wire + 10, 1);
	assert_int_equal(parse(wire, length, &query), QUERY_GOOD);
	assert_int_equal(query.options.asked, ASKED_NSID);
	for (unsigned octets = 0; octets <= 0xffff; octets++) {
		put_u16(wire + length - 4, (uint16_t)octets); /* of the second option */
		if (octets != 2)
			assert_refused(wire, length, RCODE_FORMERR);
	}
}

static void test_opt_must_be_one_and_the_roots(void **state)
{
	uint8_t wire[ROOM];
	size_t question = message_query_text(wire, "a.", TYPE_A, &plain);
	size_t length = append(wire, question, opt, sizeof(opt) - 1);

	(void)state;
	length = append(wire, length, opt, sizeof(opt) - 1);
	put_u16(wire + 10, 2);
	assert_refused(wire, length, RCODE_FORMERR);
	length = APPEND(wire, question, "\1a");
	length = append(wire, length, opt, sizeof(opt) - 1);
	put_u16(wire + 10, 1);
	assert_refused(wire, length, RCODE_FORMERR);
	/* A pointer to a root label is the root, but not as RFC 6891 6.1.2 wants it. */
	length = APPEND(wire, question, "\300\16");
	length = append(wire, length, opt + 1, sizeof(opt) - 2);
	assert_refused(wire, length, RCODE_FORMERR);
}

static void test_version(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	struct query_options later = edns;

	(void)state;
	for (unsigned version = 1; version <= 255; version++) {
		later.version = (uint8_t)version;
		assert_int_equal(
		    parse(wire, message_query_text(wire, "a.", TYPE_A, &later), &query),
		    QUERY_ERROR);
		assert_int_equal(query.rcode, RCODE_BADVERS);
		assert_true(query.edns);
	}
}

/* An error reply must not be built from an OPT or TSIG that stood before the mistake. */
static void test_nothing_is_kept_of_a_malformed_query(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	size_t length = message_query_text(wire, "a.", TYPE_A, &edns);

	(void)state;
	put_u16(wire + 10, 2);
	assert_int_equal(parse(wire, length, &query), QUERY_ERROR);
	assert_false(query.edns);
	assert_false(query.dnssec_ok);
	assert_int_equal(query.tsig.octets, 0);
}

static void test_tsig(void **state)
{
	uint8_t wire[ROOM];
	struct query query;
	size_t question = message_query_text(wire, "a.", TYPE_A, &plain);
	size_t length = append(wire, question, tsig, sizeof(tsig) - 1);

	(void)state;
	put_u16(wire + 10, 1);
	assert_int_equal(parse(wire, length, &query), QUERY_ERROR);
	assert_int_equal(query.rcode, RCODE_NOTAUTH);
	assert_int_equal(query.tsig.at, question);
	assert_int_equal(query.tsig.octets, sizeof(tsig) - 1);
	assert_memory_equal(wire + query.tsig.algorithm, "\13hmac-sha256", 13);
	assert_int_equal(query.tsig.fixed, query.tsig.algorithm + 13);
	/* Its MAC or other data reach past it. */
	wire[query.tsig.fixed + 9]++;
	assert_refused(wire, length, RCODE_FORMERR);
	wire[query.tsig.fixed + 9]--;
	wire[length - 1]++;
	assert_refused(wire, length, RCODE_FORMERR);
	wire[length - 1]--;
	/* It must be the last record (RFC 8945 5.1). */
	length = append(wire, length, opt, sizeof(opt) - 1);
	put_u16(wire + 10, 2);
	assert_refused(wire, length, RCODE_FORMERR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain_query),
	    cmocka_unit_test(test_edns_query),
	    cmocka_unit_test(test_every_size_of_edns),
	    cmocka_unit_test(test_every_flag_word),
	    cmocka_unit_test(test_every_prefix),
	    cmocka_unit_test(test_every_label_length),
	    cmocka_unit_test(test_longest_name),
	    cmocka_unit_test(test_most_labels),
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_trailing_octets),
	    cmocka_unit_test(test_more_than_any_message),
	    cmocka_unit_test(test_most_records),
	    cmocka_unit_test(test_records_before_the_additional_section),
	    cmocka_unit_test(test_every_pointer),
	    cmocka_unit_test(test_options),
	    cmocka_unit_test(test_opt_must_be_one_and_the_roots),
	    cmocka_unit_test(test_version),
	    cmocka_unit_test(test_nothing_is_kept_of_a_malformed_query),
	    cmocka_unit_test(test_tsig),
	};
	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
