#include "control/cli/runtime_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The whole of a file of a fixed size, or NULL. *alive: its owner holds the lock. Read, never
 * mapped: who writes it could cut it off under a mapping, which kills its reader (SIGBUS). */
static void *copy(const char *dir, const char *name, size_t size, bool *alive)
{
	char path[PATH_MAX];
	void *at = NULL;
	int fd;

	*alive = false;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	*alive = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	if (posix_memalign(&at, alignof(struct dataplane_file), size) != 0)
		abort();
	if (pread(fd, at, size, 0) != (ssize_t)size) {
		free(at);
		at = NULL;
	}
	close(fd); /* the lock that we may have got goes with it */
	return at;
}

static void open_dataplane(const char *dir, struct runtime_files *files)
{
	struct dataplane_file *file;
	bool alive;

	file = copy(dir, DATAPLANE_FILE, sizeof(*file), &alive);
	if (file == NULL)
		return;
	if (alive && file->magic == DATAPLANE_MAGIC && file->abi == IMAGE_ABI &&
	    file->size == sizeof(*file) && file->counters == COUNTERS) {
		files->dataplane = file;
		return;
	}
	if (alive)
		files->mismatch = "the dataplane that runs is of another version than this program";
	free(file);
}

static void open_channel(const char *dir, struct runtime_files *files)
{
	struct channel *channel;

	channel = copy(dir, CHANNEL_FILE, sizeof(*channel), &files->control_runs);
	if (channel == NULL)
		return;
	if (channel->magic == CHANNEL_MAGIC && channel->abi == IMAGE_ABI) {
		files->channel = channel;
		return;
	}
	files->mismatch = "the channel was made by another version than this program";
	free(channel);
}

void runtime_files_open(const char *runtime_dir, struct runtime_files *files)
{
	memset(files, 0, sizeof(*files));
	open_dataplane(runtime_dir, files);
	open_channel(runtime_dir, files);
}

void runtime_files_close(struct runtime_files *files)
{
	free(files->dataplane);
	free(files->channel);
	memset(files, 0, sizeof(*files));
}

/* The name in the directory, and the file on hugetlbfs that it may point to. */
static void remove_arena(int dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(dir, name, target, sizeof(target) - 1);

	if (length > 0) {
		target[length] = '\0';
		unlinkat(dir, target, 0);
	}
	unlinkat(dir, name, 0);
}

static bool anybody_lives(const char *runtime_dir)
{
	struct runtime_files files;
	bool lives;

	runtime_files_open(runtime_dir, &files);
	lives = files.control_runs || files.dataplane != NULL || files.mismatch != NULL;
	runtime_files_close(&files);
	return lives;
}

/* A dataplane that gave up being root may not remove its file. Whoever starts now waits for the
 * lock or finds that the name has gone, and makes a file of his own. */
static void remove_dataplane(int dir)
{
	int fd = openat(dir, DATAPLANE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat ours, named;

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &ours) == 0 &&
	    fstatat(dir, DATAPLANE_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours.st_dev == named.st_dev && ours.st_ino == named.st_ino)
		unlinkat(dir, DATAPLANE_FILE, 0);
	close(fd);
}

void runtime_files_sweep(const char *runtime_dir)
{
	DIR *dir = opendir(runtime_dir);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while (!anybody_lives(runtime_dir) && (entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, ARENA_FILE_PREFIX, strlen(ARENA_FILE_PREFIX)) == 0)
			remove_arena(dirfd(dir), entry->d_name);
	remove_dataplane(dirfd(dir));
	closedir(dir);
}
