/* limits_policy_test.c: from settings of limits to the policy that an image carries. */
#include "control/policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set(struct config *config, enum config_key key, const char *text)
{
	char error[256] = "";

	if (!config_add(config, key, text, error, sizeof(error)))
		fail_msg("%s", error);
}

static void make(const struct config *config, struct policy *policy)
{
	char error[256] = "";

	if (!policy_make(config, policy, error, sizeof(error)))
		fail_msg("%s", error);
}

static void test_defaults(void **state)
{
	struct config config;
	struct policy policy;

	(void)state;
	config_init(&config);
	make(&config, &policy);
	for (unsigned i = 0; i < POLICY_RATES; i++)
		assert_int_equal(policy.image.rate_limit.rate[i], 0);
	assert_int_equal(policy.image.nsec3_hashes, 2000000);
	assert_int_equal(policy.image.rate_limit.slip, 2);
	assert_int_equal(policy.image.rate_limit.ipv4_length, 24);
	assert_int_equal(policy.image.rate_limit.ipv6_length, 56);
	config_free(&config);
}

static void test_rates(void **state)
{
	struct config config;
	struct policy policy;

	(void)state;
	config_init(&config);
	set(&config, KEY_rate_limit, "20");
	make(&config, &policy);
	for (unsigned i = 0; i < POLICY_RATES; i++)
		assert_int_equal(policy.image.rate_limit.rate[i], 20);
	policy_done(&policy);
	set(&config, KEY_rate_limit_negative, "5");
	set(&config, KEY_rate_limit_errors, "0");
	set(&config, KEY_rate_limit_slip, "0");
	set(&config, KEY_rate_limit_ipv4_prefix, "32");
	set(&config, KEY_rate_limit_ipv6_prefix, "48");
	set(&config, KEY_nsec3_hashes, "0");
	make(&config, &policy);
	assert_int_equal(policy.image.rate_limit.rate[POLICY_RATE_ANSWERS], 20);
	assert_int_equal(policy.image.rate_limit.rate[POLICY_RATE_REFERRALS], 20);
	assert_int_equal(policy.image.rate_limit.rate[POLICY_RATE_NEGATIVE], 5);
	assert_int_equal(policy.image.rate_limit.rate[POLICY_RATE_ERRORS], 0);
	assert_int_equal(policy.image.rate_limit.slip, 0);
	assert_int_equal(policy.image.rate_limit.ipv4_length, 32);
	assert_int_equal(policy.image.rate_limit.ipv6_length, 48);
	assert_int_equal(policy.image.nsec3_hashes, 0);
	policy_done(&policy);
	config_free(&config);
}

static bool is_exempt(const struct policy *policy, const char *text)
{
	const struct client_table *table = policy->clients;
	const struct client_ranges *ranges;
	struct prefix prefix;
	uint32_t class = 0;

	assert_null(prefix_from_text(text, &prefix));
	assert_non_null(table);
	ranges = prefix.family == 4 ? &table->v4 : &table->v6;
	for (uint32_t i = 0; i < ranges->count; i++)
		if (!prefix_address_before(prefix.first, ranges->first[i]))
			class = ranges->class[i];
	return table->classes[class].flags & IMAGE_CLIENT_EXEMPT;
}

static void expect_exempt(const struct config *config, const char *const *in,
			  const char *const *out)
{
	struct policy policy;

	make(config, &policy);
	for (; *in != NULL; in++)
		if (!is_exempt(&policy, *in))
			fail_msg("%s has a limit", *in);
	for (; *out != NULL; out++)
		if (is_exempt(&policy, *out))
			fail_msg("%s has no limit", *out);
	policy_done(&policy);
}

static void test_exempt_by_default(void **state)
{
	static const char *const in[] = {
	    "10.0.0.0",	  "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1",
	    "100.64.0.1", "127.0.0.1",	    "::1",	  "fc00::1",	    "fdff::1",
	    "fe80::1",	  "febf::1",	    NULL};
	static const char *const out[] = {
	    "9.255.255.255", "11.0.0.0",    "172.15.0.1", "172.32.0.0", "192.167.0.1",
	    "100.128.0.0",   "128.0.0.1",   "::",	  "::2",	"fe00::1",
	    "fec0::1",	     "2001:db8::1", "a00::1",	  NULL};
	static const enum config_key rates[] = {KEY_rate_limit, KEY_rate_limit_negative,
						KEY_rate_limit_errors};
	struct config config;
	struct policy policy;

	(void)state;
	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		config_init(&config);
		set(&config, rates[i], "1");
		expect_exempt(&config, in, out);
		config_free(&config);
	}
	/* Where nothing is limited nothing depends on who asks. */
	config_init(&config);
	make(&config, &policy);
	assert_null(policy.clients);
	set(&config, KEY_rate_limit_exempt, "10.0.0.0/8");
	make(&config, &policy);
	assert_null(policy.clients);
	config_free(&config);
}

