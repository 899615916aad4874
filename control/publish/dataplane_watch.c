#include "control/publish/dataplane_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A worker that falls asleep and wakes between two looks is looked at again. */
#define LOOKS 4u

static bool is_alive(int fd)
{
	if (flock(fd, LOCK_SH | LOCK_NB) != 0)
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}

static void forget(struct watched *watched)
{
	if (!watched->taken)
		return;
	close(watched->fd);
	*watched = (struct watched){0};
}

/* Reading, never mapping: what is cut off from a file that is mapped kills its reader (SIGBUS). */
static bool read_all(int fd, void *to, size_t octets, size_t from)
{
	ssize_t got;

	do
		got = pread(fd, to, octets, (off_t)from);
	while (got < 0 && errno == EINTR);
	/* What is looked at from here on was read before. Pairs with the releases in adopt.c. */
	channel_fence();
	return got == (ssize_t)octets;
}

static bool is_good(const struct dataplane_file *file)
{
	return file->magic == DATAPLANE_MAGIC && file->abi == IMAGE_ABI &&
	       file->size == sizeof(*file) && file->counters == COUNTERS;
}

static bool is_dataplane(int fd)
{
	struct dataplane_file head = {0};

	return read_all(fd, &head, offsetof(struct dataplane_file, listen), 0) && is_good(&head);
}

/* Opens the file that has the name now; an entry that is not taken if there is no live, usable one.
 */
static struct watched take_up(int runtime_fd)
{
	struct watched watched = {0};
	struct stat at;

	watched.fd =
	    openat(runtime_fd, DATAPLANE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (watched.fd < 0)
		return watched;
	if (fstat(watched.fd, &at) == 0 && S_ISREG(at.st_mode) &&
	    at.st_size >= (off_t)sizeof(struct dataplane_file) && is_alive(watched.fd) &&
	    is_dataplane(watched.fd)) {
		watched.taken = true;
		watched.device = at.st_dev;
		watched.inode = at.st_ino;
	} else {
		close(watched.fd);
	}
	return watched;
}

static struct watched *entry_free(struct dataplane_watch *watch)
{
	for (unsigned i = 0; i < DATAPLANES_MAX; i++)
		if (!watch->at[i].taken)
			return &watch->at[i];
	return NULL;
}

static struct watched *entry_of(struct dataplane_watch *watch, const struct stat *at)
{
	for (unsigned i = 0; i < DATAPLANES_MAX; i++)
		if (watch->at[i].taken && watch->at[i].device == at->st_dev &&
		    watch->at[i].inode == at->st_ino)
			return &watch->at[i];
	return NULL;
}

void dataplane_watch_refresh(struct dataplane_watch *watch)
{
	struct watched *entry;
	struct stat at;

	for (unsigned i = 0; i < DATAPLANES_MAX; i++)
		if (watch->at[i].taken && !is_alive(watch->at[i].fd))
			forget(&watch->at[i]);
	watch->crowded = false;
	watch->named = NULL;
	if (fstatat(watch->runtime_fd, DATAPLANE_FILE, &at, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	entry = entry_of(watch, &at);
	if (entry == NULL) {
		struct watched found = take_up(watch->runtime_fd);

		if (!found.taken)
			return;
		entry = entry_free(watch);
		if (entry == NULL) {
			watch->crowded = true;
			forget(&found);
			return;
		}
		*entry = found;
	}
	watch->named = entry;
}

const struct dataplane_file *dataplane_watch_named(struct dataplane_watch *watch)
{
	if (watch->named == NULL)
		return NULL;
	if (watch->copy == NULL)
		watch->copy = aligned_alloc(alignof(struct dataplane_file), sizeof(*watch->copy));
	if (watch->copy == NULL ||
	    !read_all(watch->named->fd, watch->copy, sizeof(*watch->copy), 0) ||
	    !is_good(watch->copy))
		return NULL;
	return watch->copy;
}

void dataplane_watch_close(struct dataplane_watch *watch)
{
	for (unsigned i = 0; i < DATAPLANES_MAX; i++)
		forget(&watch->at[i]);
	watch->named = NULL;
	free(watch->copy);
	watch->copy = NULL;
}

/* A worker that goes over to another arena stores ATTACHING, then (release) the arena, then
 * (release) the generation. Whoever finds the same pair twice therefore has a pair that belongs
 * together; and since a copy by the kernel need not be whole words, one look alone would not do
 * even for `seen`. A worker of another arena may take our root at any moment, so it counts as one
 * that attaches. */
static uint64_t line_seen(const struct worker_line *first, const struct worker_line *second,
			  uint64_t arena_id)
{
	uint64_t seen = atomic_load_explicit(&first->seen, memory_order_relaxed);
	uint64_t arena = atomic_load_explicit(&first->arena_id, memory_order_relaxed);

	if (seen != atomic_load_explicit(&second->seen, memory_order_relaxed))
		return WORKER_ATTACHING;
	if (seen == 0 || seen == WORKER_OFFLINE)
		return UINT64_MAX;
	return arena == arena_id &&
		       arena == atomic_load_explicit(&second->arena_id, memory_order_relaxed)
		   ? seen
		   : WORKER_ATTACHING;
}

/* Every line, whatever worker_count says: it is not ours. What can't be read lives, and may hold
 * anything. */
static uint64_t file_seen(int fd, uint64_t arena_id)
{
	const size_t from = offsetof(struct dataplane_file, line);
	struct worker_line line[2][WORKERS_MAX];
	uint64_t least = WORKER_ATTACHING;

	if (!read_all(fd, line[0], sizeof(line[0]), from))
		return WORKER_ATTACHING;
	for (unsigned look = 1; look <= LOOKS && least == WORKER_ATTACHING; look++) {
		if (!read_all(fd, line[look % 2], sizeof(line[0]), from))
			return WORKER_ATTACHING;
		least = UINT64_MAX;
		for (unsigned w = 0; w < WORKERS_MAX; w++) {
			uint64_t seen = line_seen(&line[0][w], &line[1][w], arena_id);

			if (seen < least)
				least = seen;
		}
	}
	return least;
}

uint64_t dataplane_watch_seen(const struct dataplane_watch *watch, uint64_t arena_id)
{
	uint64_t least = watch->crowded ? WORKER_ATTACHING : UINT64_MAX;

	for (unsigned i = 0; i < DATAPLANES_MAX; i++) {
		uint64_t seen =
		    watch->at[i].taken ? file_seen(watch->at[i].fd, arena_id) : UINT64_MAX;

		if (seen < least)
			least = seen;
	}
	return least;
}
