/* Frames of every kind at frame_receive(): the right one passes, each wrong one has its reason; and
 * what frame_reply() makes of a query, checked field by field against an independent checksum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/net/checksum.h"
#include "dataplane/net/frame.h"
#include "dataplane/net/frame_odd.h"
#include "tests/unit/abi/ledger.h"
#include "tests/unit/net/trial.h"

#include <netinet/in.h>
#include <stdlib.h>

#define ROOM 1514u

static struct frame_rules any(void)
{
	struct frame_rules rules = {0};

	trial_listen_on(&rules, "0.0.0.0", 53);
	trial_listen_on(&rules, "::", 53);
	return rules;
}

/* COUNTERS: taken. The frame is copied to a buffer of its exact size, for the sanitizer to see. */
static enum counter verdict(const struct frame_rules *rules, const struct trial *t)
{
	enum counter reason = COUNTERS;
	struct datagram query = {0};
	uint8_t *copy = malloc(t->length ? t->length : 1);

	memcpy(copy, t->octets, t->length);
	if (frame_receive(rules, copy, t->length, ROOM, &query, &reason)) {
		assert_int_equal(query.length, TRIAL_PAYLOAD);
		assert_memory_equal(query.payload, trial_payload, query.length);
		assert_int_equal(reason, COUNTERS);
	} else {
		assert_int_not_equal(reason, COUNTERS);
		assert_int_equal(ledger_group(reason), LEDGER_FRAME);
		assert_memory_equal(copy, t->octets, t->length);
	}
	free(copy);
	return reason;
}

static void test_taken(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct datagram query = {0};
	enum counter reason;
	struct trial t;

	for (int tagged = 0; tagged < 2; tagged++) {
		trial_make4(&t, tagged);
		assert_true(frame_receive(&rules, t.octets, t.length, ROOM, &query, &reason));
		assert_ptr_equal(query.payload, t.octets + t.udp + 8);
		assert_int_equal(query.headers, FRAME_HEADERS4 + 4 * tagged);
		assert_int_equal(query.length, TRIAL_PAYLOAD);
		assert_int_equal(query.capacity, ROOM - query.headers);
		assert_int_equal(query.family, 4);
		assert_int_equal(query.port, 49153);
		assert_memory_equal(query.source, "\xc0\0\2\1", 4);
		trial_make6(&t, tagged);
		assert_true(frame_receive(&rules, t.octets, t.length, ROOM, &query, &reason));
		assert_int_equal(query.headers, FRAME_HEADERS6 + 4 * tagged);
		assert_int_equal(query.family, 6);
		assert_memory_equal(query.source, t.octets + t.ip + 8, 16);
	}
}

static void test_trailing_octets_are_no_payload(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct trial t;

	trial_make4(&t, false);
	t.length += 7; /* Ethernet padding */
	assert_int_equal(verdict(&rules, &t), COUNTERS);
	trial_make4(&t, false);
	t.length += 4; /* inside the IP packet, behind the UDP datagram */
	trial_put(&t, t.ip + 2, (uint16_t)(trial_get(&t, t.ip + 2) + 4));
	trial_seal_ip(&t);
	assert_int_equal(verdict(&rules, &t), COUNTERS);
}

static void test_not_ip(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct trial t;

	trial_make4(&t, false);
	trial_put(&t, 12, 0x0806); /* ARP */
	assert_int_equal(verdict(&rules, &t), COUNT_drop_not_ip);
	trial_make4(&t, true);
	trial_put(&t, 16, 0x8100); /* a second tag */
	assert_int_equal(verdict(&rules, &t), COUNT_drop_vlan);
	for (uint32_t length = 0; length < 18; length++) {
		trial_make4(&t, false);
		t.length = length;
		assert_int_equal(verdict(&rules, &t), COUNT_drop_runt);
	}
}

