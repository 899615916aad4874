/* file_test.c: files: windows, $INCLUDE, arguments of commands, files as zones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "reading.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

/* Each test has a folder of its own, which is the working directory. */
static int enter_folder(void **state)
{
	static char folder[64];

	snprintf(folder, sizeof(folder), "%s/skua-text-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	*state = mkdtemp(folder);
	return *state != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
	(void)about;
	(void)kind;
	(void)where;
	return remove(path);
}

static int leave_folder(void **state)
{
	return chdir("/") == 0 ? nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* Records of all lengths fall on every kind of border between two windows. */
static void windows_do_not_show(void **state)
{
	size_t room = 3u << 20, used = 0;
	char *text = malloc(room);
	struct reading memory, file;

	(void)state;
	for (unsigned i = 0; used + 100000 < room; i++) {
		used += (size_t)sprintf(text + used, "h%u 5 TXT ( \"", i);
		for (unsigned j = 0; j < 1 + i % 7 * 40; j++)
			text[used++] = "a\\;b;( c)"[j % 9 == 1 ? 0 : j % 9];
		used += (size_t)sprintf(text + used, "\" ; comment ( \"\n%*s x )\n",
					(int)(i * i % 30011), "");
		if (i % 50 == 0)
			used += (size_t)sprintf(text + used, "bad 5 A x\n");
	}
	text[used] = '\0';
	reading_of_octets(&memory, text, used);
	write_file("f", text);
	reading_of_file(&file, "f");
	assert_true(memory.count > 50);
	assert_true(memory.all.errors > 0);
	assert_string_equal(file.records, memory.records);
	assert_int_equal(file.all.errors, memory.all.errors);
	reading_free(&memory);
	reading_free(&file);
	free(text);
}

/* More than the largest window: one message, and the records behind it are read. */
static void giants_are_skipped(void **state)
{
	size_t giant = TEXT_RECORD_OCTETS + 1000;
	char *text = malloc(giant + 200);
	struct reading reading;

	(void)state;
	memset(text, 'a', giant);
	strcpy(text + giant, "\nb 5 A 10.0.0.1\n");
	write_file("line", text);
	reading_of_file(&reading, "line");
	assert_string_equal(reading.records, "b.example. 5 A 0a000001\n");
	assert_string_equal(reading.shown,
			    "line:1: a line of more than 1048576 octets, split it\n");
	reading_free(&reading);

	memset(text, '\n', giant);
	memcpy(text, "a 5 TXT ( x", 11);
	write_file("parenthesis", text);
	reading_of_file(&reading, "parenthesis");
	assert_string_equal(reading.records, "b.example. 5 A 0a000001\n");
	assert_string_equal(reading.shown, "parenthesis:1:9: this parenthesis is not closed "
					   "within 1048576 octets, add )\n");
	reading_free(&reading);
	free(text);
}

static void binary_behind_the_first_window(void **state)
{
	FILE *file = fopen("f", "w");
	struct reading reading;

	(void)state;
	for (int i = 0; i < 5000; i++)
		fprintf(file, "a 5 A 10.0.0.1 ; %300d\n", i);
	fputc(0, file);
	fclose(file);
	reading_of_file(&reading, "f");
	assert_false(reading.result);
	assert_string_equal(reading.shown, "f:5001:1: this is no text file (octet 0x00), give a "
					   "zone as plain UTF-8 or ASCII\n");
	reading_free(&reading);
}

static void includes(void **state)
{
	struct reading reading;

	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(mkdir("d/e", 0700), 0);
	write_file("d/main", "$TTL 5\na A 10.0.0.1\n$INCLUDE \"e/part\" sub\n A 10.0.0.2\n"
			     "$INCLUDE e/part\nz A 10.0.0.1\n");
	write_file("d/e/part", "b A 10.0.0.1\n$ORIGIN deep\n$INCLUDE more\n");
	write_file("d/e/more", "c A 10.0.0.x\nc A 10.0.0.1\n");
	reading_of_file(&reading, "d/main");
	assert_true(reading.result);
	assert_string_equal(reading.records,
			    "a.example. 5 A 0a000001\n"
			    "b.sub.example. 5 A 0a000001\nc.deep.sub.example. 5 A 0a000001\n"
			    "a.example. 5 A 0a000002\n"
			    "b.example. 5 A 0a000001\nc.deep.example. 5 A 0a000001\n"
			    "z.example. 5 A 0a000001\n");
	assert_int_equal(reading.all.errors, 2);
	assert_int_equal(strncmp(reading.shown, "d/e/more:1:5: ", 14), 0);
	assert_int_equal(reading.all.file_count, 4);
	reading_free(&reading);
}

static void includes_that_fail(void **state)
{
	struct reading reading;
	char name[16], text[64];

	(void)state;
	write_file("loop", "$INCLUDE loop2\na 5 A 10.0.0.1\n");
	write_file("loop2", "$INCLUDE ./loop\n$INCLUDE gone\n$INCLUDE /\n");
	reading_of_file(&reading, "loop");
	assert_string_equal(reading.records, "a.example. 5 A 0a000001\n");
	assert_string_equal(
	    reading.shown,
	    "loop2:1:10: can't include \"./loop\": it includes itself, break the loop\n"
	    "loop2:2:10: can't include \"gone\": No such file or directory, check the name and "
	    "the permissions\n"
	    "loop2:3:10: can't include \"/\": not a regular file, give a file of zone text\n");
	reading_free(&reading);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		snprintf(text, sizeof(text), "$INCLUDE f%d\n", i + 1);
		write_file(name, text);
	}
	reading_of_file(&reading, "f0");
	assert_string_equal(reading.shown, "f16:1:1: files include each other more than 16 deep, "
					   "flatten them\n");
	reading_free(&reading);
}

static void includes_that_are_no_directives(void **state)
{
	struct reading reading;

	(void)state;
	write_file("part", "b 5 A 10.0.0.1\n");
	write_file("mistakes", "$INCLUDE\n$INCLUDE a b c\n$INCLUDE \"a\\25\"\n$INCLUDE \"\"\n"
			       "$INCLUDE part a..b\n$INCLUDE part a\n");
	reading_of_file(&reading, "mistakes");
	assert_string_equal(reading.records, "b.a.example. 5 A 0a000001\n");
	assert_string_equal(
	    reading.shown,
	    "mistakes:1:1: too little for this directive, write $INCLUDE FILE [ORIGIN]\n"
	    "mistakes:2:14: too much for this directive, write $INCLUDE FILE [ORIGIN]\n"
	    "mistakes:3:10: bad escape in the file name, correct it\n"
	    "mistakes:4:10: no file name, or one that is too long, correct it\n"
	    "mistakes:5:17: empty label in \"a..b\", remove the dot that is too much\n");
	reading_free(&reading);
}

static struct diagnostics *quiet(void)
{
	static struct diagnostics all;

	diagnostics_free(&all);
	diagnostics_init(&all, NULL, NULL);
	return &all;
}

static void arguments(void **state)
{
	struct zone_sources sources = {0};
	struct diagnostics *all = quiet();
	char origin[NAME_MAX_TEXT];

	(void)state;
	assert_int_equal(mkdir("dir", 0700), 0);
	write_file("dir/b.example.zone", "");
	write_file("dir/a.example.zone", "");
	write_file("dir/note.txt", "");
	write_file("dir/.hidden.zone", "");
	write_file("x=y", "");
	assert_true(zone_sources_add(&sources, "dir", all));
	assert_true(zone_sources_add(&sources, "Org.=dir/note.txt", all));
	assert_true(zone_sources_add(&sources, "x=y", all));
	assert_int_equal(sources.count, 4);
	assert_string_equal(sources.list[0].path, "dir/a.example.zone");
	assert_string_equal(sources.list[1].path, "dir/b.example.zone");
	name_to_text(sources.list[0].origin, origin);
	assert_string_equal(origin, "a.example.");
	assert_false(sources.list[0].has_origin);
	assert_true(sources.list[2].has_origin);
	name_to_text(sources.list[2].origin, origin);
	assert_string_equal(origin, "Org.");
	assert_false(sources.list[3].has_origin);
	zone_sources_free(&sources);
	assert_int_equal(all->errors, 0);
}

static void arguments_that_fail(void **state)
{
	static const char *const wrong[] = {"",		 "gone", "empty", "a..b=x", "org=gone",
					    "org=empty", "odd",	 "fifo",  "org="};
	struct zone_sources sources = {0};
	struct diagnostics *all = quiet();

	(void)state;
	assert_int_equal(mkdir("empty", 0700), 0);
	assert_int_equal(mkdir("odd", 0700), 0);
	assert_int_equal(mkdir("odd/a.zone", 0700), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(zone_sources_add(&sources, wrong[i], all));
		assert_int_equal(all->errors, i + 1);
	}
	assert_int_equal(sources.count, 0);
	zone_sources_free(&sources);
}

static struct zone *zone_of(const char *argument, struct diagnostics *all)
{
	struct zone_sources sources = {0};

	assert_true(zone_sources_add(&sources, argument, all));
	struct zone *zone = zone_read(&sources.list[0], all);
	zone_sources_free(&sources);
	return zone;
}

static void show(void *context, enum severity severity, const char *line)
{
	(void)severity;
	strncat(context, line, 1000);
}

/* No message of 65,535 octets could hold it; it is said once, and the zone is not taken. */
static void an_rrset_that_no_message_holds(void **state)
{
	char shown[3000] = "";
	struct diagnostics all;

	(void)state;
	write_file("large", "$TTL 5\n$ORIGIN large.\n@ SOA ns . 7 2 3 4 5\n@ NS ns\nns A 10.0.0.1\n"
			    "$GENERATE 1-70 big TXT ${0,255} ${0,255} ${0,255} ${0,255}\n");
	diagnostics_init(&all, show, shown);
	struct zone *zone = zone_of("large", &all);
	assert_int_equal(all.errors, 1);
	assert_int_equal(strncmp(shown, "large:6:1: ", 11), 0);
	assert_non_null(strstr(shown, "big.large"));
	diagnostics_free(&all);
	if (zone != NULL)
		zone_free(zone);
}

static void the_apex_is_the_owner_of_the_soa(void **state)
{
	struct diagnostics *all = quiet();
	struct rrset_view set;

	(void)state;
	write_file("file.name.zone", "$TTL 5\n$ORIGIN Example.\nns A 10.0.0.1\n"
				     "@ SOA ns . 7 2 3 4 5\n@ NS ns\n@ SOA ns . 7 2 3 4 5\n");
	struct zone *zone = zone_of("file.name.zone", all);
	assert_non_null(zone);
	assert_true(name_equal(zone_apex(zone), (const uint8_t *)"\7example"));
	assert_int_equal(zone_counts(zone).records, 3);
	assert_int_equal(zone_serial(zone), 7);
	assert_true(
	    zone_rrset(zone, zone_find(zone, (const uint8_t *)"\2ns\7example"), TYPE_A, &set));
	assert_int_equal(set.place.line, 3);
	assert_int_equal(all->errors + all->warnings, 0);
	zone_free(zone);
}

static void the_apex_without_a_soa(void **state)
{
	struct diagnostics *all = quiet();

	(void)state;
	write_file("a.example.zone", "x 5 A 10.0.0.1\n");
	struct zone *zone = zone_of("a.example.zone", all);
	assert_true(name_equal(zone_apex(zone), (const uint8_t *)"\1a\7example"));
	zone_free(zone);
	assert_int_equal(all->errors, 0);
	zone = zone_of("org.=a.example.zone", all);
	assert_true(name_equal(zone_apex(zone), (const uint8_t *)"\3org"));
	zone_free(zone);
	write_file("a..b", "x. 5 A 10.0.0.1\n");
	assert_null(zone_of("a..b", all));
	assert_int_equal(all->errors, 1);
	write_file("empty", "; nothing\n");
	assert_null(zone_of("empty", all));
	assert_int_equal(all->errors, 2);
}

static void what_the_zone_says_is_reported(void **state)
{
	struct diagnostics *all = quiet();

	(void)state;
	write_file("z", "$ORIGIN example.\n@ 5 SOA ns . 7 2 3 4 5\na 5 A 10.0.0.1\n"
			"a 5 A 10.0.0.1\na 6 A 10.0.0.2\norg. 5 A 10.0.0.1\n");
	struct zone *zone = zone_of("z", all);
	assert_int_equal(all->errors, 1);
	assert_int_equal(all->warnings, 2);
	assert_int_equal(zone_counts(zone).records, 3);
	zone_free(zone);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)
	const struct CMUnitTest tests[] = {
	    IN_FOLDER(windows_do_not_show),
	    IN_FOLDER(giants_are_skipped),
	    IN_FOLDER(binary_behind_the_first_window),
	    IN_FOLDER(includes),
	    IN_FOLDER(includes_that_fail),
	    IN_FOLDER(includes_that_are_no_directives),
	    IN_FOLDER(arguments),
	    IN_FOLDER(arguments_that_fail),
	    IN_FOLDER(an_rrset_that_no_message_holds),
	    IN_FOLDER(the_apex_is_the_owner_of_the_soa),
	    IN_FOLDER(the_apex_without_a_soa),
	    IN_FOLDER(what_the_zone_says_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
