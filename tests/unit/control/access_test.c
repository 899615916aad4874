/* access_test.c: lists, views, rules and files of prefixes, from their text to ranges of addresses.
 */
#include "control/config/access_text.h"
#include "control/policy/access.h"
#include "control/policy/prefix_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char error[512];

static struct client_table *table_of(const struct access *access)
{
	struct client_table *table = access_table(access, error, sizeof(error));

	if (table == NULL)
		fail_msg("%s", error);
	return table;
}

static const struct image_client_class *class_of(const struct client_table *table, const char *text)
{
	struct prefix prefix;
	const struct client_ranges *ranges;
	uint32_t class = 0;

	assert_null(prefix_from_text(text, &prefix));
	ranges = prefix.family == 4 ? &table->v4 : &table->v6;
	for (uint32_t i = 0; i < ranges->count; i++)
		if (!prefix_address_before(prefix.first, ranges->first[i]))
			class = ranges->class[i];
	return &table->classes[class];
}

static void write_file(char path[64], const char *text)
{
	int fd;

	snprintf(path, 64, "/tmp/skua-prefixes-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void rules_are_numbered(void **state)
{
	struct access *access = access_new();
	uint8_t rule;

	(void)state;
	assert_null(access_table(access, error, sizeof(error)));
	assert_string_equal(error, "");
	assert_true(access_add_list(access, "core=10.0.0.0/8,2001:db8::/32", error, sizeof(error)));
	assert_true(access_rule(access, "any", &rule, error, sizeof(error)));
	assert_int_equal(rule, IMAGE_ANYONE);
	assert_true(access_rule(access, "core", &rule, error, sizeof(error)));
	assert_int_equal(rule, 1);
	assert_true(access_rule(access, "core,192.0.2.1", &rule, error, sizeof(error)));
	assert_int_equal(rule, 2);
	assert_true(access_rule(access, "core", &rule, error, sizeof(error)));
	assert_int_equal(rule, 1);
	struct client_table *table = table_of(access);
	assert_int_equal(class_of(table, "10.255.255.255")->rules, 3);
	assert_int_equal(class_of(table, "192.0.2.1")->rules, 2);
	assert_int_equal(class_of(table, "2001:db8::1")->rules, 3);
	assert_int_equal(class_of(table, "11.0.0.0")->rules, 0);
	client_table_free(table);
	for (unsigned i = 2; i < IMAGE_ACCESS_RULES; i++) {
		char items[32];

		snprintf(items, sizeof(items), "192.0.2.%u", i);
		assert_true(access_rule(access, items, &rule, error, sizeof(error)));
	}
	assert_int_equal(rule, IMAGE_ACCESS_RULES);
	assert_false(access_rule(access, "198.51.100.1", &rule, error, sizeof(error)));
	assert_non_null(strstr(error, "64 different lists"));
	access_free(access);
}

static void views_are_numbered(void **state)
{
	struct access *access = access_new();
	uint8_t view;

	(void)state;
	assert_true(access_add_view(access, "a=192.0.2.0/24", error, sizeof(error)));
	assert_true(access_add_view(access, "b=192.0.2.128/25,ecs,any", error, sizeof(error)));
	assert_true(access_view(access, "b", &view, error, sizeof(error)));
	assert_int_equal(view, 2);
	assert_false(access_view(access, "c", &view, error, sizeof(error)));
	assert_string_equal(error, "there is no view \"c\"; define it under views");
	struct client_table *table = table_of(access);
	assert_int_equal(table->view_count, 3);
	assert_int_equal(table->view_flags[1], 0);
	assert_int_equal(table->view_flags[2], IMAGE_VIEW_ECS);
	assert_int_equal(class_of(table, "192.0.2.1")->view, 1);
	assert_int_equal(class_of(table, "192.0.2.200")->view, 2);
	assert_int_equal(class_of(table, "203.0.113.1")->view, 2);
	assert_int_equal(class_of(table, "2001:db8::1")->view, 2);
	client_table_free(table);
	access_free(access);
}

static void refuse_list(struct access *access, const char *text, const char *why)
{
	assert_false(access_add_list(access, text, error, sizeof(error)));
	if (strstr(error, why) == NULL)
		fail_msg("%s: %s", text, error);
}

static void mistakes_are_told(void **state)
{
	struct access *access = access_new();
	uint8_t rule;

	(void)state;
	refuse_list(access, "core", "does not begin with a name");
	refuse_list(access, "core=other", "there is no list \"other\"");
	refuse_list(access, "core=core", "there is no list \"core\"");
	assert_true(access_add_list(access, "core=10.0.0.0/8", error, sizeof(error)));
	refuse_list(access, "core=10.0.0.0/8", "\"core\" is given twice");
	assert_false(access_rule(access, "cor", &rule, error, sizeof(error)));
	assert_string_equal(error,
			    "there is no list \"cor\"; define it under acl, before it is used");
	assert_true(access_add_view(access, "a=core", error, sizeof(error)));
	assert_false(access_add_view(access, "a=core", error, sizeof(error)));
	assert_string_equal(error, "view \"a\" is given twice");
	assert_true(access_add_view(access, "b=10.0.0.0/8", error, sizeof(error)));
	assert_null(access_table(access, error, sizeof(error)));
	assert_string_equal(error,
			    "10.0.0.0/8 belongs to the views \"a\" and \"b\"; keep it in one");
	access_free(access);

	access = access_new();
	assert_true(access_add_view(access, "a=192.0.2.0/24,!192.0.2.1", error, sizeof(error)));
	assert_null(access_table(access, error, sizeof(error)));
	assert_non_null(strstr(error, "a view can't take addresses out"));
	access_free(access);
}

static void files_are_read_anew(void **state)
{
	struct access *access = access_new();
	char path[64], text[128];
	uint8_t rule;

	(void)state;
	write_file(path, "# ours\n192.0.2.0/24   # the lab\n\n\t!192.0.2.7\r\n2001:db8::/32");
	snprintf(text, sizeof(text), "core=10.0.0.0/8,@%s", path);
	assert_true(access_add_list(access, text, error, sizeof(error)));
	assert_true(access_rule(access, "core", &rule, error, sizeof(error)));
	assert_true(access_rule(access, "any,!core", &rule, error, sizeof(error)));
	struct client_table *table = table_of(access);
	assert_int_equal(class_of(table, "192.0.2.6")->rules, 1);
	assert_int_equal(class_of(table, "192.0.2.7")->rules, 2);
	assert_int_equal(class_of(table, "2001:db8::1")->rules, 1);
	assert_int_equal(class_of(table, "2001:db9::1")->rules, 2);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("198.51.100.0/24\n", file);
	fclose(file);
	struct client_table *newer = table_of(access);
	assert_false(client_table_equal(table, newer));
	assert_int_equal(class_of(newer, "192.0.2.6")->rules, 2);
	assert_int_equal(class_of(newer, "198.51.100.1")->rules, 1);
	client_table_free(table);
	client_table_free(newer);
	unlink(path);
	assert_null(access_table(access, error, sizeof(error)));
	assert_non_null(strstr(error, "can't be read: No such file"));
	access_free(access);
}

static void ignore(void *context, const struct prefix *prefix, bool taken_out)
{
	(void)prefix;
	*(unsigned *)context += taken_out ? 100 : 1;
}

static void mistakes_in_files_have_a_place(void **state)
{
	static const struct {
		const char *text, *place;
	} cases[] = {
	    {"192.0.2.0/24\n  10.0.0.1/8\n", ":2:3: \"10.0.0.1/8\" has bits set behind its length"},
	    {"192.0.2.0/24 192.0.3.0/24\n",
	     ":1:1: \"192.0.2.0/24\" is followed by something else; write one prefix on each line"},
	    {"core\n", ":1:1: \"core\" is no address or prefix"},
	};
	unsigned taken = 0;
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file(path, cases[i].text);
		assert_false(prefix_file_read(path, ignore, &taken, error, sizeof(error)));
		assert_memory_equal(error, path, strlen(path));
		assert_string_equal(error + strlen(path), cases[i].place);
		unlink(path);
	}
	assert_int_equal(taken, 1);
	write_file(path, "192.0.2.1#x\n!192.0.2.2\n#\n");
	assert_true(prefix_file_read(path, ignore, &taken, error, sizeof(error)));
	assert_int_equal(taken, 102);
	unlink(path);
}

static void zones_are_split(void **state)
{
	struct zone_text zone;
	char path[64];

	(void)state;
	assert_true(zone_text_read("a.test=/z,view=p,allow=core,allow=!192.0.2.1", &zone, error,
				   sizeof(error)));
	assert_string_equal(zone.zone, "a.test=/z");
	assert_string_equal(zone.view, "p");
	assert_string_equal(zone.allow, "core,!192.0.2.1");
	zone_text_free(&zone);
	assert_true(zone_text_read("/a,b", &zone, error, sizeof(error)));
	assert_string_equal(zone.zone, "/a,b");
	assert_null(zone.view);
	assert_null(zone.allow);
	zone_text_free(&zone);
	assert_false(zone_text_read("/a,allow=", &zone, error, sizeof(error)));
	zone_text_free(&zone);
	assert_false(zone_text_read("/a,view=1", &zone, error, sizeof(error)));
	assert_string_equal(error, "\"1\" is no name of a view");
	zone_text_free(&zone);
	/* A file of that very name is that file. */
	write_file(path, "");
	char strange[80];
	snprintf(strange, sizeof(strange), "%s,view=p", path);
	assert_int_equal(rename(path, strange), 0);
	assert_true(zone_text_read(strange, &zone, error, sizeof(error)));
	assert_string_equal(zone.zone, strange);
	assert_null(zone.view);
	zone_text_free(&zone);
	unlink(strange);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rules_are_numbered),
	    cmocka_unit_test(views_are_numbered),
	    cmocka_unit_test(mistakes_are_told),
	    cmocka_unit_test(files_are_read_anew),
	    cmocka_unit_test(mistakes_in_files_have_a_place),
	    cmocka_unit_test(zones_are_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
