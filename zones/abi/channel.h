/* channel.h: the two small files through which control and dataplane meet in the runtime directory.
 *
 *   <runtime-dir>/channel
 *     written by control, read by the dataplane: which root is newest
 *   <runtime-dir>/dataplane
 *     written by the dataplane, read by control: what workers have seen, counters
 *   <runtime-dir>/arena.<id>, and arena.<id>.<n> for its n-th further replica
 *     an arena (image.h); on hugetlbfs it is a symbolic link to the file there. Replicas get their
 *     names first: who finds arena.<id> finds all that its header tells of
 *   <runtime-dir>/control.sock
 *     HTTP over a unix socket: status, for `skua status`
 *
 * Each side creates only its own file, whole under another name and then renamed, and holds an
 * exclusive flock() on it for as long as it lives: whoever can take that lock in shared mode knows
 * that the owner is dead. Either side may start, die and come back in any order; generations and
 * arena ids only ever grow, across restarts of both. Control reuses the inode of an existing good
 * channel file, so that a running dataplane follows.
 *
 * Threads: every shared word is atomic; each names its partner. */
#ifndef SKUA_ZONES_ABI_CHANNEL_H
#define SKUA_ZONES_ABI_CHANNEL_H

#include "zones/abi/image.h"

#include <stdatomic.h>

#define CHANNEL_MAGIC	  0x4c4e484341554b53ull /* "SKUACHNL" */
#define DATAPLANE_MAGIC	  0x50544144414b5353ull
#define CHANNEL_FILE	  "channel"
#define DATAPLANE_FILE	  "dataplane"
#define ARENA_FILE_PREFIX "arena."
#define CONTROL_SOCKET	  "control.sock"
#define ARENA_ALIGNMENT	  (2u << 20) /* octets, at least, of mappings of an arena: a large page's */

/* root: arena id (low 32 bits) in the high half, image_ref of the root block in the low half; 0:
 * nothing published yet. Written by publish_root() (release); read by adopt_newest() (acquire). */
struct channel {
	uint64_t magic;
	uint32_t abi;
	uint32_t size; /* sizeof(struct channel) */
	alignas(64) _Atomic uint64_t root;
	_Atomic uint64_t generation; /* of that root; for status, and for control's next start */
	_Atomic uint64_t control_pid;
	uint8_t reserved[64 - 24];
};
static_assert(sizeof(struct channel) == 128, "layout");

static inline uint64_t channel_root_word(uint64_t arena_id, image_ref root)
{
	return arena_id << 32 | root;
}

/* What a worker's line says of the images that it may touch:
 *   0                    no worker here
 *   WORKER_ATTACHING     it is about to read the root: nothing may be freed
 *   WORKER_OFFLINE       it holds no reference (asleep); becomes ATTACHING before it reads the root
 * again g                    never again touches a block that was retired by generation g or
 * earlier
 *
 * 0 or OFFLINE -> ATTACHING is followed by a seq_cst fence and then the load of the root; control
 * stores the root, fences (seq_cst), and only then reads the lines: one of the two sees the other
 * (Dekker). g is release-stored at the quiescent point; control's acquire load in reclaim() is its
 * partner. */
#define WORKER_OFFLINE	 UINT64_MAX
#define WORKER_ATTACHING 1u /* generations start at 2 */

/* Both sides of the rule above. */
static inline void channel_fence(void)
{
#if defined(__SANITIZE_THREAD__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif
	/* ThreadSanitizer does not model it; no data race depends on it, only what may be freed. */
	atomic_thread_fence(memory_order_seq_cst);
#if defined(__SANITIZE_THREAD__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
}

enum counter {
#define COUNT(name, help) COUNT_##name,
#include "zones/abi/counters.def"
#undef COUNT
	COUNTERS
};

/* The counter of a frame that is left to the kernel, for the same reason for which another back end
 * drops it. */
static inline enum counter counter_of_pass(enum counter drop)
{
	return (enum counter)(drop - COUNT_drop_runt + COUNT_pass_runt);
}

#define WORKERS_MAX 64u /* the stream worker included */

/* Written by one worker, read by control and `skua status`, which must not trust it. */
struct worker_line {
	alignas(64) _Atomic uint64_t seen; /* states above */
	_Atomic uint64_t arena_id;	   /* of the root that `seen` speaks of */
	_Atomic uint64_t loops;	  /* grows at least ten times a second while the worker is alive */
	_Atomic uint32_t replica; /* of that arena which it reads; relaxed: for status alone */
	uint8_t reserved[64 - 28];
};
static_assert(sizeof(struct worker_line) == 64, "one cache line per worker");

