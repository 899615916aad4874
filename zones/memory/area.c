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

/* A huge page at a time, each given back once it is copied: so a move takes no more memory. */
static void move(uint8_t *to, uint8_t *from, size_t room, size_t used)
{
	for (size_t at = 0; at < used; at += AREA_LARGE) {
		memcpy(to + at, from + at, used - at < AREA_LARGE ? used - at : AREA_LARGE);
		if (room >= AREA_LARGE)
			madvise(from + at, AREA_LARGE, MADV_DONTNEED);
	}
	area_free(from, room);
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
	move(moved, area, had, used);
	return moved;
}

void *area_zeroed(size_t *room, size_t octets)
{
	void *area;

	*room = octets < AREA_LARGE ? (octets + 63) & ~(size_t)63 : huge_pages(octets);
	if (*room >= AREA_LARGE)
		return map(*room);
	area = aligned_alloc(64, *room);
	return area == NULL ? NULL : memset(area, 0, *room);
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
