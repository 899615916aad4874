/* name_test.c: names in wire and text form, against rules and against a bytewise version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
#include <cmocka.h>

#include "zones/name/lower.h"

static const uint8_t example[] = "\7example";
static const uint8_t mixed[] = "\3WwW\7eXample\3coM";

static size_t wire_of(const char *text, uint8_t *wire)
{
	size_t length, bad_at;

	assert_int_equal(name_from_text(text, strlen(text), NULL, wire, &length, &bad_at), NAME_OK);
	assert_int_equal(name_length(wire, length), length);
	return length;
}

static enum name_error error_of(const char *text, size_t *bad_at)
{
	uint8_t wire[NAME_MAX_OCTETS];
	size_t length;

	return name_from_text(text, strlen(text), example, wire, &length, bad_at);
}

static void length_accepts_whole_names_only(void **state)
{
	(void)state;
	assert_int_equal(name_length(mixed, sizeof(mixed)), 17);
	assert_int_equal(name_length(mixed, 17), 17);
	for (size_t cut = 0; cut < 17; cut++)
		assert_int_equal(name_length(mixed, cut), 0);
	assert_int_equal(name_length((const uint8_t *)"", 1), 1);
	assert_int_equal(name_length((const uint8_t *)"\xc0\x0c", 2), 0);
	assert_int_equal(name_length((const uint8_t *)"\x40"
						      "a",
				     2),
			 0);
	assert_int_equal(name_length((const uint8_t *)"\1a\xc0\x0c", 4), 0);
}

static void length_stops_at_255_octets(void **state)
{
	uint8_t wire[300];

	(void)state;
	memset(wire, 'a', sizeof(wire));
	wire[0] = wire[64] = wire[128] = 63;
	wire[192] = 61;
	wire[254] = 0;
	assert_int_equal(name_length(wire, sizeof(wire)), 255);
	wire[192] = 62;
	wire[255] = 0;
	assert_int_equal(name_length(wire, sizeof(wire)), 0);
}

static void labels_and_skip(void **state)
{
	(void)state;
	assert_int_equal(name_labels((const uint8_t *)""), 0);
	assert_int_equal(name_labels(mixed), 3);
	assert_ptr_equal(name_skip(mixed, 0), mixed);
	assert_ptr_equal(name_skip(mixed, 1), mixed + 4);
	assert_int_equal(*name_skip(mixed, 3), 0);
}

/* Every octet value at every place of every length agrees with a bytewise loop. */
static void lower_agrees_with_bytewise(void **state)
{
	uint8_t from[256], to[256], want[256];

	(void)state;
	for (unsigned shift = 0; shift < 256; shift++) {
		for (unsigned i = 0; i < 256; i++) {
			from[i] = (uint8_t)(i + shift);
			want[i] = from[i] >= 'A' && from[i] <= 'Z' ? from[i] + 32 : from[i];
		}
		size_t length = shift;
		memset(to, 0xee, sizeof(to));
		name_lower(to, from, length);
		assert_memory_equal(to, want, length);
		if (length < 256)
			assert_int_equal(to[length], 0xee);
		name_lower(from, from, length);
		assert_memory_equal(from, want, length);
	}
}

/* Equal as they are, and not with any octet changed. */
static void compare_with_lowered(uint8_t *lowered, const uint8_t *name, size_t length)
{
	assert_true(name_is_lowered(lowered, name, length));
	assert_true(name_is_lowered_plain(lowered, name, length));
	for (size_t at = 0; at < length; at++) {
		lowered[at] ^= 0x20;
		assert_false(name_is_lowered(lowered, name, length));
		assert_false(name_is_lowered_plain(lowered, name, length));
		lowered[at] ^= 0x20;
	}
}

/* Lowered and hashed at once is lowered, then hashed; and both ways to lower agree. */
static void lower_hash_agrees_with_both(void **state)
{
	const uint64_t key[2] = {3, 4};

	(void)state;
	for (unsigned shift = 1; shift < 256; shift++) {
		uint8_t *from = malloc(shift);
		uint8_t to[256] = {0}, want[256];

		for (unsigned i = 0; i < shift; i++)
			from[i] = (uint8_t)(i * 7 + shift);
		name_lower(want, from, shift);
		assert_true(name_lower_hash(key, to, from, shift) == name_hash(key, want, shift));
		assert_memory_equal(to, want, shift);
		assert_int_equal(to[shift], 0);
		assert_true(name_hash_lowered(key, from, shift) == name_hash(key, want, shift));
		compare_with_lowered(want, from, shift);
		if (shift >= 16) {
			struct lower_pair plain = lower_16_plain(from);
			struct lower_pair other = lower_16(from);

			assert_memory_equal(&plain, &other, sizeof(plain));
		}
		free(from);
	}
}

