/* The zone file source on real files: what is read again, what is handed over, what is kept. The
 * tests wait for events, never for times. */
#include "runtime/log.h"
#include "control/source/zone_files.h"
#include "zones/abi/image.h"
#include "zones/name/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scene {
	unsigned view; /* of the last put */
	char directory[64];
	uv_loop_t loop;
	struct zone_files *files;
	struct zone_set *zones[IMAGE_VIEWS]; /* in force */
	unsigned puts, takes;		     /* puts: zones, and changes of them */
	unsigned changes;
	size_t changed; /* RRsets of the last */
	char last[256]; /* the zone of the last put or take */
	uint32_t serial;
	uint64_t records;
	bool refuse;
};

static void note_zone(struct scene *scene, const struct zone *zone)
{
	name_to_text(zone_apex(zone), scene->last);
	scene->serial = zone_serial(zone);
	scene->records = zone_counts(zone).records;
	scene->puts++;
}

static bool put(void *context, const struct zone_file *file, const uint8_t *previous,
		struct zone *zone, char *error, size_t error_size)
{
	struct scene *scene = context;
	struct zone_set *zones = scene->zones[file->terms.view];

	scene->view = file->terms.view;
	note_zone(scene, zone);
	snprintf(error, error_size, "refused by the test");
	if (scene->refuse) {
		zone_free(zone);
		return false;
	}
	if (previous != NULL)
		zone_free(zone_set_take(zones, previous));
	zone_free(zone_set_put(zones, zone));
	return true;
}

static void no_node(void *context, const uint8_t *owner)
{
	(void)context;
	(void)owner;
}

static bool change(void *context, const struct zone_file *file, const struct zone_changes *changes,
		   char *error, size_t error_size)
{
	struct scene *scene = context;
	struct zone_set *zones = scene->zones[file->terms.view];
	struct zone *zone = zone_set_find(zones, file->apex);
	struct zone_changes undo = {0};
	size_t refused;

	assert_non_null(zone);
	assert_int_equal(zone_set_change(zones, zone, changes, &undo, no_node, NULL, &refused),
			 ZONE_ADDED);
	scene->changes++;
	scene->changed = changes->count;
	note_zone(scene, zone);
	if (scene->refuse)
		zone_undo(zone, &undo, 0, undo.used);
	zone_changes_free(&undo);
	snprintf(error, error_size, "refused by the test");
	return !scene->refuse;
}

static const struct zone *zone_of(void *context, const struct zone_file *file)
{
	const struct scene *scene = context;

	return zone_set_find(scene->zones[file->terms.view], file->apex);
}

static bool take(void *context, const struct zone_file *file)
{
	struct scene *scene = context;

	name_to_text(file->apex, scene->last);
	scene->takes++;
	if (!scene->refuse)
		zone_free(zone_set_take(scene->zones[file->terms.view], file->apex));
	return !scene->refuse;
}

static int scene_open(void **state)
{
	static const struct zone_files_handler handler = {
	    .put = put, .change = change, .zone_of = zone_of, .take = take};
	struct scene *scene = calloc(1, sizeof(*scene));

	log_set_level(LOG_LEVEL_ERROR);
	strcpy(scene->directory, "/tmp/skua-zones-XXXXXX");
	if (mkdtemp(scene->directory) == NULL)
		return -1;
	for (unsigned view = 0; view < IMAGE_VIEWS; view++)
		scene->zones[view] = zone_set_new();
	uv_loop_init(&scene->loop);
	scene->files = zone_files_new(&scene->loop, &handler, scene);
	*state = scene;
	return 0;
}

static int scene_close(void **state)
{
	struct scene *scene = *state;
	char command[128];

	zone_files_close(scene->files);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	zone_files_free(scene->files);
	uv_loop_close(&scene->loop);
	for (unsigned view = 0; view < IMAGE_VIEWS; view++)
		zone_set_free(scene->zones[view]);
	snprintf(command, sizeof(command), "rm -rf %s", scene->directory);
	free(scene);
	return system(command);
}

static const char *path_of(const struct scene *scene, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", scene->directory, name);
	return path;
}

/* Whole, under another name, and renamed: as editors do. */
static void write_text(const struct scene *scene, const char *name, const char *text)
{
	char partial[256];
	FILE *out;

	snprintf(partial, sizeof(partial), "%s/.partial", scene->directory);
	out = fopen(partial, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	assert_int_equal(rename(partial, path_of(scene, name)), 0);
}

static void write_zone(const struct scene *scene, const char *name, unsigned serial,
		       const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "$TTL 60\n@ SOA ns h %u 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n%s",
		 serial, more);
	write_text(scene, name, text);
}

