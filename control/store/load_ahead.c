/* load_ahead.c: see load_ahead.h. */
#include "control/store/load_ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define RANGE_NAMES	  2048u
#define LOAD_AHEAD_RANGES 3u /* for each thread: one in work, others ready */
#define THREADS_MAX	  64u

struct slot {
	struct load_range range;
	size_t room; /* of range.nodes */
	bool done;
};

/* Range n lies in slot n % slots. A thread may begin it once range n - slots was given back. The
 * lock guards all but what is in a slot's range: that is the thread's until `done`, then the
 * caller's. */
struct load_ahead {
	const struct zone *zone;
	const uint64_t *skip;
	const uint64_t *key;
	pthread_mutex_t lock;
	pthread_cond_t done, room;
	uint32_t ranges; /* all */
	uint32_t begun;	 /* by threads */
	uint32_t given;	 /* to the caller */
	uint32_t back;	 /* that the caller needs no more */
	bool stop;
	uint32_t slots;
	struct slot *slot;
	unsigned threads;
	pthread_t thread[THREADS_MAX];
};

static void *memory_or_abort(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

static bool is_skipped(const struct load_ahead *ahead, zone_name name)
{
	return name == ZONE_APEX ||
	       (ahead->skip != NULL && (ahead->skip[name / 64] >> name % 64 & 1) != 0);
}

static void append(struct slot *slot, const struct image_node *node)
{
	struct load_range *range = &slot->range;
	size_t octets = (size_t)node->units * IMAGE_UNIT;

	if (range->octets + octets > slot->room) {
		slot->room = range->octets + octets + slot->room / 2 + RANGE_NAMES * 64;
		range->nodes = memory_or_abort(realloc(range->nodes, slot->room));
	}
	memcpy(range->nodes + range->octets, node, octets);
	range->octets += octets;
}

static void compile_range(const struct load_ahead *ahead, uint32_t number, struct slot *slot,
			  struct image_node *scratch)
{
	zone_name from = number * RANGE_NAMES, end = zone_name_end(ahead->zone);
	struct load_range *range = &slot->range;
	struct zone_walk walk;

	range->octets = 0;
	range->names = range->too_large = 0;
	zone_walk_start(&walk, ahead->zone, from,
			end - from > RANGE_NAMES ? from + RANGE_NAMES : end);
	while (zone_walk_next(&walk)) {
		enum compile_result result;

		if (is_skipped(ahead, walk.name))
			continue;
		result = compile_walked(&walk, ahead->key, scratch);
		range->names++;
		range->too_large += result == COMPILE_TOO_LARGE;
		if (result != COMPILE_ABSENT)
			append(slot, scratch);
	}
}

static void *work(void *context)
{
	struct image_node *scratch = memory_or_abort(aligned_alloc(64, IMAGE_NODE_MAX));
	struct load_ahead *ahead = context;

	pthread_mutex_lock(&ahead->lock);
	for (;;) {
		while (!ahead->stop && ahead->begun < ahead->ranges &&
		       ahead->begun - ahead->back >= ahead->slots)
			pthread_cond_wait(&ahead->room, &ahead->lock);
		if (ahead->stop || ahead->begun == ahead->ranges)
			break;
		uint32_t number = ahead->begun++;
		struct slot *slot = &ahead->slot[number % ahead->slots];

		pthread_mutex_unlock(&ahead->lock);
		compile_range(ahead, number, slot, scratch);
		pthread_mutex_lock(&ahead->lock);
		slot->done = true;
		pthread_cond_signal(&ahead->done);
	}
	pthread_mutex_unlock(&ahead->lock);
	free(scratch);
	return NULL;
}

struct load_ahead *load_ahead_start(const struct zone *zone, const uint64_t *skip,
				    const uint64_t key[2], unsigned threads)
{
	struct load_ahead *ahead = memory_or_abort(calloc(1, sizeof(*ahead)));

	ahead->zone = zone;
	ahead->skip = skip;
	ahead->key = key;
	ahead->ranges = (zone_name_end(zone) + RANGE_NAMES - 1) / RANGE_NAMES;
	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	ahead->slots = threads * LOAD_AHEAD_RANGES;
	ahead->slot = memory_or_abort(calloc(ahead->slots, sizeof(*ahead->slot)));
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->done, NULL);
	pthread_cond_init(&ahead->room, NULL);
	while (ahead->threads < threads &&
	       pthread_create(&ahead->thread[ahead->threads], NULL, work, ahead) == 0)
		ahead->threads++;
	if (ahead->threads > 0)
		return ahead;
	load_ahead_stop(ahead);
	return NULL;
}

const struct load_range *load_ahead_next(struct load_ahead *ahead)
{
	struct slot *slot;

	pthread_mutex_lock(&ahead->lock);
	if (ahead->back < ahead->given) {
		ahead->slot[ahead->back++ % ahead->slots].done = false;
		pthread_cond_signal(&ahead->room);
	}
	slot = &ahead->slot[ahead->given % ahead->slots];
	if (ahead->given == ahead->ranges) {
		slot = NULL;
	} else {
		while (!slot->done)
			pthread_cond_wait(&ahead->done, &ahead->lock);
		ahead->given++;
	}
	pthread_mutex_unlock(&ahead->lock);
	return slot == NULL ? NULL : &slot->range;
}

void load_ahead_stop(struct load_ahead *ahead)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->stop = true;
	pthread_cond_broadcast(&ahead->room);
	pthread_mutex_unlock(&ahead->lock);
	while (ahead->threads > 0)
		pthread_join(ahead->thread[--ahead->threads], NULL);
	for (uint32_t i = 0; i < ahead->slots; i++)
		free(ahead->slot[i].range.nodes);
	pthread_cond_destroy(&ahead->room);
	pthread_cond_destroy(&ahead->done);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead->slot);
	free(ahead);
}
