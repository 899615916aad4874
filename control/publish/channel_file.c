#include "control/publish/channel_file.h"

#include "runtime/runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Who only asks whether we live takes the lock shared, for an instant: try again before believing
 * that another control holds it. */
#define LOCK_TRIES 50
#define LOCK_PAUSE 2000000 /* nanoseconds */

enum claim { CLAIM_DONE, CLAIM_ABSENT, CLAIM_AGAIN, CLAIM_FAILED };

static bool lock_own(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE}, NULL);
	}
	return false;
}

static struct channel *channel_map(int fd)
{
	void *at = mmap(NULL, sizeof(struct channel), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

static void say_running(int fd, const char *runtime_dir, char *error, size_t error_size)
{
	struct channel copy;
	unsigned long long pid = 0;

	if (pread(fd, &copy, sizeof(copy), 0) == sizeof(copy) && copy.magic == CHANNEL_MAGIC)
		pid = atomic_load_explicit(&copy.control_pid, memory_order_relaxed);
	snprintf(error, error_size,
		 "%s: another skua-control (process %llu) works there: stop it, or choose another "
		 "--runtime-dir",
		 runtime_dir, pid);
}

static bool still_named(int runtime_fd, int fd)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 &&
	       fstatat(runtime_fd, CHANNEL_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

static bool is_good(const struct channel *channel)
{
	return channel->magic == CHANNEL_MAGIC && channel->abi == IMAGE_ABI &&
	       channel->size == sizeof(*channel);
}

/* A file under another name, locked, complete. Returns its descriptor or -1. */
static int channel_make(int runtime_fd, const char *name, struct channel **channel)
{
	int fd;

	unlinkat(runtime_fd, name, 0);
	fd = openat(runtime_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -1;
	*channel = NULL;
	if (fchmod(fd, 0640) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    (errno = posix_fallocate(fd, 0, sizeof(**channel))) == 0)
		*channel = channel_map(fd);
	if (*channel == NULL) {
		int saved = errno;

		unlinkat(runtime_fd, name, 0);
		close(fd);
		errno = saved;
		return -1;
	}
	(*channel)->magic = CHANNEL_MAGIC;
	(*channel)->abi = IMAGE_ABI;
	(*channel)->size = sizeof(**channel);
	return fd;
}

/* replace: the bad file, whose lock we hold, keeps others out until ours is in its place. Without
 * it, link() makes sure that of two that start at once only one gets the name. */
static enum claim claim_new(int runtime_fd, bool replace, struct channel_file *file)
{
	struct channel *channel;
	enum claim claim = CLAIM_DONE;
	char name[64];
	int fd;

	snprintf(name, sizeof(name), CHANNEL_FILE ".%d.new", (int)getpid());
	fd = channel_make(runtime_fd, name, &channel);
	if (fd < 0)
		return CLAIM_FAILED;
	if (replace ? renameat(runtime_fd, name, runtime_fd, CHANNEL_FILE) != 0
		    : linkat(runtime_fd, name, runtime_fd, CHANNEL_FILE, 0) != 0)
		claim = errno == EEXIST ? CLAIM_AGAIN : CLAIM_FAILED;
	if (!replace) {
		int saved = errno;

		unlinkat(runtime_fd, name, 0);
		errno = saved;
	}
	if (claim == CLAIM_DONE) {
		*file = (struct channel_file){.fd = fd, .channel = channel};
		return CLAIM_DONE;
	}
	munmap(channel, sizeof(*channel));
	close(fd);
	return claim;
}

static enum claim claim_existing(int runtime_fd, const char *runtime_dir, int fd,
				 struct channel_file *file, char *error, size_t error_size)
{
	struct channel *channel = NULL;
	struct stat at;
	enum claim claim;

	if (!lock_own(fd)) {
		say_running(fd, runtime_dir, error, error_size);
		close(fd);
		return CLAIM_FAILED;
	}
	if (!still_named(runtime_fd, fd)) {
		close(fd);
		return CLAIM_AGAIN;
	}
	if (fstat(fd, &at) == 0 && S_ISREG(at.st_mode) && at.st_size >= (off_t)sizeof(*channel))
		channel = channel_map(fd);
	if (channel != NULL && is_good(channel)) {
		*file = (struct channel_file){.fd = fd, .channel = channel};
		return CLAIM_DONE;
	}
	if (channel != NULL)
		munmap(channel, sizeof(*channel));
	claim = claim_new(runtime_fd, true, file);
	close(fd);
	return claim;
}

bool channel_file_open(int runtime_fd, const char *runtime_dir, struct channel_file *file,
		       char *error, size_t error_size)
{
	enum claim claim;

	*error = '\0';
	do {
		int fd = openat(runtime_fd, CHANNEL_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

		if (fd >= 0)
			claim =
			    claim_existing(runtime_fd, runtime_dir, fd, file, error, error_size);
		else if (errno == ENOENT)
			claim = claim_new(runtime_fd, false, file);
		else
			claim = CLAIM_FAILED;
	} while (claim == CLAIM_AGAIN);
	if (claim == CLAIM_DONE) {
		atomic_store_explicit(&file->channel->control_pid, (uint64_t)getpid(),
				      memory_order_relaxed);
		runtime_dir_group(runtime_fd, file->fd);
		return true;
	}
	if (*error == '\0')
		snprintf(error, error_size,
			 "can't write %s/" CHANNEL_FILE
			 ": %s; make the directory writable for user %u, or choose another "
			 "--runtime-dir",
			 runtime_dir, strerror(errno), (unsigned)geteuid());
	return false;
}

void channel_file_close(struct channel_file *file)
{
	atomic_store_explicit(&file->channel->control_pid, 0, memory_order_relaxed);
	munmap(file->channel, sizeof(*file->channel));
	close(file->fd);
}
