/* limiter_test.c: the table of token buckets against exact buckets, one for each key. A failure
 * prints its seed. */
#include "dataplane/answer/limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define MICRO  1000ull
#define SECOND 1000000000ull
#define START  (1700000000 * SECOND)

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static struct limiter *table_new(void)
{
	struct limiter *limiter = aligned_alloc(64, sizeof(*limiter));

	assert_non_null(limiter);
	memset(limiter, 0, sizeof(*limiter));
	return limiter;
}

/* A bucket without a table: microseconds' worth of responses. */
struct model {
	uint64_t level, at; /* microseconds */
};

static bool model_take(struct model *model, uint32_t rate, uint64_t now)
{
	uint64_t micro = now / MICRO;

	model->level += micro - model->at;
	if (model->level > 1000000)
		model->level = 1000000;
	model->at = micro;
	if (model->level < 1000000 / rate)
		return false;
	model->level -= 1000000 / rate;
	return true;
}

/* Up to 2,000 keys at once: what each gets is what it would get alone. */
static void test_equals_exact_buckets(void **state)
{
	static const uint32_t rates[] = {1, 2, 7, 20, 1000, 65535, LIMITER_RATE_MAX};
	static uint64_t key[2000];
	static struct model model[2000];
	uint64_t seed, dice;

	(void)state;
	assert_int_equal(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
	dice = seed;
	for (unsigned r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		struct limiter_rule rule = limiter_rule(rates[r], 0);
		struct limiter *limiter = table_new();
		uint64_t now = START;
		unsigned keys = 1 + (unsigned)(next(&dice) % 2000);

		for (unsigned k = 0; k < keys; k++) {
			key[k] = next(&dice);
			model[k] = (struct model){1000000, now / MICRO};
		}
		for (unsigned i = 0; i < 200000; i++) {
			/* Low numbers are asked most; in all about what is allowed. */
			unsigned k = (unsigned)(next(&dice) % (1 + next(&dice) % keys));

			now += next(&dice) % (2 * SECOND / keys / rates[r] + 2);
			bool wanted = model_take(&model[k], rates[r], now);
			bool passed = limiter_take(limiter, key[k], &rule, now) == LIMITER_PASS;
			if (passed != wanted)
				fail_msg("rate %u, response %u, key %u of %u; seed %llu", rates[r],
					 i, k, keys, (unsigned long long)seed);
		}
		free(limiter);
	}
}

/* What the header promises of one key: at most rate * (t + 1) in t seconds, and at its rate all. */
static void test_what_a_key_gets(void **state)
{
	static const uint32_t rates[] = {1, 5, 20, 100, 1000, 10000};
	struct limiter *limiter = table_new();

	(void)state;
	for (unsigned r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		struct limiter_rule rule = limiter_rule(rates[r], 0);
		uint64_t key = 0x123456789abcdef0ull + r;
		uint64_t passed = 0, now = START;

		for (; now < START + 5 * SECOND; now += SECOND / rates[r] / 10) {
			passed += limiter_take(limiter, key, &rule, now) == LIMITER_PASS;
			uint64_t most = rates[r] + rates[r] * (now - START) / SECOND + 1;
			assert_true(passed <= most + most / 100);
		}
		assert_true(passed >= 6 * rates[r] - 1);
		for (now += SECOND; now < START + 20 * SECOND; now += SECOND / rates[r])
			assert_int_equal(limiter_take(limiter, key, &rule, now), LIMITER_PASS);
	}
	free(limiter);
}

static void test_slip(void **state)
{
	(void)state;
	for (unsigned slip = 0; slip <= 10; slip++) {
		struct limiter_rule rule = limiter_rule(3, slip);
		struct limiter *limiter = table_new();

		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(limiter_take(limiter, 99, &rule, START), LIMITER_PASS);
		for (unsigned i = 1; i <= 100; i++) {
			/* Another key does not disturb the count. */
			limiter_take(limiter, 98, &rule, START + i);
			assert_int_equal(limiter_take(limiter, 99, &rule, START + i),
					 slip != 0 && i % slip == 0 ? LIMITER_SLIP : LIMITER_DROP);
		}
		free(limiter);
	}
}

static unsigned pass_at_once(struct limiter *limiter, uint64_t key, uint32_t rate, uint64_t now)
{
	struct limiter_rule rule = limiter_rule(rate, 2);
	unsigned passed = 0;

	for (unsigned i = 0; i < 3 * rate; i++)
		passed += limiter_take(limiter, key, &rule, now) == LIMITER_PASS;
	return passed;
}

static void test_time_may_jump(void **state)
{
	struct limiter *limiter = table_new();

	(void)state;
	assert_int_equal(pass_at_once(limiter, 7, 10, START), 10);
	assert_int_equal(pass_at_once(limiter, 7, 10, START), 0);
	/* Backwards: nobody waits for the old time to come again. */
	assert_int_equal(pass_at_once(limiter, 7, 10, START - 3600 * SECOND), 10);
	assert_int_equal(pass_at_once(limiter, 7, 10, START - 3600 * SECOND), 0);
	assert_int_equal(pass_at_once(limiter, 7, 10, START - 3599 * SECOND), 10);
	/* A little back: the wait is that much longer, and then goes on. */
	assert_int_equal(pass_at_once(limiter, 8, 10, START), 10);
	assert_true(pass_at_once(limiter, 8, 10, START - SECOND / 10) <= 10);
	assert_int_equal(pass_at_once(limiter, 8, 10, START + 2 * SECOND), 10);
	/* Forwards: a full bucket, and no more. */
	assert_int_equal(pass_at_once(limiter, 8, 10, START + 1000000 * SECOND), 10);
	/* The clock of a machine that knows no time. */
	assert_int_equal(pass_at_once(limiter, 9, 10, 0), 10);
	assert_int_equal(pass_at_once(limiter, 9, 10, 0), 0);
	assert_int_equal(pass_at_once(limiter, 9, 10, SECOND / 2), 5);
	free(limiter);
}

/* A flood from all over the world, 3 million keys of one response each, 30 times what the table
 * holds: none of them is refused, and a key that is over its rate stays limited all the while. */
static void test_full_of_random_keys(void **state)
{
	struct limiter_rule rule = limiter_rule(20, 0);
	struct limiter *limiter = table_new();
	uint64_t dice = 5, now = START, refused = 0, passed = 0;

	(void)state;
	for (unsigned i = 0; i < 3000000; i++) {
		now += SECOND / 1000000;
		refused += limiter_take(limiter, next(&dice), &rule, now) != LIMITER_PASS;
		if (i % 100 == 0)
			passed += limiter_take(limiter, 1, &rule, now) == LIMITER_PASS;
	}
	assert_int_equal(refused, 0);
	assert_in_range(passed, 20 * 4 - 1, 20 * 4 + 1); /* of 30,000 */
	free(limiter);
}

/* More keys at their limit than a line holds: each still gets its rate, and some get more. */
static void test_a_line_of_greedy_keys(void **state)
{
	struct limiter_rule rule = limiter_rule(20, 0);
	struct limiter *limiter = table_new();
	unsigned passed[3 * LIMITER_KEYS] = {0};

	(void)state;
	for (unsigned step = 0; step < 400; step++) { /* 10 s, each key at twice its rate */
		for (unsigned k = 0; k < 3 * LIMITER_KEYS; k++)
			passed[k] += limiter_take(limiter, (k + 1ull) << 40 | 77, &rule,
						  START + step * (SECOND / 40)) == LIMITER_PASS;
	}
	for (unsigned k = 0; k < 3 * LIMITER_KEYS; k++)
		assert_in_range(passed[k], 20 * 10, 400);
	free(limiter);
}

static void test_rates_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(limiter_rule(0, 2).interval, 0);
	assert_int_equal(limiter_rule(1, 2).interval, LIMITER_DEPTH);
	assert_int_equal(limiter_rule(UINT32_MAX, 2).interval, LIMITER_DEPTH / LIMITER_RATE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_equals_exact_buckets),
	    cmocka_unit_test(test_what_a_key_gets),
	    cmocka_unit_test(test_slip),
	    cmocka_unit_test(test_time_may_jump),
	    cmocka_unit_test(test_full_of_random_keys),
	    cmocka_unit_test(test_a_line_of_greedy_keys),
	    cmocka_unit_test(test_rates_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
