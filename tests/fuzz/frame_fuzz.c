/* Frames from outside: whatever comes, nothing outside the frame is touched, what is refused stays
 * as it was, plain frames are judged like odd ones, and the reply to what is taken is itself a
 * frame that a strict receiver takes.
 *
 * Input: one octet of choices, two that pick the length of the reply, then the frame. Choices: bits
 * 0 and 1: how UDP checksums are treated; bit 2: the IPv4 header's checksum is put right first,
 * else hardly any frame gets past it. */
#include "dataplane/net/checksum.h"
#include "dataplane/net/frame.h"
#include "dataplane/net/frame_odd.h"
#include "tests/unit/abi/ledger.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 1514u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void take_any(struct frame_rules *rules, uint16_t port)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	frame_rules_add(rules, (struct sockaddr *)&in4);
	frame_rules_add(rules, (struct sockaddr *)&in6);
}

static void put_ipv4_checksum(uint8_t *frame, size_t length)
{
	size_t ip = length > 14 && frame[12] == 0x81 && frame[13] == 0 ? 18 : 14;
	size_t header;
	uint16_t sum;

	if (length < ip + 20)
		return;
	header = (frame[ip] & 15u) * 4;
	if (header < 20 || length < ip + header)
		return;
	frame[ip + 10] = frame[ip + 11] = 0;
	sum = (uint16_t)~checksum_sum(frame + ip, (uint32_t)header);
	frame[ip + 10] = (uint8_t)(sum >> 8);
	frame[ip + 11] = (uint8_t)sum;
}

static void check_reply(struct datagram *reply, uint8_t *frame, size_t memory, uint32_t wanted)
{
	struct frame_rules strict = {.checksum = FRAME_CHECKSUM_VERIFIED};
	struct datagram seen = {0};
	enum counter reason;
	uint32_t length;

	reply->length = reply->capacity > 0 ? 1 + wanted % reply->capacity : 0;
	if (reply->length == 0)
		return;
	for (uint32_t i = 0; i < reply->length; i++)
		reply->payload[i] = (uint8_t)(wanted + i * 7);
	reply->sum = checksum_sum(reply->payload, reply->length);
	length = frame_reply(reply);
	must(length >= FRAME_MIN && length <= memory);
	take_any(&strict, reply->port);
	must(frame_receive(&strict, frame, length, length, &seen, &reason));
	must(seen.payload == reply->payload && seen.length == reply->length);
	must(seen.family == reply->family && seen.headers == reply->headers);
	for (uint32_t i = 0; i < reply->length; i++)
		must(reply->payload[i] == (uint8_t)(wanted + i * 7));
}

/* frame_receive() has said so of the frame. */
static void check_odd(const struct frame_rules *rules, uint8_t *frame, uint32_t length, bool taken,
		      const struct datagram *query, enum counter reason)
{
	struct datagram odd = {0};
	enum counter why = COUNTERS;

	must(frame_receive_odd(rules, frame, length, ROOM, &odd, &why) == taken && why == reason);
	must(!taken || memcmp(&odd, query, sizeof(odd)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_rules rules = {0};
	struct datagram query = {0};
	enum counter reason = COUNTERS;
	uint32_t length, memory;
	uint8_t *frame, *before;
	bool taken;

	if (size < 3 || size > 4096)
		return 0;
	length = (uint32_t)size - 3;
	memory = length > ROOM ? length : ROOM;
	frame = malloc(memory);
	before = malloc(memory);
	if (frame && before) {
		memset(frame, 0x5a, memory);
		memcpy(frame, data + 3, length);
		if (data[0] & 4)
			put_ipv4_checksum(frame, length);
		memcpy(before, frame, memory);
		rules.checksum = (enum frame_checksum)((data[0] & 3) % 3);
		take_any(&rules, 53);
		taken = frame_receive(&rules, frame, length, ROOM, &query, &reason);
		check_odd(&rules, frame, length, taken, &query, reason);
		if (taken) {
			must(query.payload >= frame && query.capacity >= query.length);
			must(query.payload + query.length <= frame + length);
			must(query.payload + query.capacity <= frame + memory);
			check_reply(&query, frame, memory, (uint32_t)data[1] << 8 | data[2]);
		} else {
			must(ledger_group(reason) == LEDGER_FRAME &&
			     memcmp(frame, before, memory) == 0);
		}
	}
	free(frame);
	free(before);
	return 0;
}
