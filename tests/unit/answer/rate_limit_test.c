/* rate_limit_test.c: which responses share a limit, and what becomes of those that are over it.
 * Time is what the tests say that it is: state.now. */
#include "dataplane/answer/rate_limit.h"
#include "tests/unit/answer/asking.h"
#include "tests/unit/answer/image_fixture.h"
#include "zones/record/record.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ull
#define RATE   5u

static const struct query_options edns = {.edns = true};

static const char zone_text[] = "$TTL 300\n"
				"@ SOA ns root 1 2 3 4 5\n"
				"@ NS ns\n"
				"ns A 192.0.2.1\n"
				"www A 192.0.2.2\n"
				"www MX 10 www\n"
				"mail A 192.0.2.3\n"
				"alias CNAME www\n"
				"*.wild A 192.0.2.4\n"
				"*.wcname CNAME www\n"
				"dname DNAME wild\n"
				"cut1 NS ns.cut1\n"
				"ns.cut1 A 192.0.2.5\n"
				"cut2 NS ns.cut1\n";

struct scene {
	struct image_fixture *fixture;
	struct asking asking;
};

/* Rates of 5 for all; *change may differ. */
static struct scene *open_scene(void (*change)(struct policy_rate_limit *limit))
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct image_policy policy = {
	    .rate_limit = {.rate = {RATE, RATE, RATE, RATE}, .ipv4_length = 24, .ipv6_length = 56}};

	if (change != NULL)
		change(&policy.rate_limit);
	scene->fixture = image_fixture_new(0);
	image_fixture_policy(scene->fixture, &policy);
	image_fixture_text(scene->fixture, "one.test.", zone_text);
	image_fixture_text(scene->fixture, "two.test.", zone_text);
	scene->asking.image = image_fixture_image(scene->fixture);
	scene->asking.state.now = 1000000 * SECOND;
	scene->asking.state.limiter = aligned_alloc(64, sizeof(struct limiter));
	memset(scene->asking.state.limiter, 0, sizeof(struct limiter));
	return scene;
}

static void close_scene(struct scene *scene)
{
	const uint64_t *counts = scene->asking.counts;

	assert_int_equal(counts[COUNT_received],
			 counts[COUNT_answers] + counts[COUNT_drop_rate_limited]);
	free(scene->asking.state.limiter);
	image_fixture_free(scene->fixture);
	free(scene);
}

static void come_from(struct scene *scene, const char *address)
{
	struct asking *a = &scene->asking;

	a->family = strchr(address, ':') != NULL ? 6 : 4;
	memset(a->source, 0xee, sizeof(a->source)); /* behind IPv4 lies anything */
	assert_int_equal(inet_pton(a->family == 6 ? AF_INET6 : AF_INET, address, a->source), 1);
}

/* How many of `times` replies come, TC or not. */
static unsigned replies(struct scene *scene, const char *name, uint16_t type, unsigned times)
{
	uint8_t query[NAME_MAX_OCTETS + 64] = {0};
	unsigned got = 0;

	for (unsigned i = 0; i < times; i++) {
		ask(&scene->asking, query, message_query_text(query, name, type, &edns));
		got += scene->asking.length > 0;
	}
	return got;
}

/* The same for names that differ in the %u. */
static unsigned random_replies(struct scene *scene, const char *format, unsigned times)
{
	char name[128];
	unsigned got = 0;

	for (unsigned i = 0; i < times; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(name, sizeof(name), format, i);
#pragma GCC diagnostic pop
		got += replies(scene, name, TYPE_A, 1);
	}
	return got;
}

static void turn_off(struct policy_rate_limit *limit)
{
	memset(limit, 0, sizeof(*limit));
}

static void test_off(void **state)
{
	struct scene *scene = open_scene(turn_off);

	(void)state;
	come_from(scene, "192.0.2.7");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 1000), 1000);
	assert_int_equal(random_replies(scene, "x%u.one.test.", 1000), 1000);
	close_scene(scene);
}

static void test_a_name(void **state)
{
	struct scene *scene = open_scene(NULL);

	(void)state;
	come_from(scene, "192.0.2.7");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), RATE);
	assert_int_equal(scene->asking.counts[COUNT_drop_rate_limited], 100 - RATE);
	/* Other types and another case are the same name; other names are not. */
	assert_int_equal(replies(scene, "www.one.test.", TYPE_MX, 100), 0);
	assert_int_equal(replies(scene, "WWW.one.test.", TYPE_ANY, 100), 0);
	assert_int_equal(replies(scene, "mail.one.test.", TYPE_A, 100), RATE);
	assert_int_equal(replies(scene, "www.two.test.", TYPE_A, 100), RATE);
	assert_int_equal(replies(scene, "alias.one.test.", TYPE_A, 100), RATE);
	/* An alias was no error, so those have all of theirs. */
	assert_int_equal(replies(scene, "www.nowhere.invalid.", TYPE_A, 100), RATE);
	scene->asking.state.now += SECOND / RATE;
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), 1);
	scene->asking.state.now += 100 * SECOND;
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), RATE);
	close_scene(scene);
}

