/* arena.h: memory for the blocks of an image: which octets of an arena are taken.
 *
 * The arena is cut into spans of 64 KiB. A span holds blocks of one size class, or is part of one
 * large block, or is free. All bookkeeping lies in control's own memory, so that the arena holds
 * nothing but what readers read. A span without blocks can become any class again: what many
 * updates leave behind is at most a part of a span in each class, never a growing heap.
 *
 * Threads: the writer's only.
 * Errors:  a reference of 0: no room, or the arena's memory could not be backed. */
#ifndef SKUA_ZONES_IMAGE_ARENA_H
#define SKUA_ZONES_IMAGE_ARENA_H

#include "zones/abi/image.h"
#include "zones/image/writer.h"

#define ARENA_SPAN	 65536u /* octets; also the step of image_root.limit */
#define ARENA_SPAN_UNITS (ARENA_SPAN / IMAGE_UNIT)
#define ARENA_CHUNK	 (2u << 20) /* octets: the step of arena_grow() */
#define ARENA_OVERRUN                                                                              \
	4096u		    /* octets backed behind the limit: copies in whole words may read on   \
			     */
#define ARENA_EXACT   32u   /* up to here a class for each count of units */
#define ARENA_SMALL   2048u /* units: larger blocks take whole spans */
#define ARENA_PACKED  (ARENA_EXACT + 128u)  /* then: as many as fit in a span */
#define ARENA_CLASSES (ARENA_PACKED + 128u) /* the same, at multiples of 64 octets */
#define ARENA_NO_SPAN UINT32_MAX

enum arena_span_state {
	ARENA_SPAN_FREE,
	ARENA_SPAN_SMALL, /* blocks of one class; `vacant` says which are free */
	ARENA_SPAN_LARGE, /* the first of `run` spans that are one block */
	ARENA_SPAN_TAIL,  /* the others */
};

struct arena_span {
	uint64_t *vacant;	 /* SMALL: one bit per block, 1: free */
	uint32_t next, previous; /* SMALL with room: list of its class; else ARENA_NO_SPAN */
	uint32_t run;		 /* LARGE: spans in the block */
	uint16_t class, units;	 /* SMALL: class, and units per block */
	uint16_t blocks, used;	 /* SMALL */
	uint8_t state;		 /* enum arena_span_state */
};

struct arena {
	uint8_t *base;
	uint64_t backed; /* octets that grow() has granted */
	uint64_t used;	 /* octets in blocks, rounded up to their classes */
	arena_grow grow;
	void *context;
	struct arena_span *span;
	uint32_t spans, span_room, span_max; /* in use, in span[], in the arena */
	uint32_t free_spans;
	uint32_t free_hint; /* no free span lies below this */
	uint32_t with_room[ARENA_CLASSES];
};

/* Ensures: span 0 holds the image_header in a block that is never freed. */
bool arena_init(struct arena *arena, uint8_t *base, uint64_t capacity, arena_grow grow,
		void *context);
void arena_done(struct arena *arena);

/* page: the block starts at a multiple of 64 octets. */
image_ref arena_new(struct arena *arena, uint64_t octets, bool page);
void arena_free(struct arena *arena, image_ref ref);
/* Octets of a block in use, rounded up to its class. */
uint64_t arena_block_octets(const struct arena *arena, image_ref ref);
/* Octets from the start of the arena behind which there is nothing. */
uint64_t arena_limit(const struct arena *arena);

static inline void *arena_at(const struct arena *arena, image_ref ref)
{
	return arena->base + (uint64_t)ref * IMAGE_UNIT;
}

#endif
