/* Any octets as a query, to a good image and to a damaged one. Whatever comes: nothing outside the
 * buffer and the image is touched, nothing hangs, a response gets no reply, a neighbour in the
 * burst gets the reply that it gets alone, every message is counted once; and what a good image
 * says is a well-formed message within its limit that repeats ID and question, with the right sum,
 * and no larger than the query if it is an error over UDP, but for a client with a valid cookie.
 *
 * Input: one octet of choices, then up to 7 changes of the image of 4 octets each (offset in three,
 * a value to exclusive-or), then the query. Choices: bits 0 to 2: how many changes; bit 3: TCP; bit
 * 4: a buffer no larger than the query; bits 5 and 6: which image; bit 7: a neighbour. */
#include "dataplane/answer/answer.h"
#include "dataplane/answer/query.h"
#include "tests/unit/abi/ledger.h"
#include "tests/unit/answer/message.h"
#include "tests/unit/answer/specimen.h"
#include "tests/unit/answer/zones.h"
#include "zones/record/record.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES	 7u
#define CAPACITY 4096u /* of the neighbour's buffer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct recipe {
	struct image_settings settings;
	bool small, policy;
} recipe[4] = {
    {.settings = {.udp_size = 1232, .additional = 1, .rotate = 1}},
    {.settings = {.udp_size = 512}},
    {.settings = {.udp_size = 4096, .additional = 1}, .policy = true},
    {.settings = {.udp_size = 1232, .additional = 1, .rotate = 1}, .small = true, .policy = true},
};

/* A query and what is known of it. */
struct trial {
	const struct image *image;
	const uint8_t *query;
	size_t length;
	enum transport transport;
	bool damaged;
};

static struct specimen specimen[4];
static bool cookie_valid; /* in the last burst a client had one */

static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct policy_text text_of(const char *text)
{
	struct policy_text made = {.length = (uint8_t)strlen(text)};

	memcpy(made.octets, text, made.length);
	return made;
}

static void build(unsigned which)
{
	struct image_fixture *fixture = image_fixture_new(0);
	struct image_policy policy = {
	    .version = text_of("1"),
	    .identity = text_of("node-1"),
	    .nsid = text_of("node-1"),
	    /* The secret of RFC 9018 A.1, so that the corpus can hold valid cookies. */
	    .cookies = {.count = 1,
			.secret = {{0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f, 0x48, 0xe7,
				    0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf}}},
	    .any = recipe[which].small ? POLICY_ANY_HINFO : POLICY_ANY_ALL,
	    .extended_errors = 1,
	};

	image_fixture_settings(fixture, recipe[which].settings);
	if (recipe[which].small)
		test_zones_add_small(fixture);
	else
		test_zones_add(fixture);
	if (recipe[which].policy)
		image_fixture_policy(fixture, &policy);
	specimen_take(&specimen[which], fixture);
	image_fixture_free(fixture);
}

/* Done twice, it undoes itself. */
static void change(struct specimen *s, const uint8_t *changes, unsigned count)
{
	for (unsigned i = 0; i < count; i++, changes += 4)
		s->base[((uint64_t)changes[0] << 16 | changes[1] << 8 | changes[2]) % s->length] ^=
		    changes[3];
}

static unsigned plain_sum(const uint8_t *at, size_t length)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += (unsigned long)at[i] << (i % 2 == 0 ? 8 : 0);
	return (unsigned)(sum % 0xffff);
}

/* What the client and we take over UDP; errors, which anybody's address can be made to get, are no
 * larger than what asked for them. */
static void check_size(const struct trial *t, const struct datagram *d, const struct query *query)
{
	unsigned ours = t->image->settings.udp_size;
	unsigned rcode = d->payload[3] & 15;

	if (t->transport == TRANSPORT_TCP)
		return;
	must(d->length <= (ours < 512 ? 512 : ours) && d->length <= query->udp_size);
	if (!cookie_valid &&
	    (rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP || rcode == RCODE_REFUSED ||
	     rcode == RCODE_NOTAUTH || rcode == RCODE_SERVFAIL || rcode == (RCODE_BADCOOKIE & 15) ||
	     query->rcode == RCODE_BADVERS))
		must(d->length <= t->length);
}

/* RFC 1035 4.1.1: ID, opcode, RD and the question come back; QR is set, TC only over UDP. */
static void check_echo(const struct trial *t, const struct datagram *d, const struct query *query)
{
	const uint8_t *reply = d->payload;

	must(memcmp(reply, t->query, 2) == 0);
	must((reply[2] & 0xf9) == (0x80 | (t->query[2] & 0x79)));
	must(get_u16(reply + 4) == (query->question_end > DNS_HEADER));
	must(d->length >= query->question_end);
	must(memcmp(reply + DNS_HEADER, t->query + DNS_HEADER, query->question_end - DNS_HEADER) ==
	     0);
}