static void test_bad_ipv4_header(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct trial t;
	uint8_t first[] = {0x65, 0x35, 0x44, 0x40};

	for (unsigned i = 0; i < sizeof(first); i++) {
		trial_make4(&t, false);
		t.octets[t.ip] = first[i];
		trial_seal_ip(&t);
		assert_int_equal(verdict(&rules, &t), COUNT_drop_ip_header);
	}
	trial_make4(&t, false);
	t.octets[t.ip + 8] ^= 1; /* checksum */
	assert_int_equal(verdict(&rules, &t), COUNT_drop_ip_checksum);
	rules.checksum = FRAME_CHECKSUM_IGNORED;
	assert_int_equal(verdict(&rules, &t), COUNTERS);
	rules.checksum = FRAME_CHECKSUM_VERIFIED;
	trial_make4(&t, false);
	trial_put(&t, t.ip + 2, 19); /* total length below the header's */
	trial_seal_ip(&t);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_ip_header);
	trial_make4(&t, false);
	trial_put(&t, t.ip + 2, (uint16_t)(t.length - t.ip + 1)); /* beyond the frame */
	trial_seal_ip(&t);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_ip_header);
	trial_make4(&t, true);
	t.length = t.ip + 19; /* cut */
	assert_int_equal(verdict(&rules, &t), COUNT_drop_ip_header);
}

static void test_bad_ipv6_header(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct trial t;

	trial_make6(&t, false);
	t.octets[t.ip] = 0x45;
	assert_int_equal(verdict(&rules, &t), COUNT_drop_ip_header);
	trial_make6(&t, false);
	trial_put(&t, t.ip + 4, (uint16_t)(t.length - t.udp + 1));
	assert_int_equal(verdict(&rules, &t), COUNT_drop_ip_header);
	trial_make6(&t, true);
	t.length = t.ip + 39;
	assert_int_equal(verdict(&rules, &t), COUNT_drop_ip_header);
}

static void test_fragments(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	uint16_t fields[] = {0x2000, 0x0001, 0x1fff, 0x2001};
	struct trial t;

	for (unsigned i = 0; i < 4; i++) {
		trial_make4(&t, false);
		trial_put(&t, t.ip + 6, fields[i]);
		trial_seal_ip(&t);
		assert_int_equal(verdict(&rules, &t), COUNT_drop_fragment);
	}
	trial_make4(&t, false);
	trial_put(&t, t.ip + 6, 0x4000); /* "don't" is no fragment */
	trial_seal_ip(&t);
	assert_int_equal(verdict(&rules, &t), COUNTERS);
	trial_make6(&t, false);
	t.octets[t.ip + 6] = 44;
	assert_int_equal(verdict(&rules, &t), COUNT_drop_fragment);
}

static void test_options_and_extension_headers(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	uint8_t headers[] = {0, 43, 50, 51, 60, 135, 139, 140};
	struct trial t;

	trial_make4(&t, false);
	t.octets[t.ip] = 0x46;
	trial_seal_ip(&t);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_ip_options);
	for (unsigned i = 0; i < sizeof(headers); i++) {
		trial_make6(&t, false);
		t.octets[t.ip + 6] = headers[i];
		assert_int_equal(verdict(&rules, &t), COUNT_drop_extension);
	}
}

static void test_not_udp(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct trial t;

	trial_make4(&t, false);
	t.octets[t.ip + 9] = 6;
	trial_seal_ip(&t);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_not_udp);
	trial_make6(&t, false);
	t.octets[t.ip + 6] = 58;
	assert_int_equal(verdict(&rules, &t), COUNT_drop_not_udp);
}

static void test_not_ours(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct trial t;

	trial_make4(&t, false);
	trial_put(&t, t.udp + 2, 54);
	trial_seal_udp(&t);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_not_ours);
	trial_make4(&t, false);
	t.octets[t.ip + 19] = 3;
	trial_seal_ip(&t);
	trial_seal_udp(&t);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_not_ours);
	trial_make6(&t, false);
	t.octets[t.ip + 39] = 3;
	trial_seal_udp(&t);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_not_ours);
	trial_make4(&t, false);
	memset(t.octets, 0xff, 6); /* broadcast on the link */
	assert_int_equal(verdict(&rules, &t), COUNT_drop_group);
	trial_make6(&t, false);
	t.octets[0] = 0x33; /* multicast on the link */
	assert_int_equal(verdict(&rules, &t), COUNT_drop_group);
}

