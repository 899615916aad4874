/* threads_test.c: one publisher and several workers in one process, through real files. Made for
 * ThreadSanitizer; without it, the stamps in the nodes tell of any block that was reused too early.
 */
#include "dataplane/adopt/adopt.h"
#include "tests/unit/publish/scene.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WORKERS	    3u
#define GENERATIONS 2400u
#define CONTROLS    8u /* each publishes a part of the generations, in an arena of its own */
#define CAPACITY    (32u << 20)
#define REPLICAS    4u /* at most; the last control has as many */

struct shared {
	struct adopt *adopt;
	atomic_bool stop;
	_Atomic(const char *) fault;
	atomic_uint polls;
};

struct reader {
	pthread_t thread;
	struct shared *shared;
	unsigned index;
	uint64_t generation; /* newest that it has seen */
	uint64_t changes;
};

/* What a worker does: takes the newest image, uses it for a while, now and then sleeps. */
static void read_once(struct reader *reader, struct random *random)
{
	bool changed;
	const struct image *image = adopt_newest(reader->shared->adopt, reader->index, &changed);
	const char *fault = NULL;

	if (image == NULL)
		return;
	if (image->generation < reader->generation)
		fault = "went back to an older generation";
	if (changed != (image->generation != reader->generation))
		fault = "`changed` is wrong";
	reader->generation = image->generation;
	reader->changes += changed;
	for (uint64_t looks = 1 + random_below(random, 3); looks > 0 && fault == NULL; looks--)
		fault = scene_fault(image);
	if (fault != NULL)
		atomic_store(&reader->shared->fault, fault);
	if (random_below(random, 16) == 0)
		adopt_offline(reader->shared->adopt, reader->index);
}

static void *reader_run(void *context)
{
	struct reader *reader = context;
	struct random random = {reader->index};

	while (!atomic_load(&reader->shared->stop))
		read_once(reader, &random);
	/* Once more, so that everybody has seen the last generation. */
	adopt_offline(reader->shared->adopt, reader->index);
	read_once(reader, &random);
	adopt_offline(reader->shared->adopt, reader->index);
	return NULL;
}

static void *poller_run(void *context)
{
	struct shared *shared = context;
	const char *refused;

	while (!atomic_load(&shared->stop)) {
		adopt_poll(shared->adopt, &refused);
		if (refused != NULL)
			atomic_store(&shared->fault, "an arena was refused");
		atomic_fetch_add(&shared->polls, 1);
		sched_yield();
	}
	return NULL;
}

static void poll_again(struct shared *shared, unsigned times)
{
	unsigned from = atomic_load(&shared->polls);

	while (atomic_load(&shared->polls) - from < times)
		sched_yield();
}

static uint64_t control_run(const char *path, struct random *random, unsigned generations,
			    unsigned replicas)
{
	struct publisher *publisher = scene_open(path, CAPACITY, replicas);
	uint64_t generation = 0;

	assert_non_null(publisher);
	for (unsigned i = 0; i < generations; i++) {
		while (!scene_may_publish(publisher))
			;
		generation = scene_publish(publisher, random, i == 0);
		assert_int_not_equal(generation, 0);
		if (random_below(random, 4) == 0)
			sched_yield();
	}
	/* Once every worker has come over, the arena of the control before is removed. */
	while (scene_files(path, "arena.", NULL) > replicas)
		publish_reclaim(publisher);
	publish_close(publisher);
	return generation;
}

static void workers_see_whole_generations(void **state)
{
	struct random random = random_start("workers_see_whole_generations");
	struct reader reader[WORKERS] = {0};
	struct shared shared = {0};
	uint64_t generation = 0;
	char path[64], error[512];
	pthread_t poller;

	(void)state;
	scene_directory(path);
	shared.adopt = adopt_open(path, WORKERS, error, sizeof(error));
	assert_non_null(shared.adopt);
	for (unsigned i = 0; i < WORKERS; i++)
		adopt_set_node(shared.adopt, i, 0);
	pthread_create(&poller, NULL, poller_run, &shared);
	for (unsigned i = 0; i < WORKERS; i++) {
		reader[i] = (struct reader){.shared = &shared, .index = i};
		pthread_create(&reader[i].thread, NULL, reader_run, &reader[i]);
	}
	for (unsigned i = 0; i < CONTROLS; i++)
		generation = control_run(path, &random, GENERATIONS / CONTROLS, 1 + i % REPLICAS);
	poll_again(&shared, 3);
	atomic_store(&shared.stop, true);
	pthread_join(poller, NULL);
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_join(reader[i].thread, NULL);
		assert_int_equal(reader[i].generation, generation);
		assert_true(reader[i].changes > 0);
		assert_int_equal(atomic_load(&adopt_file(shared.adopt)->line[i].replica), i);
		assert_int_equal(adopt_refusals(shared.adopt, i), 0);
	}
	if (atomic_load(&shared.fault) != NULL)
		fail_msg("%s", atomic_load(&shared.fault));
	assert_true(generation >= GENERATIONS);
	adopt_close(shared.adopt);
	assert_int_equal(scene_files(path, "arena.", NULL), REPLICAS);
	assert_int_equal(scene_files(path, "dataplane", NULL), 0);
	scene_directory_remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(workers_see_whole_generations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
