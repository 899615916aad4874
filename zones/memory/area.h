/* area.h: memory of an array that grows at its end and, once it is large, stays where it is.
 *
 * Below AREA_LARGE octets it is the allocator's. From there on, address space for many times as
 * much is reserved at once, in huge pages if the kernel has them, and filled as it is touched.
 * Moving pages instead (what realloc() does) is no bargain: after each step every page faults anew,
 * on a guest without nested paging for microseconds each. What is reserved takes no memory, but is
 * charged where the kernel does strict accounting (vm.overcommit_memory=2, RLIMIT_AS); if it is
 * refused, less is asked for.
 * Threads:   one at a time for each area. Ownership: the caller's, who keeps pointer and room.
 * Errors:    area_grow() aborts if memory runs out, as all of zones/zone does: there is no remedy
 *            but a restart. */
#ifndef SKUA_ZONES_MEMORY_AREA_H
#define SKUA_ZONES_MEMORY_AREA_H

#include <stddef.h>

#define AREA_LARGE (2u << 20) /* a huge page */

/* An area is NULL with a room of 0 until it is first grown. Returns where it is then: at least
 * `octets` of it may be used, *room says how many, and the first `used` are as they were. */
void *area_grow(void *area, size_t *room, size_t used, size_t octets);
/* So many octets or a few more, all zero, which are never grown; at a multiple of 64. NULL: there
 * is no memory for them. */
void *area_zeroed(size_t *room, size_t octets);
void area_free(void *area, size_t room);

/* What an area takes of which the first `used` octets were touched. */
size_t area_memory(size_t room, size_t used);

#endif
