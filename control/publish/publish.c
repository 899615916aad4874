/* publish.c: from a committed transaction to the root word that every worker reads.
 *
 * What a kill leaves behind, at any instruction: a channel whose root names a whole image (or
 * none), since the root is stored last; that image's arena under its name, since it is removed only
 * after a newer root was stored; perhaps files that nobody needs, which the next start sweeps. The
 * next control writes only into an arena of its own, under an id and generations that were never
 * used. */
#include "control/publish/publish.h"

#include "control/publish/arena_set.h"
#include "control/publish/channel_file.h"
#include "control/publish/dataplane_watch.h"
#include "runtime/numa.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How long the first commit lets a live dataplane map the new arena, so that a worker which wakes
 * just then finds it. A courtesy, not a condition: workers that are awake stay with the old root.
 */
#define MAPPED_TRIES 500
#define MAPPED_PAUSE 200000 /* nanoseconds */

struct publisher {
	char *runtime_dir, *huge_pages_dir;
	struct arena_place place;
	struct channel_file channel;
	struct image_replicas replicas;
	struct arena_set arena;
	uint32_t arena_id;
	struct image_writer *writer;
	struct dataplane_watch watch;
	uint32_t predecessor; /* arena that the root named when we came; 0: none, or removed */
	bool published;
};

static bool directory_open(struct publisher *publisher, char *error, size_t error_size)
{
	const char *path = publisher->runtime_dir;
	int fd;

	if (mkdir(path, 0750) != 0 && errno != EEXIST) {
		snprintf(error, error_size,
			 "can't create the runtime directory %s: %s; create it, or choose another "
			 "--runtime-dir",
			 path, strerror(errno));
		return false;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		snprintf(error, error_size,
			 "can't open the runtime directory %s: %s; choose another --runtime-dir",
			 path, strerror(errno));
		return false;
	}
	publisher->place.runtime_fd = fd;
	publisher->watch.runtime_fd = fd;
	return true;
}

/* Ids grow past every arena that was ever published or left behind. */
static bool arena_open(struct publisher *publisher, uint64_t capacity, char *error,
		       size_t error_size)
{
	uint64_t root =
	    atomic_load_explicit(&publisher->channel.channel->root, memory_order_relaxed);
	uint32_t newest, largest;

	publisher->predecessor = (uint32_t)(root >> 32);
	largest = arena_files_sweep(&publisher->place, publisher->predecessor);
	newest = largest > publisher->predecessor ? largest : publisher->predecessor;
	publisher->arena_id = newest + 1;
	return arena_set_make(&publisher->place, publisher->arena_id, capacity,
			      &publisher->replicas, &publisher->arena, error, error_size);
}

static bool writer_open(struct publisher *publisher, char *error, size_t error_size)
{
	const struct channel *channel = publisher->channel.channel;
	uint64_t last = atomic_load_explicit(&channel->generation, memory_order_relaxed);
	uint64_t key[2];

	if (last < WORKER_ATTACHING)
		last = WORKER_ATTACHING;
	if (getrandom(key, sizeof(key), 0) != sizeof(key)) {
		snprintf(error, error_size, "no random numbers: %s", strerror(errno));
		return false;
	}
	publisher->writer =
	    image_writer_new(publisher->replicas.base[0], publisher->arena.file[0].capacity,
			     publisher->arena_id, key, last + 1, arena_set_grow, &publisher->arena);
	if (publisher->writer == NULL) {
		const char *why = arena_set_error(&publisher->arena);

		snprintf(error, error_size, "%s", *why != '\0' ? why : "out of memory");
		return false;
	}
	image_writer_replicate(publisher->writer, &publisher->replicas);
	return arena_set_show(&publisher->place, &publisher->arena, error, error_size);
}

static struct publisher *publisher_new(const struct publish_config *config)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));

	if (publisher == NULL)
		return NULL;
	publisher->runtime_dir = strdup(config->runtime_dir);
	if (config->huge_pages_dir != NULL)
		publisher->huge_pages_dir = realpath(config->huge_pages_dir, NULL);
	publisher->place.runtime_dir = publisher->runtime_dir;
	publisher->place.huge_pages_dir = publisher->huge_pages_dir;
	arena_set_plan(NUMA_ROOT, config->replicas, &publisher->replicas);
	return publisher;
}

static void publisher_free(struct publisher *publisher)
{
	free(publisher->runtime_dir);
	free(publisher->huge_pages_dir);
	free(publisher);
}

/* The arena is not shown, or nothing in it was published: nobody needs it. */
static void arena_discard(struct publisher *publisher)
{
	image_writer_free(publisher->writer);
	arena_set_discard(&publisher->place, &publisher->arena);
}

struct publisher *publish_open(const struct publish_config *config, char *error, size_t error_size)
{
	struct publisher *publisher = publisher_new(config);

