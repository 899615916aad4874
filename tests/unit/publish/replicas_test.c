/* replicas_test.c: several replicas of an image: who reads which, what happens to a bad one, what
 * is left of them, and how many there are on which machine. */
#include "control/publish/arena_set.h"
#include "dataplane/adopt/adopt_private.h"
#include "tests/unit/publish/stage.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const uint8_t *base_of(struct stage *stage, unsigned worker)
{
	bool changed;
	const struct image *image = adopt_newest(stage->adopt, worker, &changed);

	assert_non_null(image);
	return image->base;
}

static uint32_t replica_of(struct stage *stage, unsigned worker)
{
	return atomic_load(&adopt_file(stage->adopt)->line[worker].replica);
}

/* A control with `replicas`, and a dataplane whose workers all run on node 0. */
static void both_start(struct stage *stage, unsigned replicas, unsigned workers)
{
	stage->replicas = replicas;
	control_start(stage);
	dataplane_start(stage, workers);
	for (unsigned i = 0; i < workers; i++)
		adopt_set_node(stage->adopt, i, 0);
}

static void workers_read_different_replicas(void **state)
{
	struct stage *stage = *state;
	const uint8_t *base[3];

	both_start(stage, 3, 3);
	assert_int_equal(scene_publish(stage->publisher, &stage->random, true), 2);
	assert_true(polled(stage));
	for (unsigned round = 0; round < 200; round++) {
		uint64_t generation = image_generation(publish_writer(stage->publisher));

		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(adopted(stage, i), generation);
			assert_int_equal(replica_of(stage, i), i);
			base[i] = base_of(stage, i);
		}
		assert_null(replicas_fault(publish_writer(stage->publisher)));
		publish_reclaim(stage->publisher);
		assert_int_equal(retired(stage), 0);
		assert_int_not_equal(scene_publish(stage->publisher, &stage->random, false), 0);
	}
	assert_true(base[0] != base[1] && base[1] != base[2] && base[0] != base[2]);
}

static void files_have_names_modes_and_an_end(void **state)
{
	struct stage *stage = *state;
	struct publish_replica replica[IMAGE_REPLICAS_MAX];

	both_start(stage, 4, 1);
	assert_int_equal(scene_files(stage->path, "arena.", NULL), 4);
	assert_int_equal(mode_of(stage, "arena.1"), 0640);
	assert_int_equal(mode_of(stage, "arena.1.3"), 0640);
	assert_int_equal(publish_replicas(stage->publisher, replica), 4);
	assert_true(replica[0].backed > 0);
	assert_int_equal(replica[3].backed, replica[0].backed);
	control_stop(stage); /* nothing was published */
	assert_int_equal(scene_files(stage->path, "arena.", NULL), 0);

	control_start(stage);
	scene_publish(stage->publisher, &stage->random, true);
	control_stop(stage);
	assert_int_equal(scene_files(stage->path, "arena.", NULL), 4);
	stage->replicas = 2;
	control_start(stage);
	assert_int_equal(scene_files(stage->path, "arena.", NULL), 6);
	scene_publish(stage->publisher, &stage->random, true);
	publish_reclaim(stage->publisher);
	assert_int_equal(scene_files(stage->path, "arena.", NULL), 2);
	assert_int_equal(scene_files(stage->path, "arena.2", NULL), 2);
}

static void leave_file(const struct stage *stage, const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", stage->path, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fclose(file);
}

/* Of controls that were killed while they made or removed them. */
static void lone_replicas_are_swept(void **state)
{
	struct stage *stage = *state;

	leave_file(stage, "arena.7.1");
	leave_file(stage, "arena.9.2.new");
	leave_file(stage, "arena.8.15");
	leave_file(stage, "arena.8.x");
	both_start(stage, 2, 1);
	assert_int_equal(scene_files(stage->path, "arena.7", NULL), 0);
	assert_int_equal(scene_files(stage->path, "", ".new"), 0);
	assert_int_equal(scene_files(stage->path, "arena.8", NULL), 1); /* none of ours */
	assert_int_equal(scene_files(stage->path, "arena.9", NULL), 2); /* the next id */
	scene_publish(stage->publisher, &stage->random, true);
	assert_true(polled(stage));
	assert_int_equal(adopted(stage, 0), 2);
}

static void refused(struct stage *stage, const char *file)
{
	const char *said;

	assert_true(adopt_poll(stage->adopt, &said));
	assert_non_null(said);
	assert_non_null(strstr(said, file));
	assert_non_null(strstr(said, "instead"));
	assert_true(polled(stage)); /* said once */
}

