/* diagnostics_test.c: lines, limits and counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "zones/text/diagnostics.h"

struct shown {
	unsigned lines;
	char last[4096];
	enum severity severity;
};

static void show(void *context, enum severity severity, const char *line)
{
	struct shown *shown = context;

	shown->lines++;
	shown->severity = severity;
	snprintf(shown->last, sizeof(shown->last), "%s", line);
}

static void places_are_shown_as_far_as_they_are_known(void **state)
{
	struct shown shown = {0};
	struct diagnostics all;

	(void)state;
	diagnostics_init(&all, show, &shown);
	uint16_t file = diagnostics_file(&all, "a.zone");
	assert_int_equal(diagnostics_file(&all, "a.zone"), file);
	assert_string_equal(diagnostics_file_name(&all, file), "a.zone");
	assert_string_equal(diagnostics_file_name(&all, 999), "");
	struct place place = {.file = file, .line = 3};
	diagnostics_report(&all, SEVERITY_ERROR, place, 7, "what %d, do", 1);
	assert_string_equal(shown.last, "a.zone:3:7: what 1, do");
	diagnostics_report(&all, SEVERITY_WARNING, place, 0, "what");
	assert_string_equal(shown.last, "a.zone:3: warning: what");
	assert_int_equal(shown.severity, SEVERITY_WARNING);
	place.line = 0;
	diagnostics_report(&all, SEVERITY_ERROR, place, 0, "what");
	assert_string_equal(shown.last, "a.zone: what");
	diagnostics_report(&all, SEVERITY_ERROR, (struct place){0}, 0, "what");
	assert_string_equal(shown.last, "what");
	assert_int_equal(all.errors, 3);
	assert_int_equal(all.warnings, 1);
	diagnostics_free(&all);
}

static void many_are_counted_not_shown(void **state)
{
	struct shown shown = {0};
	struct diagnostics all;

	(void)state;
	diagnostics_init(&all, show, &shown);
	for (int i = 0; i < 100000; i++)
		diagnostics_report(&all, SEVERITY_ERROR, (struct place){0}, 0, "e");
	assert_int_equal(shown.lines, 100);
	diagnostics_report(&all, SEVERITY_WARNING, (struct place){0}, 0, "w");
	assert_int_equal(shown.lines, 101);
	diagnostics_finish(&all);
	assert_string_equal(shown.last, "99,900 more errors are not shown; correct those above "
					"first");
	assert_int_equal(all.errors, 100000);
	diagnostics_report(&all, SEVERITY_ERROR, (struct place){0}, 0, "again");
	assert_string_equal(shown.last, "again");
	unsigned before = shown.lines;
	diagnostics_finish(&all);
	assert_int_equal(shown.lines, before);
	diagnostics_free(&all);
}

static void long_lines_are_cut(void **state)
{
	struct shown shown = {0};
	struct diagnostics all;
	char name[3000];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	diagnostics_init(&all, show, &shown);
	struct place place = {.file = diagnostics_file(&all, name), .line = 1};
	diagnostics_report(&all, SEVERITY_WARNING, place, 1, "%s", name);
	assert_true(strlen(shown.last) < 2048);
	diagnostics_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(places_are_shown_as_far_as_they_are_known),
	    cmocka_unit_test(many_are_counted_not_shown),
	    cmocka_unit_test(long_lines_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