static void wait_for(struct scene *scene, const unsigned *count, unsigned value)
{
	while (*count < value)
		uv_run(&scene->loop, UV_RUN_ONCE);
	assert_int_equal(*count, value);
}

static const struct zone_file *file_of(const struct scene *scene, const char *name)
{
	for (size_t i = 0; i < zone_files_count(scene->files); i++) {
		const struct zone_file *file = zone_files_at(scene->files, i);

		if (strcmp(file->source.path, path_of(scene, name)) == 0)
			return file;
	}
	return NULL;
}

static void wait_for_state(struct scene *scene, const char *name, enum zone_file_state state)
{
	while (file_of(scene, name) == NULL || file_of(scene, name)->state != state)
		uv_run(&scene->loop, UV_RUN_ONCE);
}

static void start(struct scene *scene, const char *argument)
{
	char error[256];

	assert_true(zone_files_add(scene->files, argument, (struct zone_terms){0}));
	zone_files_read_first(scene->files, 3);
	assert_true(zone_files_watch(scene->files, error, sizeof(error)));
}

static void missing_arguments(void **state)
{
	struct scene *scene = *state;

	assert_false(
	    zone_files_add(scene->files, path_of(scene, "none.zone"), (struct zone_terms){0}));
	assert_false(zone_files_add(scene->files, scene->directory, (struct zone_terms){0}));
	assert_int_equal(zone_files_count(scene->files), 0);
}

/* The same file in two views is two zones; named twice in one, it is one. */
static void one_file_in_two_views(void **state)
{
	const struct zone_terms partner = {.view = 3};
	struct scene *scene = *state;

	write_zone(scene, "a.test.zone", 1, "");
	assert_true(zone_files_add(scene->files, scene->directory, partner));
	assert_true(zone_files_add(scene->files, scene->directory, (struct zone_terms){0}));
	assert_true(zone_files_add(scene->files, path_of(scene, "a.test.zone"), partner));
	assert_int_equal(zone_files_count(scene->files), 2);
	assert_int_equal(zone_files_read_first(scene->files, 3), 2);
	assert_int_equal(scene->puts, 2);
	assert_int_equal(zone_files_at(scene->files, 0)->terms.view, 0);
	assert_int_equal(scene->view, 3);
}

static void first_load(void **state)
{
	struct scene *scene = *state;

	write_zone(scene, "a.test.zone", 1, "");
	write_zone(scene, "b.test.zone", 2, "");
	write_zone(scene, "c.test.zone", 3, "c A nonsense\n");
	write_zone(scene, "ignored.txt", 4, "");
	assert_true(zone_files_add(scene->files, scene->directory, (struct zone_terms){0}));
	assert_int_equal(zone_files_read_first(scene->files, 3), 2);
	assert_int_equal(scene->puts, 2);
	assert_int_equal(zone_files_count(scene->files), 3);
	assert_int_equal(file_of(scene, "a.test.zone")->state, ZONE_FILE_GOOD);
	assert_int_equal(file_of(scene, "c.test.zone")->state, ZONE_FILE_BAD);
	assert_non_null(strstr(file_of(scene, "c.test.zone")->error, "c.test.zone:5:"));
	assert_int_equal(file_of(scene, "c.test.zone")->failures, 1);
}

/* What was handed over so far: after a change of b, nothing else may have been read. */
static void only_what_changed(void **state)
{
	struct scene *scene = *state;

	write_zone(scene, "a.test.zone", 1, "");
	write_zone(scene, "b.test.zone", 1, "");
	usleep(
	    30000); /* older than a tick: else they are read once more, which this is not about */
	start(scene, scene->directory);
	write_zone(scene, "b.test.zone", 2, "b A 192.0.2.2\n");
	wait_for(scene, &scene->puts, 3);
	assert_string_equal(scene->last, "b.test.");
	assert_int_equal(scene->serial, 2);
	assert_int_equal(file_of(scene, "a.test.zone")->loads, 1);
}