static void test_exempt(void **state)
{
	static const char *const in[] = {"192.0.2.1",  "198.51.100.7", "2001:db8:1::1",
					 "198.18.0.1", "198.18.199.1", "203.0.113.9",
					 NULL};
	static const char *const out[] = {"192.0.2.2",	"198.51.100.8", "2001:db8::1",
					  "198.18.0.2", "198.18.200.1", "10.0.0.1",
					  NULL};
	char path[] = "/tmp/skua-exempt-XXXXXX", text[64];
	int fd = mkstemp(path);
	struct config config;

	(void)state;
	config_init(&config);
	assert_true(fd >= 0);
	dprintf(fd, "198.51.100.0/29 # probes\n2001:db8:1::/48\n");
	close(fd);
	set(&config, KEY_rate_limit, "1");
	set(&config, KEY_acl, "core=192.0.2.0/24,!192.0.2.2");
	set(&config, KEY_rate_limit_exempt, "core,!198.18.0.2,::ffff:203.0.113.0/120");
	snprintf(text, sizeof(text), "@%s", path);
	set(&config, KEY_rate_limit_exempt, text);
	for (unsigned i = 0; i < 200; i++) { /* as many as anyone wants */
		snprintf(text, sizeof(text), "198.18.%u.0/24", i);
		set(&config, KEY_rate_limit_exempt, text);
	}
	expect_exempt(&config, in, out);
	unlink(path);
	config_free(&config);
}

static void test_nobody_is_exempt(void **state)
{
	struct config config;
	struct policy policy;

	(void)state;
	config_init(&config);
	set(&config, KEY_rate_limit, "1");
	set(&config, KEY_rate_limit_exempt, "none");
	make(&config, &policy);
	assert_int_equal(policy.clients->v4.count + policy.clients->v6.count, 0);
	assert_int_equal(policy.clients->classes[0].flags, 0);
	policy_done(&policy);
	config_free(&config);
}

/* One class says what a client sees and whether it is limited; neither changes the other. */
static void test_exempt_beside_views(void **state)
{
	static const char *const in[] = {"192.0.2.1", "192.0.2.200", NULL};
	static const char *const out[] = {"198.51.100.1", "203.0.113.1", NULL};
	struct config config;
	struct policy policy;

	(void)state;
	config_init(&config);
	set(&config, KEY_rate_limit, "1");
	set(&config, KEY_views, "partner=192.0.2.128/25,198.51.100.0/24");
	set(&config, KEY_rate_limit_exempt, "192.0.2.0/24");
	expect_exempt(&config, in, out);
	make(&config, &policy);
	assert_int_equal(policy.clients->class_count, 4); /* each with and without */
	policy_done(&policy);
	config_free(&config);
}

static void expect_refusal(enum config_key key, const char *text, const char *message)
{
	struct config config;
	struct policy policy;
	char error[512] = "";

	config_init(&config);
	set(&config, KEY_rate_limit, "1");
	if (config_add(&config, key, text, error, sizeof(error)))
		assert_false(policy_make(&config, &policy, error, sizeof(error)));
	assert_string_equal(error, message);
	config_free(&config);
}

static void test_bad_exempt(void **state)
{
	(void)state;
	expect_refusal(KEY_rate_limit_exempt, "10.0.0.1/8",
		       "rate_limit_exempt: \"10.0.0.1/8\" has bits set behind its length");
	expect_refusal(KEY_rate_limit_exempt, "core",
		       "rate_limit_exempt: \"core\": there is no list \"core\"; define it under "
		       "acl, before it is used");
	expect_refusal(KEY_rate_limit_exempt, "@/nonexistent/file",
		       "/nonexistent/file: can't be read: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),	      cmocka_unit_test(test_rates),
	    cmocka_unit_test(test_exempt_by_default), cmocka_unit_test(test_exempt),
	    cmocka_unit_test(test_nobody_is_exempt),  cmocka_unit_test(test_exempt_beside_views),
	    cmocka_unit_test(test_bad_exempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