/* A flood of names that do not exist has one bucket for each zone. */
static void test_names_that_do_not_exist(void **state)
{
	struct scene *scene = open_scene(NULL);

	(void)state;
	come_from(scene, "192.0.2.7");
	assert_int_equal(random_replies(scene, "x%u.one.test.", 100), RATE);
	assert_int_equal(random_replies(scene, "a.b.x%u.www.one.test.", 100), 0);
	assert_int_equal(replies(scene, "mail.one.test.", TYPE_MX, 100), 0); /* NODATA */
	assert_int_equal(replies(scene, "x.wild.one.test.", TYPE_MX, 100), 0);
	assert_int_equal(replies(scene, "one.test.", TYPE_TXT, 100), 0);
	assert_int_equal(random_replies(scene, "x%u.two.test.", 100), RATE);
	assert_int_equal(replies(scene, "mail.one.test.", TYPE_A, 100), RATE);
	close_scene(scene);
}

/* Names that are made as they are asked for count as what they are made from. */
static void test_synthesised_names(void **state)
{
	struct scene *scene = open_scene(NULL);

	(void)state;
	come_from(scene, "192.0.2.7");
	assert_int_equal(random_replies(scene, "x%u.wild.one.test.", 100), RATE);
	assert_int_equal(random_replies(scene, "x%u.y.wild.one.test.", 100), 0);
	assert_int_equal(replies(scene, "*.wild.one.test.", TYPE_A, 100), 0);
	assert_int_equal(random_replies(scene, "x%u.wcname.one.test.", 100), RATE);
	assert_int_equal(random_replies(scene, "x%u.dname.one.test.", 100), RATE);
	assert_int_equal(random_replies(scene, "x%u.wild.two.test.", 100), RATE);
	close_scene(scene);
}

static void test_referrals(void **state)
{
	struct scene *scene = open_scene(NULL);

	(void)state;
	come_from(scene, "192.0.2.7");
	assert_int_equal(random_replies(scene, "x%u.cut1.one.test.", 100), RATE);
	assert_int_equal(replies(scene, "cut1.one.test.", TYPE_NS, 100), 0);
	assert_int_equal(random_replies(scene, "x%u.cut2.one.test.", 100), RATE);
	close_scene(scene);
}

static void test_errors(void **state)
{
	static const uint8_t malformed[] = {0x12, 0x34, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0};
	struct scene *scene = open_scene(NULL);

	(void)state;
	come_from(scene, "192.0.2.7");
	assert_int_equal(random_replies(scene, "x%u.elsewhere.", 100), RATE); /* REFUSED */
	assert_int_equal(replies(scene, "one.test.", TYPE_AXFR, 100), 0);
	ask(&scene->asking, malformed, sizeof(malformed));
	assert_int_equal(scene->asking.length, 0);
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 1), 1);
	close_scene(scene);
}

static void change_rates(struct policy_rate_limit *limit)
{
	limit->rate[POLICY_RATE_ANSWERS] = 0;
	limit->rate[POLICY_RATE_NEGATIVE] = 3;
	limit->rate[POLICY_RATE_REFERRALS] = 7;
	limit->rate[POLICY_RATE_ERRORS] = 1;
}

static void test_rates_by_class(void **state)
{
	struct scene *scene = open_scene(change_rates);

	(void)state;
	come_from(scene, "192.0.2.7");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), 100);
	assert_int_equal(random_replies(scene, "x%u.one.test.", 100), 3);
	assert_int_equal(replies(scene, "cut1.one.test.", TYPE_A, 100), 7);
	assert_int_equal(replies(scene, "elsewhere.", TYPE_A, 100), 1);
	close_scene(scene);
}

static void test_networks(void **state)
{
	struct scene *scene = open_scene(NULL);

	(void)state;
	come_from(scene, "192.0.2.7");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), RATE);
	come_from(scene, "192.0.2.255");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), 0);
	come_from(scene, "192.0.3.7");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), RATE);
	come_from(scene, "2001:db8:0:100::1");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), RATE);
	come_from(scene, "2001:db8:0:1ff:ffff::2");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), 0);
	come_from(scene, "2001:db8:0:200::1");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), RATE);
	close_scene(scene);
}