static void bad_version_is_kept_out(void **state)
{
	struct scene *scene = *state;

	write_zone(scene, "a.test.zone", 1, "");
	usleep(30000);
	start(scene, scene->directory);
	write_zone(scene, "a.test.zone", 2, "broken A nothing\n");
	wait_for_state(scene, "a.test.zone", ZONE_FILE_STALE);
	assert_int_equal(scene->puts, 1);
	assert_non_null(strstr(file_of(scene, "a.test.zone")->error, "a.test.zone:5:"));
	write_zone(scene, "a.test.zone", 3, "");
	wait_for_state(scene, "a.test.zone", ZONE_FILE_GOOD);
	assert_int_equal(scene->serial, 3);
	assert_null(file_of(scene, "a.test.zone")->error);
	assert_int_equal(file_of(scene, "a.test.zone")->failures, 1);
}

static void refused_version(void **state)
{
	struct scene *scene = *state;

	write_zone(scene, "a.test.zone", 1, "");
	usleep(30000);
	start(scene, scene->directory);
	scene->refuse = true;
	write_zone(scene, "a.test.zone", 2, "");
	wait_for_state(scene, "a.test.zone", ZONE_FILE_STALE);
	assert_string_equal(file_of(scene, "a.test.zone")->error, "refused by the test");
}

static void files_come_and_go(void **state)
{
	struct scene *scene = *state;

	write_zone(scene, "a.test.zone", 1, "");
	usleep(30000);
	start(scene, scene->directory);
	write_zone(scene, "new.test.zone", 1, "");
	wait_for_state(scene, "new.test.zone", ZONE_FILE_GOOD);
	assert_string_equal(scene->last, "new.test.");
	unlink(path_of(scene, "a.test.zone"));
	wait_for(scene, &scene->takes, 1);
	assert_string_equal(scene->last, "a.test.");
	assert_int_equal(zone_files_count(scene->files), 1);
}

/* A file that was named stays; a directory that goes takes nothing along. */
static void what_was_named_stays(void **state)
{
	struct scene *scene = *state;
	char away[80];

	write_zone(scene, "a.test.zone", 1, "");
	usleep(30000);
	start(scene, path_of(scene, "a.test.zone"));
	unlink(path_of(scene, "a.test.zone"));
	wait_for_state(scene, "a.test.zone", ZONE_FILE_STALE);
	write_zone(scene, "a.test.zone", 2, "");
	wait_for_state(scene, "a.test.zone", ZONE_FILE_GOOD);
	snprintf(away, sizeof(away), "%s.away", scene->directory);
	assert_int_equal(rename(scene->directory, away), 0);
	wait_for_state(scene, "a.test.zone", ZONE_FILE_STALE);
	assert_int_equal(rename(away, scene->directory), 0);
	wait_for_state(scene, "a.test.zone", ZONE_FILE_GOOD);
	assert_int_equal(scene->takes, 0);
}

static void vanished_directory(void **state)
{
	struct scene *scene = *state;
	char away[80];

	write_zone(scene, "a.test.zone", 1, "");
	usleep(30000);
	start(scene, scene->directory);
	snprintf(away, sizeof(away), "%s.away", scene->directory);
	assert_int_equal(rename(scene->directory, away), 0);
	wait_for_state(scene, "a.test.zone", ZONE_FILE_STALE);
	assert_int_equal(rename(away, scene->directory), 0);
	wait_for_state(scene, "a.test.zone", ZONE_FILE_GOOD);
	write_zone(scene, "a.test.zone", 9, "");
	while (scene->serial != 9)
		uv_run(&scene->loop, UV_RUN_ONCE);
	assert_int_equal(scene->takes, 0);
}

static void included_files_count(void **state)
{
	struct scene *scene = *state;
	unsigned puts;

	assert_int_equal(mkdir(path_of(scene, "parts"), 0755), 0);
	write_text(scene, "parts/hosts", "h A 192.0.2.7\n");
	write_zone(scene, "a.test.zone", 1, "$INCLUDE parts/hosts\n");
	usleep(30000);
	start(scene, path_of(scene, "a.test.zone"));
	puts = scene->puts;
	assert_int_equal(scene->records, 4);
	write_text(scene, "parts/hosts", "h A 192.0.2.7\ni A 192.0.2.8\n");
	wait_for(scene, &scene->puts, puts + 1);
	assert_int_equal(scene->records, 5);
}

static void reload_reads_all(void **state)
{
	struct scene *scene = *state;

	write_zone(scene, "a.test.zone", 1, "");
	write_zone(scene, "b.test.zone", 1, "");
	usleep(30000);
	start(scene, scene->directory);
	zone_files_reload(scene->files);
	wait_for(scene, &scene->puts, 4);
}

