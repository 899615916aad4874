/* express_test.c: what the express answers is, octet for octet and count for count, what the full
 * path says; what it leaves is untouched, and what it tells of that is so. For questions of all
 * kinds, spoilt in many ways, to good images and to damaged ones. The same octets are asked in full
 * by an image that says that it depends on who asks. A failure prints its seed. */
#include "dataplane/answer/express.h"
#include "tests/unit/answer/message.h"
#include "tests/unit/answer/specimen.h"
#include "tests/unit/answer/zones.h"
#include "zones/name/lower.h"
#include "zones/record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BURSTS	 6000u
#define CHANGES	 12u
#define CAPACITY 4096u
#define GUARD	 64u
#define QUERY	 600u

static const char *const names[] = {
    "n.example.",
    "ns.n.example.",
    "mail.n.example.",
    "many.n.example.",
    "crowd.n.example.",
    "big.n.example.",
    "alias2.n.example.",
    "c1.n.example.",
    "x.wild.n.example.",
    "*.wild.n.example.",
    "x.wmx.n.example.",
    "naptr.n.example.",
    "fan.n.example.",
    "_sip._udp.n.example.",
    "ptr.n.example.",
    "www.sub.n.example.",
    "sub.n.example.",
    "child.n.example.",
    "x.dn.n.example.",
    "nothere.n.example.",
    "a.ent.n.example.",
    "ent.n.example.",
    "www.other.example.",
    "elsewhere.",
    ".",
    "example.",
    "ns.signed.test.",
    "alias.signed.test.",
    "x.wild.signed.test.",
    "secure.signed.test.",
    "signed.test.",
    "mxcrowd.n.example.",
    "ns.small.test.",
    "small.test.",
    "svc.n.example.",
    "h1.fan.n.example.",
    "ptrs.n.example.",
    "a.nothere.n.example.",
    "a.b.nothere.n.example.",
    "x.mail.n.example.",
    "x.y.wild.n.example.",
    "nothere.child.n.example.",
    "x.sub.n.example.",
    "x.y.sub.n.example.",
    "nothere.signed.test.",
    "x.wc.n.example.",
    "x.wsrv.n.example.",
    "*.n.example.",
    "x.*.wild.n.example.",
    "nothere.",
    "a.nothere.",
    "1.2.ent.n.example.",
    "y.dnx.n.example.",
};
static const uint16_t types[] = {TYPE_A,   TYPE_A,     TYPE_A,	   TYPE_A,    TYPE_AAAA, TYPE_NS,
				 TYPE_SOA, TYPE_MX,    TYPE_TXT,   TYPE_SRV,  TYPE_PTR,	 TYPE_DS,
				 TYPE_ANY, TYPE_RRSIG, TYPE_CNAME, TYPE_NSEC, TYPE_OPT,	 TYPE_AXFR,
				 0,	   TYPE_NAPTR, TYPE_DNAME, TYPE_TSIG};

static const struct image_settings settings[] = {
    {.udp_size = 1232, .additional = 1},
    {.udp_size = 100, .rotate = IMAGE_ROTATE_ON},
    {.udp_size = 4096, .additional = 1, .rotate = IMAGE_ROTATE_FIXED},
};
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

/* The same image, looked at by both. */
struct pair {
	struct specimen specimen;
	struct image_policy policy;
	struct image full;
};

struct wire {
	uint8_t octets[QUERY];
	uint32_t length, capacity;
};

struct burst {
	struct wire query[ANSWER_BURST];
	struct datagram datagram[ANSWER_BURST];
	uint8_t *buffer[ANSWER_BURST];
	unsigned n;
	enum transport transport;
};

static uint64_t answered, denied, expanded, left_known, left_unknown;

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static unsigned below(uint64_t *state, unsigned limit)
{
	return (unsigned)(next(state) % limit);
}

static uint64_t seed(void)
{
	const char *given = getenv("SKUA_TEST_SEED");
	uint64_t state;

	if (given != NULL)
		state = strtoull(given, NULL, 0);
	else
		assert_int_equal(getrandom(&state, sizeof(state), 0), sizeof(state));
	printf("SKUA_TEST_SEED=0x%llx\n", (unsigned long long)state);
	fflush(stdout);
	return state;
}

static void look(struct pair *pair)
{
	pair->full = pair->specimen.image;
	pair->policy = *pair->full.policy;
	pair->policy.clients.flags |= IMAGE_CLIENTS_SEE;
	pair->full.policy = &pair->policy;
}

static void open_pair(struct pair *pair, struct image_settings wanted)
{
	struct image_fixture *fixture = image_fixture_new(0);

	image_fixture_settings(fixture, wanted);
	test_zones_add(fixture);
	specimen_take(&pair->specimen, fixture);
	image_fixture_free(fixture);
	look(pair);
}

/* ---- queries ---- */

