/* The last good versions on disk: what comes back is what was saved, and a start uses it only where
 * the file itself is bad. */
#include "runtime/log.h"
#include "control/source/zone_files.h"
#include "control/store/last_good.h"
#include "zones/text/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char good_zone[] =
    "$ORIGIN Odd\\.Name.test.\n$TTL 60\n@ SOA ns h\\@x 7 1 1 1 1\n@ NS ns\n@ MX 10 Mail\n"
    "ns 30 A 192.0.2.1\n 30 A 192.0.2.2\nns AAAA 2001:db8::1\n"
    "* TXT \"a \\\"quoted\\\" \\000 octet\" \"\"\nb\\032lank\\;.x 0 CNAME NS\n"
    "n NAPTR 10 20 \"s\" \"x-3gpp-upf:x-n4\" \"\" _srv._tcp\n_srv._tcp SRV 0 0 2152 ns\n"
    "u TYPE65280 \\# 3 00ff10\nempty TYPE65281 \\# 0\n";

struct scene {
	char folder[64], state[96], file[96];
	unsigned puts;
	uint32_t serial;
	uint64_t records;
	bool refuse;
	struct zone *zone; /* in force */
};

static int scene_open(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	log_set_level(LOG_LEVEL_ERROR);
	strcpy(scene->folder, "/tmp/skua-kept-XXXXXX");
	if (mkdtemp(scene->folder) == NULL)
		return -1;
	snprintf(scene->state, sizeof(scene->state), "%s/state", scene->folder);
	snprintf(scene->file, sizeof(scene->file), "%s/a.test.zone", scene->folder);
	*state = scene;
	return 0;
}

static int scene_close(void **state)
{
	struct scene *scene = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", scene->folder);
	zone_free(scene->zone);
	free(scene);
	return system(command);
}

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static struct zone *read_zone(const char *path)
{
	struct zone_source source = {.path = (char *)(uintptr_t)path};
	struct diagnostics all;
	struct zone *zone;

	diagnostics_init(&all, NULL, NULL);
	zone = zone_read(&source, &all);
	assert_int_equal(all.errors, 0);
	diagnostics_free(&all);
	return zone;
}

static void differs(void *context, const uint8_t *owner)
{
	(void)owner;
	++*(unsigned *)context;
}

