/* publish_test.c: the two ends of the channel step by step, in one thread: who may start, what
 * follows what, what is refused, and what stays behind. */
#include "dataplane/adopt/adopt.h"
#include "tests/unit/publish/scene.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CAPACITY (8u << 20)

struct stage {
	char path[64];
	char error[512];
	struct random random;
	struct publisher *publisher;
	struct adopt *adopt;
};

static int stage_open(void **state)
{
	static struct stage stage;

	stage = (struct stage){.random = {1}};
	scene_directory(stage.path);
	*state = &stage;
	return 0;
}

static int stage_close(void **state)
{
	struct stage *stage = *state;

	publish_close(stage->publisher);
	adopt_close(stage->adopt);
	scene_directory_remove(stage->path);
	return 0;
}

static void control_start(struct stage *stage)
{
	stage->publisher = scene_open(stage->path, CAPACITY);
	assert_non_null(stage->publisher);
}

static void control_stop(struct stage *stage)
{
	publish_close(stage->publisher);
	stage->publisher = NULL;
}

static void dataplane_start(struct stage *stage, unsigned workers)
{
	stage->adopt = adopt_open(stage->path, workers, stage->error, sizeof(stage->error));
	assert_non_null(stage->adopt);
}

/* What the main thread sees; nothing may be refused. */
static bool polled(struct stage *stage)
{
	const char *refused;
	bool ready = adopt_poll(stage->adopt, &refused);

	if (refused != NULL)
		fail_msg("refused: %s", refused);
	return ready;
}

/* The generation that the worker adopts now, checked to be whole; 0: none. */
static uint64_t adopted(struct stage *stage, unsigned worker)
{
	bool changed;
	const struct image *image = adopt_newest(stage->adopt, worker, &changed);

	if (image == NULL)
		return 0;
	if (scene_fault(image) != NULL)
		fail_msg("%s", scene_fault(image));
	return image->generation;
}

static mode_t mode_of(const struct stage *stage, const char *name)
{
	char path[128];
	struct stat at;

	snprintf(path, sizeof(path), "%s/%s", stage->path, name);
	assert_int_equal(stat(path, &at), 0);
	return at.st_mode & 07777;
}

static void files_and_modes(void **state)
{
	struct stage *stage = *state;
	mode_t mask = umask(0);

	assert_int_equal(rmdir(stage->path), 0);
	control_start(stage);
	umask(077);
	dataplane_start(stage, 1);
	umask(mask);
	assert_int_equal(mode_of(stage, ""), 0750);
	assert_int_equal(mode_of(stage, CHANNEL_FILE), 0640);
	assert_int_equal(mode_of(stage, "arena.1"), 0640);
	assert_int_equal(mode_of(stage, DATAPLANE_FILE), 0644);
	assert_int_equal(scene_files(stage->path, "", ".new"), 0);
}

static void dataplane_first(void **state)
{
	struct stage *stage = *state;

	dataplane_start(stage, 1);
	assert_false(polled(stage));
	assert_int_equal(adopted(stage, 0), 0);
	control_start(stage);
	assert_false(polled(stage));
	/* Mapped before anything is published: nobody waits for it then. */
	assert_int_equal(atomic_load(&adopt_file(stage->adopt)->mapped_arena), 1);
	assert_int_equal(adopted(stage, 0), 0);
	assert_int_equal(scene_publish(stage->publisher, &stage->random, true), 2);
	assert_int_equal(adopted(stage, 0), 2);
	assert_true(polled(stage));
}

static void control_first(void **state)
{
	struct stage *stage = *state;

	control_start(stage);
	assert_int_equal(scene_publish(stage->publisher, &stage->random, true), 2);
	assert_int_equal(scene_publish(stage->publisher, &stage->random, false), 3);
	dataplane_start(stage, 1);
	assert_int_equal(adopted(stage, 0), 0);
	assert_true(polled(stage));
	assert_int_equal(adopted(stage, 0), 3);
}

static void changed_tells_of_a_new_generation(void **state)
{
	struct stage *stage = *state;
	bool changed;

	control_start(stage);
	dataplane_start(stage, 1);
	scene_publish(stage->publisher, &stage->random, true);
	polled(stage);
	assert_non_null(adopt_newest(stage->adopt, 0, &changed));
	assert_true(changed);
	assert_non_null(adopt_newest(stage->adopt, 0, &changed));
	assert_false(changed);
	adopt_offline(stage->adopt, 0);
	assert_non_null(adopt_newest(stage->adopt, 0, &changed));
	assert_false(changed);
	scene_publish(stage->publisher, &stage->random, false);
	assert_non_null(adopt_newest(stage->adopt, 0, &changed));
	assert_true(changed);
}

