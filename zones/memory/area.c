/* area.c: see area.h. */
#include "zones/memory/area.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Address space reserved for each octet wanted: a move for every doubling four times over. */
#define RESERVED 16u
#define FIRST	 128u /* octets of the smallest area */

static size_t huge_pages(size_t octets)
{
	return (octets + AREA_LARGE - 1) & ~(size_t)(AREA_LARGE - 1);
}

/* At a multiple of AREA_LARGE; NULL: the address space or the kernel's accounting is used up. */
static void *map(size_t octets)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	uint8_t *whole = mmap(NULL, octets + AREA_LARGE, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (whole == MAP_FAILED)
		return NULL;
	size_t before = -(uintptr_t)whole & (AREA_LARGE - 1);
	uint8_t *area = whole + before;

	if (before > 0)
		munmap(whole, before);
	if (before < AREA_LARGE)
		munmap(area + octets, AREA_LARGE - before);
	madvise(area, octets, MADV_HUGEPAGE); /* else ordinary pages do */
	return area;
}

static void *map_large(size_t *room, size_t octets)
{
	void *area;

	*room = huge_pages(octets * RESERVED);
	area = map(*room);
	if (area != NULL)
		return area;
	*room = huge_pages(octets + octets / 8);
	area = map(*room);
	if (area == NULL)
		abort();
	return area;
}

static void *grow_small(void *area, size_t *room, size_t octets)
{
	size_t grown = *room < FIRST ? FIRST : *room + *room / 2;

	if (grown >= AREA_LARGE)
		grown = AREA_LARGE - 1;
	*room = grown < octets ? octets : grown;
	area = realloc(area, *room);
	if (area == NULL)
		abort();
	return area;
}

void *area_grow(void *area, size_t *room, size_t used, size_t octets)
{
	size_t had = *room;
	void *moved;

	if (octets <= had)
		return area;
	if (octets < AREA_LARGE)
		return grow_small(area, room, octets);
	moved = map_large(room, octets);
	if (used > 0)
		memcpy(moved, area, used);
	area_free(area, had);
	return moved;
}

void *area_zeroed(size_t *room, size_t octets)
{
	void *area;

	*room = octets < AREA_LARGE ? octets : huge_pages(octets);
	area = *room < AREA_LARGE ? aligned_alloc(64, (octets + 63) & ~(size_t)63) : map(*room);
	if (area == NULL)
		abort();
	return *room < AREA_LARGE ? memset(area, 0, octets) : area;
}

void area_free(void *area, size_t room)
{
	if (room >= AREA_LARGE)
		munmap(area, room);
	else
		free(area);
}

size_t area_memory(size_t room, size_t used)
{
	return room < AREA_LARGE ? room : huge_pages(used);
}
