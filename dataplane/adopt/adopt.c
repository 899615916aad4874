/* adopt.c: opening and closing, and the workers' side. */
#include "dataplane/adopt/adopt.h"

#include "dataplane/adopt/adopt_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static struct adopt *adopt_new(const char *runtime_dir, unsigned workers)
{
	struct adopt *adopt = aligned_alloc(64, (sizeof(*adopt) + 63) / 64 * 64);

	if (adopt == NULL)
		return NULL;
	memset(adopt, 0, sizeof(*adopt));
	adopt->workers = workers;
	adopt->file_fd = adopt->event_fd = adopt->runtime_fd = -1;
	adopt->look = true;
	adopt->runtime_dir = strdup(runtime_dir);
	adopt->worker = aligned_alloc(64, workers * sizeof(*adopt->worker));
	if (adopt->worker != NULL)
		memset(adopt->worker, 0, workers * sizeof(*adopt->worker));
	for (unsigned i = 0; adopt->worker != NULL && i < workers; i++)
		adopt->worker[i].node = -1;
	return adopt;
}

void adopt_close(struct adopt *adopt)
{
	struct followed *followed;

	if (adopt == NULL)
		return;
	for (unsigned i = 0; i < ADOPT_ARENAS; i++)
		if (atomic_load_explicit(&adopt->slot[i].key, memory_order_relaxed) != 0)
			arena_unmap(&adopt->slot[i]);
	followed = (struct followed *)(uintptr_t)atomic_load_explicit(&adopt->followed,
								      memory_order_relaxed);
	followed_drop(&followed);
	followed_drop(&adopt->next);
	followed_drop(&adopt->older);
	own_file_close(adopt);
	if (adopt->event_fd >= 0)
		close(adopt->event_fd);
	if (adopt->runtime_fd >= 0)
		close(adopt->runtime_fd);
	free(adopt->worker);
	free(adopt->runtime_dir);
	free(adopt);
}

static bool directory_open(struct adopt *adopt, char *error, size_t error_size)
{
	const char *path = adopt->runtime_dir;

	adopt->runtime_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (adopt->runtime_fd < 0) {
		snprintf(error, error_size,
			 "can't open the runtime directory %s: %s; create it, or choose another "
			 "--runtime-dir",
			 path, strerror(errno));
		return false;
	}
	/* Without inotify (its limits are per user) adopt_poll() looks each time. */
	adopt->event_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (adopt->event_fd >= 0 &&
	    inotify_add_watch(adopt->event_fd, path, IN_CREATE | IN_MOVED_TO | IN_DELETE) < 0) {
		close(adopt->event_fd);
		adopt->event_fd = -1;
	}
	return true;
}

struct adopt *adopt_open(const char *runtime_dir, unsigned workers, char *error, size_t error_size)
{
	struct adopt *adopt;

	if (workers == 0 || workers > WORKERS_MAX) {
		snprintf(error, error_size, "between 1 and %u workers, not %u", WORKERS_MAX,
			 workers);
		return NULL;
	}
	adopt = adopt_new(runtime_dir, workers);
	if (adopt == NULL || adopt->worker == NULL || adopt->runtime_dir == NULL)
		snprintf(error, error_size, "out of memory");
	else if (directory_open(adopt, error, error_size) &&
		 own_file_open(adopt, error, error_size))
		return adopt;
	adopt_close(adopt);
	return NULL;
}

void adopt_set_node(struct adopt *adopt, unsigned worker, int node)
{
	adopt->worker[worker].node = node;
}

struct dataplane_file *adopt_file(struct adopt *adopt)
{
	return adopt->file;
}

int adopt_event_fd(struct adopt *adopt)
{
	return adopt->event_fd;
}

uint64_t adopt_refusals(const struct adopt *adopt, unsigned worker)
{
	return atomic_load_explicit(&adopt->worker[worker].refusals, memory_order_relaxed);
}

/* From here on control frees nothing and the main thread unmaps nothing, until the line says more.
 * The fence stands between these stores and the loads of the channel and its root: see channel.h
 * and adopt_private.h for who fences on the other side. */
