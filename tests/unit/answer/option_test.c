/* The EDNS options of queries, by themselves and through the answer path at every size. */
#include "dataplane/answer/option.h"

#include "tests/unit/answer/asking.h"
#include "tests/unit/answer/zones.h"
#include "zones/record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1559731985u

/* One option of `length` octets. */
static enum option_verdict read_one(uint16_t code, const void *data, size_t length,
				    struct asked_options *options)
{
	uint8_t *octets = malloc(4 + length); /* so that a sanitizer sees its end */
	enum option_verdict verdict;

	put_u16(octets, code);
	put_u16(octets + 2, (uint16_t)length);
	if (length > 0)
		memcpy(octets + 4, data, length);
	options->asked = 0;
	verdict = options_read(octets, 4 + length, options);
	free(octets);
	return verdict;
}

/* RFC 7873 5.2.2: 8, or 16 to 40. */
static void test_cookie_lengths(void **state)
{
	static const uint8_t data[64] = {1, 2, 3};
	struct asked_options options;

	(void)state;
	for (size_t length = 0; length <= 64; length++) {
		bool good = length == 8 || (length >= 16 && length <= 40);

		assert_int_equal(read_one(OPTION_COOKIE, data, length, &options),
				 good ? OPTIONS_GOOD : OPTIONS_MALFORMED);
		assert_int_equal(options.asked, good ? ASKED_COOKIE : 0);
		if (good)
			assert_int_equal(options.cookie.length, length);
	}
}

/* RFC 7871 6: all families, prefix lengths and lengths of address. */
static void test_subnet_lengths(void **state)
{
	uint8_t data[4 + 20] = {0};
	struct asked_options options;

	(void)state;
	for (unsigned family = 0; family <= 3; family++) {
		bool known = family == 1 || family == 2;

		data[1] = (uint8_t)family;
		for (unsigned source = 0; source <= 255; source++) {
			data[2] = (uint8_t)source;
			for (unsigned octets = 0; octets <= 20; octets++) {
				bool good = source <= (family == 1 ? 32 : 128) &&
					    octets == (source + 7) / 8;

				assert_int_equal(
				    read_one(OPTION_SUBNET, data, 4 + octets, &options),
				    good || !known ? OPTIONS_GOOD : OPTIONS_MALFORMED);
				assert_int_equal(options.asked, good && known ? ASKED_SUBNET : 0);
			}
		}
	}
	for (unsigned length = 0; length < 4; length++)
		assert_int_equal(read_one(OPTION_SUBNET, data, length, &options),
				 OPTIONS_MALFORMED);
}

/* Every bit behind the prefix, and of the scope, must be zero. */
static void test_subnet_bits(void **state)
{
	struct asked_options options;

	(void)state;
	for (unsigned source = 1; source <= 128; source++) {
		uint8_t data[4 + 16] = {0, 2, (uint8_t)source, 0};
		size_t length = 4 + (source + 7) / 8;

		for (unsigned bit = 0; bit < 8 * (length - 4); bit++) {
			memset(data + 4, 0, 16);
			data[4 + bit / 8] = (uint8_t)(0x80 >> bit % 8);
			assert_int_equal(read_one(OPTION_SUBNET, data, length, &options),
					 bit < source ? OPTIONS_GOOD : OPTIONS_MALFORMED);
			if (bit >= source)
				continue;
			assert_int_equal(options.subnet.family, 6);
			assert_int_equal(options.subnet.source, source);
			assert_memory_equal(options.subnet.address, data + 4, length - 4);
		}
		data[3] = 1;
		assert_int_equal(read_one(OPTION_SUBNET, data, length, &options),
				 OPTIONS_MALFORMED);
	}
}

/* The first of several counts; one that is cut off spoils all. */
static void test_several(void **state)
{
	static const uint8_t octets[] = "\0\12\0\10abcdefgh\0\12\0\10ijklmnop\0\13\0\0\0\13\0\2\0\1"
					"\0\3\0\0\375\351\0\1x";
	const size_t length = sizeof(octets) - 1;
	struct asked_options options = {0};

	(void)state;
	assert_int_equal(options_read(octets, length, &options), OPTIONS_GOOD);
	assert_int_equal(options.asked, ASKED_COOKIE | ASKED_KEEPALIVE | ASKED_NSID);
	assert_memory_equal(options.cookie.octets, "abcdefgh", 8);
	for (size_t cut = 1; cut < length; cut++) {
		bool between = cut == 12 || cut == 24 || cut == 28 || cut == 34 || cut == 38;

		options.asked = 0;
		assert_int_equal(options_read(octets, cut, &options),
				 between ? OPTIONS_GOOD : OPTIONS_BROKEN);
	}
}

struct world {
	struct image_fixture *fixture;
	struct asking asking;
};

