/* What reaches stderr, octet by octet, read back through a pipe in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int ends[2], kept_stderr;

static int capture(void **state)
{
	(void)state;
	fflush(stderr);
	kept_stderr = dup(STDERR_FILENO);
	if (kept_stderr < 0 || pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
		return -1;
	fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
	return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

static int release(void **state)
{
	(void)state;
	dup2(kept_stderr, STDERR_FILENO);
	close(kept_stderr);
	close(ends[0]);
	close(ends[1]);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

/* All that was written so far, NUL-terminated. */
static size_t written(char *text, size_t size)
{
	ssize_t got = read(ends[0], text, size - 1);

	text[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

/* The line behind its time, which must look like one. */
static const char *without_time(const char *line)
{
	regex_t time;
	const char *pattern = "^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]"
			      "\\.[0-9]{3}Z ";
	int match;

	assert_int_equal(regcomp(&time, pattern, REG_EXTENDED | REG_NOSUB), 0);
	match = regexec(&time, line, 0, NULL, 0);
	regfree(&time);
	assert_int_equal(match, 0);
	return line + strlen("2026-11-20T21:10:00.123Z ");
}

static void format(void **state)
{
	char text[4096];

	(void)state;
	log_info("control.zone", "loaded", LOG_TEXT("zone", "example."), LOG_UNSIGNED("serial", 5),
		 LOG_NUMBER("change", -2), LOG_UNSIGNED("most", UINT64_MAX));
	written(text, sizeof(text));
	assert_string_equal(without_time(text), "info control.zone loaded zone=example. serial=5 "
						"change=-2 most=18446744073709551615\n");
	log_warning("control", "no fields");
	written(text, sizeof(text));
	assert_string_equal(without_time(text), "warning control no fields\n");
}

static void quoting(void **state)
{
	char text[4096];

	(void)state;
	log_error("control.http", "refused", LOG_TEXT("empty", ""), LOG_TEXT("none", NULL),
		  LOG_TEXT("space", "a b"), LOG_TEXT("quote", "a\"b\\c"), LOG_TEXT("equals", "a=b"),
		  LOG_TEXT("lines", "a\nb\x1b\xff"));
	written(text, sizeof(text));
	assert_string_equal(without_time(text),
			    "error control.http refused empty=\"\" none=\"\" space=\"a b\" "
			    "quote=\"a\\\"b\\\\c\" equals=\"a=b\" lines=\"a\\x0ab\\x1b\\xff\"\n");
	log_error("control", "one\nline");
	written(text, sizeof(text));
	assert_string_equal(without_time(text), "error control one\\x0aline\n");
}

static void levels(void **state)
{
	enum log_level level = LOG_LEVEL_ERROR;
	char text[4096];

	(void)state;
	log_debug("a", "not shown by default");
	assert_int_equal(written(text, sizeof(text)), 0);
	assert_true(log_level_from_text("debug", &level));
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	log_set_level(level);
	log_debug("a", "shown");
	written(text, sizeof(text));
	assert_string_equal(without_time(text), "debug a shown\n");
	assert_true(log_level_from_text("error", &level));
	log_set_level(level);
	log_warning("a", "not shown");
	assert_int_equal(written(text, sizeof(text)), 0);
	assert_false(log_level_from_text("Error", &level));
	assert_false(log_level_from_text("", &level));
	assert_int_equal(level, LOG_LEVEL_ERROR);
}

static void long_lines_are_cut_and_still_lines(void **state)
{
	char value[LOG_LINE_MAX * 2], text[LOG_LINE_MAX * 2];
	size_t length;

	(void)state;
	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	log_info("a", "b", LOG_TEXT("k", value), LOG_TEXT("after", "y"));
	length = written(text, sizeof(text));
	assert_int_equal(length, LOG_LINE_MAX);
	assert_int_equal(text[length - 1], '\n');
	assert_ptr_equal(strchr(text, '\n'), text + length - 1);
}

#define LINES 500

static void *writer(void *letter)
{
	char value[65];

	memset(value, *(const char *)letter, 64);
	value[64] = '\0';
	for (int i = 0; i < LINES; i++)
		log_info("thread", "says", LOG_TEXT("value", value));
	return NULL;
}

static void threads_do_not_mix(void **state)
{
	static char text[1 << 20];
	char letters[] = "ab", *line, *rest = NULL;
	pthread_t thread[2];
	int count[2] = {0, 0};

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, writer, &letters[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	written(text, sizeof(text));
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *value = strstr(without_time(line), "value=");
		assert_non_null(value);
		assert_int_equal(strlen(value + 6), 64);
		assert_int_equal(strspn(value + 6, (const char[]){value[6], '\0'}), 64);
		count[value[6] - 'a']++;
	}
	assert_int_equal(count[0], LINES);
	assert_int_equal(count[1], LINES);
}

static void errno_survives(void **state)
{
	char text[256];

	(void)state;
	errno = ENOENT;
	log_info("a", "b");
	assert_int_equal(errno, ENOENT);
	assert_true(written(text, sizeof(text)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(format, capture, release),
	    cmocka_unit_test_setup_teardown(quoting, capture, release),
	    cmocka_unit_test_setup_teardown(levels, capture, release),
	    cmocka_unit_test_setup_teardown(long_lines_are_cut_and_still_lines, capture, release),
	    cmocka_unit_test_setup_teardown(threads_do_not_mix, capture, release),
	    cmocka_unit_test_setup_teardown(errno_survives, capture, release),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
