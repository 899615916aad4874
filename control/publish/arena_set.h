/* arena_set.h: the files of one arena: one, or a replica in the memory of each NUMA node.
 *
 * Every replica holds the same octets at the same places (zones/image/writer.h copies them), so
 * that a worker reads the one of its node; the root word and the generations are those of all.
 * Threads: control's only. Errors: one line for the user. */
#ifndef SKUA_CONTROL_PUBLISH_ARENA_SET_H
#define SKUA_CONTROL_PUBLISH_ARENA_SET_H

#include "control/publish/arena_file.h"
#include "zones/image/writer.h"

struct arena_set {
	unsigned count;
	struct arena_file file[IMAGE_REPLICAS_MAX];
	char warning[256]; /* why memory may lie on another node than it should, or "" */
};

/* How many replicas, and where: wanted 0 means one on each node that has cores and memory, as far
 * as control may have its memory. More than there are nodes go round. One replica is on no certain
 * node: then nothing is bound. count <= IMAGE_REPLICAS_MAX. */
void arena_set_plan(const char *root, unsigned wanted, struct image_replicas *plan);

/* Makes and maps the files. They have no memory yet. False: none stays. */
bool arena_set_make(const struct arena_place *place, uint32_t id, uint64_t capacity,
		    struct image_replicas *plan, struct arena_set *set, char *error,
		    size_t error_size);
/* An arena_grow() callback; context: the arena_set. All replicas or none. */
bool arena_set_grow(void *context, uint64_t octets);
/* Why the last arena_set_grow() failed, or "". */
const char *arena_set_error(const struct arena_set *set);
void arena_set_error_clear(struct arena_set *set);
/* Gives the files their names, the first one last. */
bool arena_set_show(const struct arena_place *place, struct arena_set *set, char *error,
		    size_t error_size);
void arena_set_rest(struct arena_set *set);
/* Unmaps and closes; the files stay. */
void arena_set_close(struct arena_set *set);
/* The same, and removes them, named or not. */
void arena_set_discard(const struct arena_place *place, struct arena_set *set);

#endif