	if (publisher == NULL || publisher->runtime_dir == NULL) {
		snprintf(error, error_size, "out of memory");
		goto no_directory;
	}
	if (config->huge_pages_dir != NULL && publisher->huge_pages_dir == NULL) {
		snprintf(error, error_size,
			 "%s: %s; mount a hugetlbfs there, or use --huge-pages off",
			 config->huge_pages_dir, strerror(errno));
		goto no_directory;
	}
	if (!directory_open(publisher, error, error_size))
		goto no_directory;
	if (!channel_file_open(publisher->place.runtime_fd, publisher->runtime_dir,
			       &publisher->channel, error, error_size))
		goto no_channel;
	if (!arena_open(publisher, config->capacity, error, error_size))
		goto no_arena;
	if (writer_open(publisher, error, error_size))
		return publisher;
	arena_discard(publisher);
no_arena:
	channel_file_close(&publisher->channel);
no_channel:
	close(publisher->place.runtime_fd);
no_directory:
	if (publisher != NULL)
		publisher_free(publisher);
	return NULL;
}

struct image_writer *publish_writer(struct publisher *publisher)
{
	return publisher->writer;
}

static void wait_until_mapped(struct publisher *publisher)
{
	for (int i = 0; i < MAPPED_TRIES; i++) {
		const struct dataplane_file *file = publish_dataplane(publisher);

		if (file == NULL ||
		    atomic_load_explicit(&file->mapped_arena, memory_order_relaxed) ==
			publisher->arena_id)
			return;
		nanosleep(&(struct timespec){.tv_nsec = MAPPED_PAUSE}, NULL);
	}
}

bool publish_no_memory(struct publisher *publisher, char *error, size_t error_size)
{
	const char *why = arena_set_error(&publisher->arena);
	bool known = *why != '\0';

	if (known)
		snprintf(error, error_size, "%s", why);
	arena_set_error_clear(&publisher->arena);
	return known;
}

static void commit_refused(struct publisher *publisher, char *error, size_t error_size)
{
	if (!publish_no_memory(publisher, error, error_size))
		snprintf(error, error_size,
			 "the records do not fit into the image's %llu MiB of address space",
			 (unsigned long long)publisher->arena.file[0].capacity >> 20);
}

uint64_t publish_commit(struct publisher *publisher, char *error, size_t error_size)
{
	struct channel *channel = publisher->channel.channel;
	image_ref root = image_commit(publisher->writer);
	uint64_t generation = image_generation(publisher->writer);

	if (root == 0) {
		commit_refused(publisher, error, error_size);
		return 0;
	}
	if (!publisher->published)
		wait_until_mapped(publisher);
	/* The generation first: if we are killed between the two, the next control skips one
	 * instead of using one twice. */
	atomic_store_explicit(&channel->generation, generation, memory_order_relaxed);
	/* Everything that this root reaches was written before, in every replica. Pairs with the
	 * acquire load in adopt_newest(). */
	atomic_store_explicit(&channel->root, channel_root_word(publisher->arena_id, root),
			      memory_order_release);
	publisher->published = true;
	arena_set_rest(&publisher->arena);
	return generation;
}

/* The fence stands between our last store of the root and our look at the lines; a worker that
 * attaches has one between the store to its line and its load of the root. So either we see that it
 * attaches, or it sees our root, from which nothing that we free can be reached. The same holds for
 * a dataplane whose file we don't see yet: it gets its name before its workers attach. */
uint64_t publish_seen(struct publisher *publisher)
{
	channel_fence();
	dataplane_watch_refresh(&publisher->watch);
	return dataplane_watch_seen(&publisher->watch, publisher->arena_id);
}

void publish_reclaim(struct publisher *publisher)
{
	uint64_t seen = publish_seen(publisher);

	/* A block that commit g made unreachable goes once every reader has seen >= g. */
	image_reclaim(publisher->writer, seen);
	if (publisher->predecessor != 0 && publisher->published && seen != WORKER_ATTACHING) {
		arena_file_remove(&publisher->place, publisher->predecessor);
		publisher->predecessor = 0;
	}
}

const struct dataplane_file *publish_dataplane(struct publisher *publisher)
{
	dataplane_watch_refresh(&publisher->watch);
	return dataplane_watch_named(&publisher->watch);
}

unsigned publish_replicas(const struct publisher *publisher,
			  struct publish_replica replica[IMAGE_REPLICAS_MAX])
{
	for (unsigned i = 0; i < publisher->arena.count; i++) {
		const struct arena_file *file = &publisher->arena.file[i];

		replica[i] = (struct publish_replica){
		    .node = publisher->replicas.node[i],
		    .backed = file->backed,
		    .elsewhere = file->elsewhere,
		};
	}
	return publisher->arena.count;
}

const char *publish_warning(const struct publisher *publisher)
{
	return publisher->arena.warning[0] != '\0' ? publisher->arena.warning : NULL;
}

void publish_close(struct publisher *publisher)
{
	if (publisher == NULL)
		return;
	dataplane_watch_close(&publisher->watch);
	if (publisher->published) {
		image_writer_free(publisher->writer);
		arena_set_close(&publisher->arena);
	} else {
		arena_discard(publisher);
	}
	channel_file_close(&publisher->channel);
	close(publisher->place.runtime_fd);
	publisher_free(publisher);
}
