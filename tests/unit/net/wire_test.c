/* wire_test.c: every kind of malformed frame, one fault each, and the counter that counts it: the
 * upper half of docs/wire.md, row by row (the lower half: tests/dialogues/malformed.dialogue).
 *
 * Sources: IEEE 802.3 and 802.1Q, RFC 791, RFC 1122 3.2.1, RFC 8200, RFC 4291 2, RFC 768. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/abi/ledger.h"
#include "tests/unit/net/trial.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM  1514u
#define TAKEN COUNTERS
#define EDITS 2u

enum base { V4, V4_TAGGED, V6, V6_TAGGED };
enum place { NOWHERE, AT_FRAME, AT_IP, AT_UDP };

struct edit {
	enum place place;
	int offset; /* octets behind the place */
	int width;  /* octets: 1 or 2 */
	unsigned value;
};

struct row {
	const char *title;
	enum base base;
	unsigned outcome; /* enum counter, or TAKEN */
	struct edit edit[EDITS];
	const char *source;	 /* text; NULL: as it is */
	const char *destination; /* text; NULL: as it is */
	int longer;		 /* octets put behind the frame */
	unsigned cut;		 /* the frame ends here; 0: where it ends */
	bool udp_unsealed;	 /* the UDP checksum stays as it was */
	bool ip_unsealed;
	bool empty; /* taken, but without a message */
};

#define IP1(offset, value)                                                                         \
	{                                                                                          \
		{                                                                                  \
			AT_IP, offset, 1, value                                                    \
		}                                                                                  \
	}
#define IP2(offset, value)                                                                         \
	{                                                                                          \
		{                                                                                  \
			AT_IP, offset, 2, value                                                    \
		}                                                                                  \
	}
#define UDP2(offset, value)                                                                        \
	{                                                                                          \
		{                                                                                  \
			AT_UDP, offset, 2, value                                                   \
		}                                                                                  \
	}
#define FRAME1(offset, value)                                                                      \
	{                                                                                          \
		{                                                                                  \
			AT_FRAME, offset, 1, value                                                 \
		}                                                                                  \
	}
#define FRAME2(offset, value)                                                                      \
	{                                                                                          \
		{                                                                                  \
			AT_FRAME, offset, 2, value                                                 \
		}                                                                                  \
	}