static void test_link_address(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct trial t;

	/* Each octet of the address counts, none of the source's. */
	for (unsigned octet = 0; octet < 12; octet++) {
		frame_rules_set_link_address(&rules, (const uint8_t *)"\2\0\0\0\0\1");
		trial_make6(&t, true);
		assert_int_equal(verdict(&rules, &t), COUNTERS);
		t.octets[octet] ^= 0x40;
		assert_int_equal(verdict(&rules, &t), octet < 6 ? COUNT_drop_other_mac : COUNTERS);
		frame_rules_set_link_address(&rules, t.octets);
		assert_int_equal(verdict(&rules, &t), COUNTERS);
	}
	frame_rules_set_link_address(&rules, (const uint8_t *)"\0\0\0\0\0\0");
	assert_int_equal(verdict(&rules, &t), COUNTERS);
}

static void test_any_is_any_unicast(void **state)
{
	(void)state;
	struct frame_rules rules = any();
	const uint8_t group4[][4] = {
	    {255, 255, 255, 255}, {224, 0, 0, 251}, {0, 0, 0, 0}, {127, 0, 0, 1}};
	struct trial t;

	trial_make4(&t, false);
	assert_int_equal(verdict(&rules, &t), COUNTERS);
	for (unsigned i = 0; i < 4; i++) {
		trial_make4(&t, false);
		memcpy(t.octets + t.ip + 16, group4[i], 4);
		trial_seal_ip(&t);
		trial_seal_udp(&t);
		assert_int_equal(verdict(&rules, &t), COUNT_drop_not_ours);
	}
	trial_make6(&t, false);
	assert_int_equal(verdict(&rules, &t), COUNTERS);
	t.octets[t.ip + 24] = 0xff;
	trial_seal_udp(&t);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_not_ours);
}

static void test_udp_length(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct trial t;

	trial_make4(&t, false);
	trial_put(&t, t.udp + 4, 7);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_udp_length);
	trial_make4(&t, false);
	trial_put(&t, t.udp + 4, (uint16_t)(t.length - t.udp + 1));
	assert_int_equal(verdict(&rules, &t), COUNT_drop_udp_length);
	trial_make4(&t, false);
	trial_put(&t, t.ip + 2, 27); /* no room for a UDP header */
	trial_seal_ip(&t);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_udp_length);
	trial_make6(&t, false);
	trial_put(&t, t.ip + 4, 7);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_udp_length);
	trial_make6(&t, false);
	trial_put(&t, t.udp + 4, 0); /* a jumbogram's */
	assert_int_equal(verdict(&rules, &t), COUNT_drop_udp_length);
}

static void test_checksum(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct trial t;

	trial_make4(&t, false);
	t.octets[t.length - 1] ^= 0x40;
	assert_int_equal(verdict(&rules, &t), COUNT_drop_checksum);
	trial_make4(&t, false);
	trial_put(&t, t.udp + 6, 0);
	assert_int_equal(verdict(&rules, &t), COUNTERS);
	trial_make6(&t, true);
	trial_put(&t, t.udp + 6, 0);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_checksum);
	trial_make6(&t, true);
	trial_put(&t, t.udp + 6, (uint16_t)(trial_get(&t, t.udp + 6) + 1));
	assert_int_equal(verdict(&rules, &t), COUNT_drop_checksum);
	rules.checksum = FRAME_CHECKSUM_IGNORED;
	assert_int_equal(verdict(&rules, &t), COUNTERS);
}

/* What a Linux kernel leaves in the field for the card to complete. */
static void test_partial_checksum(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct trial t;

	for (int v6 = 0; v6 < 2; v6++) {
		if (v6)
			trial_make6(&t, false);
		else
			trial_make4(&t, false);
		trial_put(&t, t.udp + 6, trial_pseudo_sum(&t));
		rules.checksum = FRAME_CHECKSUM_VERIFIED;
		assert_int_equal(verdict(&rules, &t), COUNT_drop_checksum);
		rules.checksum = FRAME_CHECKSUM_PARTIAL_TOO;
		assert_int_equal(verdict(&rules, &t), COUNTERS);
		trial_put(&t, t.udp + 6, (uint16_t)(trial_pseudo_sum(&t) + 1));
		assert_int_equal(verdict(&rules, &t), COUNT_drop_checksum);
	}
}