static void change_case(uint64_t *random, struct wire *w)
{
	uint64_t bits = next(random);

	for (uint32_t i = 12; i < w->length && w->octets[i] != 0; i++) {
		uint8_t lower = w->octets[i] | 0x20;

		if (lower >= 'a' && lower <= 'z' && bits >> i % 64 & 1)
			w->octets[i] ^= 0x20;
	}
}

static void spoil(uint64_t *random, struct wire *w)
{
	switch (below(random, 6)) {
	case 0:
		w->octets[below(random, w->length)] ^= (uint8_t)(1u << below(random, 8));
		break;
	case 1:
		w->octets[below(random, w->length)] = (uint8_t)next(random);
		break;
	case 2:
		w->length = below(random, w->length + 1);
		break;
	case 3:
		w->length += 1 + below(random, 20);
		break;
	case 4: /* a root label within the name */
		w->octets[12 + below(random, w->length - 12)] = 0;
		break;
	case 5: /* anything in the header */
		w->octets[below(random, 12)] = (uint8_t)next(random);
		break;
	}
}

static void make_query(uint64_t *random, struct wire *w)
{
	static const uint8_t cookie[12] = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint16_t sizes[] = {0, 100, 512, 513, 1232, 4096, 65535};
	bool edns = below(random, 4) != 0;
	struct query_options options = {
	    .flags = below(random, 3) == 0 ? (uint16_t)(next(random) & 0x07ff) : 0,
	    .class = below(random, 20) == 0 ? 255 : 0,
	    .edns = edns,
	    .dnssec_ok = edns && below(random, 3) == 0,
	    .udp_size = edns ? sizes[below(random, 7)] : 0,
	    .version = edns && below(random, 30) == 0,
	    .options = cookie,
	    .options_length = edns && below(random, 15) == 0 ? sizeof(cookie) : 0,
	};

	memset(w, 0, sizeof(*w));
	w->length = (uint32_t)message_query_text(
	    w->octets, names[below(random, sizeof(names) / sizeof(names[0]))],
	    below(random, 2) == 0 ? TYPE_A : types[below(random, sizeof(types) / sizeof(types[0]))],
	    &options);
	if (below(random, 3) == 0)
		change_case(random, w);
	if (below(random, 4) == 0)
		spoil(random, w);
	switch (below(random, 4)) {
	case 0:
		w->capacity = w->length + below(random, 120);
		break;
	default:
		w->capacity = CAPACITY;
	}
}

static void load(struct burst *b, unsigned i, const struct wire *w)
{
	memset(b->buffer[i], 0x5a, CAPACITY + QUERY + GUARD);
	memcpy(b->buffer[i], w->octets, w->length);
	b->datagram[i] = (struct datagram){.payload = b->buffer[i],
					   .length = w->length,
					   .capacity = w->capacity,
					   .family = 4,
					   .source = {192, 0, 2, (uint8_t)i}};
}

static void check_guard(const struct burst *b, unsigned i)
{
	for (unsigned k = 0; k < GUARD; k++)
		assert_int_equal(b->buffer[i][b->query[i].capacity + k], 0x5a);
}

/* ---- both ---- */

static void check_same(const struct burst *b, unsigned i, const struct pair *pair,
		       struct answer_state *state, uint64_t counts[])
{
	static uint8_t room[CAPACITY + QUERY];
	const struct wire *w = &b->query[i];
	struct datagram full = b->datagram[i];

	memcpy(room, w->octets, w->length);
	full.payload = room;
	full.length = w->length;
	answer_batch(&pair->full, state, &full, 1, b->transport, counts);
	assert_int_equal(b->datagram[i].length, full.length);
	assert_int_equal(b->datagram[i].sum, full.sum);
	assert_memory_equal(b->datagram[i].payload, room, full.length);
}

/* What the express tells of a query that it leaves. */
static void check_left(const struct image *image, const struct burst *b,
		       const struct express_left *left)
{
	const struct wire *w = &b->query[left->at];
	uint8_t lower[NAME_MAX_OCTETS];

	assert_int_equal(b->datagram[left->at].length, w->length);
	assert_memory_equal(b->buffer[left->at], w->octets, w->length);
	if (left->name_length == 0) {
		left_unknown++;
		return;
	}
	left_known++;
	assert_true(12u + left->name_length <= w->length);
	name_lower(lower, w->octets + 12, left->name_length);
	assert_true(left->hash == name_hash(image->key, lower, left->name_length));
	assert_ptr_equal(left->node, image_find(image, left->hash, lower, left->name_length));
}

