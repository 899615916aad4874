/* nsec3_meter_test.c: what hashing for NSEC3 may cost, counted in SHA-1 blocks, never in time.
 *
 * Time is what the tests say that it is: state.now. */
#include "dataplane/answer/nsec3.h"
#include "dataplane/answer/nsec3_meter.h"
#include "dataplane/answer/query.h"
#include "tests/unit/answer/asking.h"
#include "tests/unit/answer/image_fixture.h"
#include "zones/record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ull

static const struct query_options plain = {0};
static const struct query_options secure = {.edns = true, .dnssec_ok = true};

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	return z ^ z >> 31;
}

/* Over any span, at most budget * (span + 1/16 s) and one response more are let through. */
static void test_budget_is_kept(void **state)
{
	static const uint32_t budgets[] = {1, 1000, 2000000, NSEC3_BUDGET_MAX};
	uint64_t dice = 1;

	(void)state;
	for (unsigned b = 0; b < sizeof(budgets) / sizeof(budgets[0]); b++) {
		struct nsec3_meter meter = {0};
		uint64_t start = 1000 * SECOND, now = start;
		double spent = 0, most = 0;

		for (unsigned i = 0; i < 100000; i++) {
			uint32_t blocks = (uint32_t)(next(&dice) % 8000 + 1);

			now += next(&dice) % 1000000;
			if (nsec3_meter_open(&meter, budgets[b], now)) {
				nsec3_meter_charge(&meter, blocks);
				spent += blocks;
			}
			most = budgets[b] * ((double)(now - start) / 1e9 + 1 / 16.0) + 8000;
			assert_true(spent <= most);
		}
		/* About 50 s went by, in which 400 million blocks were asked for. */
		double all = most < 4e8 ? most : 4e8;
		assert_true(spent > 0.9 * (all - 8000));
	}
}

static void test_time_may_jump(void **state)
{
	struct nsec3_meter meter = {0};
	uint64_t now = 1000 * SECOND;

	(void)state;
	assert_true(nsec3_meter_open(&meter, 1600, now)); /* full: 100 blocks */
	nsec3_meter_charge(&meter, 99);
	assert_true(nsec3_meter_open(&meter, 1600, now));
	nsec3_meter_charge(&meter, 1);
	assert_false(nsec3_meter_open(&meter, 1600, now));
	now -= 500 * SECOND; /* backwards: nothing is granted, and nothing waits for the old time */
	assert_false(nsec3_meter_open(&meter, 1600, now));
	now += SECOND / 1600;
	assert_true(nsec3_meter_open(&meter, 1600, now));
	nsec3_meter_charge(&meter, 1601);
	now += SECOND - 1;
	assert_false(nsec3_meter_open(&meter, 1600, now)); /* still paying back */
	now += UINT64_MAX / 2;				   /* forwards: full, and no more */
	assert_true(nsec3_meter_open(&meter, 1600, now));
	nsec3_meter_charge(&meter, 100);
	assert_false(nsec3_meter_open(&meter, 1600, now));
}

/* FIPS 180-4: 55 octets fill one block with the padding, 56 need two. */
static void test_blocks(void **state)
{
	struct image_zone zone = {.nsec3_algorithm = 1};

	(void)state;
	assert_int_equal(nsec3_blocks(&zone, 1), 1);
	assert_int_equal(nsec3_blocks(&zone, 55), 1);
	assert_int_equal(nsec3_blocks(&zone, 56), 2);
	zone.nsec3_iterations = 150;
	assert_int_equal(nsec3_blocks(&zone, 30), 151);
	zone.nsec3_salt_length = 35;
	assert_int_equal(nsec3_blocks(&zone, 30), 2 + 150);
	zone.nsec3_salt_length = 255;
	assert_int_equal(nsec3_blocks(&zone, 255), 9 + 150 * 5);
	zone.nsec3_iterations = NSEC3_ITERATIONS_MAX + 1; /* then nothing is hashed */
	assert_int_equal(nsec3_blocks(&zone, 255), 0);
}

/* The hashed label of a name, as text. */
static void hashed(const char *text, unsigned iterations, char label[NSEC3_LABEL + 1])
{
	const struct image_zone zone = {.nsec3_algorithm = 1,
					.nsec3_iterations = (uint16_t)iterations};
	uint8_t name[NAME_MAX_OCTETS], owner[NAME_MAX_OCTETS];
	size_t length, bad;

	assert_int_equal(name_from_text(text, strlen(text), NULL, name, &length, &bad), NAME_OK);
	assert_int_equal(nsec3_owner(NULL, &zone, name, length, (const uint8_t *)"", 1, owner),
			 1 + NSEC3_LABEL + 1);
	memcpy(label, owner + 1, NSEC3_LABEL);
	label[NSEC3_LABEL] = '\0';
}

struct scene {
	struct image_fixture *fixture;
	struct asking asking;
};

/* A zone of two names and their NSEC3 chain, and one without signatures beside it. */
static struct scene *open_scene(unsigned iterations, uint32_t budget)
{
	struct image_policy policy = {.nsec3_hashes = budget};
	struct scene *scene = calloc(1, sizeof(*scene));
	char apex[NSEC3_LABEL + 1], www[NSEC3_LABEL + 1], text[1024];