static uint64_t retired(const struct stage *stage)
{
	return image_usage(publish_writer(stage->publisher)).retired;
}

/* A block that commit g made unreachable may be reused once every reader has seen >= g. */
static void reclaim_waits_for_the_slowest(void **state)
{
	struct stage *stage = *state;

	control_start(stage);
	dataplane_start(stage, 2);
	assert_int_equal(publish_seen(stage->publisher), UINT64_MAX);
	scene_publish(stage->publisher, &stage->random, true);
	polled(stage);
	assert_int_equal(adopted(stage, 0), 2);
	assert_int_equal(adopted(stage, 1), 2);
	assert_int_equal(publish_seen(stage->publisher), 2);

	assert_int_equal(scene_publish(stage->publisher, &stage->random, false), 3);
	assert_int_equal(adopted(stage, 0), 3);
	publish_reclaim(stage->publisher);
	assert_int_equal(publish_seen(stage->publisher), 2);
	assert_true(retired(stage) > 0);
	assert_int_equal(adopted(stage, 1), 3);
	publish_reclaim(stage->publisher);
	assert_int_equal(publish_seen(stage->publisher), 3);
	assert_int_equal(retired(stage), 0);

	/* Asleep: holds nothing. About to wake: holds everything. */
	assert_int_equal(scene_publish(stage->publisher, &stage->random, false), 4);
	assert_int_equal(adopted(stage, 0), 4);
	publish_reclaim(stage->publisher);
	assert_true(retired(stage) > 0);
	adopt_offline(stage->adopt, 1);
	atomic_store(&adopt_file(stage->adopt)->line[1].seen, WORKER_ATTACHING);
	publish_reclaim(stage->publisher);
	assert_int_equal(publish_seen(stage->publisher), WORKER_ATTACHING);
	assert_true(retired(stage) > 0);
	adopt_offline(stage->adopt, 1);
	publish_reclaim(stage->publisher);
	assert_int_equal(retired(stage), 0);
}

/* A generation says nothing about another arena than the one that it was seen in. */
static void a_line_of_another_arena_frees_nothing(void **state)
{
	struct stage *stage = *state;
	struct worker_line *line;

	control_start(stage);
	dataplane_start(stage, 1);
	scene_publish(stage->publisher, &stage->random, true);
	line = &adopt_file(stage->adopt)->line[0];
	atomic_store(&line->arena_id, 77);
	atomic_store(&line->seen, 1000000);
	scene_publish(stage->publisher, &stage->random, false);
	publish_reclaim(stage->publisher);
	assert_int_equal(publish_seen(stage->publisher), WORKER_ATTACHING);
	assert_true(retired(stage) > 0);
	atomic_store(&line->arena_id, 1);
	publish_reclaim(stage->publisher);
	assert_int_equal(retired(stage), 0);
}

static void control_restarts(void **state)
{
	struct stage *stage = *state;

	control_start(stage);
	dataplane_start(stage, 2);
	scene_publish(stage->publisher, &stage->random, true);
	polled(stage);
	assert_int_equal(adopted(stage, 0), 2);
	assert_int_equal(adopted(stage, 1), 2);
	control_stop(stage);
	assert_true(polled(stage));
	assert_int_equal(adopted(stage, 0), 2);

	control_start(stage);
	assert_int_equal(scene_files(stage->path, "arena.", NULL), 2);
	assert_true(polled(stage));
	assert_int_equal(adopted(stage, 0), 2);
	assert_int_equal(scene_publish(stage->publisher, &stage->random, true), 3);
	assert_int_equal(adopted(stage, 0), 3);
	/* The other worker still reads the old arena: it stays. */
	publish_reclaim(stage->publisher);
	assert_true(polled(stage));
	assert_int_equal(scene_files(stage->path, "arena.", NULL), 2);
	assert_int_equal(adopted(stage, 1), 3);
	publish_reclaim(stage->publisher);
	assert_int_equal(scene_files(stage->path, "arena.", NULL), 1);
	assert_true(polled(stage));
	assert_int_equal(adopted(stage, 1), 3);
}