/* Counters of one worker: relaxed stores by the worker (once a burst), relaxed loads by readers. */
struct worker_counters {
	alignas(64) _Atomic uint64_t count[(COUNTERS + 7) / 8 * 8];
	char io[96];  /* "socket", "af_xdp eth0 queue 0 (native, copy)", "stream"; NUL-terminated,
			 set before `seen` */
	int32_t core; /* pinned to this core; -1: not pinned */
	int32_t node; /* NUMA node of that core; -1: not known */
	uint8_t reserved[24];
};
static_assert(sizeof(struct worker_counters) % 64 == 0, "whole cache lines");

#define LISTENS_MAX 32u
#define LISTEN_TEXT 56u

/* How the dataplane ends when only a new start helps: whoever supervises it starts it again at
 * once. (0: it was asked to; 1: it can't run here, and has said why; 2: wrong usage.) */
enum dataplane_exit {
	DATAPLANE_EXIT_STUCK = 3,     /* a worker stood still for too long */
	DATAPLANE_EXIT_INTERFACE = 4, /* an interface is there that was removed, or missing */
};

/* What a dataplane says of the interface that it takes packets from. */
enum interface_state {
	INTERFACE_NONE, /* the back end has none of its own, or can't tell */
	INTERFACE_UP,
	INTERFACE_DOWN,	    /* set down, or without a link */
	INTERFACE_GONE,	    /* removed */
	INTERFACE_REPLACED, /* removed or missing before, and one of its name is up: a new start
			       takes it */
	INTERFACE_MISSING,  /* one of several: not there at the start, or not so that a
			       new start takes it */
};

enum port_counter {
#define PORT_COUNT(name, help) PORT_##name,
#include "zones/abi/port_counters.def"
	PORT_COUNTERS
};

#define PORTS_MAX 16u

/* A port or interface that the back end has open. Written by the main thread; all relaxed. */
struct port_line {
	alignas(64) char name[48];  /* NUL-terminated, set before the file gets its name */
	_Atomic uint32_t interface; /* enum interface_state of this one */
	_Atomic uint64_t count[PORT_COUNTERS];
};
static_assert(sizeof(struct port_line) % 64 == 0, "whole cache lines");

/* The whole dataplane file. All but the atomics is written before the file gets its name. */
struct dataplane_file {
	uint64_t magic;
	uint32_t abi;
	uint32_t size; /* sizeof(struct dataplane_file) */
	uint32_t pid;
	uint32_t worker_count; /* lines in use */
	uint64_t started;      /* CLOCK_REALTIME, nanoseconds */
	uint32_t counters;     /* COUNTERS of the writer; a reader with another number refuses */
	uint32_t reserved;
	char listen[2][LISTENS_MAX][LISTEN_TEXT]; /* ADDR:PORT, [ADDR6]:PORT; one half is shown */
	_Atomic uint64_t mapped_arena; /* newest arena that this process has mapped; for status */
	_Atomic uint32_t interface;    /* enum interface_state of all; relaxed: a lone number */
	/* The half of listen[] that is shown << 16 | how many it holds. Release-stored once that
	 * half is written; acquire in dataplane_listens(). A half stays as it is for 20 ms. */
	_Atomic uint32_t listening;
	uint32_t port_count; /* ports in use */
	struct port_line port[PORTS_MAX];
	struct worker_line line[WORKERS_MAX];
	struct worker_counters worker[WORKERS_MAX];
};

/* How many addresses are answered on (the first LISTENS_MAX are shown); nonsense counts as none. */
static inline uint32_t dataplane_listens(const struct dataplane_file *file)
{
	uint32_t count =
	    atomic_load_explicit(&file->listening, memory_order_acquire) & UINT32_C(0xffff);

	return count <= LISTENS_MAX ? count : 0;
}

/* The text of one of them, NUL-terminated. Requires: index < LISTENS_MAX. */
static inline void dataplane_listen(const struct dataplane_file *file, uint32_t index,
				    char text[LISTEN_TEXT])
{
	uint32_t half = atomic_load_explicit(&file->listening, memory_order_acquire) >> 16 & 1;

	__builtin_memcpy(text, file->listen[half][index], LISTEN_TEXT);
	text[LISTEN_TEXT - 1] = '\0';
}

#endif