static void attach(struct adopt_worker *worker, struct worker_line *line)
{
	atomic_store_explicit(&line->seen, WORKER_ATTACHING, memory_order_relaxed);
	atomic_store_explicit(&worker->held, HELD_ANY, memory_order_relaxed);
	channel_fence();
}

/* Release: everything that this worker read of the image happened before. */
static void detach(struct adopt_worker *worker, struct worker_line *line)
{
	worker->holds = false;
	atomic_store_explicit(&line->seen, WORKER_OFFLINE, memory_order_release);
	atomic_store_explicit(&worker->held, HELD_NOTHING, memory_order_release);
}

/* Tells control what we touch from now on. A new arena: ATTACHING first, so that nobody can read
 * the new arena together with a generation of the old one (dataplane_watch.c reads in this order).
 */
static void say_seen(struct worker_line *line, uint64_t arena_id, uint64_t generation)
{
	if (atomic_load_explicit(&line->arena_id, memory_order_relaxed) != arena_id) {
		atomic_store_explicit(&line->seen, WORKER_ATTACHING, memory_order_release);
		atomic_store_explicit(&line->arena_id, arena_id, memory_order_release);
	}
	/* Pairs with the acquire in publish_reclaim(): what we read of older generations, we read
	 * before control reuses it. */
	atomic_store_explicit(&line->seen, generation, memory_order_release);
}

static void refuse(struct adopt_worker *worker, uint32_t serial, uint64_t root)
{
	worker->refused_serial = serial;
	worker->refused_root = root;
	atomic_fetch_add_explicit(&worker->refusals, 1, memory_order_relaxed);
}

/* Goes over to the root. False: it is not mapped yet, or damaged; nothing has changed then. */
static bool take(struct adopt *adopt, unsigned index, const struct followed *followed,
		 uint64_t root, bool *changed)
{
	struct adopt_worker *worker = &adopt->worker[index];
	uint64_t key = arena_key(followed->serial, root >> 32);
	const struct arena_slot *slot = slot_of(adopt, key);
	struct image image;
	unsigned replica;

	if (slot == NULL ||
	    (followed->serial == worker->refused_serial && root == worker->refused_root))
		return false;
	replica = slot->of_worker[index];
	if (image_open(slot->replica[replica].base, slot->mapped, (image_ref)root, &image) !=
		IMAGE_GOOD ||
	    image.generation <= WORKER_ATTACHING || image.generation == WORKER_OFFLINE) {
		refuse(worker, followed->serial, root);
		return false;
	}
	*changed = image.generation != worker->generation || key != worker->generation_arena;
	worker->image = image;
	worker->serial = followed->serial;
	worker->root = root;
	worker->generation = image.generation;
	worker->generation_arena = key;
	worker->holds = true;
	say_seen(&adopt->file->line[index], root >> 32, image.generation);
	atomic_store_explicit(&adopt->file->line[index].replica, replica, memory_order_relaxed);
	atomic_store_explicit(&worker->held, 1 + (uint32_t)(slot - adopt->slot),
			      memory_order_release);
	return true;
}

const struct image *adopt_newest(struct adopt *adopt, unsigned index, bool *changed)
{
	struct adopt_worker *worker = &adopt->worker[index];
	const struct followed *followed;
	uint64_t root = 0;

	*changed = false;
	if (!worker->holds)
		attach(worker, &adopt->file->line[index]);
	followed = atomic_load_explicit(&adopt->followed, memory_order_acquire);
	/* Acquire: pairs with the release store in publish_commit(). */
	if (followed != NULL)
		root = atomic_load_explicit(&followed->channel->root, memory_order_acquire);
	if (worker->holds && root == worker->root && followed->serial == worker->serial)
		return &worker->image;
	if (root != 0 && take(adopt, index, followed, root, changed))
		return &worker->image;
	/* Not mapped yet, or refused: who holds an image stays with it. */
	if (worker->holds)
		return &worker->image;
	detach(worker, &adopt->file->line[index]);
	return NULL;
}

void adopt_offline(struct adopt *adopt, unsigned index)
{
	detach(&adopt->worker[index], &adopt->file->line[index]);
}
