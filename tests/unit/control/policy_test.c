/* From settings to what an image says beside its zones: texts, cookies' secrets, choices. */
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

#define SECRET_1 "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define SECRET_2 "445536BCD2513298075A5D379663C962"

static struct config config_of(enum config_key key, const char *text)
{
	struct config config;
	char error[256];

	config_init(&config);
	if (text != NULL && !config_add(&config, key, text, error, sizeof(error)))
		fail_msg("%s", error);
	return config;
}

static void expect_text(const struct policy_text *text, const char *wanted)
{
	assert_int_equal(text->length, strlen(wanted));
	assert_memory_equal(text->octets, wanted, text->length);
}

static struct policy make(enum config_key key, const char *text)
{
	struct config config = config_of(key, text);
	struct policy policy;
	char error[512] = "";

	if (!policy_make(&config, &policy, error, sizeof(error)))
		fail_msg("%s", error);
	config_free(&config);
	return policy;
}

static void expect_refusal(enum config_key key, const char *text, const char *message)
{
	struct config config = config_of(key, text);
	struct policy policy;
	char error[512] = "";

	assert_false(policy_make(&config, &policy, error, sizeof(error)));
	if (strstr(error, message) == NULL)
		fail_msg("\"%s\" says nothing of \"%s\"", error, message);
	config_free(&config);
}

static void test_defaults(void **state)
{
	struct policy policy = make(KEY_any, NULL), again = make(KEY_any, NULL);
	char host[65] = "";

	(void)state;
	gethostname(host, sizeof(host) - 1);
	expect_text(&policy.image.version, "Skua " SKUA_VERSION);
	expect_text(&policy.image.identity, host);
	expect_text(&policy.image.nsid, "");
	assert_int_equal(policy.image.any, POLICY_ANY_ONE);
	assert_int_equal(policy.image.extended_errors, 1);
	assert_int_equal(policy.settings.rotate, IMAGE_ROTATE_ON);
	assert_int_equal(policy.image.cookies.count, 1);
	/* SIGHUP makes it again: the random secret of this process stays, and nothing differs. */
	assert_memory_equal(&policy, &again, sizeof(policy));
}

static void test_choices(void **state)
{
	(void)state;
	assert_int_equal(make(KEY_any, "all").image.any, POLICY_ANY_ALL);
	assert_int_equal(make(KEY_any, "hinfo").image.any, POLICY_ANY_HINFO);
	assert_int_equal(make(KEY_rotate, "false").settings.rotate, IMAGE_ROTATE_OFF);
	assert_int_equal(make(KEY_rotate, "true").settings.rotate, IMAGE_ROTATE_ON);
	assert_int_equal(make(KEY_rotate, "fixed").settings.rotate, IMAGE_ROTATE_FIXED);
	assert_int_equal(make(KEY_extended_errors, "off").image.extended_errors, 0);
	assert_int_equal(make(KEY_cookies, "off").image.cookies.count, 0);
}

static void test_texts(void **state)
{
	char longest[257];
	struct policy policy = make(KEY_nsid, "0x00fF10");

	(void)state;
	assert_int_equal(policy.image.nsid.length, 3);
	assert_memory_equal(policy.image.nsid.octets, "\0\xff\x10", 3);
	policy = make(KEY_nsid, "site-7");
	expect_text(&policy.image.nsid, "site-7");
	policy = make(KEY_chaos_version, "off");
	expect_text(&policy.image.version, "");
	policy = make(KEY_chaos_identity, "here");
	expect_text(&policy.image.identity, "here");
	memset(longest, 'x', sizeof(longest));
	longest[256] = '\0';
	expect_refusal(KEY_chaos_version, longest, "chaos_version: longer than 255 octets");
	longest[255] = '\0';
	policy = make(KEY_chaos_version, longest);
	expect_text(&policy.image.version, longest);
	longest[129] = '\0';
	expect_refusal(KEY_nsid, longest, "nsid: longer than 128 octets");
	expect_refusal(KEY_nsid, "0x1", "no even number of hexadecimal digits");
	expect_refusal(KEY_nsid, "0xgg", "no even number of hexadecimal digits");
}

/* A policy from a file of secrets; message: what is said against it, or NULL. */
static struct policy_cookies read_secrets(const char *text, const char *message)
{
	char path[] = "/tmp/skua-secrets-XXXXXX";
	int fd = mkstemp(path);
	struct policy policy = {0};

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	if (message == NULL)
		policy = make(KEY_cookie_secret_file, path);
	else
		expect_refusal(KEY_cookie_secret_file, path, message);
	unlink(path);
	return policy.image.cookies;
}

static void test_secrets(void **state)
{
	struct policy_cookies cookies;

	(void)state;
	cookies = read_secrets("# newest first\n" SECRET_1 "\n\n  " SECRET_2 " # old\r\n", NULL);
	assert_int_equal(cookies.count, 2);
	assert_memory_equal(cookies.secret[0], "\xe5\xe9\x73\xe5\xa6\xb2\xa4\x3f", 8);
	assert_memory_equal(cookies.secret[1], "\x44\x55\x36\xbc\xd2\x51\x32\x98", 8);
	assert_int_equal(read_secrets(SECRET_1, NULL).count, 1);
	read_secrets("", "there is no secret in it");
	read_secrets("# " SECRET_1 "\n", "there is no secret in it");
	read_secrets(SECRET_1 "\n" SECRET_1 "0\n", ":2: a secret is 32 hexadecimal digits");
	read_secrets(SECRET_1 "00\n", ":1: a secret is 32 hexadecimal digits");
	read_secrets("0123456789abcdef\n", ":1: a secret is 32 hexadecimal digits");
	read_secrets("x5e973e5a6b2a43f48e7dc849e37bfcf\n", ":1: a secret is 32 hexadecimal digits");
	read_secrets(SECRET_1 "\n" SECRET_1 "\n" SECRET_1 "\n" SECRET_1 "\n" SECRET_1 "\n",
		     ":5: one secret too many");
	expect_refusal(KEY_cookie_secret_file, "/nonexistent/file", "can't open /nonexistent/file");
	expect_refusal(KEY_cookie_secret_file, "/", "can't be read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_choices),
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