/* A replica that is damaged, missing or another arena's costs only its nearness. */
static void first_replica_stands_in(void **state)
{
	struct stage *stage = *state;
	char path[128];

	both_start(stage, 4, 4);
	scene_publish(stage->publisher, &stage->random, true);
	write_at(stage, "arena.1.1", offsetof(struct image_header, hash_key), 4711);
	refused(stage, "arena.1.1");
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(adopted(stage, i), 2);
	assert_int_equal(replica_of(stage, 1), 0);
	assert_ptr_equal(base_of(stage, 1), base_of(stage, 0));
	assert_int_equal(replica_of(stage, 3), 3);

	control_stop(stage);
	control_start(stage);
	snprintf(path, sizeof(path), "%s/arena.2.2", stage->path);
	assert_int_equal(unlink(path), 0);
	scene_publish(stage->publisher, &stage->random, true);
	refused(stage, "arena.2.2");
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(adopted(stage, i), 3);
	assert_int_equal(replica_of(stage, 2), 0);

	control_stop(stage);
	control_start(stage);
	assert_int_equal(truncate(strcat(strcpy(path, stage->path), "/arena.3.3"), 4096), 0);
	refused(stage, "arena.3.3");
}

/* What a worker reads is checked like the first: a damaged root keeps it where it is. */
static void damaged_root_in_one_replica(void **state)
{
	struct stage *stage = *state;
	struct channel channel;
	char path[128];
	uint64_t root;
	FILE *file;

	both_start(stage, 2, 2);
	scene_publish(stage->publisher, &stage->random, true);
	assert_true(polled(stage));
	assert_int_equal(adopted(stage, 0), 2);
	assert_int_equal(adopted(stage, 1), 2);
	assert_int_equal(scene_publish(stage->publisher, &stage->random, false), 3);
	snprintf(path, sizeof(path), "%s/" CHANNEL_FILE, stage->path);
	file = fopen(path, "re");
	assert_int_equal(fread(&channel, sizeof(channel), 1, file), 1);
	fclose(file);
	root = (uint32_t)atomic_load(&channel.root);
	write_at(stage, "arena.1.1",
		 (off_t)(root * IMAGE_UNIT + offsetof(struct image_root, limit)), 4711);
	assert_int_equal(adopted(stage, 0), 3);
	assert_int_equal(adopted(stage, 1), 2);
	assert_int_equal(adopt_refusals(stage->adopt, 0), 0);
	assert_int_equal(adopt_refusals(stage->adopt, 1), 1);
	publish_reclaim(stage->publisher);
	assert_true(retired(stage) > 0); /* it still reads generation 2 */
	assert_int_equal(scene_publish(stage->publisher, &stage->random, false), 4);
	assert_int_equal(adopted(stage, 1), 4);
}

static void nearest_replica(void **state)
{
	const struct image_header pair = {.replicas = 2, .node = {0, 1}};
	const struct image_header forced = {.replicas = 4, .node = {0, 1, 0, 1}};
	const struct image_header one = {.replicas = 1, .node = {-1}};

	(void)state;
	for (unsigned worker = 0; worker < 8; worker++) {
		assert_int_equal(arena_replica_for(&pair, worker, 0), 0);
		assert_int_equal(arena_replica_for(&pair, worker, 1), 1);
		assert_int_equal(arena_replica_for(&pair, worker, 5), worker % 2); /* none there */
		assert_int_equal(arena_replica_for(&pair, worker, -1), 0);
		assert_int_equal(arena_replica_for(&forced, worker, 0), worker % 2 == 0 ? 0 : 2);
		assert_int_equal(arena_replica_for(&forced, worker, 1), worker % 2 == 0 ? 1 : 3);
		assert_int_equal(arena_replica_for(&one, worker, 0), 0);
		assert_int_equal(arena_replica_for(&one, worker, 3), 0);
	}
}

static void below(const char *root, const char *path, const char *text)
{
	char whole[256];
	FILE *file;

	snprintf(whole, sizeof(whole), "mkdir -p \"$(dirname %s/%s)\"", root, path);
	assert_int_equal(system(whole), 0);
	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	file = fopen(whole, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Nodes 0 and 2 have cores and memory, 1 only memory, 3 only cores. */
static void as_many_as_nodes(void **state)
{
	struct stage *stage = *state;
	struct image_replicas plan;
	char root[80], command[128];

	snprintf(root, sizeof(root), "%s/root", stage->path);
	arena_set_plan(root, 0, &plan); /* no sysfs */
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.node[0], -1);

	below(root, "sys/devices/system/node/has_cpu", "0,2-3\n");
	below(root, "sys/devices/system/node/has_memory", "0-2\n");
	arena_set_plan(root, 0, &plan);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.node[0], 0);
	assert_int_equal(plan.node[1], 2);
	assert_int_equal(plan.node[2], -1);
	arena_set_plan(root, 1, &plan);
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.node[0], -1);
	arena_set_plan(root, 3, &plan);
	assert_int_equal(plan.count, 3);
	assert_int_equal(plan.node[2], 0);

	below(root, "proc/self/status", "Name:\tx\nMems_allowed_list:\t2-7\n");
	arena_set_plan(root, 0, &plan);
	assert_int_equal(plan.count, 1);
	arena_set_plan(root, 2, &plan);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.node[0], 2);
	assert_int_equal(plan.node[1], 2);
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STEP(workers_read_different_replicas), STEP(files_have_names_modes_and_an_end),
	    STEP(lone_replicas_are_swept),	   STEP(first_replica_stands_in),
	    STEP(damaged_root_in_one_replica),	   STEP(as_many_as_nodes),
	    cmocka_unit_test(nearest_replica),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