static const struct row rows[] = {
    /* Ethernet */
    {"a good frame", V4, TAKEN},
    {"a good frame with a tag", V4_TAGGED, TAKEN},
    {"a good frame of IPv6", V6, TAKEN},
    {"a good frame of IPv6 with a tag", V6_TAGGED, TAKEN},
    {"a runt of one octet", V4, COUNT_drop_runt, .cut = 1},
    {"a runt without EtherType", V4, COUNT_drop_runt, .cut = 13},
    {"a runt that ends behind its tag", V4_TAGGED, COUNT_drop_ip_header, .cut = 18},
    {"a giant: octets behind the packet", V4, TAKEN, .longer = 1900},
    {"padding up to 60 octets and more", V6, TAKEN, .longer = 5},
    {"an 802.3 length for EtherType", V4, COUNT_drop_not_ip, FRAME2(12, 0x0040)},
    {"ARP", V4, COUNT_drop_not_ip, FRAME2(12, 0x0806)},
    {"PPPoE", V4, COUNT_drop_not_ip, FRAME2(12, 0x8864)},
    {"two tags", V4_TAGGED, COUNT_drop_vlan, FRAME2(16, 0x8100)},
    {"a service tag alone", V4_TAGGED, COUNT_drop_vlan, FRAME2(12, 0x88a8)},
    {"a service tag of before 802.1ad", V4_TAGGED, COUNT_drop_vlan, FRAME2(12, 0x9100)},
    {"a service tag inside", V6_TAGGED, COUNT_drop_vlan, FRAME2(16, 0x88a8)},
    {"MPLS", V4, COUNT_drop_not_ip, FRAME2(12, 0x8847)},
    {"LLDP", V4, COUNT_drop_not_ip, FRAME2(12, 0x88cc)},
    {"to another host on the link", V4, COUNT_drop_other_mac, FRAME1(5, 0x99)},
    {"to another host on the link, tagged", V6_TAGGED, COUNT_drop_other_mac, FRAME1(0, 0x06)},
    {"to all on the link", V4, COUNT_drop_group, FRAME1(0, 0xff)},
    {"a priority tag: VLAN 0", V4_TAGGED, TAKEN, FRAME2(14, 0)},
    {"IPv6 said, IPv4 sent", V4, COUNT_drop_ip_header, FRAME2(12, 0x86dd)},
    {"IPv4 said, IPv6 sent", V6, COUNT_drop_ip_header, FRAME2(12, 0x0800)},
    {"to a group on the link", V4, COUNT_drop_group, FRAME1(0, 0x01)},
    {"from a group on the link", V6, COUNT_drop_from_group, FRAME1(6, 0x33)},
    /* IPv4 */
    {"no IP header", V4, COUNT_drop_runt, .cut = 14},
    {"an IPv4 header cut short", V4, COUNT_drop_ip_header, .cut = 33},
    {"version 0", V4, COUNT_drop_ip_header, IP1(0, 0x05)},
    {"version 6 in a packet of IPv4", V4, COUNT_drop_ip_header, IP1(0, 0x65)},
    {"IHL 0", V4, COUNT_drop_ip_header, IP1(0, 0x40)},
    {"IHL 4", V4, COUNT_drop_ip_header, IP1(0, 0x44)},
    {"IHL 6: an option", V4, COUNT_drop_ip_options, IP1(0, 0x46)},
    {"IHL 15: more than the packet has",
     V4,
     COUNT_drop_ip_header,
     {{AT_IP, 0, 1, 0x4f}, {AT_IP, 2, 2, 40}}},
    {"total length 0", V4, COUNT_drop_ip_header, IP2(2, 0)},
    {"total length below the header", V4, COUNT_drop_ip_header, IP2(2, 19)},
    {"total length of the header", V4, COUNT_drop_udp_length, IP2(2, 20)},
    {"total length past the frame", V4, COUNT_drop_ip_header, IP2(2, 57)},
    {"total length 65535", V4, COUNT_drop_ip_header, IP2(2, 65535)},
    {"a wrong header checksum", V4, COUNT_drop_ip_checksum, IP2(10, 0x1234), .ip_unsealed = true},
    {"the first fragment", V4, COUNT_drop_fragment, IP2(6, 0x2000)},
    {"a fragment amid", V4, COUNT_drop_fragment, IP2(6, 0x2007)},
    {"the last fragment", V4, COUNT_drop_fragment, IP2(6, 0x0007)},
    {"the reserved flag", V4, TAKEN, IP2(6, 0x8000)},
    {"TTL 0 (RFC 1122 3.2.1.7: no reason to drop)", V4, TAKEN, IP1(8, 0)},
    {"ICMP", V4, COUNT_drop_not_udp, IP1(9, 1)},
    {"SCTP", V4, COUNT_drop_not_udp, IP1(9, 132)},
    {"GRE", V4, COUNT_drop_not_udp, IP1(9, 47)},
    {"ESP over IPv4", V4, COUNT_drop_not_udp, IP1(9, 50)},
    {"TCP", V4, COUNT_drop_not_udp, IP1(9, 6)},
    {"UDP-Lite", V4, COUNT_drop_not_udp, IP1(9, 136)},
    /* IPv6 */
    {"an IPv6 header cut short", V6, COUNT_drop_ip_header, .cut = 53},
    {"version 4 in a packet of IPv6", V6, COUNT_drop_ip_header, IP1(0, 0x45)},
    {"payload length past the frame", V6, COUNT_drop_ip_header, IP2(4, 37)},
    {"payload length 0", V6, COUNT_drop_udp_length, IP2(4, 0)},
    {"hop limit 0", V6, TAKEN, IP1(7, 0)},
    {"hop-by-hop options (a jumbogram's, too)", V6, COUNT_drop_extension, IP1(6, 0)},
    {"a routing header", V6, COUNT_drop_extension, IP1(6, 43)},
    {"a fragment header", V6, COUNT_drop_fragment, IP1(6, 44)},
    {"ESP", V6, COUNT_drop_extension, IP1(6, 50)},
    {"AH", V6, COUNT_drop_extension, IP1(6, 51)},
    {"destination options", V6, COUNT_drop_extension, IP1(6, 60)},
    {"mobility", V6, COUNT_drop_extension, IP1(6, 135)},
    {"HIP", V6, COUNT_drop_extension, IP1(6, 139)},
    {"shim6", V6, COUNT_drop_extension, IP1(6, 140)},
    {"a header that nobody knows", V6, COUNT_drop_not_udp, IP1(6, 253)},
    {"no next header", V6, COUNT_drop_not_udp, IP1(6, 59)},
    {"ICMPv6", V6, COUNT_drop_not_udp, IP1(6, 58)},
    /* UDP */
    {"half a UDP header", V4, COUNT_drop_udp_length, IP2(2, 24)},
    {"half a UDP header of IPv6", V6, COUNT_drop_udp_length, IP2(4, 4)},
    {"UDP length 0", V4, COUNT_drop_udp_length, UDP2(4, 0)},
    {"UDP length 7", V6, COUNT_drop_udp_length, UDP2(4, 7)},
    {"UDP length 8: no message", V4, TAKEN, UDP2(4, 8), .empty = true},
    {"UDP length past the packet", V4, COUNT_drop_udp_length, UDP2(4, 37), .udp_unsealed = true},
    {"UDP length 65535", V6, COUNT_drop_udp_length, UDP2(4, 65535), .udp_unsealed = true},
    {"octets behind the datagram, inside the packet", V4, TAKEN, IP2(2, 60), .longer = 4},
    {"the same over IPv6", V6, TAKEN, IP2(4, 40), .longer = 4},
    {"another port", V4, COUNT_drop_not_ours, UDP2(2, 5353)},
    {"port 0", V4, COUNT_drop_not_ours, UDP2(2, 0)},
    {"from port 0", V6, COUNT_drop_source, UDP2(0, 0)},
    {"from port 53: a reply has QR set, so nothing goes round", V4, TAKEN, UDP2(0, 53)},
    {"a wrong checksum", V4, COUNT_drop_checksum, UDP2(6, 0x1234), .udp_unsealed = true},
    {"a wrong checksum of IPv6", V6, COUNT_drop_checksum, UDP2(6, 0x1234), .udp_unsealed = true},
    {"no checksum", V4, TAKEN, UDP2(6, 0), .udp_unsealed = true},
    {"no checksum of IPv6", V6, COUNT_drop_checksum, UDP2(6, 0), .udp_unsealed = true},
    /* Addresses */
    {"to another host", V4, COUNT_drop_not_ours, .destination = "192.0.2.3"},
    {"to another host of IPv6", V6, COUNT_drop_not_ours, .destination = "2001:db8::3"},
    {"to a group", V4, COUNT_drop_not_ours, .destination = "224.0.0.251"},
    {"to all", V4, COUNT_drop_not_ours, .destination = "255.255.255.255"},
    {"to a group of IPv6", V6, COUNT_drop_not_ours, .destination = "ff02::fb"},
    {"from us", V4, COUNT_drop_source, .source = "192.0.2.2"},
    {"from us over IPv6", V6, COUNT_drop_source, .source = "2001:db8::2"},
    {"from nobody", V4, COUNT_drop_source, .source = "0.0.0.0"},
    {"from nobody over IPv6", V6, COUNT_drop_source, .source = "::"},
    {"from this network", V4, COUNT_drop_source, .source = "0.1.2.3"},
    {"from loopback", V4, COUNT_drop_source, .source = "127.1.2.3"},
    {"from loopback over IPv6", V6, COUNT_drop_source, .source = "::1"},
    {"from a group", V4, COUNT_drop_source, .source = "224.0.0.1"},
    {"from a group of IPv6", V6, COUNT_drop_source, .source = "ff02::1"},
    {"from all", V4, COUNT_drop_source, .source = "255.255.255.255"},
    {"from an IPv4 address in IPv6", V6, COUNT_drop_source, .source = "::ffff:192.0.2.1"},
    {"from the link over IPv6", V6, TAKEN, .source = "fe80::1"},
};