/* A wildcard's hash comes from that of the name below its asterisk, however many there are. */
static void hash_of_wildcard_is_made_from_the_name(void **state)
{
	static const uint8_t twice[] = "\1*\1*\7example";
	const uint64_t key[2] = {5, 6};
	uint8_t to[sizeof(twice)];
	uint64_t plain = name_hash(key, twice + 4, sizeof(twice) - 4);
	uint64_t once = name_hash(key, twice + 2, sizeof(twice) - 2);

	(void)state;
	assert_true(once == name_hash_wildcard(key, plain));
	assert_true(once != plain);
	assert_true(name_hash(key, twice, sizeof(twice)) == name_hash_wildcard(key, once));
	assert_true(name_lower_hash(key, to, twice, sizeof(twice)) ==
		    name_hash_wildcard(key, once));
	/* The asterisk alone, and one that is no whole label. */
	assert_true(name_hash(key, (const uint8_t *)"\1*", 3) ==
		    name_hash_wildcard(key, name_hash(key, (const uint8_t *)"", 1)));
	assert_true(name_hash(key, (const uint8_t *)"\2*a", 4) !=
		    name_hash_wildcard(key, name_hash(key, (const uint8_t *)"a", 2)));
}

static void equal_ignores_case_and_nothing_else(void **state)
{
	(void)state;
	assert_true(name_equal(mixed, (const uint8_t *)"\3www\7example\3com"));
	assert_false(name_equal(mixed, (const uint8_t *)"\3www\7example\3con"));
	assert_false(name_equal(mixed, (const uint8_t *)"\3www\7example"));
	assert_false(name_equal((const uint8_t *)"\1@", (const uint8_t *)"\1`"));
	assert_false(name_equal((const uint8_t *)"\1[", (const uint8_t *)"\1{"));
	assert_true(name_equal((const uint8_t *)"", (const uint8_t *)""));
}

/* The example of RFC 4034 6.1, in its order. */
static void compare_is_canonical_order(void **state)
{
	static const char *const order[] = {
	    "example.",		"a.example.",	   "yljkjljk.a.example.",
	    "Z.a.example.",	"zABC.a.EXAMPLE.", "z.example.",
	    "\\001.z.example.", "*.z.example.",	   "\\200.z.example.",
	};
	uint8_t a[NAME_MAX_OCTETS], b[NAME_MAX_OCTETS];

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		for (size_t j = 0; j < sizeof(order) / sizeof(order[0]); j++) {
			wire_of(order[i], a);
			wire_of(order[j], b);
			int got = name_compare(a, b);
			assert_int_equal((got > 0) - (got < 0), (i > j) - (i < j));
		}
	}
}

static void below_compares_whole_labels(void **state)
{
	uint8_t name[NAME_MAX_OCTETS];

	(void)state;
	wire_of("a.EXAMPLE.", name);
	assert_true(name_is_at_or_below(name, example));
	assert_true(name_is_at_or_below(example, example));
	assert_true(name_is_at_or_below(name, (const uint8_t *)""));
	assert_false(name_is_at_or_below(example, name));
	wire_of("xexample.", name);
	assert_false(name_is_at_or_below(name, example));
}

static void text_is_made_absolute(void **state)
{
	uint8_t wire[NAME_MAX_OCTETS];
	size_t length, bad_at;

	(void)state;
	assert_int_equal(name_from_text("Www", 3, example, wire, &length, &bad_at), NAME_OK);
	assert_int_equal(length, 13);
	assert_memory_equal(wire, "\3Www\7example", 13);
	assert_int_equal(name_from_text("@", 1, example, wire, &length, &bad_at), NAME_OK);
	assert_memory_equal(wire, example, 9);
	assert_int_equal(name_from_text("\\@", 2, example, wire, &length, &bad_at), NAME_OK);
	assert_memory_equal(wire, "\1@\7example", 11);
	assert_int_equal(name_from_text(".", 1, NULL, wire, &length, &bad_at), NAME_OK);
	assert_int_equal(length, 1);
	assert_int_equal(name_from_text("a", 1, NULL, wire, &length, &bad_at), NAME_NO_ORIGIN);
	assert_int_equal(name_from_text("@", 1, NULL, wire, &length, &bad_at), NAME_NO_ORIGIN);
	assert_int_equal(name_from_text("", 0, example, wire, &length, &bad_at), NAME_EMPTY);
}

static void text_escapes(void **state)
{
	uint8_t wire[NAME_MAX_OCTETS];

	(void)state;
	assert_int_equal(wire_of("a\\.b.c.", wire), 7);
	assert_memory_equal(wire, "\3a.b\1c", 7);
	assert_int_equal(wire_of("\\000\\255\\046.", wire), 5);
	assert_memory_equal(wire, "\3\0\xff.", 5);
}

static void text_errors_show_their_place(void **state)
{
	static const struct {
		const char *text;
		enum name_error error;
		size_t at;
	} cases[] = {
	    {"a..b", NAME_EMPTY_LABEL, 2},    {".a", NAME_EMPTY_LABEL, 0},
	    {"..", NAME_EMPTY_LABEL, 0},      {"ab\\", NAME_BAD_ESCAPE, 2},
	    {"a.b\\256", NAME_BAD_ESCAPE, 3}, {"\\1x", NAME_BAD_ESCAPE, 0},
	    {"x\\12", NAME_BAD_ESCAPE, 1},
	};
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(error_of(cases[i].text, &at), cases[i].error);
		assert_int_equal(at, cases[i].at);
	}
}