/* Killed before their first root: their arenas are mapped in advance, and go again. */
static void controls_that_never_published(void **state)
{
	struct stage *stage = *state;

	control_start(stage);
	dataplane_start(stage, 1);
	scene_publish(stage->publisher, &stage->random, true);
	control_stop(stage);
	for (uint64_t id = 2; id < 40; id++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			_exit(scene_open(stage->path, CAPACITY) == NULL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		assert_true(polled(stage));
		assert_int_equal(atomic_load(&adopt_file(stage->adopt)->mapped_arena), id);
		assert_int_equal(adopted(stage, 0), 2);
		assert_int_equal(scene_files(stage->path, "arena.", NULL), 2);
	}
	control_start(stage);
	assert_int_equal(scene_publish(stage->publisher, &stage->random, true), 3);
	assert_true(polled(stage));
	assert_int_equal(adopted(stage, 0), 3);
}

static void dataplane_restarts(void **state)
{
	struct stage *stage = *state;

	control_start(stage);
	dataplane_start(stage, 1);
	scene_publish(stage->publisher, &stage->random, true);
	polled(stage);
	assert_int_equal(adopted(stage, 0), 2);
	assert_non_null(publish_dataplane(stage->publisher));
	adopt_close(stage->adopt);
	assert_null(publish_dataplane(stage->publisher));
	assert_int_equal(scene_files(stage->path, DATAPLANE_FILE, NULL), 0);
	control_stop(stage);
	/* With control gone too, the last image is still there to be answered from. */
	dataplane_start(stage, 1);
	assert_true(polled(stage));
	assert_int_equal(adopted(stage, 0), 2);
}

static void second_control_is_refused(void **state)
{
	struct stage *stage = *state;
	struct publish_config config = {.runtime_dir = stage->path, .capacity = CAPACITY};
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

static void errors_say_what_to_do(void **state)
{
	struct stage *stage = *state;
	struct publish_config config = {.runtime_dir = "/nonexistent/skua", .capacity = CAPACITY};

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
	config.capacity = CAPACITY;
	config.huge_pages_dir = stage->path;
	assert_null(publish_open(&config, stage->error, sizeof(stage->error)));
	assert_non_null(strstr(stage->error, "--huge-pages off"));
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

static void write_at(const struct stage *stage, const char *name, off_t offset, uint32_t value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", stage->path, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &value, sizeof(value), offset), sizeof(value));
	close(fd);
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

/* Somebody removed only the dataplane's file while it runs: control has it open, and goes on to
 * mind it. */
static void removed_dataplane_file_still_counts(void **state)
{
	struct stage *stage = *state;
	char path[128];

	control_start(stage);
	dataplane_start(stage, 1);
	scene_publish(stage->publisher, &stage->random, true);
	polled(stage);
	assert_int_equal(adopted(stage, 0), 2);
	assert_int_equal(publish_seen(stage->publisher), 2);
	snprintf(path, sizeof(path), "%s/" DATAPLANE_FILE, stage->path);
	unlink(path);
	scene_publish(stage->publisher, &stage->random, false);
	publish_reclaim(stage->publisher);
	assert_int_equal(publish_seen(stage->publisher), 2);
	assert_true(retired(stage) > 0);
	adopt_close(stage->adopt);
	stage->adopt = NULL;
	publish_reclaim(stage->publisher);
	assert_int_equal(retired(stage), 0);
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

static void events_tell_of_files(void **state)
{
	struct stage *stage = *state;
	struct pollfd wait = {.events = POLLIN};

	dataplane_start(stage, 1);
	polled(stage);
	wait.fd = adopt_event_fd(stage->adopt);
	assert_int_equal(poll(&wait, 1, 0), 0);
	control_start(stage);
	assert_int_equal(poll(&wait, 1, 0), 1);
	polled(stage);
	assert_int_equal(poll(&wait, 1, 0), 0);
}

#define STEP(test) cmocka_unit_test_setup_teardown(test, stage_open, stage_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STEP(files_and_modes),
	    STEP(dataplane_first),
	    STEP(control_first),
	    STEP(changed_tells_of_a_new_generation),
	    STEP(reclaim_waits_for_the_slowest),
	    STEP(a_line_of_another_arena_frees_nothing),
	    STEP(control_restarts),
	    STEP(controls_that_never_published),
	    STEP(dataplane_restarts),
	    STEP(second_control_is_refused),
	    STEP(second_dataplane_is_refused),
	    STEP(errors_say_what_to_do),
	    STEP(full_image_is_refused_and_goes_on),
	    STEP(unusable_channel_is_replaced_and_followed),
	    STEP(refusals_are_worded_once),
	    STEP(damaged_root_keeps_the_old_image),
	    STEP(emptied_directory_is_not_followed),
	    STEP(removed_dataplane_file_still_counts),
	    STEP(leftovers_are_swept),
	    STEP(events_tell_of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
