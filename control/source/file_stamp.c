#include "control/source/file_stamp.h"

#include <sys/stat.h>
#include <time.h>

static uint64_t nanoseconds(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec;
}

uint64_t file_stamp_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return nanoseconds(&now);
}

struct file_stamp file_stamp_take(const char *path, uint64_t read_at)
{
	struct file_stamp stamp = {0};
	struct stat st;

	if (stat(path, &st) != 0)
		return stamp;
	stamp.exists = true;
	stamp.device = st.st_dev;
	stamp.inode = st.st_ino;
	stamp.size = (uint64_t)st.st_size;
	stamp.modified = nanoseconds(&st.st_mtim);
	stamp.changed = nanoseconds(&st.st_ctim);
	stamp.fresh =
	    stamp.changed + FILE_STAMP_STEP >= read_at && stamp.changed <= file_stamp_now();
	return stamp;
}

bool file_stamp_differs(const struct file_stamp *stamp, const char *path)
{
	struct file_stamp now = file_stamp_take(path, UINT64_MAX);

	if (stamp->exists != now.exists)
		return true;
	return stamp->exists && (stamp->fresh || stamp->device != now.device ||
				 stamp->inode != now.inode || stamp->size != now.size ||
				 stamp->modified != now.modified || stamp->changed != now.changed);
}
