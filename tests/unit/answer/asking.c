/* asking.c: see asking.h. */
#include "tests/unit/answer/asking.h"

#include "tests/unit/abi/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define GUARD 64u

unsigned plain_sum(const uint8_t *at, size_t length)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += (unsigned long)at[i] << (i % 2 == 0 ? 8 : 0);
	return (unsigned)(sum % 0xffff);
}

/* Replies so far that are neither answers nor negative answers. */
static uint64_t errors(const uint64_t counts[])
{
	return counts[COUNT_answers] - counts[COUNT_rcode_noerror] - counts[COUNT_rcode_nxdomain] -
	       counts[COUNT_rcode_yxdomain];
}

/* What must hold of the size of a reply over UDP. */
static void check_size(const struct asking *a, const uint64_t before[], size_t query_length)
{
	uint16_t udp_size = a->image->settings.udp_size;
	bool known = a->counts[COUNT_cookies_valid] > before[COUNT_cookies_valid];

	assert_true(a->length <= (udp_size < 512 ? 512u : udp_size));
	if (errors(a->counts) > errors(before) && !known)
		assert_true(a->length <= query_length);
}

void ask(struct asking *a, const uint8_t *query, size_t length)
{
	uint32_t capacity = a->capacity == 0 ? MESSAGE_MAX : a->capacity;
	uint8_t *buffer = malloc(GUARD + capacity + GUARD);
	struct datagram datagram = {
	    .payload = buffer + GUARD, .length = (uint32_t)length, .capacity = capacity};
	uint64_t before[COUNTERS];

	memcpy(before, a->counts, sizeof(before));
	datagram.family = a->family;
	memcpy(datagram.source, a->source, sizeof(datagram.source));
	memset(buffer, 0x5a, GUARD + capacity + GUARD);
	memcpy(datagram.payload, query, length);
	answer_batch(a->image, &a->state, &datagram, 1, a->transport, a->counts);
	for (unsigned i = 0; i < GUARD; i++) {
		assert_int_equal(buffer[i], 0x5a);
		assert_int_equal(buffer[GUARD + capacity + i], 0x5a);
	}
	const char *wrong = ledger_wrong(a->counts);
	if (wrong != NULL)
		fail_msg("%s", wrong);
	a->length = datagram.length;
	assert_true(a->length <= capacity);
	memcpy(a->reply, datagram.payload, a->length);
	free(buffer);
	if (a->length == 0)
		return;
	assert_true(a->length >= 12 && a->reply[2] & 0x80);
	assert_int_equal(datagram.sum % 0xffffu, plain_sum(a->reply, a->length));
	if (a->transport == TRANSPORT_UDP && a->image != NULL)
		check_size(a, before, length);
}

void ask_name(struct asking *a, const char *name, uint16_t type, const struct query_options *o,
	      struct message *message)
{
	uint8_t query[NAME_MAX_OCTETS + 256] = {0};

	ask(a, query, message_query_text(query, name, type, o));
	const char *wrong = message_parse(a->reply, a->length, message);
	if (wrong != NULL)
		fail_msg("%s: %s", name, wrong);
}
