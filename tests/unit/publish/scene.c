#include "tests/unit/publish/scene.h"

#include "zones/name/hash.h"

#include <assert.h>
#include <dirent.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

#define CHIEF 0u /* the number of the node that carries the generation */

void scene_directory(char path[64])
{
	snprintf(path, 64, "%s/skua-test-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(path));
}

void scene_directory_remove(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL)
		unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory != NULL)
		closedir(directory);
	rmdir(path);
}

unsigned scene_files(const char *path, const char *start, const char *end)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	unsigned count = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		size_t length = strlen(entry->d_name);

		if (strncmp(entry->d_name, start, strlen(start)) != 0)
			continue;
		if (end == NULL || (length >= strlen(end) &&
				    strcmp(entry->d_name + length - strlen(end), end) == 0))
			count++;
	}
	if (directory != NULL)
		closedir(directory);
	return count;
}

struct publisher *scene_open(const char *path, uint64_t capacity, unsigned replicas)
{
	struct publish_config config = {
	    .runtime_dir = path, .capacity = capacity, .replicas = replicas};
	char error[512] = "";
	struct publisher *publisher = publish_open(&config, error, sizeof(error));

	if (publisher == NULL)
		fprintf(stderr, "publish_open: %s\n", error);
	return publisher;
}

static bool group_put(struct image_writer *writer, unsigned group, uint32_t stamp,
		      struct random *random)
{
	struct test_name name;

	for (unsigned i = 0; i < SCENE_GROUP; i++) {
		name_numbered(&name, 1 + group * SCENE_GROUP + i);
		if (image_put(writer, node_make(&name, stamp,
						8 + (unsigned)random_below(random, 500))) == 0)
			return false;
	}
	return true;
}

static bool group_delete(struct image_writer *writer, unsigned group)
{
	struct test_name name;

	for (unsigned i = 0; i < SCENE_GROUP; i++) {
		name_numbered(&name, 1 + group * SCENE_GROUP + i);
		if (!image_delete(writer, 0, name.wire))
			return false;
	}
	return true;
}

uint64_t scene_publish(struct publisher *publisher, struct random *random, bool first)
{
	struct image_writer *writer = publish_writer(publisher);
	uint32_t stamp = (uint32_t)image_generation(writer) + 1;
	struct test_name chief;
	char error[512];
	bool good = true;

	image_begin(writer);
	name_numbered(&chief, CHIEF);
	good &= image_put(writer, node_make(&chief, stamp, 64)) != 0;
	for (unsigned group = 0; group < SCENE_GROUPS; group++) {
		uint64_t what = first ? 0 : random_below(random, 12);

		if (what == 0)
			good &= group_put(writer, group, stamp, random);
		else if (what == 1)
			good &= group_delete(writer, group);
	}
	if (!good) {
		image_abort(writer);
		return 0;
	}
	return publish_commit(publisher, error, sizeof(error));
}

bool scene_may_publish(struct publisher *publisher)
{
	publish_reclaim(publisher);
	if (image_usage(publish_writer(publisher)).retired < 2u << 20)
		return true;
	sched_yield();
	return false;
}

/* 0: no such node; UINT32_MAX: a node that is not whole. */
static uint32_t stamp_at(const struct image *image, uint32_t number)
{
	struct test_name name;
	const struct image_node *node;
	uint32_t stamp;

	name_numbered(&name, number);
	node = image_find(image, name_hash(image->key, name.wire, name.length), name.wire,
			  name.length);
	if (node == NULL)
		return 0;
	stamp = stamp_of(node);
	return stamp == 0 ? UINT32_MAX : stamp;
}

const char *scene_fault(const struct image *image)
{
	uint32_t generation = stamp_at(image, CHIEF);

	if (generation != (uint32_t)image->generation)
		return "the chief node is of another generation than the root";
	for (unsigned group = 0; group < SCENE_GROUPS; group++) {
		uint32_t stamp = stamp_at(image, 1 + group * SCENE_GROUP);

		if (stamp == UINT32_MAX)
			return "a node is not whole";
		if (stamp > generation)
			return "a node is newer than the root";
		for (unsigned i = 1; i < SCENE_GROUP; i++)
			if (stamp_at(image, 1 + group * SCENE_GROUP + i) != stamp)
				return "a group is of two generations";
	}
	return NULL;
}
