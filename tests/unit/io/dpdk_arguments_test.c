#include "dataplane/io/dpdk_arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static struct dpdk_arguments arguments;
static char error[200];

static void split(const char *text)
{
	assert_true(dpdk_arguments_split(&arguments, "skua", text, error, sizeof(error)));
	assert_string_equal(arguments.argument[0], "skua");
	assert_null(arguments.argument[arguments.count]);
}

static void blanks_part_arguments(void **state)
{
	(void)state;
	split("  --no-huge  -m\t256\n");
	assert_int_equal(arguments.count, 4);
	assert_string_equal(arguments.argument[1], "--no-huge");
	assert_string_equal(arguments.argument[3], "256");
	split("");
	assert_int_equal(arguments.count, 1);
}

static void quotes_hold_an_argument_together(void **state)
{
	(void)state;
	split("--vdev='net_x,a=b c' \"d \\\"e\\\\\" f\\ g '\\' '' h\"i\"'j'");
	assert_int_equal(arguments.count, 7);
	assert_string_equal(arguments.argument[1], "--vdev=net_x,a=b c");
	assert_string_equal(arguments.argument[2], "d \"e\\");
	assert_string_equal(arguments.argument[3], "f g");
	assert_string_equal(arguments.argument[4], "\\");
	assert_string_equal(arguments.argument[5], "");
	assert_string_equal(arguments.argument[6], "hij");
}

static void what_cant_be_split_is_refused(void **state)
{
	char many[4 * DPDK_ARGUMENTS_MAX] = "", long_text[DPDK_ARGUMENTS_TEXT + 2];

	(void)state;
	assert_false(dpdk_arguments_split(&arguments, "skua", "a 'b c", error, sizeof(error)));
	assert_non_null(strstr(error, "single quote"));
	for (int i = 0; i < DPDK_ARGUMENTS_MAX; i++)
		strcat(many, "a ");
	assert_false(dpdk_arguments_split(&arguments, "skua", many, error, sizeof(error)));
	assert_non_null(strstr(error, "too many"));
	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_false(dpdk_arguments_split(&arguments, "skua", long_text, error, sizeof(error)));
}

static void options_are_found_in_every_form(void **state)
{
	(void)state;
	split("-l0-1 --vdev=x --proc-type auto --in-memory-not");
	assert_true(dpdk_arguments_has(&arguments, "-l"));
	assert_true(dpdk_arguments_has(&arguments, "--vdev"));
	assert_true(dpdk_arguments_has(&arguments, "--proc-type"));
	assert_false(dpdk_arguments_has(&arguments, "--in-memory"));
	assert_false(dpdk_arguments_has(&arguments, "-c"));
	assert_true(dpdk_arguments_add(&arguments, "--in-memory"));
	assert_true(dpdk_arguments_has(&arguments, "--in-memory"));
}

static void adding_stops_when_it_is_full(void **state)
{
	int added = 0;

	(void)state;
	split("a");
	while (dpdk_arguments_add(&arguments, "b"))
		added++;
	assert_int_equal(added, DPDK_ARGUMENTS_MAX - 2);
	assert_null(arguments.argument[arguments.count]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blanks_part_arguments),
	    cmocka_unit_test(quotes_hold_an_argument_together),
	    cmocka_unit_test(what_cant_be_split_is_refused),
	    cmocka_unit_test(options_are_found_in_every_form),
	    cmocka_unit_test(adding_stops_when_it_is_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
