/* publish.h: control's end of the channel: arenas, the root word, and what readers have seen.
 *
 * Start: takes the lock on <runtime-dir>/channel (reusing a good one, so that a running dataplane
 * follows), makes a new arena, and publishes nothing until the first publish_commit(). Only then is
 * the arena of an earlier control unlinked, after every live worker has moved on. Threads:   one
 * (control's loop). Errors: a line for the user. */
#ifndef SKUA_CONTROL_PUBLISH_PUBLISH_H
#define SKUA_CONTROL_PUBLISH_PUBLISH_H

#include "zones/abi/channel.h"
#include "zones/image/writer.h"

#include <stdbool.h>

struct publisher;

struct publish_config {
	const char *runtime_dir;
	const char *huge_pages_dir; /* a hugetlbfs mount, or NULL: the arena lies in runtime_dir */
	uint64_t capacity;	    /* octets of address space, e.g. 16 GiB */
	unsigned replicas;	    /* of the image; 0: one for each NUMA node (arena_set.h) */
};

struct publisher *publish_open(const struct publish_config *config, char *error, size_t error_size);
struct image_writer *publish_writer(struct publisher *publisher);

/* Commits the writer's transaction and release-stores the root word. Returns the generation, or 0
 * with an error. */
uint64_t publish_commit(struct publisher *publisher, char *error, size_t error_size);

/* True with an error, once: the system refused memory for the arena since the last commit; else
 * what failed is the arena's size. */
bool publish_no_memory(struct publisher *publisher, char *error, size_t error_size);

/* Call every few milliseconds while anything is retired: looks at the live workers' lines, frees
 * what all have left behind, unlinks old arenas. A dead dataplane (its lock is free) holds nothing.
 */
void publish_reclaim(struct publisher *publisher);

/* What the running dataplane's file says now, or NULL if none lives. A copy, good until the next
 * call of this. */
const struct dataplane_file *publish_dataplane(struct publisher *publisher);
/* Smallest generation that a live worker may still touch; UINT64_MAX: nobody holds anything. */
uint64_t publish_seen(struct publisher *publisher);

/* One replica of the image. */
struct publish_replica {
	int node;	    /* whose memory it is to have; -1: of no certain one */
	uint64_t backed;    /* octets that it holds */
	uint64_t elsewhere; /* of these, in memory of other nodes */
};
/* Returns how many there are. */
unsigned publish_replicas(const struct publisher *publisher,
			  struct publish_replica replica[IMAGE_REPLICAS_MAX]);
/* What the user should know about them, or NULL. */
const char *publish_warning(const struct publisher *publisher);

void publish_close(
    struct publisher *publisher); /* leaves channel and arena for a running dataplane */

#endif