/* RFC 8945 5.3.2: if there was room for it, the query's TSIG is the end of the reply: all up to the
 * fudge as it came, but for the length. */
static void check_tsig(const struct trial *t, const struct datagram *d, const struct query *query)
{
	const struct query_tsig *tsig = &query->tsig;
	size_t owner = tsig->algorithm - tsig->at - 2u, rest = tsig->fixed + 8u - tsig->algorithm;
	const uint8_t *asked = t->query + tsig->at;
	size_t octets = owner + 2 + rest + 8;

	if (get_u16(d->payload + 10) == query->edns) /* the OPT record alone, or nothing */
		return;
	must(d->length >= query->question_end + octets);
	const uint8_t *reply = d->payload + d->length - octets;
	must(memcmp(reply, asked, owner) == 0);
	must(memcmp(reply + owner + 2, asked + owner + 2, rest) == 0);
}

static void check_reply(const struct trial *t, const struct datagram *d)
{
	struct message message;
	struct query query;

	must(d->length >= DNS_HEADER && d->length <= d->capacity);
	must(query_parse(t->query, t->length, &query) <= QUERY_ERROR);
	check_echo(t, d, &query);
	check_size(t, d, &query);
	if (t->damaged) /* then a stored sum may be wrong, and names too */
		return;
	must(plain_sum(d->payload, d->length) == d->sum % 0xffffu);
	must((d->payload[3] & 15) != RCODE_SERVFAIL); /* only an image that contradicts itself */
	/* A TSIG owner is echoed as it came, so its pointers are the client's. */
	if ((d->payload[3] & 15) == RCODE_NOTAUTH) {
		check_tsig(t, d, &query);
		return;
	}
	must(message_parse(d->payload, d->length, &message) == NULL);
	message_free(&message);
}

static void answer(const struct trial *t, struct datagram *burst, unsigned n)
{
	struct answer_state state = {.now = 1559731985ull * 1000000000u, .tcp_idle = 100};
	uint64_t counts[COUNTERS] = {0};

	answer_batch(t->image, &state, burst, n, t->transport, counts);
	must(counts[COUNT_received] == n && ledger_wrong(counts) == NULL);
	cookie_valid = counts[COUNT_cookies_valid] > 0;
}

/* The same reply with and without somebody beside it. */
static void answer_with_neighbour(const struct trial *t, struct datagram *d)
{
	static const struct query_options options = {.edns = true, .dnssec_ok = true};
	uint8_t alone[CAPACITY], beside[CAPACITY];
	struct datagram burst[2] = {*d, {.payload = beside, .capacity = CAPACITY}}, single;

	burst[1].length =
	    (uint32_t)message_query_text(beside, "x.wild.signed.test.", TYPE_A, &options);
	memcpy(alone, beside, burst[1].length);
	single = burst[1];
	single.payload = alone;
	answer(t, &single, 1);
	answer(t, burst, 2);
	must(single.length == burst[1].length && memcmp(alone, beside, single.length) == 0);
	*d = burst[0];
}

static void ask(const struct trial *t, bool tight, bool neighbour)
{
	size_t capacity = tight ? t->length : MESSAGE_MAX;
	uint8_t *payload = malloc(capacity > 0 ? capacity : 1);
	struct datagram datagram = {.payload = payload,
				    .length = (uint32_t)t->length,
				    .capacity = (uint32_t)capacity,
				    .family = 4,
				    .port = 49152,
				    .source = {198, 51, 100, 100}};

	must(payload != NULL);
	memcpy(payload, t->query, t->length);
	if (neighbour)
		answer_with_neighbour(t, &datagram);
	else
		answer(t, &datagram, 1);
	bool silent = t->length < DNS_HEADER || t->query[2] & 0x80;
	must(silent == (datagram.length == 0));
	if (!silent)
		check_reply(t, &datagram);
	free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned choices = size > 0 ? data[0] : 0;
	unsigned changes = choices & 7, which = choices >> 5 & 3;
	size_t at = 1 + 4 * changes;

	if (size < at || size > 60000)
		return 0;
	struct specimen *s = &specimen[which];
	if (s->base == NULL)
		build(which);
	struct trial trial = {.image = &s->image,
			      .query = data + at,
			      .length = size - at,
			      .transport = choices & 8 ? TRANSPORT_TCP : TRANSPORT_UDP,
			      .damaged = changes > 0};
	change(s, data + 1, changes);
	if (changes == 0 || specimen_open(s))
		ask(&trial, choices & 16, choices & 128);
	change(s, data + 1, changes);
	if (changes > 0)
		must(specimen_open(s));
	return 0;
}
