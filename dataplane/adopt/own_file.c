/* own_file.c: the dataplane's file. Its lock says that we live; it is taken before the file gets
 * its name, and the kernel gives it up only when our last thread is gone. */
#include "dataplane/adopt/adopt_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Control asks whether a dataplane lives by taking the lock shared, for an instant. */
#define LOCK_TRIES 50
#define LOCK_PAUSE 2000000 /* nanoseconds */

static bool lock_tries(int fd, int kind)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, kind | LOCK_NB) == 0)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE}, NULL);
	}
	return false;
}

static bool same_file(int runtime_fd, int fd)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 &&
	       fstatat(runtime_fd, DATAPLANE_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

bool own_file_is_named(const struct adopt *adopt)
{
	return same_file(adopt->runtime_fd, adopt->file_fd);
}

static void file_fill(struct dataplane_file *file, unsigned workers)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	file->magic = DATAPLANE_MAGIC;
	file->abi = IMAGE_ABI;
	file->size = sizeof(*file);
	file->pid = (uint32_t)getpid();
	file->worker_count = workers;
	file->started = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	file->counters = COUNTERS;
}

/* A file under another name: locked, filled in, mapped into adopt. */
static bool file_make(struct adopt *adopt, const char *name)
{
	void *at;

	unlinkat(adopt->runtime_fd, name, 0);
	adopt->file_fd =
	    openat(adopt->runtime_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (adopt->file_fd < 0)
		return false;
	if (fchmod(adopt->file_fd, 0644) != 0 || flock(adopt->file_fd, LOCK_EX | LOCK_NB) != 0 ||
	    posix_fallocate(adopt->file_fd, 0, sizeof(*adopt->file)) != 0)
		return false;
	at =
	    mmap(NULL, sizeof(*adopt->file), PROT_READ | PROT_WRITE, MAP_SHARED, adopt->file_fd, 0);
	if (at == MAP_FAILED)
		return false;
	adopt->file = at;
	file_fill(adopt->file, adopt->workers);
	return true;
}

static void file_unmake(struct adopt *adopt)
{
	int saved = errno;

	if (adopt->file != NULL)
		munmap(adopt->file, sizeof(*adopt->file));
	if (adopt->file_fd >= 0)
		close(adopt->file_fd);
	adopt->file = NULL;
	adopt->file_fd = -1;
	errno = saved;
}

/* Gives the finished file its name. replace: a dead one, whose lock we hold, is in its place;
 * otherwise link() lets only one of two win. False with EEXIST: look again. */
static bool file_name(struct adopt *adopt, bool replace)
{
	char name[64];
	bool good;

	snprintf(name, sizeof(name), DATAPLANE_FILE ".%d.new", (int)getpid());
	good = file_make(adopt, name);
	if (good && replace)
		good = renameat(adopt->runtime_fd, name, adopt->runtime_fd, DATAPLANE_FILE) == 0;
	else if (good)
		good = linkat(adopt->runtime_fd, name, adopt->runtime_fd, DATAPLANE_FILE, 0) == 0;
	if (!good || !replace) {
		int saved = errno;

		unlinkat(adopt->runtime_fd, name, 0);
		errno = saved;
	}
	if (!good)
		file_unmake(adopt);
	return good;
}

static void say_running(int fd, const char *runtime_dir, char *error, size_t error_size)
{
	struct dataplane_file file;
	const size_t head = offsetof(struct dataplane_file, listen);
	unsigned pid = 0;

	if (pread(fd, &file, head, 0) == (ssize_t)head && file.magic == DATAPLANE_MAGIC)
		pid = file.pid;
	snprintf(error, error_size,
		 "%s: another skua-dataplane (process %u) works there: stop it, or choose another "
		 "--runtime-dir",
		 runtime_dir, pid);
}

/* The file of an earlier dataplane. True: done, or errno EEXIST/other as from file_name(). */
static bool take_over(struct adopt *adopt, int fd, char *error, size_t error_size)
{
	bool good = false;

	if (!lock_tries(fd, LOCK_EX)) {
		say_running(fd, adopt->runtime_dir, error, error_size);
		errno = EBUSY;
	} else if (!same_file(adopt->runtime_fd, fd)) {
		errno = EEXIST;
	} else {
		good = file_name(adopt, true);
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return good;
}

/* What dataplanes left that were killed before their file had its name. One that starts just now
 * loses its own, and would have been refused: we are here. */
static void sweep(int runtime_fd)
{
	int copy = openat(runtime_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		const char *end = strrchr(entry->d_name, '.');

		if (strncmp(entry->d_name, DATAPLANE_FILE ".", sizeof(DATAPLANE_FILE)) == 0 &&
		    strcmp(end, ".new") == 0)
			unlinkat(runtime_fd, entry->d_name, 0);
	}
	if (directory != NULL)
		closedir(directory);
	else if (copy >= 0)
		close(copy);
}

bool own_file_open(struct adopt *adopt, char *error, size_t error_size)
{
	bool good;

	*error = '\0';
	do {
		int fd = openat(adopt->runtime_fd, DATAPLANE_FILE,
				O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

		if (fd >= 0)
			good = take_over(adopt, fd, error, error_size);
		else
			good = errno == ENOENT && file_name(adopt, false);
	} while (!good && errno == EEXIST);
	if (good)
		sweep(adopt->runtime_fd);
	else if (*error == '\0')
		snprintf(error, error_size,
			 "can't write %s/" DATAPLANE_FILE
			 ": %s; make the directory writable for user %u, or choose another "
			 "--runtime-dir",
			 adopt->runtime_dir, strerror(errno), (unsigned)geteuid());
	return good;
}

void own_file_close(struct adopt *adopt)
{
	if (adopt->file == NULL)
		return;
	if (own_file_is_named(adopt))
		unlinkat(adopt->runtime_fd, DATAPLANE_FILE, 0);
	file_unmake(adopt);
}