static void stamps(void **state)
{
	struct scene *scene = *state;
	struct file_stamp stamp;
	const char *path;

	write_zone(scene, "a.test.zone", 1, "");
	path = path_of(scene, "a.test.zone");
	stamp = file_stamp_take(path, file_stamp_now() + 1000000000u);
	assert_true(stamp.exists && !stamp.fresh);
	assert_false(file_stamp_differs(&stamp, path));
	stamp = file_stamp_take(path, stamp.changed); /* read in the moment of the change */
	assert_true(stamp.fresh);
	assert_true(file_stamp_differs(&stamp, path));
	stamp = file_stamp_take(path, UINT64_MAX);
	write_zone(scene, "a.test.zone", 2, "");
	path = path_of(scene, "a.test.zone");
	assert_true(file_stamp_differs(&stamp, path));
	stamp = file_stamp_take(path, UINT64_MAX);
	unlink(path);
	assert_true(file_stamp_differs(&stamp, path));
	stamp = file_stamp_take(path, UINT64_MAX);
	assert_false(stamp.exists);
	assert_false(file_stamp_differs(&stamp, path));
}

/* What is there, but is no file or can't be read, is no order to drop a zone. */
static void unreadable_is_not_gone(void **state)
{
	struct scene *scene = *state;
	char fifo[256];

	write_zone(scene, "a.test.zone", 1, "");
	write_zone(scene, "b.test.zone", 1, "");
	start(scene, scene->directory);
	snprintf(fifo, sizeof(fifo), "%s/.fifo", scene->directory);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(rename(fifo, path_of(scene, "a.test.zone")), 0);
	wait_for_state(scene, "a.test.zone", ZONE_FILE_STALE);
	unlink(path_of(scene, "b.test.zone"));
	assert_int_equal(mkdir(path_of(scene, "b.test.zone"), 0700), 0);
	wait_for_state(scene, "b.test.zone", ZONE_FILE_STALE);
	rmdir(path_of(scene, "b.test.zone"));
	wait_for(scene, &scene->takes, 1);
	assert_string_equal(scene->last, "b.test.");
	write_zone(scene, "a.test.zone", 2, "");
	wait_for_state(scene, "a.test.zone", ZONE_FILE_GOOD);
	assert_int_equal(scene->serial, 2);
	assert_int_equal(scene->takes, 1);
}

/* A zone that can't be taken out is still in force: its file stays known, and is tried again. */
static void refused_removal(void **state)
{
	struct scene *scene = *state;

	write_zone(scene, "a.test.zone", 1, "");
	write_zone(scene, "b.test.zone", 1, "");
	start(scene, scene->directory);
	scene->refuse = true;
	unlink(path_of(scene, "a.test.zone"));
	wait_for(scene, &scene->takes, 1);
	assert_int_equal(file_of(scene, "a.test.zone")->state, ZONE_FILE_STALE);
	assert_non_null(file_of(scene, "a.test.zone")->error);
	wait_for(scene, &scene->takes, 2);
	scene->refuse = false;
	while (zone_files_count(scene->files) == 2)
		uv_run(&scene->loop, UV_RUN_ONCE);
	assert_null(file_of(scene, "a.test.zone"));
}

static void wait_for_serial(struct scene *scene, uint32_t serial)
{
	while (scene->serial != serial)
		uv_run(&scene->loop, UV_RUN_ONCE);
}

static void link_to(const struct scene *scene, const char *target, const char *name)
{
	char partial[256];

	snprintf(partial, sizeof(partial), "%s/.link", scene->directory);
	assert_int_equal(symlink(target, partial), 0);
	assert_int_equal(rename(partial, path_of(scene, name)), 0);
}

/* As Kubernetes shows a ConfigMap: x.zone -> ..data/x.zone, ..data -> a folder for each version. */
static void swapped_links(void **state)
{
	struct scene *scene = *state;

	for (unsigned version = 1; version <= 3; version++) {
		char folder[32], name[64];

		snprintf(folder, sizeof(folder), "..%u", version);
		snprintf(name, sizeof(name), "%s/a.test.zone", folder);
		assert_int_equal(mkdir(path_of(scene, folder), 0700), 0);
		write_zone(scene, name, version, "");
	}
	link_to(scene, "..1", "..data");
	link_to(scene, "..data/a.test.zone", "a.test.zone");
	usleep(30000);
	start(scene, scene->directory);
	assert_int_equal(scene->serial, 1);
	link_to(scene, "..2", "..data");
	wait_for_serial(scene, 2);
	link_to(scene, "..3", "..data");
	wait_for_serial(scene, 3);
	/* What the link leads to is changed in its own folder, which nobody named. */
	write_zone(scene, "..3/a.test.zone", 4, "");
	wait_for_serial(scene, 4);
	assert_int_equal(zone_files_count(scene->files), 1);
	assert_int_equal(scene->takes, 0);
}