static void make_world(struct world *w)
{
	static struct image_policy policy = {
	    .version = {4, "Skua"},
	    .identity = {4, "here"},
	    .nsid = {POLICY_NSID_MOST, "the longest name of a server that there may be"},
	    .cookies = {.count = 1, .secret = {"0123456789abcde"}},
	    .extended_errors = 1,
	};
	w->fixture = image_fixture_new(0);
	image_fixture_settings(w->fixture,
			       (struct image_settings){.udp_size = 4096, .additional = 1});
	test_zones_add(w->fixture);
	image_fixture_policy(w->fixture, &policy);
	w->asking.image = image_fixture_image(w->fixture);
	w->asking.state.now = NOW * 1000000000ull;
	w->asking.state.tcp_idle = 100;
	w->asking.family = 4;
}

/* The octets of an option in a reply, or NULL. */
static const uint8_t *find(const struct message *m, uint16_t code, size_t *length)
{
	for (unsigned at = 0; at < m->options_length; at += 4u + *length) {
		*length = get_u16(m->options + at + 2);
		if (get_u16(m->options + at) == code)
			return m->options + at + 4;
	}
	return NULL;
}

static const char all_options[] = "\0\3\0\0\0\12\0\10abcdefgh\0\13\0\0\0\10\0\24\0\2\200\0"
				  "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1";

static struct query_options asking_all(uint16_t udp_size, bool dnssec_ok)
{
	return (struct query_options){
	    .edns = true,
	    .dnssec_ok = dnssec_ok,
	    .udp_size = udp_size,
	    .options = (const uint8_t *)all_options,
	    .options_length = sizeof(all_options) - 1,
	};
}

/* At every size from 512 on: within it, all options there, and what is left out is as it would be
 * without options in a message that is smaller by as much. */
static void test_room(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
	} questions[] = {{"big.n.example.", TYPE_TXT},	   {"fan.n.example.", TYPE_SRV},
			 {"naptr.n.example.", TYPE_NAPTR}, {"x.cutfan.n.example.", TYPE_A},
			 {"nothere.signed.test.", TYPE_A}, {"a.c.x.w.example.", TYPE_A}};
	struct world w = {0};
	struct message m;
	size_t length;

	(void)state;
	make_world(&w);
	for (size_t q = 0; q < sizeof(questions) / sizeof(questions[0]); q++) {
		for (unsigned size = 512; size <= 4096; size += 7) {
			struct query_options o = asking_all((uint16_t)size, size % 2);
			struct query_options plain = o;

			ask_name(&w.asking, questions[q].name, questions[q].type, &o, &m);
			assert_true(w.asking.length <= size);
			assert_int_equal(m.options_length, 4 + 24 + 4 + 20 + 4 + POLICY_NSID_MOST);
			assert_non_null(find(&m, OPTION_COOKIE, &length));
			assert_non_null(find(&m, OPTION_NSID, &length));
			assert_null(find(&m, OPTION_KEEPALIVE, &length));
			uint32_t with = w.asking.length - m.options_length;
			message_free(&m);
			if (size < 512 + 184)
				continue;
			plain.options_length = 0;
			plain.udp_size = (uint16_t)(size - 184);
			ask_name(&w.asking, questions[q].name, questions[q].type, &plain, &m);
			assert_int_equal(w.asking.length, with);
			message_free(&m);
		}
	}
	image_fixture_free(w.fixture);
}

/* Over TCP, and to who has a valid cookie, errors carry all; to anybody else over UDP no more than
 * was asked with. */
static void test_errors(void **state)
{
	struct query_options o = asking_all(4096, false);
	uint8_t options[128], known[4 + COOKIE_OCTETS];
	struct world w = {0};
	struct message m;
	size_t length;

	(void)state;
	make_world(&w);
	w.asking.transport = TRANSPORT_TCP;
	ask_name(&w.asking, "not.ours.", TYPE_A, &o, &m);
	assert_int_equal(m.rcode, 5);
	assert_memory_equal(find(&m, OPTION_EXTENDED_ERROR, &length), "\0\24", 2);
	assert_memory_equal(find(&m, OPTION_KEEPALIVE, &length), "\0\144", 2);
	memcpy(known, "\0\12\0\30", 4);
	memcpy(known + 4, find(&m, OPTION_COOKIE, &length), COOKIE_OCTETS);
	message_free(&m);
	w.asking.transport = TRANSPORT_UDP;
	ask_name(&w.asking, "not.ours.", TYPE_A, &o, &m); /* ask() looks at the size */
	assert_null(find(&m, OPTION_NSID, &length));
	message_free(&m);
	memcpy(options, known, sizeof(known));
	memcpy(options + sizeof(known), "\0\3\0\0", 4);
	o.options = options;
	o.options_length = sizeof(known) + 4;
	ask_name(&w.asking, "not.ours.", TYPE_A, &o, &m);
	assert_non_null(find(&m, OPTION_NSID, &length));
	assert_non_null(find(&m, OPTION_EXTENDED_ERROR, &length));
	assert_int_equal(w.asking.counts[COUNT_cookies_valid], 1);
	message_free(&m);
	image_fixture_free(w.fixture);
}

