/* A checksum that a kernel left to a card is told from a finished one; no frame, however short or
 * wrong, is read past its end (each lies in a buffer of its own size, for the sanitizer). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/net/unfinished.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FAMILIES = 2, TAGS = 2, PROTOCOLS = 2, PAYLOAD = 11 };

struct sample {
	uint8_t octets[128];
	uint32_t length, ip, segment, field; /* places; field: of the checksum */
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Octet by octet, unlike the code under test. */
static uint32_t sum_of(const uint8_t *at, uint32_t octets, uint32_t sum)
{
	for (uint32_t i = 0; i < octets; i++)
		sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t pseudo_sum(const struct sample *s, bool is6)
{
	uint32_t protocol = s->octets[s->ip + (is6 ? 6 : 9)];

	return sum_of(s->octets + s->ip + (is6 ? 8 : 12), is6 ? 32 : 8,
		      protocol + s->length - s->segment);
}

static void make(struct sample *s, bool is6, bool tagged, bool is_tcp)
{
	uint32_t l4 = (is_tcp ? 20 : 8) + PAYLOAD;

	memset(s, 0, sizeof(*s));
	s->ip = tagged ? 18 : 14;
	s->segment = s->ip + (is6 ? 40 : 20);
	s->field = s->segment + (is_tcp ? 16 : 6);
	s->length = s->segment + l4;
	if (tagged)
		put16(s->octets + 12, 0x8100);
	put16(s->octets + s->ip - 2, is6 ? 0x86dd : 0x0800);
	for (uint32_t i = s->ip; i < s->length; i++)
		s->octets[i] = (uint8_t)(i * 37);
	s->octets[s->ip] = is6 ? 0x60 : 0x45;
	put16(s->octets + s->ip + (is6 ? 4 : 2), is6 ? l4 : l4 + 20);
	s->octets[s->ip + (is6 ? 6 : 9)] = is_tcp ? 6 : 17;
	if (!is6)
		put16(s->octets + s->ip + 6, 0x4000);
	put16(s->octets + s->field, pseudo_sum(s, is6));
}

static bool ask(const struct sample *s, uint32_t length, uint16_t *start, uint16_t *offset)
{
	uint8_t *copy = malloc(length ? length : 1);
	bool unfinished;

	memcpy(copy, s->octets, length);
	unfinished = unfinished_checksum(copy, length, start, offset);
	free(copy);
	return unfinished;
}

static void each_kind_is_told(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < FAMILIES * TAGS * PROTOCOLS; kind++) {
		bool is6 = kind & 1;
		struct sample s;
		uint16_t start, offset;

		make(&s, is6, kind & 2, kind & 4);
		assert_true(ask(&s, s.length, &start, &offset));
		assert_int_equal(start, s.segment);
		assert_int_equal(start + offset, s.field);
		for (uint32_t cut = 0; cut < s.length; cut++)
			assert_false(ask(&s, cut, &start, &offset));
		/* As a card would finish it. */
		put16(s.octets + s.field,
		      ~sum_of(s.octets + s.segment, s.length - s.segment, 0) & 0xffff);
		assert_false(ask(&s, s.length, &start, &offset));
	}
}

static void others_are_left_alone(void **state)
{
	(void)state;
	static const struct {
		uint32_t at; /* behind the start of the IP header */
		uint8_t value;
	} changes[] = {{0, 0x44}, {0, 0x55}, {3, 0}, {6, 0x20}, {7, 1}, {9, 1}, {9, 132}};
	uint16_t start, offset;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct sample s;

		make(&s, false, false, true);
		s.octets[s.ip + changes[i].at] = changes[i].value;
		put16(s.octets + s.field, pseudo_sum(&s, false));
		assert_false(ask(&s, s.length, &start, &offset));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_kind_is_told),
	    cmocka_unit_test(others_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