	hashed("n3.test.", iterations, apex);
	hashed("www.n3.test.", iterations, www);
	snprintf(text, sizeof(text),
		 "$TTL 300\n@ SOA ns root 1 2 3 4 5\n@ NS ns.other.\nwww A 192.0.2.1\n"
		 "@ NSEC3PARAM 1 0 %u -\n"
		 "%s NSEC3 1 0 %u - %s NS SOA NSEC3PARAM\n%s NSEC3 1 0 %u - %s A\n",
		 iterations, apex, iterations, www, www, iterations, apex);
	scene->fixture = image_fixture_new(0);
	image_fixture_policy(scene->fixture, &policy);
	image_fixture_text(scene->fixture, "n3.test.", text);
	image_fixture_text(scene->fixture, "plain.test.",
			   "$TTL 300\n@ SOA ns root 1 2 3 4 5\n@ NS ns.other.\nwww A 192.0.2.2\n");
	scene->asking.image = image_fixture_image(scene->fixture);
	scene->asking.state.now = 1000 * SECOND;
	return scene;
}

static void close_scene(struct scene *scene)
{
	image_fixture_free(scene->fixture);
	free(scene);
}

static void ask_hit(struct scene *scene, const char *name, const struct query_options *options)
{
	struct message message;

	ask_name(&scene->asking, name, TYPE_A, options, &message);
	assert_int_equal(message.rcode, 0);
	assert_int_equal(message.flags & DNS_TC, 0);
	assert_int_equal(message.count[0], 1);
	message_free(&message);
}

/* True if the whole proof came; else it must be nothing but TC. */
static bool ask_missing(struct scene *scene, uint64_t number)
{
	struct message message;
	char name[64];

	snprintf(name, sizeof(name), "x%llu.n3.test.", (unsigned long long)number);
	ask_name(&scene->asking, name, TYPE_A, &secure, &message);
	bool whole = !(message.flags & DNS_TC);
	assert_int_equal(message.rcode, 3);
	assert_int_equal(message.count[0] + message.count[2], 0);
	if (whole)
		assert_in_range(message.count[1], 2, 4); /* SOA, and NSEC3s: some cover two names */
	else
		assert_int_equal(message.count[1], 0);
	message_free(&message);
	return whole;
}

/* Two seconds of a flood of names that do not exist, among plain questions: those are all answered,
 * and what is hashed stays in the budget, which is used. */
static void flood(unsigned iterations, uint32_t budget)
{
	struct scene *scene = open_scene(iterations, budget);
	uint64_t *counts = scene->asking.counts;
	uint64_t response = 3 * (iterations + 1);
	uint64_t cut = 0, whole = 0;

	for (unsigned i = 0; i < 4000; i++) {
		scene->asking.state.now += SECOND / 2000;
		for (unsigned n = 0; n < 4; n++) {
			if (ask_missing(scene, 4 * i + n))
				whole++;
			else
				cut++;
		}
		ask_hit(scene, "www.plain.test.", &plain);
		ask_hit(scene, "www.n3.test.", &secure);
	}
	assert_true(counts[COUNT_nsec3_hashes] <= budget * 2 + budget / 16 + response);
	assert_true(counts[COUNT_nsec3_hashes] + response >= budget * 2);
	assert_int_equal(counts[COUNT_nsec3_hashes], whole * response);
	assert_int_equal(counts[COUNT_nsec3_deferred], cut);
	assert_true(cut > 0 && whole > 0);
	close_scene(scene);
}

static void test_flood_at_150_iterations(void **state)
{
	(void)state;
	flood(150, 100000);
}

static void test_flood_at_2500_iterations(void **state)
{
	(void)state;
	flood(2500, 100000);
}

/* What came by TCP has shown that its source is real; it is another thread's time. */
static void test_only_udp_is_metered(void **state)
{
	struct scene *scene = open_scene(150, 1600);

	(void)state;
	assert_true(ask_missing(scene, 1));
	assert_false(ask_missing(scene, 2));
	scene->asking.transport = TRANSPORT_TCP;
	for (unsigned i = 0; i < 10; i++)
		assert_true(ask_missing(scene, i));
	scene->asking.transport = TRANSPORT_UDP;
	assert_false(ask_missing(scene, 3));
	assert_int_equal(scene->asking.counts[COUNT_nsec3_hashes], 11 * 3 * 151);
	assert_int_equal(scene->asking.counts[COUNT_nsec3_deferred], 2);
	close_scene(scene);
}

static void test_no_budget_is_no_limit(void **state)
{
	struct scene *scene = open_scene(150, 0);

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		assert_true(ask_missing(scene, i));
	assert_int_equal(scene->asking.counts[COUNT_nsec3_deferred], 0);
	assert_int_equal(scene->asking.state.nsec3.left, 0); /* nothing to pay back later */
	close_scene(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_budget_is_kept),
	    cmocka_unit_test(test_time_may_jump),
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_flood_at_150_iterations),
	    cmocka_unit_test(test_flood_at_2500_iterations),
	    cmocka_unit_test(test_only_udp_is_metered),
	    cmocka_unit_test(test_no_budget_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
