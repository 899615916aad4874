/* Limits, deadlines and buffers: the small parts that keep one client from harming the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/stream/buffer.h"
#include "dataplane/stream/deadlines.h"
#include "dataplane/stream/limits.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static struct client client(const char *text)
{
	struct client client = {.family = strchr(text, ':') ? 6 : 4};

	assert_int_equal(inet_pton(client.family == 6 ? AF_INET6 : AF_INET, text, client.address),
			 1);
	return client;
}

static bool enter(struct limits *limits, const char *text)
{
	struct client who = client(text);

	return limits_enter(limits, &who);
}

static void leave(struct limits *limits, const char *text)
{
	struct client who = client(text);

	limits_leave(limits, &who);
}

static void limit_per_client(void **state)
{
	struct limits *limits = limits_new(100, 2);

	(void)state;
	assert_true(enter(limits, "192.0.2.1"));
	assert_true(enter(limits, "192.0.2.1"));
	assert_false(enter(limits, "192.0.2.1"));
	assert_true(enter(limits, "192.0.2.2"));
	/* A /64 is one client, and no IPv4 client though it begins with the same octets. */
	assert_true(enter(limits, "2001:db8:0:1::1"));
	assert_true(enter(limits, "2001:db8:0:1::2"));
	assert_false(enter(limits, "2001:db8:0:1:ffff::3"));
	assert_true(enter(limits, "2001:db8:0:2::1"));
	assert_true(enter(limits, "c000:201::"));
	assert_int_equal(limits_count(limits), 7);
	leave(limits, "2001:db8:0:1:9::9");
	assert_true(enter(limits, "2001:db8:0:1:ffff::3"));
	leave(limits, "192.0.2.1");
	assert_true(enter(limits, "192.0.2.1"));
	assert_false(enter(limits, "192.0.2.1"));
	limits_free(limits);
}

static void limit_in_all(void **state)
{
	struct limits *limits = limits_new(3, 2);

	(void)state;
	assert_true(enter(limits, "192.0.2.1"));
	assert_true(enter(limits, "192.0.2.2"));
	assert_true(enter(limits, "192.0.2.3"));
	assert_false(enter(limits, "192.0.2.4"));
	leave(limits, "192.0.2.2");
	assert_true(enter(limits, "192.0.2.4"));
	limits_free(limits);
}

/* Against plain counters, with many clients per place so that removal has to move entries. */
static void limits_agree_with_counters(void **state)
{
	struct limits *limits = limits_new(200, 3);
	unsigned model[150] = {0}, all = 0;

	(void)state;
	srand(11);
	for (int step = 0; step < 200000; step++) {
		unsigned who = (unsigned)rand() % 150;
		struct client one = {.family = 4, .address = {198, 51, 100, (uint8_t)who}};
		if (rand() % 2) {
			bool expected = model[who] < 3 && all < 200;
			assert_int_equal(limits_enter(limits, &one), expected);
			model[who] += expected;
			all += expected;
		} else if (model[who] > 0) {
			limits_leave(limits, &one);
			model[who]--;
			all--;
		}
		assert_int_equal(limits_count(limits), all);
	}
	limits_free(limits);
}

static void deadlines_come_in_order(void **state)
{
	struct deadlines deadlines;
	struct deadline one = {0}, two = {0}, three = {0};

	(void)state;
	deadlines_start(&deadlines, 10);
	assert_null(deadlines_due(&deadlines, 1000));
	assert_int_equal(deadlines_wait(&deadlines, 1000, 50), 50);
	deadline_set(&deadlines, &one, 1000);
	deadline_set(&deadlines, &two, 1004);
	deadline_set(&deadlines, &three, 1005);
	assert_int_equal(deadlines_wait(&deadlines, 1003, 50), 7);
	assert_int_equal(deadlines_wait(&deadlines, 1003, 5), 5);
	assert_null(deadlines_due(&deadlines, 1009));
	assert_ptr_equal(deadlines_due(&deadlines, 1010), &one);
	deadline_set(&deadlines, &one, 1010); /* again: to the end */
	assert_null(deadlines_due(&deadlines, 1010));
	assert_int_equal(deadlines_wait(&deadlines, 1020, 50), 0);
	assert_ptr_equal(deadlines_due(&deadlines, 1014), &two);
	deadline_clear(&two);
	deadline_clear(&two);
	assert_null(deadlines_due(&deadlines, 1014));
	assert_ptr_equal(deadlines_due(&deadlines, 2000), &three);
	deadline_clear(&three);
	assert_ptr_equal(deadlines_due(&deadlines, 2000), &one);
	deadline_clear(&one);
	assert_null(deadlines_due(&deadlines, 2000));
}

static void buffers_hold_memory_only_while_they_hold_octets(void **state)
{
	struct buffer_pool pool = {.most = 5000};
	struct buffer one = {0}, two = {0};
	uint8_t octets[3000];

	(void)state;
	memset(octets, 'x', sizeof(octets));
	assert_true(buffer_append(&pool, &one, "abc", 3));
	assert_true(pool.held > 0 && pool.held <= 512);
	assert_true(buffer_append(&pool, &one, octets, 2000));
	assert_int_equal(buffer_length(&one), 2003);
	assert_memory_equal(one.octets + one.start, "abcx", 4);
	assert_false(buffer_append(&pool, &two, octets, 3000));
	assert_int_equal(buffer_length(&two), 0);
	buffer_consume(&pool, &one, 2);
	assert_memory_equal(one.octets + one.start, "cx", 2);
	buffer_consume(&pool, &one, 2001);
	assert_int_equal(pool.held, 0);
	assert_null(one.octets);
	assert_true(buffer_append(&pool, &two, octets, 3000));
	assert_false(buffer_append(&pool, &two, octets, 3000));
	assert_int_equal(buffer_length(&two), 3000); /* a failure changes nothing */
	buffer_free(&pool, &two);
	assert_int_equal(pool.held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(limit_per_client),
	    cmocka_unit_test(limit_in_all),
	    cmocka_unit_test(limits_agree_with_counters),
	    cmocka_unit_test(deadlines_come_in_order),
	    cmocka_unit_test(buffers_hold_memory_only_while_they_hold_octets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
