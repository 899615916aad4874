/* refuse_test.c: what control and dataplane refuse, how they say it, and that they go on with what
 * they have. */
#include "tests/unit/publish/stage.h"

#include <assert.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void errors_say_what_to_do(void **state)
{
	struct stage *stage = *state;
	struct publish_config config = {.runtime_dir = "/nonexistent/skua",
					.capacity = STAGE_CAPACITY};

	assert_null(publish_open(&config, stage->error, sizeof(stage->error)));
	assert_non_null(strstr(stage->error, "/nonexistent/skua"));
	assert_non_null(strstr(stage->error, "--runtime-dir"));
	assert_null(adopt_open("/nonexistent/skua", 1, stage->error, sizeof(stage->error)));
	assert_non_null(strstr(stage->error, "/nonexistent/skua"));
	assert_null(adopt_open(stage->path, 0, stage->error, sizeof(stage->error)));
	assert_null(adopt_open(stage->path, WORKERS_MAX + 1, stage->error, sizeof(stage->error)));

	config.runtime_dir = stage->path;
	config.capacity = 65ull << 30;
	assert_null(publish_open(&config, stage->error, sizeof(stage->error)));
	assert_non_null(strstr(stage->error, "64 GiB"));
	config.capacity = STAGE_CAPACITY;
	config.huge_pages_dir = stage->path;
	assert_null(publish_open(&config, stage->error, sizeof(stage->error)));
	assert_non_null(strstr(stage->error, "--huge-pages off"));
	/* Mounting over a directory that something else uses would hide what is in it. */
	assert_non_null(strstr(stage->error, "mount -t hugetlbfs none /dev/hugepages)"));
	config.huge_pages_dir = "/nonexistent/huge";
	assert_null(publish_open(&config, stage->error, sizeof(stage->error)));
	assert_non_null(strstr(stage->error, "/nonexistent/huge"));
	assert_int_equal(scene_files(stage->path, "arena.", NULL), 0);
	assert_int_equal(scene_files(stage->path, "", ".new"), 0);
}

static void full_image_is_refused_and_goes_on(void **state)
{
	struct stage *stage = *state;
	struct image_writer *writer;
	struct test_name name;
	uint32_t i;

	control_start(stage);
	assert_int_equal(scene_publish(stage->publisher, &stage->random, true), 2);
	writer = publish_writer(stage->publisher);
	image_begin(writer);
	for (i = 0; i < 100000; i++) {
		name_numbered(&name, 1000 + i);
		if (image_put(writer, node_make(&name, 1, 300)) == 0)
			break;
	}
	assert_true(i < 100000);
	assert_int_equal(publish_commit(stage->publisher, stage->error, sizeof(stage->error)), 0);
	assert_non_null(strstr(stage->error, "8 MiB"));
	dataplane_start(stage, 1);
	assert_true(polled(stage));
	assert_int_equal(adopted(stage, 0), 2);
	assert_int_equal(scene_publish(stage->publisher, &stage->random, false), 3);
	assert_int_equal(adopted(stage, 0), 3);
}

static void refusals_are_worded_once(void **state)
{
	struct stage *stage = *state;
	const char *refused;

	control_start(stage);
	scene_publish(stage->publisher, &stage->random, true);
	write_at(stage, "arena.1", offsetof(struct image_header, abi), 4711);
	dataplane_start(stage, 1);
	assert_false(adopt_poll(stage->adopt, &refused));
	assert_non_null(refused);
	assert_non_null(strstr(refused, "arena.1"));
	assert_non_null(strstr(refused, "4711"));
	assert_false(adopt_poll(stage->adopt, &refused));
	assert_null(refused);
	assert_int_equal(adopted(stage, 0), 0);
	adopt_close(stage->adopt);

	write_at(stage, CHANNEL_FILE, offsetof(struct channel, abi), 4712);
	dataplane_start(stage, 1);
	assert_false(adopt_poll(stage->adopt, &refused));
	assert_non_null(refused);
	assert_non_null(strstr(refused, "4712"));
	assert_false(adopt_poll(stage->adopt, &refused));
	assert_null(refused);
}