static void test_source(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	const uint8_t bad4[][4] = {
	    {224, 0, 0, 1}, {255, 255, 255, 255}, {0, 0, 0, 0}, {127, 0, 0, 1}, {192, 0, 2, 2}};
	struct trial t;

	for (unsigned i = 0; i < 5; i++) {
		trial_make4(&t, false);
		memcpy(t.octets + t.ip + 12, bad4[i], 4);
		trial_seal_ip(&t);
		trial_seal_udp(&t);
		assert_int_equal(verdict(&rules, &t), COUNT_drop_source);
	}
	trial_make4(&t, false);
	trial_put(&t, t.udp, 0);
	trial_seal_udp(&t);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_source);
	trial_make4(&t, false);
	t.octets[6] = 0x33; /* from a group on the link */
	assert_int_equal(verdict(&rules, &t), COUNT_drop_from_group);
	trial_make6(&t, false);
	memset(t.octets + t.ip + 8, 0, 16);
	trial_seal_udp(&t);
	assert_int_equal(verdict(&rules, &t), COUNT_drop_source);
	t.octets[t.ip + 8] = 0xff;
	assert_int_equal(verdict(&rules, &t), COUNT_drop_source);
}

static void test_every_cut_and_every_flipped_bit(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct trial t, cut;

	for (int kind = 0; kind < 4; kind++) {
		if (kind & 2)
			trial_make6(&t, kind & 1);
		else
			trial_make4(&t, kind & 1);
		for (uint32_t length = 0; length < t.length; length++) {
			cut = t;
			cut.length = length;
			assert_int_not_equal(verdict(&rules, &cut), COUNTERS);
		}
		/* Everything from the UDP header on is under a checksum. */
		for (uint32_t bit = t.udp * 8; bit < t.length * 8; bit++) {
			cut = t;
			cut.octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_not_equal(verdict(&rules, &cut), COUNTERS);
		}
	}
}

static void check_reply(struct trial *t, const struct trial *query, uint32_t reply_length)
{
	bool v6 = t->octets[t->ip] >> 4 == 6;
	uint32_t a = v6 ? 16 : 4, source = t->ip + (v6 ? 8 : 12);

	assert_memory_equal(t->octets, query->octets + 6, 6);
	assert_memory_equal(t->octets + 6, query->octets, 6);
	assert_memory_equal(t->octets + 12, query->octets + 12, t->ip - 12); /* the tag */
	assert_memory_equal(t->octets + source, query->octets + source + a, a);
	assert_memory_equal(t->octets + source + a, query->octets + source, a);
	assert_int_equal(trial_get(t, t->udp), 53);
	assert_int_equal(trial_get(t, t->udp + 2), 49153);
	assert_int_equal(trial_get(t, t->udp + 4), 8 + reply_length);
	if (v6) {
		assert_memory_equal(t->octets + t->ip, "\x6b\x80\0\0", 4); /* DSCP 46 */
		assert_int_equal(trial_get(t, t->ip + 4), 8 + reply_length);
		assert_int_equal(t->octets[t->ip + 7], 64);
	} else {
		assert_memory_equal(t->octets + t->ip, "\x45\xb8", 2); /* DSCP 46 */
		assert_int_equal(trial_get(t, t->ip + 2), 28 + reply_length);
		assert_memory_equal(t->octets + t->ip + 4, "\0\0\x40\0\x40\x11", 6);
		assert_int_equal(trial_plain_sum(t->octets + t->ip, 20, 0), 0xffff);
	}
	assert_int_not_equal(trial_get(t, t->udp + 6), 0);
	assert_int_equal(trial_plain_sum(t->octets + t->udp, 8 + reply_length, trial_pseudo_sum(t)),
			 0xffff);
}

static void test_replies(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	uint32_t sizes[] = {1, 12, 17, 18, 19, 33, 512, 1232, 1233, 1448};
	enum counter reason;
	struct trial t, query;

	for (unsigned i = 0; i < 4 * sizeof(sizes) / sizeof(*sizes); i++) {
		struct datagram d = {0};
		uint32_t size = sizes[i / 4], length;

		if (i & 2)
			trial_make6(&t, i & 1);
		else
			trial_make4(&t, i & 1);
		query = t;
		assert_true(frame_receive(&rules, t.octets, t.length, ROOM, &d, &reason));
		memset(d.payload, 0xa5, d.capacity);
		d.length = size;
		d.sum = checksum_sum(d.payload, size);
		length = frame_reply(&d);
		if (d.headers + size < FRAME_MIN) {
			static const uint8_t zeros[FRAME_MIN];

			assert_int_equal(length, FRAME_MIN);
			assert_memory_equal(d.payload + size, zeros, FRAME_MIN - d.headers - size);
		} else {
			assert_int_equal(length, d.headers + size);
		}
		check_reply(&t, &query, size);
	}
}

