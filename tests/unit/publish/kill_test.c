/* kill_test.c: kill -9 at random moments. A control that publishes is killed and started again:
 * those who read, each another replica, never meet a wrong value, and go on to the next control's
 * generations. A dataplane that reads is killed: control gets back all memory that it held. Time is
 * never part of the verdict. */
#include "dataplane/adopt/adopt.h"
#include "tests/unit/publish/scene.h"

#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define KILLS	 100u
#define WORKERS	 2u
#define REPLICAS 3u /* at most; each worker reads another */
#define CAPACITY (16u << 20)

/* Memory that survives a kill: what the child has to say. */
struct report {
	_Atomic uint64_t generation;
	_Atomic uint64_t rounds;
	atomic_bool wrong;
};

static struct report *report_new(void)
{
	void *at = mmap(NULL, sizeof(struct report), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(at != MAP_FAILED);
	return at;
}

static void rest(struct random *random, uint64_t microseconds)
{
	nanosleep(&(struct timespec){.tv_nsec = (long)random_below(random, microseconds * 1000)},
		  NULL);
}

static void kill_child(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static pid_t child_start(void (*run)(const char *path, struct report *report, uint64_t seed),
			 const char *path, struct report *report, uint64_t seed)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child > 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run(path, report, seed);
	_exit(1); /* run() ends only by a kill */
}

static void control_run(const char *path, struct report *report, uint64_t seed)
{
	struct random random = {seed};
	struct publisher *publisher = scene_open(path, CAPACITY, 1 + (unsigned)(seed % REPLICAS));
	bool first = true;

	while (publisher != NULL) {
		uint64_t generation;

		if (!scene_may_publish(publisher))
			continue;
		generation = scene_publish(publisher, &random, first);
		if (generation == 0)
			break;
		first = false;
		atomic_store(&report->generation, generation);
	}
}

static void workers_look(struct adopt *adopt, struct random *random, uint64_t *newest)
{
	const char *refused;

	adopt_poll(adopt, &refused);
	if (refused != NULL)
		fail_msg("refused: %s", refused);
	for (unsigned i = 0; i < WORKERS; i++) {
		bool changed;
		const struct image *image = adopt_newest(adopt, i, &changed);
		const char *fault = image == NULL ? NULL : scene_fault(image);

		if (fault != NULL)
			fail_msg("%s", fault);
		/* Between two workers' looks a newer one may be published, but never an older. */
		if (image != NULL) {
			assert_true(image->generation >= newest[i]);
			newest[i] = image->generation;
		}
		if (random_below(random, 8) == 0)
			adopt_offline(adopt, i);
	}
}

static void control_is_killed(void **state)
{
	struct random random = random_start("control_is_killed");
	struct report *report = report_new();
	uint64_t newest[WORKERS] = {0};
	char path[64], error[512];
	struct adopt *adopt;

	(void)state;
	scene_directory(path);
	adopt = adopt_open(path, WORKERS, error, sizeof(error));
	assert_non_null(adopt);
	for (unsigned i = 0; i < WORKERS; i++)
		adopt_set_node(adopt, i, 0);
	for (unsigned kills = 0; kills < KILLS; kills++) {
		pid_t child = child_start(control_run, path, report, random_next(&random));
		uint64_t from = newest[0];

		/* Half of them are killed at once, wherever they are; half after some progress. */
		if (kills % 2 == 0)
			while (newest[0] <= from + 2)
				workers_look(adopt, &random, newest);
		rest(&random, 3000);
		workers_look(adopt, &random, newest);
		kill_child(child);
		for (unsigned i = 0; i < 20; i++)
			workers_look(adopt, &random, newest);
	}
	assert_true(newest[0] > KILLS);
	assert_int_equal(adopt_refusals(adopt, 0) + adopt_refusals(adopt, 1), 0);
	adopt_close(adopt);

	/* The next start leaves nothing of all those behind but its own. */
	struct publisher *publisher = scene_open(path, CAPACITY, 1);
	assert_non_null(publisher);
	assert_true(scene_publish(publisher, &random, true) > newest[0]);
	publish_reclaim(publisher);
	assert_int_equal(scene_files(path, "arena.", NULL), 1);
	assert_int_equal(scene_files(path, "", ".new"), 0);
	publish_close(publisher);
	munmap(report, sizeof(*report));
	scene_directory_remove(path);
}

static void dataplane_run(const char *path, struct report *report, uint64_t seed)
{
	struct random random = {seed};
	uint64_t newest[WORKERS] = {0};
	char error[512];
	struct adopt *adopt = adopt_open(path, WORKERS, error, sizeof(error));
	const char *refused;

	if (adopt == NULL)
		fprintf(stderr, "adopt_open: %s\n", error);
	for (unsigned i = 0; adopt != NULL && i < WORKERS; i++)
		adopt_set_node(adopt, i, 0);
	while (adopt != NULL) {
		adopt_poll(adopt, &refused);
		for (unsigned i = 0; i < WORKERS; i++) {
			bool changed;
			const struct image *image = adopt_newest(adopt, i, &changed);

			if (image == NULL)
				continue;
			if (scene_fault(image) != NULL || image->generation < newest[i])
				atomic_store(&report->wrong, true);
			newest[i] = image->generation;
			atomic_store(&report->generation, image->generation);
			if (random_below(&random, 8) == 0)
				adopt_offline(adopt, i);
		}
		atomic_fetch_add(&report->rounds, 1);
	}
	atomic_store(&report->wrong, true);
}

static void publish_more(struct publisher *publisher, struct random *random)
{
	if (scene_may_publish(publisher))
		assert_int_not_equal(scene_publish(publisher, random, false), 0);
}

static void dataplane_is_killed(void **state)
{
	struct random random = random_start("dataplane_is_killed");
	struct report *report = report_new();
	struct publisher *publisher;
	char path[64];

	(void)state;
	scene_directory(path);
	publisher = scene_open(path, CAPACITY, REPLICAS);
	assert_non_null(publisher);
	assert_int_not_equal(scene_publish(publisher, &random, true), 0);
	for (unsigned kills = 0; kills < KILLS; kills++) {
		uint64_t from = atomic_load(&report->rounds);
		pid_t child = child_start(dataplane_run, path, report, random_next(&random));

		while (kills % 2 == 0 && atomic_load(&report->rounds) < from + 3)
			publish_more(publisher, &random);
		for (uint64_t n = random_below(&random, 40); n > 0; n--)
			publish_more(publisher, &random);
		kill_child(child);
		/* The dead hold nothing: everything that was retired is free again at once. */
		publish_reclaim(publisher);
		assert_int_equal(publish_seen(publisher), UINT64_MAX);
		assert_null(publish_dataplane(publisher));
		assert_int_equal(image_usage(publish_writer(publisher)).retired, 0);
		assert_false(atomic_load(&report->wrong));
	}
	assert_true(atomic_load(&report->generation) > 2);
	assert_true(image_usage(publish_writer(publisher)).backed <= 8u << 20);
	publish_close(publisher);
	munmap(report, sizeof(*report));
	scene_directory_remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(control_is_killed),
	    cmocka_unit_test(dataplane_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
