/* adopt_private.h: what the main thread and the workers share inside one dataplane.
 *
 * The main thread maps and unmaps; a worker only reads: which channel is followed, which arenas are
 * mapped. What a worker may touch is told by its `held`, written by it alone:
 *
 *   HELD_NOTHING     offline
 *   HELD_ANY         it is about to read channel and root: it may take any arena that is mapped
 *   1 + slot         it touches that arena only; or is on its way from it to a newer one
 *
 * A worker goes from HELD_NOTHING to HELD_ANY, fences, and only then loads the channel and the
 * root. The main thread loads the root, fences, and then reads `held`: whoever still had
 * HELD_NOTHING will find that root or a newer one (Dekker). Roots never go back to an older arena,
 * nor channels to an older file. So once every worker holds nothing, or the arena of the newest
 * root, nobody can come to an older arena or channel any more, and it is unmapped. */
#ifndef SKUA_DATAPLANE_ADOPT_ADOPT_PRIVATE_H
#define SKUA_DATAPLANE_ADOPT_ADOPT_PRIVATE_H

#include "dataplane/adopt/adopt.h"

#include <sys/types.h>

#define ADOPT_ARENAS 8u /* mapped at once; more than two only while a worker is stuck */

#define HELD_NOTHING 0u
#define HELD_ANY     UINT32_MAX

/* A channel file that is mapped. `serial` counts the files that this process has met. */
struct followed {
	const struct channel *channel;
	uint32_t serial;
	dev_t device;
	ino_t inode;
};

/* A replica of an arena. base NULL: no worker reads it, or it was refused. */
struct arena_mapping {
	const uint8_t *base;
	void *reserved; /* the whole range, for munmap() */
	uint64_t reserved_octets;
};

/* Fields besides key are written while key is 0, and read after its acquire load. */
struct arena_slot {
	_Atomic uint64_t key; /* serial of the channel << 32 | arena id; 0: free */
	uint64_t mapped;      /* octets of the file; of each replica's alike */
	struct arena_mapping replica[IMAGE_REPLICAS_MAX]; /* [0] always */
	uint8_t of_worker[WORKERS_MAX];			  /* which replica each reads */
};

struct adopt_worker {
	alignas(64) _Atomic uint32_t held;
	_Atomic uint64_t refusals;
	bool holds; /* image is good */
	int node;   /* of its core; -1: any; set before the thread starts */
	struct image image;
	uint32_t serial;	   /* of the channel that image is from */
	uint64_t root;		   /* word of image */
	uint64_t generation;	   /* of the image before, also while offline */
	uint64_t generation_arena; /* and its key */
	uint32_t refused_serial;
	uint64_t refused_root;
};

struct adopt {
	alignas(64) _Atomic(const struct followed *) followed; /* NULL: no channel yet */
	struct arena_slot slot[ADOPT_ARENAS];
	struct dataplane_file *file;
	struct adopt_worker *worker;
	unsigned workers;
	/* The rest is the main thread's. */
	struct followed *next;	/* a newer channel file, followed once its first root is mapped */
	struct followed *older; /* an earlier one that a worker may still read */
	uint32_t serials;
	int runtime_fd, file_fd, event_fd;
	bool look; /* files came or went: look for arenas that no root names yet */
	uint64_t refused_key;
	struct followed refused_channel; /* file that was refused, so that it is said once */
	char refusal[640];
	char *runtime_dir;
};

static inline uint64_t arena_key(uint32_t serial, uint64_t arena_id)
{
	return (uint64_t)serial << 32 | arena_id;
}

static inline const struct arena_slot *slot_of(const struct adopt *adopt, uint64_t key)
{
	for (unsigned i = 0; i < ADOPT_ARENAS; i++)
		if (atomic_load_explicit(&adopt->slot[i].key, memory_order_acquire) == key)
			return &adopt->slot[i];
	return NULL;
}

/* arena_map.c: false: not there (errno), or refused (text in adopt->refusal). */
bool arena_map(struct adopt *adopt, uint32_t serial, uint32_t arena_id);
void arena_unmap(struct arena_slot *slot);
/* The replica for a worker: of those on its node, or of all if none is there, its share by its
 * number. node -1: the first. Requires: image_verify() passed for the header. */
unsigned arena_replica_for(const struct image_header *header, unsigned worker, int node);
/* The largest id of an arena file in the runtime directory; 0: none. */
uint32_t arena_newest_file(int runtime_fd);

/* follow.c: unmaps the channel and frees; *followed may be NULL, and becomes it. */
void followed_drop(struct followed **followed);

/* own_file.c: the dataplane file and its lock. */
bool own_file_open(struct adopt *adopt, char *error, size_t error_size);
void own_file_close(struct adopt *adopt);
/* False if the file has lost its name: control would not see us any more. */
bool own_file_is_named(const struct adopt *adopt);

#endif