static void try_express(struct burst *b, const struct pair *pair)
{
	struct answer_state state = {.rotation = 5}, full_state = {.rotation = 5};
	uint64_t counts[COUNTERS] = {0}, full_counts[COUNTERS] = {0};
	const struct express express = {&pair->specimen.image, &state, b->transport, counts};
	struct express_left left[ANSWER_BURST];
	bool is_left[ANSWER_BURST] = {false};

	for (unsigned i = 0; i < b->n; i++)
		load(b, i, &b->query[i]);
	unsigned leaves = express_answer(&express, b->datagram, b->n, left);
	for (unsigned i = 0; i < leaves; i++) {
		assert_false(is_left[left[i].at]);
		is_left[left[i].at] = true;
		check_left(&pair->specimen.image, b, &left[i]);
	}
	for (unsigned i = 0; i < b->n; i++) {
		check_guard(b, i);
		if (!is_left[i])
			check_same(b, i, pair, &full_state, full_counts);
	}
	answered += b->n - leaves;
	denied += counts[COUNT_rcode_nxdomain];
	expanded += counts[COUNT_wildcards];
	full_counts[COUNT_received] -= b->n - leaves;
	assert_memory_equal(counts, full_counts, sizeof(counts));
	assert_int_equal(state.rotation, full_state.rotation);
}

/* All of it together. Where sets are turned, turns are taken in another order. */
static void try_batch(struct burst *b, const struct pair *pair)
{
	struct answer_state state = {0}, full_state = {0};
	uint64_t counts[COUNTERS] = {0}, full_counts[COUNTERS] = {0};

	if (pair->full.settings.rotate == IMAGE_ROTATE_ON)
		return;
	for (unsigned i = 0; i < b->n; i++)
		load(b, i, &b->query[i]);
	answer_batch(&pair->specimen.image, &state, b->datagram, b->n, b->transport, counts);
	for (unsigned i = 0; i < b->n; i++) {
		check_guard(b, i);
		check_same(b, i, pair, &full_state, full_counts);
	}
	assert_memory_equal(counts, full_counts, sizeof(counts));
}

static void try_burst(uint64_t *random, struct burst *b, const struct pair *pair)
{
	b->n = below(random, 4) == 0 ? below(random, ANSWER_BURST + 1) : ANSWER_BURST;
	b->transport = below(random, 4) == 0 ? TRANSPORT_TCP : TRANSPORT_UDP;
	for (unsigned i = 0; i < b->n; i++)
		make_query(random, &b->query[i]);
	try_express(b, pair);
	try_batch(b, pair);
}

static struct burst *new_burst(void)
{
	struct burst *b = calloc(1, sizeof(*b));

	for (unsigned i = 0; i < ANSWER_BURST; i++)
		b->buffer[i] = malloc(CAPACITY + QUERY + GUARD);
	return b;
}

static void free_burst(struct burst *b)
{
	for (unsigned i = 0; i < ANSWER_BURST; i++)
		free(b->buffer[i]);
	free(b);
}

static void test_good_images(void **unused)
{
	uint64_t random = seed();
	struct burst *b = new_burst();

	(void)unused;
	answered = denied = expanded = left_known = left_unknown = 0;
	for (unsigned s = 0; s < SETTINGS; s++) {
		struct pair pair;

		open_pair(&pair, settings[s]);
		for (unsigned n = 0; n < BURSTS / SETTINGS; n++)
			try_burst(&random, b, &pair);
		specimen_free(&pair.specimen);
	}
	free_burst(b);
	printf("# %llu answered (%llu denied, %llu from wildcards), %llu left with what is known "
	       "of the name, %llu without\n",
	       (unsigned long long)answered, (unsigned long long)denied,
	       (unsigned long long)expanded, (unsigned long long)left_known,
	       (unsigned long long)left_unknown);
	uint64_t asked = (uint64_t)BURSTS * ANSWER_BURST;
	assert_true(denied > asked / 50 && expanded > asked / 100);
	assert_true(answered > asked / 10 && left_known > asked / 20 && left_unknown > asked / 20);
}

/* Of the octets that hold anything, so that changes hit. */
static uint64_t draw_octet(uint64_t *random, const struct specimen *s)
{
	uint64_t at = next(random) % s->length;

	for (unsigned tries = 0; s->base[at] == 0 && tries < 1000; tries++)
		at = next(random) % s->length;
	return at;
}

static void test_damaged_images(void **unused)
{
	uint64_t random = seed();
	struct burst *b = new_burst();
	struct pair pair;

	(void)unused;
	answered = 0;
	open_pair(&pair, settings[0]);
	for (unsigned n = 0; n < BURSTS; n++) {
		struct specimen *s = &pair.specimen;
		uint64_t where[CHANGES];
		uint8_t was[CHANGES];

		for (unsigned i = 0; i < CHANGES; i++) {
			where[i] = draw_octet(&random, s);
			was[i] = s->base[where[i]];
			s->base[where[i]] ^= (uint8_t)(1u << below(&random, 8));
		}
		if (specimen_open(s)) {
			look(&pair);
			try_burst(&random, b, &pair);
		}
		for (unsigned i = CHANGES; i-- > 0;)
			s->base[where[i]] = was[i];
	}
	specimen_free(&pair.specimen);
	free_burst(b);
	assert_true(answered > (uint64_t)BURSTS * ANSWER_BURST / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good_images),
	    cmocka_unit_test(test_damaged_images),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