static void set_address(struct trial *t, const char *text, bool source)
{
	uint8_t octets[16];
	bool v6 = strchr(text, ':') != NULL;
	uint32_t length = v6 ? 16 : 4;

	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, text, octets), 1);
	memcpy(t->octets + t->ip + (v6 ? 8 : 12) + (source ? 0 : length), octets, length);
}

static void apply(struct trial *t, const struct edit *edit)
{
	uint32_t at = (uint32_t)edit->offset + (edit->place == AT_IP	? t->ip
						: edit->place == AT_UDP ? t->udp
									: 0);

	if (edit->place == NOWHERE)
		return;
	if (edit->width == 1)
		t->octets[at] = (uint8_t)edit->value;
	else
		trial_put(t, at, (uint16_t)edit->value);
}

/* The frame of a row: the fault is the only one, since the checksums are made to fit it. */
static void make(const struct row *row, struct trial *t)
{
	bool v6 = row->base == V6 || row->base == V6_TAGGED;
	bool tagged = row->base == V4_TAGGED || row->base == V6_TAGGED;
	uint32_t udp_length;

	if (v6)
		trial_make6(t, tagged);
	else
		trial_make4(t, tagged);
	for (unsigned i = 0; i < EDITS; i++)
		apply(t, &row->edit[i]);
	if (row->source != NULL)
		set_address(t, row->source, true);
	if (row->destination != NULL)
		set_address(t, row->destination, false);
	if (!v6 && !row->ip_unsealed)
		trial_seal_ip(t);
	udp_length = trial_get(t, t->udp + 4);
	if (!row->udp_unsealed && udp_length >= 8 && t->udp + udp_length <= t->length)
		trial_seal_udp(t);
	t->length += (uint32_t)row->longer;
	if (row->cut != 0)
		t->length = row->cut;
}