static void damaged_root_keeps_the_old_image(void **state)
{
	struct stage *stage = *state;
	uint64_t generation, root;
	char path[128];
	int fd;

	control_start(stage);
	dataplane_start(stage, 1);
	scene_publish(stage->publisher, &stage->random, true);
	polled(stage);
	assert_int_equal(adopted(stage, 0), 2);
	snprintf(path, sizeof(path), "%s/" CHANNEL_FILE, stage->path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &root, 8, offsetof(struct channel, root)), 8);
	root += 3;
	assert_int_equal(pwrite(fd, &root, 8, offsetof(struct channel, root)), 8);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(adopted(stage, 0), 2);
	assert_int_equal(adopt_refusals(stage->adopt, 0), 1);
	root = UINT64_MAX >> 32 << 32 | 5; /* an arena that is not there */
	assert_int_equal(pwrite(fd, &root, 8, offsetof(struct channel, root)), 8);
	assert_int_equal(adopted(stage, 0), 2);
	assert_false(polled(stage));
	close(fd);
	generation = scene_publish(stage->publisher, &stage->random, false);
	assert_int_equal(adopted(stage, 0), generation);
}

static void second_control_is_refused(void **state)
{
	struct stage *stage = *state;
	struct publish_config config = {.runtime_dir = stage->path, .capacity = STAGE_CAPACITY};
	char pid[32];

	control_start(stage);
	assert_null(publish_open(&config, stage->error, sizeof(stage->error)));
	snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	assert_non_null(strstr(stage->error, pid));
	assert_non_null(strstr(stage->error, stage->path));
	assert_int_not_equal(scene_publish(stage->publisher, &stage->random, true), 0);
}

static void second_dataplane_is_refused(void **state)
{
	struct stage *stage = *state;
	char pid[32];

	dataplane_start(stage, 1);
	assert_null(adopt_open(stage->path, 1, stage->error, sizeof(stage->error)));
	snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	assert_non_null(strstr(stage->error, pid));
	assert_int_equal(scene_files(stage->path, DATAPLANE_FILE, NULL), 1);
}

/* Control can't see a dataplane whose file is gone, so that one must not follow it. */
static void emptied_directory_is_not_followed(void **state)
{
	struct stage *stage = *state;
	const char *refused;
	char path[128];

	control_start(stage);
	dataplane_start(stage, 1);
	scene_publish(stage->publisher, &stage->random, true);
	polled(stage);
	assert_int_equal(adopted(stage, 0), 2);
	control_stop(stage);
	snprintf(path, sizeof(path), "%s/" CHANNEL_FILE, stage->path);
	unlink(path);
	snprintf(path, sizeof(path), "%s/" DATAPLANE_FILE, stage->path);
	unlink(path);
	control_start(stage);
	scene_publish(stage->publisher, &stage->random, true);
	assert_true(adopt_poll(stage->adopt, &refused));
	assert_non_null(refused);
	assert_non_null(strstr(refused, "restart"));
	assert_int_equal(adopted(stage, 0), 2);
}

static void leftovers_are_swept(void **state)
{
	struct stage *stage = *state;
	const char *const left[] = {"arena.3", "arena.9", "arena.12.new", "channel.77.new",
				    "dataplane.5.new"};
	char path[128];

	for (unsigned i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "%s/%s", stage->path, left[i]);
		close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	control_start(stage);
	assert_int_equal(scene_files(stage->path, "arena.", NULL), 1);
	assert_int_equal(mode_of(stage, "arena.10"), 0640);
	dataplane_start(stage, 1);
	assert_int_equal(scene_files(stage->path, "", ".new"), 0);
}

/* A channel file that is no good gets replaced; the dataplane goes over once there is an image. */
static void unusable_channel_is_replaced_and_followed(void **state)
{
	struct stage *stage = *state;

	control_start(stage);
	dataplane_start(stage, 1);
	scene_publish(stage->publisher, &stage->random, true);
	scene_publish(stage->publisher, &stage->random, false);
	polled(stage);
	assert_int_equal(adopted(stage, 0), 3);
	control_stop(stage);
	write_at(stage, CHANNEL_FILE, 0, 0);
	control_start(stage);
	assert_true(polled(stage));
	assert_int_equal(adopted(stage, 0), 3);
	/* The new file starts to count anew, but never frees what the worker may hold. */
	assert_int_equal(scene_publish(stage->publisher, &stage->random, true), 2);
	scene_publish(stage->publisher, &stage->random, false);
	publish_reclaim(stage->publisher);
	assert_true(retired(stage) > 0);
	assert_int_equal(adopted(stage, 0), 3);
	assert_true(polled(stage));
	assert_int_equal(adopted(stage, 0), 3);
	publish_reclaim(stage->publisher);
	assert_int_equal(retired(stage), 0);
	scene_publish(stage->publisher, &stage->random, false);
	assert_int_equal(adopted(stage, 0), 4);
	assert_true(polled(stage));
}

/* A dataplane that was taken over may cut its file off: control must not die of it, and must not
 * free what that dataplane may still read. */