static void text_limits(void **state)
{
	char text[400];
	uint8_t wire[NAME_MAX_OCTETS];
	size_t length, at;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(name_from_text(text, 63, example, wire, &length, &at), NAME_OK);
	assert_int_equal(name_from_text(text, 64, example, wire, &length, &at), NAME_LABEL_LONG);
	text[63] = text[127] = text[191] = '.';
	text[253] = '.';
	assert_int_equal(name_from_text(text, 254, NULL, wire, &length, &at), NAME_OK);
	assert_int_equal(length, 255);
	text[253] = 'a';
	text[254] = '.';
	assert_int_equal(name_from_text(text, 255, NULL, wire, &length, &at), NAME_LONG);
	assert_int_equal(name_from_text(text, 245, example, wire, &length, &at), NAME_OK);
	assert_int_equal(length, 255);
	assert_int_equal(name_from_text(text, 246, example, wire, &length, &at), NAME_LONG);
	for (size_t i = 0; i < sizeof(text); i += 2)
		text[i + 1] = '.';
	assert_int_equal(name_from_text(text, 254, NULL, wire, &length, &at), NAME_OK);
	assert_int_equal(name_labels(wire), NAME_MAX_LABELS);
	assert_int_equal(name_from_text(text, 256, NULL, wire, &length, &at), NAME_LONG);
}

/* Random names survive the way to text and back; the seed is in the failure. */
static void text_round_trip(void **state)
{
	uint8_t name[NAME_MAX_OCTETS], back[NAME_MAX_OCTETS];
	char text[NAME_MAX_TEXT];
	size_t length, at;

	(void)state;
	for (unsigned seed = 1; seed <= 3000; seed++) {
		size_t used = 0;

		srandom(seed);
		for (;;) {
			size_t label = 1 + (size_t)random() % 63;

			if (used + 1 + label + 1 > NAME_MAX_OCTETS || random() % 8 == 0)
				break;
			name[used++] = (uint8_t)label;
			for (; label > 0; label--)
				name[used++] = (uint8_t)random();
		}
		name[used++] = 0;
		size_t printed = name_to_text(name, text);
		if (printed != strlen(text) ||
		    name_from_text(text, printed, NULL, back, &length, &at) != NAME_OK ||
		    length != used || memcmp(name, back, used) != 0)
			fail_msg("seed %u: %s", seed, text);
	}
}

static void text_form_is_escaped(void **state)
{
	char text[NAME_MAX_TEXT];
	static const uint8_t wild[] = "\1*\3a.b\4\x20$@;\0";

	(void)state;
	name_to_text(wild, text);
	assert_string_equal(text, "*.a\\.b.\\032\\$\\@\\;.");
	assert_int_equal(name_to_text((const uint8_t *)"", text), 1);
	assert_string_equal(text, ".");
}

/* The hash reads nothing past its input, depends on every octet, on the length and on the key. */
static void hash_depends_on_everything(void **state)
{
	const uint64_t key[2] = {1, 2}, other[2] = {1, 3};

	(void)state;
	for (size_t length = 1; length <= 255; length++) {
		uint8_t *name = calloc(1, length);
		uint64_t base = name_hash(key, name, length);

		assert_true(base != name_hash(other, name, length));
		for (size_t i = 0; i < length; i++) {
			name[i] ^= 1;
			assert_true(base != name_hash(key, name, length));
			name[i] ^= 1;
		}
		if (length > 1)
			assert_true(base != name_hash(key, name, length - 1));
		free(name);
	}
}

static void errors_have_words(void **state)
{
	(void)state;
	for (int error = NAME_OK; error <= NAME_EMPTY; error++) {
		const char *words = name_error_text((enum name_error)error);
		assert_non_null(words);
		for (int other = NAME_OK; other < error; other++)
			assert_string_not_equal(words, name_error_text((enum name_error)other));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(length_accepts_whole_names_only),
	    cmocka_unit_test(length_stops_at_255_octets),
	    cmocka_unit_test(labels_and_skip),
	    cmocka_unit_test(lower_agrees_with_bytewise),
	    cmocka_unit_test(equal_ignores_case_and_nothing_else),
	    cmocka_unit_test(compare_is_canonical_order),
	    cmocka_unit_test(below_compares_whole_labels),
	    cmocka_unit_test(text_is_made_absolute),
	    cmocka_unit_test(text_escapes),
	    cmocka_unit_test(text_errors_show_their_place),
	    cmocka_unit_test(text_limits),
	    cmocka_unit_test(text_round_trip),
	    cmocka_unit_test(text_form_is_escaped),
	    cmocka_unit_test(hash_depends_on_everything),
	    cmocka_unit_test(lower_hash_agrees_with_both),
	    cmocka_unit_test(hash_of_wildcard_is_made_from_the_name),
	    cmocka_unit_test(errors_have_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