/* Each reason for FORMERR has its counter; a keepalive with a value is one over TCP only. */
static void test_malformed_is_counted(void **state)
{
	static const char *const options[] = {"\0\13\0\2\0\1", "\0\12\0\2\0\1", "\0\10\0\2\0\1"};
	struct world w = {0};
	struct message m;

	(void)state;
	make_world(&w);
	for (unsigned i = 0; i < 3; i++) {
		struct query_options o = {
		    .edns = true, .options = (const uint8_t *)options[i], .options_length = 6};

		w.asking.transport = TRANSPORT_TCP;
		ask_name(&w.asking, "n.example.", TYPE_NS, &o, &m);
		assert_int_equal(m.rcode, 1);
		assert_true(m.edns);
		assert_int_equal(w.asking.counts[COUNT_formerr_option], i == 0 ? 1 : 2 * i);
		message_free(&m);
		w.asking.transport = TRANSPORT_UDP;
		ask_name(&w.asking, "n.example.", TYPE_NS, &o, &m);
		assert_int_equal(m.rcode, i == 0 ? 0 : 1);
		message_free(&m);
	}
	image_fixture_free(w.fixture);
}

static uint64_t random_next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

/* Options at random, some sound and some not; returns their octets. */
static size_t random_options(uint64_t *seed, uint8_t *options, size_t most)
{
	static const uint16_t codes[] = {3, 8, 10, 11, 12, 15, 65001};
	size_t length = 0;

	for (unsigned n = (unsigned)(random_next(seed) % 4); n > 0; n--) {
		size_t data = random_next(seed) % 3 == 0 ? 0 : random_next(seed) % 30;

		if (length + 4 + data > most)
			break;
		put_u16(options + length, codes[random_next(seed) % 7]);
		put_u16(options + length + 2,
			(uint16_t)(data + (random_next(seed) % 50 == 0 ? 1 : 0)));
		for (size_t i = 0; i < data; i++)
			options[length + 4 + i] =
			    (uint8_t)(i < 4 ? random_next(seed) % 3 : random_next(seed));
		length += 4 + data;
	}
	return length;
}

/* Many queries of all kinds, whole and damaged: ask() fails if an error is larger than its query.
 */
static void test_no_error_is_larger_than_its_query(void **state)
{
	static const char *const names[] = {"n.example.", "not.ours.", ".", "version.bind.",
					    "x.dnl.n.example."};
	static const uint16_t types[] = {TYPE_A,     TYPE_ANY, TYPE_AXFR,
					 TYPE_MAILA, TYPE_OPT, TYPE_TXT};
	static const uint16_t classes[] = {CLASS_IN, CLASS_IN, CLASS_CH, CLASS_ANY, 4};
	uint8_t options[128], query[NAME_MAX_OCTETS + 256];
	struct world w = {0};
	uint64_t seed = 20240607, errors = 0;

	(void)state;
	make_world(&w);
	for (unsigned i = 0; i < 200000; i++) {
		struct query_options o = {
		    .flags =
			(uint16_t)(random_next(&seed) % 10 == 0 ? random_next(&seed) & 0x7fff : 0),
		    .class = classes[random_next(&seed) % 5],
		    .edns = random_next(&seed) % 8 != 0,
		    .dnssec_ok = random_next(&seed) % 2,
		    .udp_size = (uint16_t)random_next(&seed),
		    .version = random_next(&seed) % 20 == 0,
		    .options = options,
		};
		o.options_length = (uint16_t)random_options(&seed, options, sizeof(options));
		size_t length = message_query_text(query, names[random_next(&seed) % 5],
						   types[random_next(&seed) % 6], &o);
		if (random_next(&seed) % 4 == 0)
			query[random_next(&seed) % length] ^= (uint8_t)random_next(&seed);
		if (random_next(&seed) % 8 == 0)
			length = random_next(&seed) % length;
		ask(&w.asking, query, length);
	}
	errors = w.asking.counts[COUNT_rcode_refused] + w.asking.counts[COUNT_rcode_formerr];
	assert_true(errors > 20000 && w.asking.counts[COUNT_options_omitted] > 1000);
	image_fixture_free(w.fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cookie_lengths),
	    cmocka_unit_test(test_subnet_lengths),
	    cmocka_unit_test(test_subnet_bits),
	    cmocka_unit_test(test_several),
	    cmocka_unit_test(test_room),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_malformed_is_counted),
	    cmocka_unit_test(test_no_error_is_larger_than_its_query),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
