/* damage_test.c: an image with any bit changed crashes nothing and hangs nothing: every single bit
 * of a small image, and many at once of a large one. A read outside meets the specimen's guard page
 * or a sanitizer, a loop without end the alarm; each reply is still one to its query, within its
 * limit, and counted.
 *
 * A bit counts if its cache line holds anything: that is every block that something leads to, but
 * for empty lines inside pages of the directory. SKUA_LONG=yes: those too (every line of 4096
 * octets that hold anything), and each bit is met by all four kinds of query, not by two. */
#include "dataplane/answer/answer.h"
#include "tests/unit/abi/ledger.h"
#include "tests/unit/answer/message.h"
#include "tests/unit/answer/specimen.h"
#include "tests/unit/answer/zones.h"
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
#include <unistd.h>

#define ROUNDS	       20000u
#define CHANGES	       16u
#define CAPACITY       4096u
#define UDP_SIZE       1232u
#define KINDS	       4u /* plain or DO, over UDP or TCP */
#define CHAOS	       3u
#define RATE	       100000u /* more than is asked for: only damage makes it less */
#define SECOND	       1000000000u
#define PATIENCE       300u /* seconds, for what takes milliseconds */
#define ROUNDS_WATCHED 64u

struct question {
	const char *name;
	uint16_t type;
	uint16_t class; /* 0: IN */
};

static const struct question large_questions[] = {
    {"n.example.", TYPE_MX},
    {"n.example.", TYPE_ANY},
    {"alias2.n.example.", TYPE_A},
    {"x.wc.n.example.", TYPE_A},
    {"x.wmx.n.example.", TYPE_MX},
    {"naptr.n.example.", TYPE_NAPTR},
    {"www.sub.n.example.", TYPE_A},
    {"tocut.n.example.", TYPE_A},
    {"x.dn.n.example.", TYPE_A},
    {"x.dnl.n.example.", TYPE_A},
    {"child.n.example.", TYPE_DS},
    {"nothere.n.example.", TYPE_A},
    {"outside.n.example.", TYPE_A},
    {"fan.n.example.", TYPE_SRV},
    {"x.signed.test.", TYPE_A},
    {"a.wild.signed.test.", TYPE_A},
    {"alias.signed.test.", TYPE_A},
    {"www.unsigned.signed.test.", TYPE_A},
    {"a.c.x.w.example.", TYPE_A},
    {"a.z.w.example.", TYPE_MX},
    {"mc.c.example.", TYPE_MX},
    {"c.example.", TYPE_DS},
    {"ns.signed.test.", TYPE_RRSIG},
    {"x.naptr.wild.test.", TYPE_NAPTR},
    {"ptrs.n.example.", TYPE_PTR},
    {"crowd.n.example.", TYPE_A},
    {"version.bind.", TYPE_TXT, CHAOS},
};

static const struct question small_questions[] = {
    {"small.test.", TYPE_ANY},
    {"small.test.", TYPE_NS},
    {"small.test.", TYPE_DS},
    {"ns.small.test.", TYPE_A},
    {"ns.small.test.", TYPE_TXT},
    {"ns.small.test.", TYPE_RRSIG},
    {"c1.small.test.", TYPE_A},
    {"x.dn.small.test.", TYPE_MX},
    {"to.small.test.", TYPE_A},
    {"mx.small.test.", TYPE_MX},
    {"srv.small.test.", TYPE_SRV},
    {"naptr.small.test.", TYPE_NAPTR},
    {"svc.small.test.", 65},
    {"www.sub.small.test.", TYPE_A},
    {"sub.small.test.", TYPE_DS},
    {"a.w.small.test.", TYPE_A},
    {"a.t.small.test.", TYPE_TXT},
    {"a.b.nothere.small.test.", TYPE_A},
    {"elsewhere.", TYPE_A},
    {".", TYPE_NS},
    {"signed.test.", TYPE_SOA},
    {"x.signed.test.", TYPE_A},
    {"alias.signed.test.", TYPE_A},
    {"a.wild.signed.test.", TYPE_MX},
    {"ent.signed.test.", TYPE_A},
    {"secure.signed.test.", TYPE_DS},
    {"a.unsigned.signed.test.", TYPE_A},
    {"www.own.test.", TYPE_A},
    {"nothere.own.test.", TYPE_A},
    {"alias.own.test.", TYPE_A},
    {"srv.own.test.", TYPE_SRV},
    {"own.test.", TYPE_DS},
    {"www.listed.test.", TYPE_A},
    {"a.w.listed.test.", TYPE_A},
    {"to.listed.test.", TYPE_A},
    {"version.bind.", TYPE_TXT, CHAOS},
    {"id.server.", TYPE_TXT, CHAOS},
};

