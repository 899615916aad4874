/* damage_test.c: an image with any octet changed crashes nothing and hangs nothing. Reads outside
 * are for the sanitizers to see; what is written is checked by ask(). */
#include "dataplane/answer/answer.h"
#include "tests/unit/abi/ledger.h"
#include "tests/unit/answer/message.h"
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

#define ROUNDS 20000u

static const struct question {
	const char *name;
	uint16_t type;
} questions[] = {
    {"n.example.", TYPE_MX},	     {"n.example.", TYPE_ANY},
    {"alias2.n.example.", TYPE_A},   {"x.wc.n.example.", TYPE_A},
    {"x.wmx.n.example.", TYPE_MX},   {"naptr.n.example.", TYPE_NAPTR},
    {"www.sub.n.example.", TYPE_A},  {"tocut.n.example.", TYPE_A},
    {"x.dn.n.example.", TYPE_A},     {"x.dnl.n.example.", TYPE_A},
    {"child.n.example.", TYPE_DS},   {"nothere.n.example.", TYPE_A},
    {"outside.n.example.", TYPE_A},  {"fan.n.example.", TYPE_SRV},
    {"x.signed.test.", TYPE_A},	     {"a.wild.signed.test.", TYPE_A},
    {"alias.signed.test.", TYPE_A},  {"www.unsigned.signed.test.", TYPE_A},
    {"a.c.x.w.example.", TYPE_A},    {"a.z.w.example.", TYPE_MX},
    {"mc.c.example.", TYPE_MX},	     {"c.example.", TYPE_DS},
    {"ns.signed.test.", TYPE_RRSIG}, {"x.naptr.wild.test.", TYPE_NAPTR},
};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

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

static void ask_all(const struct image *image, enum transport transport)
{
	static const struct query_options options = {.edns = true, .dnssec_ok = true};
	static uint8_t buffer[QUESTIONS][4096];
	struct datagram burst[QUESTIONS];
	struct answer_state state = {0};
	uint64_t counts[COUNTERS] = {0};

	for (unsigned i = 0; i < QUESTIONS; i++) {
		size_t length =
		    message_query_text(buffer[i], questions[i].name, questions[i].type, &options);
		burst[i] = (struct datagram){.payload = buffer[i],
					     .length = (uint32_t)length,
					     .capacity = sizeof(buffer[i])};
	}
	answer_batch(image, &state, burst, QUESTIONS, transport, counts);
	assert_null(ledger_wrong(counts));
	for (unsigned i = 0; i < QUESTIONS; i++) {
		assert_true(burst[i].length >= 12 && burst[i].length <= sizeof(buffer[i]));
		assert_true(buffer[i][2] & 0x80);
	}
}

/* The octets that hold something, so that changes hit. */
static uint32_t *occupied(const uint8_t *octets, uint64_t length, uint32_t *count)
{
	uint32_t *at = malloc(length * sizeof(*at));

	*count = 0;
	for (uint64_t i = 64; i < length; i++) {
		if (octets[i] != 0)
			at[(*count)++] = (uint32_t)i;
	}
	return at;
}

static void test_any_octet_changed(void **state)
{
	struct image_fixture *fixture = image_fixture_new(0);
	uint64_t random = seed(), length;
	uint32_t count;

	(void)state;
	test_zones_add(fixture);
	const struct image *image = image_fixture_image(fixture);
	uint8_t *octets = image_fixture_octets(fixture, &length);
	uint32_t *at = occupied(octets, length, &count);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned changes = 1 + (unsigned)(next(&random) % 4);
		uint64_t where[4];
		uint8_t was[4];

		for (unsigned i = 0; i < changes; i++) {
			where[i] = at[next(&random) % count] + next(&random) % 3;
			was[i] = octets[where[i] % length];
			octets[where[i] % length] ^= (uint8_t)next(&random);
		}
		ask_all(image, round % 2 ? TRANSPORT_TCP : TRANSPORT_UDP);
		for (unsigned i = changes; i-- > 0;)
			octets[where[i] % length] = was[i];
	}
	free(at);
	image_fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_any_octet_changed),
	};
	return cmocka_run_group_tests_name("damaged images", tests, NULL, NULL);
}