static void single_addresses(struct policy_rate_limit *limit)
{
	limit->ipv4_length = 32;
	limit->ipv6_length = 64;
}

static void whole_internet(struct policy_rate_limit *limit)
{
	limit->ipv4_length = 0;
	limit->ipv6_length = 0;
}

static void test_prefix_lengths(void **state)
{
	struct scene *scene = open_scene(single_addresses);

	(void)state;
	come_from(scene, "192.0.2.7");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), RATE);
	come_from(scene, "192.0.2.6");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), RATE);
	come_from(scene, "2001:db8:0:1::1");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), RATE);
	come_from(scene, "2001:db8:0:1:2::1");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), 0);
	come_from(scene, "2001:db8:0:2::1");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), RATE);
	close_scene(scene);
	scene = open_scene(whole_internet);
	come_from(scene, "192.0.2.7");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), RATE);
	come_from(scene, "203.0.113.9");
	assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), 0);
	close_scene(scene);
}

/* Clients, and whether they are exempt from limits that all else is under. */
static void expect_exempt(struct scene *scene)
{
	static const struct {
		const char *address;
		bool exempt;
	} cases[] = {
	    {"10.255.255.255", true}, {"11.0.0.0", false},   {"9.255.255.255", false},
	    {"172.16.0.0", true},     {"172.31.0.1", true},  {"172.32.0.0", false},
	    {"172.15.0.1", false},    {"fc00::1", true},     {"fdff::1", true},
	    {"fe00::1", false},	      {"2001:db8::1", true}, {"2001:db8::2", false},
	    {"10.66.0.1", false},     {"10.66.7.1", true},   {"10.67.0.1", true},
	    {"a00::1", false}, /* begins with the octet of 10/8 */
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		come_from(scene, cases[i].address);
		assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100),
				 cases[i].exempt ? 100 : RATE);
		assert_int_equal(replies(scene, "elsewhere.", TYPE_A, 100),
				 cases[i].exempt ? 100 : RATE);
	}
}

#define EXEMPT "10.0.0.0/8,!10.66.0.0/16,10.66.7.0/24,172.16.0.0/12,fc00::/7,2001:db8::1"

static void test_exempt(void **state)
{
	struct scene *scene = open_scene(NULL);

	(void)state;
	image_fixture_exempt(scene->fixture, EXEMPT);
	scene->asking.image = image_fixture_image(scene->fixture);
	expect_exempt(scene);
	close_scene(scene);
}

/* The same where the class of a client says what it sees, too: in a view, in a list, in neither. */
static void test_exempt_beside_views(void **state)
{
	struct scene *scene = open_scene(NULL);

	(void)state;
	image_fixture_exempt(scene->fixture, EXEMPT);
	image_fixture_view(scene->fixture, "partner=10.255.0.0/16,172.0.0.0/8,fd00::/8,ecs");
	image_fixture_terms(scene->fixture, "partner", NULL);
	image_fixture_text(scene->fixture, "one.test.", zone_text);
	image_fixture_terms(scene->fixture, NULL, "172.31.0.0/16,10.66.0.0/16");
	image_fixture_text(scene->fixture, "listed.test.", zone_text);
	scene->asking.image = image_fixture_image(scene->fixture);
	expect_exempt(scene);
	come_from(scene, "192.0.2.7");
	assert_int_equal(replies(scene, "www.listed.test.", TYPE_A, 100), RATE); /* REFUSED */
	close_scene(scene);
}

/* Tables that are damaged exempt nobody, and are not read past their end. */
static void test_damaged_tables(void **state)
{
	struct scene *scene = open_scene(NULL);
	struct image image;
	struct image_policy policy;

	(void)state;
	image_fixture_exempt(scene->fixture, "10.0.0.0/8,fd00::/8");
	image = *image_fixture_image(scene->fixture);
	policy = *image.policy;
	image.policy = &policy;
	scene->asking.image = &image;
	come_from(scene, "10.0.0.1");
	for (unsigned damage = 0; damage < 5; damage++) {
		struct image_clients *clients = &policy.clients;
		struct image_clients good = *clients;

		assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), 100);
		if (damage == 0)
			clients->class_count = 1;
		else if (damage == 1)
			clients->classes = UINT32_MAX;
		else if (damage == 2)
			clients->first4 = clients->first6 = UINT32_MAX;
		else if (damage == 3)
			clients->class4 = clients->class6 = UINT32_MAX;
		else
			clients->count4 = clients->count6 = UINT32_MAX;
		assert_int_equal(replies(scene, "www.one.test.", TYPE_A, 100), RATE);
		*clients = good;
		scene->asking.state.now += 100 * SECOND;
	}
	close_scene(scene);
}