static const struct scene {
	const struct question *question;
	unsigned questions;
	void (*zones)(struct image_fixture *fixture);
} large = {large_questions, sizeof(large_questions) / sizeof(large_questions[0]), test_zones_add},
  small = {small_questions, sizeof(small_questions) / sizeof(small_questions[0]),
	   test_zones_add_small};

/* What is asked, made once. */
struct asked_query {
	uint8_t wire[300];
	uint32_t length;
	uint32_t question_end;
};
static struct asked_query asked[KINDS][ANSWER_BURST];

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
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

static void prepare(const struct scene *scene)
{
	for (unsigned kind = 0; kind < KINDS; kind++) {
		for (unsigned i = 0; i < scene->questions; i++) {
			const struct question *q = &scene->question[i];
			struct query_options options = {.class = q->class,
							.edns = true,
							.dnssec_ok = kind & 1,
							.udp_size = UDP_SIZE};
			struct asked_query *a = &asked[kind][i];

			a->length =
			    (uint32_t)message_query_text(a->wire, q->name, q->type, &options);
			a->question_end = a->length - 11; /* the OPT record */
		}
	}
}

static struct policy_text text_of(const char *text)
{
	struct policy_text made = {.length = (uint8_t)strlen(text)};

	memcpy(made.octets, text, made.length);
	return made;
}

static void open_specimen(struct specimen *specimen, const struct scene *scene)
{
	struct image_fixture *fixture = image_fixture_new(0);
	struct image_policy policy = {
	    .version = text_of("Skua"),
	    .identity = text_of("node-1"),
	    .nsid = text_of("node-1"),
	    .rate_limit = {.rate = {RATE, RATE, RATE, RATE}, .ipv4_length = 24}};

	image_fixture_settings(
	    fixture, (struct image_settings){.udp_size = UDP_SIZE, .additional = 1, .rotate = 1});
	scene->zones(fixture);
	image_fixture_policy(fixture, &policy);
	specimen_take(specimen, fixture);
	image_fixture_free(fixture);
	prepare(scene);
}

static void check_reply(const struct datagram *d, const struct asked_query *query, bool udp)
{
	assert_true(d->length >= query->question_end && d->length <= CAPACITY);
	assert_true(!udp || d->length <= UDP_SIZE);
	assert_memory_equal(d->payload, query->wire, 2);
	assert_int_equal(d->payload[2] & 0xf8, 0x80);
	assert_memory_equal(d->payload + 12, query->wire + 12, query->question_end - 12);
}