/* No event tells of a link above the directory: it is looked at now and then. */
static void swapped_parent(void **state)
{
	struct scene *scene = *state;
	char argument[256];

	assert_int_equal(mkdir(path_of(scene, "old"), 0700), 0);
	assert_int_equal(mkdir(path_of(scene, "new"), 0700), 0);
	write_zone(scene, "old/a.test.zone", 1, "");
	write_zone(scene, "new/a.test.zone", 2, "");
	link_to(scene, "old", "current");
	snprintf(argument, sizeof(argument), "%s", path_of(scene, "current"));
	usleep(30000);
	start(scene, argument);
	uv_run(&scene->loop, UV_RUN_NOWAIT); /* the first look, at what changed since reading */
	assert_int_equal(scene->serial, 1);
	link_to(scene, "new", "current");
	wait_for_serial(scene, 2);
	assert_int_equal(scene->takes, 0);
}

/* Half a file must not be taken for a zone while somebody writes it. */
static void changing_files(void **state)
{
	struct scene *scene = *state;
	struct zone_reading none = {0};
	bool changing = false;

	for (unsigned i = 0; i < 1000 && !changing; i++) {
		write_zone(scene, "a.test.zone", i, "");
		changing = zone_reading_is_changing(&none, path_of(scene, "a.test.zone"));
	}
	assert_true(changing);
	usleep(30000);
	assert_false(zone_reading_is_changing(&none, path_of(scene, "a.test.zone")));
	assert_false(zone_reading_is_changing(&none, path_of(scene, "none.zone")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

/* Sixteen hosts, of which the first `others` have other addresses. */
static void write_hosts(const struct scene *scene, unsigned others)
{
	char text[1024];
	int at =
	    snprintf(text, sizeof(text), "$TTL 60\n@ SOA ns h 1 1 1 1 1\n@ NS ns.elsewhere.\n");

	for (unsigned i = 0; i < 16; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "h%u A 192.0.2.%u\n", i,
			       i < others ? 100 + i : i);
	write_text(scene, "hosts.example.zone", text);
}

/* What is read again is handed over as what changed; as a zone if that is most of it. */
static void little_that_changed_comes_as_changes(void **state)
{
	struct scene *scene = *state;

	write_hosts(scene, 0);
	start(scene, scene->directory);
	assert_int_equal(scene->puts, 1);
	write_hosts(scene, 2);
	wait_for(scene, &scene->puts, 2);
	assert_int_equal(scene->changes, 1);
	assert_int_equal(scene->changed, 2);
	assert_int_equal(scene->records, 18);
	write_hosts(scene, 15);
	wait_for(scene, &scene->puts, 3);
	assert_int_equal(scene->changes, 1);
	zone_files_reload(scene->files);
	wait_for(scene, &scene->puts, 4);
	assert_int_equal(scene->changes, 2);
	assert_int_equal(scene->changed, 0);
	scene->refuse = true;
	write_hosts(scene, 14);
	wait_for_state(scene, "hosts.example.zone", ZONE_FILE_STALE);
	scene->refuse = false;
	write_hosts(scene, 13);
	wait_for_state(scene, "hosts.example.zone", ZONE_FILE_GOOD);
	assert_int_equal(scene->changed, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(missing_arguments),
	    TEST(one_file_in_two_views),
	    TEST(first_load),
	    TEST(only_what_changed),
	    TEST(bad_version_is_kept_out),
	    TEST(refused_version),
	    TEST(files_come_and_go),
	    TEST(what_was_named_stays),
	    TEST(vanished_directory),
	    TEST(included_files_count),
	    TEST(reload_reads_all),
	    TEST(stamps),
	    TEST(unreadable_is_not_gone),
	    TEST(refused_removal),
	    TEST(swapped_links),
	    TEST(swapped_parent),
	    TEST(changing_files),
	    cmocka_unit_test_setup_teardown(little_that_changed_comes_as_changes, scene_open,
					    scene_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
