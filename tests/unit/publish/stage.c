#include "tests/unit/publish/stage.h"

#include <assert.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

int stage_open(void **state)
{
	static struct stage stage;

	stage = (struct stage){.random = {1}, .replicas = 1};
	scene_directory(stage.path);
	*state = &stage;
	return 0;
}

int stage_close(void **state)
{
	struct stage *stage = *state;

	publish_close(stage->publisher);
	adopt_close(stage->adopt);
	scene_directory_remove(stage->path);
	return 0;
}

void control_start(struct stage *stage)
{
	stage->publisher = scene_open(stage->path, STAGE_CAPACITY, stage->replicas);
	assert_non_null(stage->publisher);
}

void control_stop(struct stage *stage)
{
	publish_close(stage->publisher);
	stage->publisher = NULL;
}

void dataplane_start(struct stage *stage, unsigned workers)
{
	stage->adopt = adopt_open(stage->path, workers, stage->error, sizeof(stage->error));
	assert_non_null(stage->adopt);
}

bool polled(struct stage *stage)
{
	const char *refused;
	bool ready = adopt_poll(stage->adopt, &refused);

	if (refused != NULL)
		fail_msg("refused: %s", refused);
	return ready;
}

uint64_t adopted(struct stage *stage, unsigned worker)
{
	bool changed;
	const struct image *image = adopt_newest(stage->adopt, worker, &changed);

	if (image == NULL)
		return 0;
	if (scene_fault(image) != NULL)
		fail_msg("%s", scene_fault(image));
	return image->generation;
}

mode_t mode_of(const struct stage *stage, const char *name)
{
	char path[128];
	struct stat at;

	snprintf(path, sizeof(path), "%s/%s", stage->path, name);
	assert_int_equal(stat(path, &at), 0);
	return at.st_mode & 07777;
}

uint64_t retired(const struct stage *stage)
{
	return image_usage(publish_writer(stage->publisher)).retired;
}

void write_at(const struct stage *stage, const char *name, off_t offset, uint32_t value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", stage->path, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &value, sizeof(value), offset), sizeof(value));
	close(fd);
}
