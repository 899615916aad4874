/* publish_test.c: the two ends of the channel step by step, in one thread: who starts when, what
 * follows what, and what may be reused. */
#include "tests/unit/publish/stage.h"

#include <assert.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

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
			_exit(scene_open(stage->path, STAGE_CAPACITY, 1) == NULL);
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
	    STEP(removed_dataplane_file_still_counts),
	    STEP(events_tell_of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
