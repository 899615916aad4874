#include "dataplane/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

static int saved, ends[2];

static int catch_stderr(void **state)
{
	(void)state;
	saved = dup(STDERR_FILENO);
	return pipe(ends) || dup2(ends[1], STDERR_FILENO) < 0;
}

static int release_stderr(void **state)
{
	(void)state;
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[0]);
	return close(ends[1]);
}

static const char *written(void)
{
	static char text[2 * LOG_LINE_MAX];
	ssize_t n = read(ends[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void a_line_has_time_level_part_message_and_fields(void **state)
{
	const char *line;

	(void)state;
	log_write(LOG_LEVEL_WARNING, "dataplane.main", "no TCP", "core", "3", "io", "a b", NULL);
	line = written();
	assert_int_equal(line[10], 'T');
	assert_int_equal(line[23], 'Z');
	assert_string_equal(line + 24, " warning dataplane.main no TCP core=3 io=\"a b\"\n");
}

static void a_line_stays_one_line(void **state)
{
	(void)state;
	log_write(LOG_LEVEL_INFO, "p", "m", "a", "x\ny", "b", "q\"\\", "c", "", "d", "e=f", NULL);
	assert_string_equal(written() + 24,
			    " info p m a=\"x\\x0ay\" b=\"q\\\"\\\\\" c=\"\" d=\"e=f\"\n");
}

static void a_long_line_is_cut_and_ended(void **state)
{
	char value[2 * LOG_LINE_MAX];
	const char *line;

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	log_write(LOG_LEVEL_INFO, "p", "m", "k", value, NULL);
	line = written();
	assert_int_equal(strlen(line), LOG_LINE_MAX);
	assert_int_equal(line[LOG_LINE_MAX - 1], '\n');
}

static void lower_levels_are_left_out(void **state)
{
	enum log_level level = LOG_LEVEL_INFO;

	(void)state;
	assert_true(log_level_from_text("error", &level));
	log_set_level(level);
	log_write(LOG_LEVEL_WARNING, "p", "left out", NULL);
	log_write(LOG_LEVEL_ERROR, "p", "written", NULL);
	assert_string_equal(written() + 24, " error p written\n");
	assert_false(log_level_from_text("err", &level));
	assert_int_equal(level, LOG_LEVEL_ERROR);
	log_set_level(LOG_LEVEL_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_line_has_time_level_part_message_and_fields,
					    catch_stderr, release_stderr),
	    cmocka_unit_test_setup_teardown(a_line_stays_one_line, catch_stderr, release_stderr),
	    cmocka_unit_test_setup_teardown(a_long_line_is_cut_and_ended, catch_stderr,
					    release_stderr),
	    cmocka_unit_test_setup_teardown(lower_levels_are_left_out, catch_stderr,
					    release_stderr),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