static void slip_two(struct policy_rate_limit *limit)
{
	limit->slip = 2;
}

/* Each second one that is over goes out: the question and TC, so that who really asked comes again
 * over TCP, where nothing is limited. */
static void test_slip(void **state)
{
	struct scene *scene = open_scene(slip_two);
	struct message message;

	(void)state;
	come_from(scene, "192.0.2.7");
	assert_int_equal(replies(scene, "x.one.test.", TYPE_A, RATE), RATE);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(replies(scene, "x.one.test.", TYPE_A, 1), 0);
		ask_name(&scene->asking, "x.one.test.", TYPE_A, &edns, &message);
		assert_int_equal(message.rcode, 3);
		assert_true(message.flags & DNS_TC);
		assert_true(message.has_question && message.edns);
		assert_int_equal(message.count[0] + message.count[1] + message.count[2], 0);
		message_free(&message);
	}
	assert_int_equal(scene->asking.counts[COUNT_rate_slipped], 50);
	assert_int_equal(scene->asking.counts[COUNT_answers_truncated], 50);
	assert_int_equal(scene->asking.counts[COUNT_drop_rate_limited], 50);
	scene->asking.transport = TRANSPORT_TCP;
	for (unsigned i = 0; i < 100; i++) {
		ask_name(&scene->asking, "x.one.test.", TYPE_A, &edns, &message);
		assert_int_equal(message.count[1], 1);
		message_free(&message);
	}
	close_scene(scene);
}

/* One burst with many clients: each reply is its own query's, and only the flood's are missing. */
static void test_a_burst(void **state)
{
	static uint8_t buffer[ANSWER_BURST][512];
	struct scene *scene = open_scene(NULL);
	struct datagram burst[ANSWER_BURST];
	struct message message;
	unsigned flood = 0;

	(void)state;
	for (unsigned i = 0; i < ANSWER_BURST; i++) {
		const char *name = i % 4 == 0 ? "mail.one.test." : "www.one.test.";
		size_t length = message_query_text(buffer[i], name, TYPE_A, &edns);

		burst[i] =
		    (struct datagram){.payload = buffer[i],
				      .length = (uint32_t)length,
				      .capacity = sizeof(buffer[i]),
				      .family = 4,
				      .source = {192, 0, (uint8_t)(i % 4 == 0 ? i : 255), 1}};
	}
	answer_batch(scene->asking.image, &scene->asking.state, burst, ANSWER_BURST, TRANSPORT_UDP,
		     scene->asking.counts);
	for (unsigned i = 0; i < ANSWER_BURST; i++) {
		if (i % 4 != 0)
			flood += burst[i].length > 0;
		else
			assert_true(burst[i].length > 0);
		if (burst[i].length == 0)
			continue;
		assert_null(message_parse(buffer[i], burst[i].length, &message));
		assert_int_equal(message.count[0], 1);
		assert_int_equal(message.record[0][0].rdata[3], i % 4 == 0 ? 3 : 2);
		assert_int_equal(burst[i].sum % 0xffffu, plain_sum(buffer[i], burst[i].length));
		message_free(&message);
	}
	assert_int_equal(flood, RATE);
	close_scene(scene);
}

/* A node that says it has more labels than its name, in a zone of more labels still. */
static void test_a_zone_longer_than_the_name(void **state)
{
	static const uint8_t name[] = "\3www\3one\4test";
	const struct verdict verdict = {.kind = VERDICT_NXDOMAIN, .apex_labels = 100};
	struct scene *scene = open_scene(NULL);
	struct response *response = calloc(1, sizeof(*response));

	(void)state;
	response->asked = (struct asked){.name = name, .length = sizeof(name)};
	response->rate = POLICY_RATE_ERRORS;
	rate_limit_note(scene->asking.image, response, &verdict);
	assert_int_equal(response->rate, POLICY_RATE_ERRORS);
	assert_int_equal(response->rate_subject, 0);
	free(response);
	close_scene(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_off),
	    cmocka_unit_test(test_a_name),
	    cmocka_unit_test(test_names_that_do_not_exist),
	    cmocka_unit_test(test_synthesised_names),
	    cmocka_unit_test(test_referrals),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_rates_by_class),
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_prefix_lengths),
	    cmocka_unit_test(test_exempt),
	    cmocka_unit_test(test_exempt_beside_views),
	    cmocka_unit_test(test_damaged_tables),
	    cmocka_unit_test(test_slip),
	    cmocka_unit_test(test_a_burst),
	    cmocka_unit_test(test_a_zone_longer_than_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