/* The frame stands in memory of its exact size, for the sanitizer to see. */
static unsigned receive(const struct row *row, const struct trial *t, struct datagram *query)
{
	struct frame_rules rules = trial_ours();
	enum counter reason = COUNTERS;
	uint8_t *frame = malloc(t->length);

	frame_rules_set_link_address(&rules, (const uint8_t *)"\2\0\0\0\0\1");
	memcpy(frame, t->octets, t->length);
	if (frame_receive(&rules, frame, t->length, ROOM, query, &reason)) {
		assert_int_equal(reason, COUNTERS);
		assert_int_equal(query->length, row->empty ? 0 : TRIAL_PAYLOAD);
		assert_memory_equal(query->payload, trial_payload, query->length);
	} else {
		assert_int_equal(ledger_group(reason), LEDGER_FRAME);
		assert_memory_equal(frame, t->octets, t->length);
	}
	free(frame);
	return reason;
}

static void test_every_row(void **state)
{
	const unsigned count = sizeof(rows) / sizeof(rows[0]);
	uint64_t counts[COUNTERS + 1] = {0};

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		struct datagram query = {0};
		struct trial t;

		make(&rows[i], &t);
		unsigned outcome = receive(&rows[i], &t, &query);
		if (outcome != rows[i].outcome)
			fail_msg("%s: %u, not %u", rows[i].title, outcome, rows[i].outcome);
		counts[outcome]++;
	}
	/* Frames in are messages handed up and frames dropped, each once. */
	assert_int_equal(counts[TAKEN] + ledger_sum(counts, LEDGER_FRAME), count);
}

/* No counter of frames is without a row but the one that no single frame can show. */
static void test_every_counter_has_a_row(void **state)
{
	(void)state;
	for (enum counter counter = 0; counter < COUNTERS; counter++) {
		/* The back ends': their own tests. */
		bool met = counter == COUNT_drop_scattered || counter == COUNT_drop_rx_full;

		for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			met |= rows[i].outcome == counter;
		assert_true(met || ledger_group(counter) != LEDGER_FRAME);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_row),
	    cmocka_unit_test(test_every_counter_has_a_row),
	};
	return cmocka_run_group_tests_name("malformed frames", tests, NULL, NULL);
}
