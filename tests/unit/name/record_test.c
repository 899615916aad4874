/* record_test.c: bounded looks into rdata. Every sound rdata is also cut at every octet, on the
 * heap, so that a read past its end shows under AddressSanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "zones/record/record.h"

#define OCTETS(text) ((const uint8_t *)(text)), (sizeof(text) - 1)

struct sample {
	uint16_t type;
	const uint8_t *rdata;
	size_t length;
	int name_at;   /* rdata_name_offset */
	bool cuts_bad; /* every shorter prefix is unsound */
};

static const struct sample samples[] = {
    {TYPE_A, OCTETS("\xc0\0\2\1"), -1, true},
    {TYPE_AAAA, OCTETS("\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), -1, true},
    {TYPE_NS, OCTETS("\2ns\7example\0"), 0, true},
    {TYPE_CNAME, OCTETS("\0"), 0, true},
    {TYPE_DNAME, OCTETS("\1a\0"), 0, true},
    {TYPE_MX, OCTETS("\0\012\2mx\0"), 2, true},
    {TYPE_SRV, OCTETS("\0\1\0\2\23\304\1s\0"), 6, true},
    {TYPE_SOA, OCTETS("\2ns\0\4mail\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"), 0, true},
    {TYPE_NAPTR, OCTETS("\0\144\0\144\1A\14x-3gpp-pgw:x\0\1t\0"), 20, true},
    {TYPE_SVCB, OCTETS("\0\1\1t\0\0\1\0\3\2h2\0\3\0\2\1\273"), 2, false},
    {TYPE_HTTPS, OCTETS("\0\1\0"), 2, true},
    {TYPE_NSEC, OCTETS("\1b\0\0\1\100"), -1, false},
    {TYPE_NSEC3, OCTETS("\1\0\0\012\2ab\4hash\0\1\100"), -1, false},
    {TYPE_NSEC3PARAM, OCTETS("\1\0\0\012\2ab"), -1, true},
    {TYPE_RRSIG, OCTETS("\0\1\10\2\0\0\16\20\0\0\0\1\0\0\0\1\0\1\1s\0x"), -1, true},
    {TYPE_DS, OCTETS("\0\1\10\2x"), -1, true},
    {TYPE_TXT, OCTETS("\5hello\0\1x"), -1, false},
    {65280, OCTETS("anything"), -1, false},
};

static void sound_rdata_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *s = &samples[i];

		if (!rdata_is_sound(s->type, s->rdata, s->length))
			fail_msg("type %u", s->type);
		assert_int_equal(rdata_name_offset(s->type, s->rdata, s->length), s->name_at);
	}
}

static void cut_rdata_is_never_read_past(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *s = &samples[i];

		for (size_t cut = 0; cut < s->length; cut++) {
			uint8_t *copy = malloc(cut != 0 ? cut : 1);

			memcpy(copy, s->rdata, cut);
			bool sound = rdata_is_sound(s->type, copy, cut);
			if (s->cuts_bad && sound)
				fail_msg("type %u cut at %zu", s->type, cut);
			rdata_name_offset(s->type, copy, cut);
			assert_in_range(naptr_flag(copy, cut) + 1, 0, 256);
			free(copy);
		}
	}
}

static void trailing_octets_are_unsound(void **state)
{
	(void)state;
	assert_false(rdata_is_sound(TYPE_A, OCTETS("\1\2\3\4\5")));
	assert_false(rdata_is_sound(TYPE_NS, OCTETS("\1a\0x")));
	assert_false(rdata_is_sound(TYPE_MX, OCTETS("\0\1\xc0\x0c")));
	assert_false(rdata_is_sound(TYPE_TXT, OCTETS("")));
	assert_false(rdata_is_sound(TYPE_SVCB, OCTETS("\0\1\0\0\3\0\0\0\1\0\0")));
	assert_false(rdata_is_sound(TYPE_NSEC, OCTETS("\0\0\0")));
	assert_false(rdata_is_sound(TYPE_NSEC, OCTETS("\0\0\41")));
}

static void naptr_flags(void **state)
{
	(void)state;
	assert_int_equal(naptr_flag(OCTETS("\0\1\0\1\1S\0\0\0")), 's');
	assert_int_equal(naptr_flag(OCTETS("\0\1\0\1\1u\0\0\0")), 'u');
	assert_int_equal(naptr_flag(OCTETS("\0\1\0\1\0\0\0\0")), 0);
	assert_int_equal(naptr_flag(OCTETS("\0\1\0\1\2S")), -1);
}

static void layouts(void **state)
{
	(void)state;
	assert_int_equal(rdata_layout(TYPE_A), RDATA_PLAIN);
	assert_int_equal(rdata_layout(TYPE_SOA), RDATA_COMPRESS_SOA);
	assert_int_equal(rdata_layout(TYPE_SRV), RDATA_NAME_6);
	assert_int_equal(rdata_layout(TYPE_HTTPS), RDATA_NAME_2);
	assert_int_equal(rdata_layout(65280), RDATA_PLAIN);
}

static void numbers(void **state)
{
	uint8_t at[4];

	(void)state;
	put_u32(at, 0x01020304);
	assert_int_equal(get_u32(at), 0x01020304);
	assert_int_equal(get_u16(at), 0x0102);
	assert_int_equal(rrsig_covered(at, 4), 0x0102);
	assert_int_equal(rrsig_covered(at, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sound_rdata_is_sound),
	    cmocka_unit_test(cut_rdata_is_never_read_past),
	    cmocka_unit_test(trailing_octets_are_unsound),
	    cmocka_unit_test(naptr_flags),
	    cmocka_unit_test(layouts),
	    cmocka_unit_test(numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