/* All questions of one kind, in one burst. */
static void ask_all(const struct image *image, const struct scene *scene, unsigned kind)
{
	static uint8_t buffer[ANSWER_BURST][CAPACITY];
	struct datagram burst[ANSWER_BURST];
	static struct limiter limiter;
	static struct answer_state state = {.limiter = &limiter};
	uint64_t silent = 0;
	uint64_t counts[COUNTERS] = {0};
	bool udp = kind < 2;

	for (unsigned i = 0; i < scene->questions; i++) {
		memcpy(buffer[i], asked[kind][i].wire, asked[kind][i].length);
		burst[i] = (struct datagram){.payload = buffer[i],
					     .length = asked[kind][i].length,
					     .capacity = CAPACITY,
					     .family = 4,
					     .port = 49152,
					     .source = {192, 0, 2, 77}};
		if (kind & 1) /* in a view */
			memcpy(burst[i].source, "\306\063\144\007", 4);
	}
	state.now += SECOND; /* so that limits that are not damaged let all through */
	answer_batch(image, &state, burst, scene->questions, udp ? TRANSPORT_UDP : TRANSPORT_TCP,
		     counts);
	assert_null(ledger_wrong(counts));
	for (unsigned i = 0; i < scene->questions; i++) {
		silent += burst[i].length == 0;
		if (burst[i].length != 0)
			check_reply(&burst[i], &asked[kind][i], udp);
	}
	assert_int_equal(silent, counts[COUNT_drop_rate_limited]);
}

static bool is_long(void)
{
	const char *said = getenv("SKUA_LONG");

	return said != NULL && strcmp(said, "yes") == 0;
}

static bool holds_something(const struct specimen *s, uint64_t from, uint64_t octets)
{
	bool any = false;

	for (uint64_t i = from; i < from + octets && i < s->length && !any; i++)
		any = s->base[i] != 0;
	return any;
}

/* One bit, and back. Returns whether a worker would have adopted the image. */
static bool try_bit(struct specimen *s, uint64_t bit)
{
	s->base[bit / 8] ^= (uint8_t)(1u << bit % 8);
	bool open = specimen_open(s);
	for (unsigned kind = 0; open && kind < KINDS; kind++)
		if (is_long() || kind % 2 == bit % 2)
			ask_all(&s->image, &small, kind);
	s->base[bit / 8] ^= (uint8_t)(1u << bit % 8);
	return open;
}

static void test_every_bit_of_a_small_image(void **state)
{
	uint64_t block = is_long() ? 4096 : 64, tried = 0, adopted = 0;
	struct specimen s;

	(void)state;
	open_specimen(&s, &small);
	for (uint64_t at = 0; at < s.length; at += block) {
		if (!holds_something(&s, at, block))
			continue;
		alarm(PATIENCE);
		for (uint64_t bit = at * 8; bit < (at + block) * 8; bit++, tried++)
			adopted += try_bit(&s, bit);
	}
	alarm(0);
	printf("# %llu bits, with %llu the image opened\n", (unsigned long long)tried,
	       (unsigned long long)adopted);
	assert_true(tried > 50000 && adopted > tried / 10 * 9);
	specimen_free(&s);
}

/* The octets that hold something, so that changes hit. */
static uint32_t *occupied(const struct specimen *s, uint32_t *count)
{
	uint32_t *at = malloc(s->length * sizeof(*at));

	*count = 0;
	for (uint64_t i = 64; i < s->length; i++) {
		if (s->base[i] != 0)
			at[(*count)++] = (uint32_t)i;
	}
	return at;
}

static void test_many_octets_of_a_large_image(void **state)
{
	uint64_t random = seed();
	struct specimen s;
	uint32_t count;

	(void)state;
	open_specimen(&s, &large);
	uint32_t *at = occupied(&s, &count);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned changes = 1 + (unsigned)(next(&random) % CHANGES);
		uint64_t where[CHANGES];
		uint8_t was[CHANGES];

		if (round % ROUNDS_WATCHED == 0)
			alarm(PATIENCE);
		for (unsigned i = 0; i < changes; i++) {
			where[i] = (at[next(&random) % count] + next(&random) % 3) % s.length;
			was[i] = s.base[where[i]];
			s.base[where[i]] ^= (uint8_t)next(&random);
		}
		if (specimen_open(&s))
			ask_all(&s.image, &large, round % KINDS);
		for (unsigned i = changes; i-- > 0;)
			s.base[where[i]] = was[i];
	}
	alarm(0);
	free(at);
	specimen_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_bit_of_a_small_image),
	    cmocka_unit_test(test_many_octets_of_a_large_image),
	};
	return cmocka_run_group_tests_name("damaged images", tests, NULL, NULL);
}
