/* limits_policy_test.c: from settings of limits to the policy that an image carries. */
#include "control/config/exempt.h"
#include "control/policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

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
	/* 10/8, 172.16/12, 192.168/16, 100.64/10, 127/8, ::1, fc00::/7, fe80::/10 */
	assert_int_equal(policy.image.rate_limit.exempt_count, 8);
	const struct policy_prefix *shared = &policy.image.rate_limit.exempt[3];
	assert_int_equal(shared->family, 4);
	assert_int_equal(shared->length, 10);
	assert_memory_equal(shared->address, "\144\100\0\0", 4);
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
	config_free(&config);
}

static void test_exempt(void **state)
{
	struct config config;
	struct policy policy;
	char text[32], error[256];

	(void)state;
	config_init(&config);
	set(&config, KEY_rate_limit_exempt, "none");
	make(&config, &policy);
	assert_int_equal(policy.image.rate_limit.exempt_count, 0);
	for (unsigned i = 0; i < POLICY_EXEMPT; i++) {
		snprintf(text, sizeof(text), "198.18.%u.0/24", i);
		set(&config, KEY_rate_limit_exempt, text);
	}
	make(&config, &policy);
	assert_int_equal(policy.image.rate_limit.exempt_count, POLICY_EXEMPT);
	assert_memory_equal(policy.image.rate_limit.exempt[POLICY_EXEMPT - 1].address,
			    "\306\022\077\0", 4);
	set(&config, KEY_rate_limit_exempt, "2001:db8::/32");
	assert_false(policy_make(&config, &policy, error, sizeof(error)));
	assert_string_equal(error, "rate_limit_exempt: more than 64 networks");
	config_free(&config);
}

static void test_prefixes(void **state)
{
	static const char *const bad[] = {"",	      "/8",	    "10.0.0.0/",   "10.0.0.0/33",
					  "10.0.0/8", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/0x8",
					  "::/129",   "fe80::1/10", "localhost",   "10.0.0.0/8 "};
	struct policy_prefix prefix;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(exempt_from_text(bad[i], &prefix));
	assert_true(exempt_from_text("0.0.0.0/0", &prefix));
	assert_int_equal(prefix.length, 0);
	assert_true(exempt_from_text("192.0.2.255", &prefix));
	assert_int_equal(prefix.length, 32);
	assert_true(exempt_from_text("2001:db8::8000:0/97", &prefix));
	assert_int_equal(prefix.family, 6);
	assert_int_equal(prefix.length, 97);
	assert_memory_equal(prefix.address, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\x80\0\0\0", 16);
	assert_true(exempt_from_text("::ffff:10.0.0.0/104", &prefix)); /* RFC 4291 2.5.5.2 */
	assert_int_equal(prefix.family, 4);
	assert_int_equal(prefix.length, 8);
	assert_memory_equal(prefix.address, "\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_rates),
	    cmocka_unit_test(test_exempt),
	    cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
