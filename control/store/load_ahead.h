/* load_ahead.h: nodes of a zone that comes into an empty image, compiled by threads ahead of the
 * one that puts them.
 *
 * The names are cut into ranges. Each thread takes the next one and compiles its names into memory
 * of its own; the caller gets the ranges in order, so the image is the same whatever the threads
 * do. Memory:   LOAD_AHEAD_RANGES ranges of nodes at most, for each thread. Threads:
 * load_ahead_next() is the caller's, who alone touches the image. Requires: the zones do not change
 * before load_ahead_stop(). */
#ifndef SKUA_CONTROL_STORE_LOAD_AHEAD_H
#define SKUA_CONTROL_STORE_LOAD_AHEAD_H

#include "zones/compile/compile.h"

#include <stddef.h>

struct load_ahead;

/* The nodes of a range, one behind the other, each of node->units * 16 octets. */
struct load_range {
	uint8_t *nodes;
	size_t octets;
	uint64_t names;	    /* that were looked at, those without a node included */
	uint64_t too_large; /* COMPILE_TOO_LARGE */
};

/* skip: one bit for each name that is left out, the apex always is; or NULL. Borrowed, with zone
 * and key. NULL: no thread can be had. */
struct load_ahead *load_ahead_start(const struct zone *zone, const uint64_t *skip,
				    const uint64_t key[2], unsigned threads);
/* The next range, borrowed until the next call; NULL at the end. */
const struct load_range *load_ahead_next(struct load_ahead *ahead);
/* Ends the threads, wherever they are, and frees all. */
void load_ahead_stop(struct load_ahead *ahead);

#endif