/* A checksum that comes out as 0 is sent as 0xffff: 0 would say that there is none. */
static void test_zero_checksum_is_sent_as_ones(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct datagram d = {0};
	enum counter reason;
	struct trial t;

	trial_make4(&t, false);
	assert_true(frame_receive(&rules, t.octets, t.length, ROOM, &d, &reason));
	trial_put(&t, t.udp + 6, 0);
	trial_put(&t, t.udp + 8, 0);
	/* The first word is chosen to make the whole sum 0xffff. */
	trial_put(&t, t.udp + 8,
		  (uint16_t)~trial_plain_sum(t.octets + t.udp, d.length + 8, trial_pseudo_sum(&t)));
	d.sum = checksum_sum(d.payload, d.length);
	frame_reply(&d);
	assert_int_equal(trial_get(&t, t.udp + 6), 0xffff);
}

static void test_capacity_never_below_length(void **state)
{
	(void)state;
	struct frame_rules rules = trial_ours();
	struct datagram d = {0};
	enum counter reason;
	struct trial t;

	trial_make6(&t, true);
	assert_true(frame_receive(&rules, t.octets, t.length, FRAME_MIN, &d, &reason));
	assert_int_equal(d.capacity, d.length);
}

static void test_sums_agree(void **state)
{
	(void)state;
	uint8_t octets[300];
	unsigned seed = 4711;

	for (uint32_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(rand_r(&seed) >> 7);
	for (uint32_t at = 0; at < 8; at++)
		for (uint32_t length = 0; length + at <= sizeof(octets); length++)
			assert_int_equal(checksum_sum(octets + at, length) % 0xffff,
					 trial_plain_sum(octets + at, length, 0) % 0xffff);
}

/* All that the two ways say of a frame; the copy has its exact size, for the sanitizer to see. */
static void assert_agreement(const struct frame_rules *rules, const struct trial *t, unsigned seed)
{
	struct datagram plain = {0}, odd = {0};
	enum counter plain_reason = COUNTERS, odd_reason = COUNTERS;
	uint8_t *copy = malloc(t->length ? t->length : 1);
	uint32_t room = FRAME_MIN + seed % ROOM;
	bool taken;

	memcpy(copy, t->octets, t->length);
	taken = frame_receive(rules, copy, t->length, room, &plain, &plain_reason);
	if (taken != frame_receive_odd(rules, copy, t->length, room, &odd, &odd_reason) ||
	    plain_reason != odd_reason || (taken && memcmp(&plain, &odd, sizeof(plain)) != 0))
		fail_msg("frame %u: %d, reason %d and %d", seed, taken, plain_reason, odd_reason);
	assert_memory_equal(copy, t->octets, t->length);
	free(copy);
}

/* As far as what says where the sums are is in order. */
static void seal(struct trial *t)
{
	if (t->octets[t->ip] >> 4 == 4)
		trial_seal_ip(t);
	if (trial_get(t, t->udp + 4) <= t->length - t->udp)
		trial_seal_udp(t);
}

/* Up to three octets of a good frame are others, most of them in front, and its end is elsewhere
 * now and then; in two of three the checksums are put right after that, or left unfinished. */
static void make_random(struct trial *t, unsigned *seed)
{
	static const uint8_t likely[] = {0,    1,    17,   53,	 127,  224,
					 0xff, 0x08, 0x86, 0xdd, 0x81, 0x45};
	unsigned kind = (unsigned)rand_r(seed);

	(kind & 1 ? trial_make4 : trial_make6)(t, kind >> 1 & 1);
	for (unsigned i = kind >> 2 & 3; i > 0; i--) {
		uint32_t most = rand_r(seed) % 8 ? t->udp + 8 : t->length;
		uint8_t value = (uint8_t)rand_r(seed);

		if (rand_r(seed) & 1)
			value = likely[value % sizeof(likely)];
		t->octets[(uint32_t)rand_r(seed) % most] = value;
	}
	if (kind >> 4 & 1)
		seal(t);
	if ((kind >> 5 & 7) == 0)
		trial_put(t, t->udp + 6, trial_pseudo_sum(t));
	if ((kind >> 8 & 7) == 0)
		t->length = (uint32_t)rand_r(seed) % (t->length + 20);
}

static void test_both_ways_agree(void **state)
{
	(void)state;
	static const enum frame_checksum checksums[] = {
	    FRAME_CHECKSUM_VERIFIED, FRAME_CHECKSUM_PARTIAL_TOO, FRAME_CHECKSUM_IGNORED};
	struct frame_rules rules[] = {any(), trial_ours(), trial_ours()};
	struct trial t = {0};

	frame_rules_set_link_address(&rules[2], (const uint8_t *)"\x02\0\0\0\0\1");
	for (unsigned i = 0; i < 300000; i++) {
		unsigned seed = i;

		make_random(&t, &seed);
		rules[i % 3].checksum = checksums[i / 3 % 3];
		assert_agreement(&rules[i % 3], &t, i);
	}
}

/* Between some addresses a frame is plain, and between their neighbours it is not. */
static void test_both_ways_agree_on_addresses(void **state)
{
	(void)state;
	struct frame_rules rules = any();
	struct trial t;

	for (unsigned first = 0; first < 65536; first++) {
		for (int six = 0; six < 2; six++) {
			(six ? trial_make6 : trial_make4)(&t, false);
			t.octets[t.ip + (six ? 8 : 12)] = (uint8_t)first;
			t.octets[t.ip + (six ? 24 : 16)] = (uint8_t)(first >> 8);
			seal(&t);
			assert_agreement(&rules, &t, first);
		}
	}
}

/* A sum that is right with zero in the field: over IPv6 no checksum all the same. */
static void test_both_ways_agree_on_zero(void **state)
{
	(void)state;
	struct frame_rules rules = any();
	struct trial t;

	for (int six = 0; six < 2; six++) {
		(six ? trial_make6 : trial_make4)(&t, false);
		for (unsigned id = 0; trial_get(&t, t.udp + 6) != 0xffff; id++) {
			assert_true(id < 65536);
			trial_put(&t, t.udp + 8, (uint16_t)id);
			trial_seal_udp(&t);
		}
		trial_put(&t, t.udp + 6, 0);
		assert_agreement(&rules, &t, 0);
	}
}

static void test_rules(void **state)
{
	(void)state;
	struct frame_rules rules = {0};
	struct sockaddr other = {.sa_family = AF_UNIX};

	assert_false(frame_rules_add(&rules, &other));
	for (unsigned i = 0; i < LISTENS_MAX; i++)
		trial_listen_on(&rules, "192.0.2.1", (uint16_t)(i + 1));
	struct sockaddr_in more = {.sin_family = AF_INET};
	assert_false(frame_rules_add(&rules, (struct sockaddr *)&more));
	assert_int_equal(rules.listen_count, LISTENS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_taken),
	    cmocka_unit_test(test_trailing_octets_are_no_payload),
	    cmocka_unit_test(test_not_ip),
	    cmocka_unit_test(test_bad_ipv4_header),
	    cmocka_unit_test(test_bad_ipv6_header),
	    cmocka_unit_test(test_fragments),
	    cmocka_unit_test(test_options_and_extension_headers),
	    cmocka_unit_test(test_not_udp),
	    cmocka_unit_test(test_not_ours),
	    cmocka_unit_test(test_link_address),
	    cmocka_unit_test(test_any_is_any_unicast),
	    cmocka_unit_test(test_udp_length),
	    cmocka_unit_test(test_checksum),
	    cmocka_unit_test(test_partial_checksum),
	    cmocka_unit_test(test_source),
	    cmocka_unit_test(test_every_cut_and_every_flipped_bit),
	    cmocka_unit_test(test_replies),
	    cmocka_unit_test(test_zero_checksum_is_sent_as_ones),
	    cmocka_unit_test(test_capacity_never_below_length),
	    cmocka_unit_test(test_sums_agree),
	    cmocka_unit_test(test_both_ways_agree),
	    cmocka_unit_test(test_both_ways_agree_on_addresses),
	    cmocka_unit_test(test_both_ways_agree_on_zero),
	    cmocka_unit_test(test_rules),
	};
	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