static unsigned files_in(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	unsigned count = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

static void comes_back_as_it_was(void **state)
{
	struct scene *scene = *state;
	char error[512], path[PATH_MAX];
	struct zone *zone, *back;
	unsigned different = 0;

	write_file(scene->file, good_zone);
	zone = read_zone(scene->file);
	assert_true(last_good_open(scene->state, error, sizeof(error)));
	assert_true(last_good_save(scene->state, scene->file, 1, zone));
	assert_true(last_good_path(scene->state, scene->file, path));
	back = read_zone(path);
	assert_non_null(back);
	assert_true(zone_counts(back).records == 12);
	zone_diff(zone, back, differs, &different);
	assert_int_equal(different, 0);
	zone_free(back);
	zone_free(zone);
	assert_int_equal(files_in(scene->state), 1);
}

static time_t second_of(const char *path)
{
	struct stat at;

	assert_int_equal(stat(path, &at), 0);
	return at.st_mtime;
}

static void same_mark_is_not_written_again(void **state)
{
	struct scene *scene = *state;
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	char error[512], path[PATH_MAX];
	struct zone *zone;

	write_file(scene->file, good_zone);
	zone = read_zone(scene->file);
	assert_true(last_good_open(scene->state, error, sizeof(error)));
	assert_true(last_good_path(scene->state, scene->file, path));
	assert_true(last_good_save(scene->state, scene->file, 5, zone));
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	assert_true(last_good_save(scene->state, scene->file, 5, zone));
	assert_int_equal(second_of(path), 1000);
	assert_true(last_good_save(scene->state, scene->file, 6, zone));
	assert_true(second_of(path) > 1000);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	assert_true(last_good_save(scene->state, scene->file, 0, zone));
	assert_true(second_of(path) > 1000);
	zone_free(zone);
	last_good_forget(scene->state, scene->file);
	assert_int_equal(files_in(scene->state), 0);
}

static void what_can_not_be_kept(void **state)
{
	struct scene *scene = *state;
	char error[512], path[PATH_MAX], text[128];
	struct zone *zone;

	write_file(scene->file, good_zone);
	zone = read_zone(scene->file);
	assert_false(last_good_save(scene->state, scene->file, 1, zone));
	assert_false(last_good_open("/nonexistent/a/b", error, sizeof(error)));
	assert_non_null(strstr(error, "--state-dir"));
	assert_false(last_good_open(scene->file, error, sizeof(error)));
	assert_non_null(strstr(error, "no directory"));
	assert_true(last_good_open(scene->state, error, sizeof(error)));
	snprintf(text, sizeof(text), "%s/left.0123.77.new", scene->state);
	write_file(text, "half");
	assert_true(last_good_open(scene->state, error, sizeof(error)));
	assert_int_equal(files_in(scene->state), 0);
	/* Something else has the name: the directory is left as it was. */
	assert_true(last_good_path(scene->state, scene->file, path));
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(last_good_save(scene->state, scene->file, 1, zone));
	assert_int_equal(files_in(scene->state), 1);
	zone_free(zone);
}

static bool put(void *context, const struct zone_file *file, const uint8_t *previous,
		struct zone *zone, char *error, size_t error_size)
{
	struct scene *scene = context;

	(void)previous;
	(void)file;
	scene->serial = zone_serial(zone);
	scene->records = zone_counts(zone).records;
	zone_free(scene->zone);
	scene->zone = zone;
	scene->puts++;
	snprintf(error, error_size, "refused by the test");
	return !scene->refuse;
}

static const struct zone *zone_of(void *context, const struct zone_file *file)
{
	const struct scene *scene = context;

	(void)file;
	return scene->zone;
}

static bool take(void *context, const struct zone_file *file)
{
	(void)context;
	(void)file;
	return true;
}

/* One run of a control; returns the state of the file, and how many zones came in force. */
static enum zone_file_state run(struct scene *scene, bool keep, size_t served)
{
	static const struct zone_files_handler handler = {
	    .put = put, .zone_of = zone_of, .take = take};
	struct zone_files *files;
	enum zone_file_state state;
	char error[512];
	uv_loop_t loop;

	uv_loop_init(&loop);
	files = zone_files_new(&loop, &handler, scene);
	assert_true(last_good_open(scene->state, error, sizeof(error)));
	if (keep)
		zone_files_keep(files, scene->state);
	assert_true(zone_files_add(files, scene->file, (struct zone_terms){0}));
	scene->puts = 0;
	assert_int_equal(zone_files_read_first(files, 2), served);
	state = zone_files_at(files, 0)->state;
	assert_true((zone_files_at(files, 0)->error == NULL) == (state == ZONE_FILE_GOOD));
	assert_true(zone_files_watch(files, error, sizeof(error)));
	zone_files_close(files);
	uv_run(&loop, UV_RUN_DEFAULT);
	zone_files_free(files);
	uv_loop_close(&loop);
	return state;
}

static void start_with_a_bad_file(void **state)
{
	struct scene *scene = *state;

	write_file(scene->file, "broken\n");
	assert_int_equal(run(scene, true, 0), ZONE_FILE_BAD);
	write_file(scene->file, good_zone);
	assert_int_equal(run(scene, true, 1), ZONE_FILE_GOOD);
	write_file(scene->file, "broken\n");
	assert_int_equal(run(scene, false, 0), ZONE_FILE_BAD);
	assert_int_equal(run(scene, true, 1), ZONE_FILE_SAVED);
	assert_int_equal(scene->serial, 7);
	assert_true(scene->records == 12);
	/* Nothing of the bad version was kept. */
	assert_int_equal(run(scene, true, 1), ZONE_FILE_SAVED);
	assert_int_equal(scene->serial, 7);
	write_file(scene->file, good_zone);
	assert_int_equal(run(scene, true, 1), ZONE_FILE_GOOD);
}

/* A good version that is refused (another file has the zone) is not replaced by an older one, and
 * not kept: it was never in force. */
static void refused_is_not_bad(void **state)
{
	struct scene *scene = *state;

	write_file(scene->file, good_zone);
	scene->refuse = true;
	assert_int_equal(run(scene, true, 0), ZONE_FILE_BAD);
	assert_int_equal(scene->puts, 1);
	write_file(scene->file, "broken\n");
	assert_int_equal(run(scene, true, 0), ZONE_FILE_BAD);
	assert_int_equal(scene->puts, 0);
	scene->refuse = false;
	write_file(scene->file, good_zone);
	assert_int_equal(run(scene, true, 1), ZONE_FILE_GOOD);
	scene->refuse = true;
	assert_int_equal(run(scene, true, 0), ZONE_FILE_BAD);
	assert_int_equal(scene->puts, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(comes_back_as_it_was), TEST(same_mark_is_not_written_again),
	    TEST(what_can_not_be_kept), TEST(start_with_a_bad_file),
	    TEST(refused_is_not_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