static void cut_off_dataplane_file(void **state)
{
	struct stage *stage = *state;
	char path[96];

	control_start(stage);
	dataplane_start(stage, 1);
	scene_publish(stage->publisher, &stage->random, true);
	polled(stage);
	assert_int_equal(adopted(stage, 0), 2);
	assert_non_null(publish_dataplane(stage->publisher));
	scene_publish(stage->publisher, &stage->random, false);
	snprintf(path, sizeof(path), "%s/" DATAPLANE_FILE, stage->path);
	for (off_t left = 4096; left >= 0; left -= 4096) {
		assert_int_equal(truncate(path, left), 0);
		assert_null(publish_dataplane(stage->publisher));
		assert_int_equal(publish_seen(stage->publisher), WORKER_ATTACHING);
		publish_reclaim(stage->publisher);
		assert_true(retired(stage) > 0);
	}
	assert_int_equal(truncate(path, sizeof(struct dataplane_file)), 0);
	assert_null(publish_dataplane(stage->publisher)); /* all zeroes */
}

#define FULL_BATCH 2000u

static bool full_put(struct publisher *publisher, uint32_t batch, char *error, size_t error_size)
{
	struct image_writer *writer = publish_writer(publisher);
	struct test_name name;
	bool put = true;

	image_begin(writer);
	for (uint32_t n = 0; put && n < FULL_BATCH; n++) {
		name_numbered(&name, 5000 + batch * FULL_BATCH + n);
		put = image_put(writer, node_make(&name, 1, 300)) != 0;
	}
	return publish_commit(publisher, error, error_size) != 0;
}

static void full_delete(struct publisher *publisher, uint32_t batch)
{
	struct image_writer *writer = publish_writer(publisher);
	struct test_name name;

	image_begin(writer);
	for (uint32_t n = 0; n < FULL_BATCH; n++) {
		name_numbered(&name, 5000 + batch * FULL_BATCH + n);
		image_delete(writer, 0, name.wire);
	}
}

static bool fill_file(const char *name, off_t octets)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);
	bool good = fd >= 0 && (octets == 0 || posix_fallocate(fd, 0, octets) == 0);

	if (fd >= 0)
		close(fd);
	return good;
}

/* On a tmpfs of this size of our own; 77: we may not mount one. */
static int on_small_file_system(const struct stage *stage, const char *size, off_t filler,
				unsigned replicas)
{
	struct publish_config config = {
	    .runtime_dir = stage->path, .capacity = 64u << 20, .replicas = replicas};
	struct random random = stage->random;
	char error[512] = "", text[32];
	struct publisher *publisher;
	uint64_t good = 0;

	snprintf(text, sizeof(text), "size=%s", size);
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", stage->path, "tmpfs", 0, text) != 0)
		return 77;
	if (chdir(stage->path) != 0 || !fill_file("filler", filler))
		return 6;
	publisher = publish_open(&config, error, sizeof(error));
	if (publisher == NULL)
		return strstr(error, stage->path) != NULL ? 1 : 3;
	while (good < 200 && full_put(publisher, (uint32_t)good, error, sizeof(error)))
		good++;
	if (good == 0 || good == 200 || strstr(error, stage->path) == NULL ||
	    strstr(error, "its file system is full") == NULL)
		return 4;
	full_delete(publisher, 0);
	if (publish_commit(publisher, error, sizeof(error)) == 0)
		return 5;
	publish_reclaim(publisher);
	return scene_publish(publisher, &random, true) != 0 ? 0 : 2;
}

/* A page that a full tmpfs can't give kills who touches it (SIGBUS): all is set aside before. */
static void full_file_system(void **state)
{
	static const struct {
		const char *size;
		off_t filler;
		unsigned replicas;
		int code; /* 0: grows until refused, and goes on; 1: can't start */
	} cases[] = {{"16m", 0, 1, 0}, {"32m", 0, 2, 0},   {"48m", 3 << 20, 3, 0},
		     {"3m", 0, 2, 1},  {"8k", 8192, 1, 1}, {"8k", 4096, 1, 1},
		     {"8k", 0, 1, 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (child == 0)
			_exit(on_small_file_system(*state, cases[i].size, cases[i].filler,
						   cases[i].replicas));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == 77)
			skip();
		assert_int_equal(WEXITSTATUS(status), cases[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STEP(errors_say_what_to_do),
	    STEP(full_image_is_refused_and_goes_on),
	    STEP(refusals_are_worded_once),
	    STEP(damaged_root_keeps_the_old_image),
	    STEP(second_control_is_refused),
	    STEP(second_dataplane_is_refused),
	    STEP(emptied_directory_is_not_followed),
	    STEP(leftovers_are_swept),
	    STEP(unusable_channel_is_replaced_and_followed),
	    STEP(cut_off_dataplane_file),
	    STEP(full_file_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
