/* Any octets as a query, to a good image and to a damaged one. Whatever comes: nothing outside the
 * buffer is touched, nothing hangs, a response gets no reply, and what a good image says is a
 * well-formed message within its limit, with the right sum.
 *
 * Input: one octet of choices, then up to 7 changes of the image of 4 octets each (offset in three,
 * a value to exclusive-or), then the query. Choices: bits 0 to 2: how many changes; bit 3: TCP; bit
 * 4: a buffer no larger than the query. */
#include "dataplane/answer/answer.h"
#include "tests/unit/answer/message.h"
#include "tests/unit/answer/zones.h"
#include "zones/record/record.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES 7u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct image_fixture *fixture;
static const struct image *image;
static struct answer_state state;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void build(void)
{
	fixture = image_fixture_new(0);
	image_fixture_settings(
	    fixture, (struct image_settings){.udp_size = 1232, .additional = 1, .rotate = 1});
	test_zones_add(fixture);
	image = image_fixture_image(fixture);
}

/* Done twice, it undoes itself. */
static void change(const uint8_t *changes, unsigned count)
{
	uint64_t length;
	uint8_t *octets = image_fixture_octets(fixture, &length);

	for (unsigned i = 0; i < count; i++, changes += 4)
		octets[((uint64_t)changes[0] << 16 | changes[1] << 8 | changes[2]) % length] ^=
		    changes[3];
}

static unsigned plain_sum(const uint8_t *at, size_t length)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += (unsigned long)at[i] << (i % 2 == 0 ? 8 : 0);
	return (unsigned)(sum % 0xffff);
}

static void look_at(const struct datagram *d, bool damaged)
{
	struct message message;

	if (d->length == 0)
		return;
	must(d->length >= 12 && d->length <= d->capacity && d->payload[2] & 0x80);
	if (damaged) /* then a stored sum may be wrong, and names too */
		return;
	must(plain_sum(d->payload, d->length) == d->sum % 0xffffu);
	must((d->payload[3] & 15) != 2); /* SERVFAIL: only an image that contradicts itself */
	/* A TSIG owner is echoed as it came, so its pointers are the client's. */
	if ((d->payload[3] & 15) == 9)
		return;
	must(message_parse(d->payload, d->length, &message) == NULL);
	message_free(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t counts[COUNTERS] = {0};

	if (image == NULL)
		build();
	unsigned changes = size > 0 ? data[0] & 7 : 0;
	if (size < 1 + 4 * changes || size > 60000)
		return 0;
	size_t length = size - 1 - 4 * changes;
	enum transport transport = data[0] & 8 ? TRANSPORT_TCP : TRANSPORT_UDP;
	size_t capacity = data[0] & 16 ? length : MESSAGE_MAX;
	uint8_t *payload = malloc(capacity > 0 ? capacity : 1);
	struct datagram datagram = {
	    .payload = payload, .length = (uint32_t)length, .capacity = (uint32_t)capacity};

	memcpy(payload, data + 1 + 4 * changes, length);
	bool response = length > 2 && payload[2] & 0x80;
	change(data + 1, changes);
	answer_batch(image, &state, &datagram, 1, transport, counts);
	change(data + 1, changes);
	must(!response || datagram.length == 0);
	look_at(&datagram, changes > 0);
	must(transport == TRANSPORT_TCP || datagram.length <= 1232);
	free(payload);
	return 0;
}
