#include "control/publish/dataplane_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_alive(int fd)
{
	if (flock(fd, LOCK_SH | LOCK_NB) != 0)
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}

static void forget(struct watched *watched)
{
	if (watched->file == NULL)
		return;
	munmap((void *)(uintptr_t)watched->file, sizeof(*watched->file));
	close(watched->fd);
	*watched = (struct watched){0};
}

static bool is_good(const struct dataplane_file *file)
{
	return file->magic == DATAPLANE_MAGIC && file->abi == IMAGE_ABI &&
	       file->size == sizeof(*file) && file->counters == COUNTERS;
}

/* Maps the file that has the name now; an entry without `file` if there is no live, usable one. */
static struct watched take_up(int runtime_fd)
{
	struct watched watched = {0};
	struct stat at;
	void *file;

	watched.fd =
	    openat(runtime_fd, DATAPLANE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (watched.fd < 0)
		return watched;
	if (fstat(watched.fd, &at) == 0 && S_ISREG(at.st_mode) &&
	    at.st_size >= (off_t)sizeof(*watched.file) && is_alive(watched.fd)) {
		file = mmap(NULL, sizeof(*watched.file), PROT_READ, MAP_SHARED, watched.fd, 0);
		watched.file = file == MAP_FAILED ? NULL : file;
		watched.device = at.st_dev;
		watched.inode = at.st_ino;
	}
	if (watched.file == NULL)
		close(watched.fd);
	else if (!is_good(watched.file))
		forget(&watched);
	return watched;
}

static struct watched *entry_free(struct dataplane_watch *watch)
{
	for (unsigned i = 0; i < DATAPLANES_MAX; i++)
		if (watch->at[i].file == NULL)
			return &watch->at[i];
	return NULL;
}

static struct watched *entry_of(struct dataplane_watch *watch, const struct stat *at)
{
	for (unsigned i = 0; i < DATAPLANES_MAX; i++)
		if (watch->at[i].file != NULL && watch->at[i].device == at->st_dev &&
		    watch->at[i].inode == at->st_ino)
			return &watch->at[i];
	return NULL;
}

void dataplane_watch_refresh(struct dataplane_watch *watch)
{
	struct watched *entry;
	struct stat at;

	for (unsigned i = 0; i < DATAPLANES_MAX; i++)
		if (watch->at[i].file != NULL && !is_alive(watch->at[i].fd))
			forget(&watch->at[i]);
	watch->crowded = false;
	watch->named = NULL;
	if (fstatat(watch->runtime_fd, DATAPLANE_FILE, &at, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	entry = entry_of(watch, &at);
	if (entry == NULL) {
		struct watched found = take_up(watch->runtime_fd);

		if (found.file == NULL)
			return;
		entry = entry_free(watch);
		if (entry == NULL) {
			watch->crowded = true;
			forget(&found);
			return;
		}
		*entry = found;
	}
	watch->named = entry->file;
}

void dataplane_watch_close(struct dataplane_watch *watch)
{
	for (unsigned i = 0; i < DATAPLANES_MAX; i++)
		forget(&watch->at[i]);
	watch->named = NULL;
}

/* A worker that goes over to another arena stores ATTACHING, then (release) the arena, then
 * (release) the generation. Whoever reads the arena (acquire) between two equal values of `seen`
 * therefore reads a pair that belongs together. A worker of another arena may take our root at any
 * moment, so it counts as one that attaches. */
static uint64_t line_seen(const struct worker_line *line, uint64_t arena_id)
{
	uint64_t seen = atomic_load_explicit(&line->seen, memory_order_acquire);
	uint64_t arena, again;

	if (seen == 0 || seen == WORKER_OFFLINE)
		return UINT64_MAX;
	arena = atomic_load_explicit(&line->arena_id, memory_order_acquire);
	again = atomic_load_explicit(&line->seen, memory_order_relaxed);
	return seen == again && arena == arena_id ? seen : WORKER_ATTACHING;
}

uint64_t dataplane_watch_seen(const struct dataplane_watch *watch, uint64_t arena_id)
{
	uint64_t least = watch->crowded ? WORKER_ATTACHING : UINT64_MAX;

	for (unsigned i = 0; i < DATAPLANES_MAX; i++) {
		const struct dataplane_file *file = watch->at[i].file;

		/* Every line, whatever worker_count says: it is not ours. */
		for (unsigned w = 0; file != NULL && w < WORKERS_MAX; w++) {
			uint64_t seen = line_seen(&file->line[w], arena_id);

			if (seen < least)
				least = seen;
		}
	}
	return least;
}
