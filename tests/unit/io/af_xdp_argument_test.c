/* af_xdp_argument_test: what --io af_xdp:… names, and what it refuses. */
#include "dataplane/io/af_xdp_argument.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct af_xdp_argument argument;

static void parse(const char *text)
{
	char error[IO_ERROR_TEXT] = "";

	if (!af_xdp_argument_parse(text, &argument, error))
		fail_msg("%s: %s", text, error);
}

static void refused(const char *text, const char *words)
{
	char error[IO_ERROR_TEXT] = "";

	assert_false(af_xdp_argument_parse(text, &argument, error));
	if (!strstr(error, words))
		fail_msg("\"%s\" does not say \"%s\"", error, words);
}

static void expect_queues(const struct af_xdp_choice *choice, const char *wanted)
{
	char text[AF_XDP_QUEUES_MAX * 4] = "";

	assert_false(choice->all);
	for (unsigned i = 0; i < AF_XDP_QUEUES_MAX; i++)
		if (choice->queue[i])
			sprintf(text + strlen(text), "%s%u", *text ? " " : "", i);
	assert_string_equal(text, wanted);
}

static void test_interfaces(void **state)
{
	(void)state;
	parse("");
	assert_int_equal(argument.count, 0);
	parse("eth0");
	assert_int_equal(argument.count, 1);
	assert_string_equal(argument.choice[0].interface, "eth0");
	assert_true(argument.choice[0].all);
	assert_int_equal(argument.choice[0].copy, AF_XDP_AUTO);
	parse("eth0,bond0.100");
	assert_int_equal(argument.count, 2);
	assert_string_equal(argument.choice[1].interface, "bond0.100");
	assert_true(argument.choice[1].all);
}

static void test_queues_and_modes(void **state)
{
	(void)state;
	parse("eth0/0-3+6,eth1/4:copy,eth2:zero-copy,eth3/255:auto");
	assert_int_equal(argument.count, 4);
	expect_queues(&argument.choice[0], "0 1 2 3 6");
	expect_queues(&argument.choice[1], "4");
	assert_int_equal(argument.choice[1].copy, AF_XDP_COPY);
	assert_string_equal(argument.choice[2].interface, "eth2");
	assert_true(argument.choice[2].all);
	assert_int_equal(argument.choice[2].copy, AF_XDP_ZERO_COPY);
	expect_queues(&argument.choice[3], "255");
	assert_int_equal(argument.choice[3].copy, AF_XDP_AUTO);
}

static void test_refusals(void **state)
{
	static const char *const lists[] = {"eth0/",	"eth0/x",   "eth0/1-", "eth0/3-1",
					    "eth0/256", "eth0/0+0", "eth0/1 ", "eth0/-1",
					    "eth0/0+",	"eth0/0 ",  "eth0/+1", "eth0/99999999999"};

	(void)state;
	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		refused(lists[i], "not a list of queues");
	refused("eth0/0-2+1", "not a list of queues");
	refused("eth0:fast", "eth0:fast: no such mode");
	refused("eth0:", "no such mode");
	refused(",eth0", "name is missing");
	refused("eth0,", "name is missing");
	refused("/0", "name is missing");
	refused("eth0/0,eth0/1", "named twice");
	refused("a,b,c,d,e,f,g,h,i", "at most 8 interfaces");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_interfaces),
	    cmocka_unit_test(test_queues_and_modes),
	    cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests_name("af_xdp_argument", tests, NULL, NULL);
}
