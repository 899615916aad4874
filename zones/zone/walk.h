/* walk.h: all names of a zone one after the other, with what stands above each.
 *
 * In the order in which the names were made, not that of the tree: memory is read from front to
 * back, and a range of names is a piece of work of its own. What is known of a name's ancestors is
 * kept while their descendants follow, so that a name costs no look up and no climb.
 * Threads: any number of walks over one zone that does not change meanwhile. Pure. */
#ifndef SKUA_ZONES_ZONE_WALK_H
#define SKUA_ZONES_ZONE_WALK_H

#include "zones/abi/image.h"
#include "zones/name/name.h"
#include "zones/zone/zone.h"

/* An ancestor, apex included. */
struct zone_way {
	zone_name name;
	uint8_t start;	    /* of its name in zone_walk.wire */
	uint8_t cut_labels; /* labels of the topmost cut at or above it; IMAGE_NONE: none */
	bool occludes;	    /* a DNAME stands at it or above */
};

struct zone_walk {
	/* The name that zone_walk_next() has come to. */
	zone_name name;
	const uint8_t *owner; /* lower-case, valid until the next step */
	uint8_t length;	      /* octets of owner */
	uint8_t labels;	      /* of owner */
	uint8_t cut_labels;   /* of the topmost zone cut at or above it, apex excluded;
				 IMAGE_NONE: none */
	bool occluded;	      /* a DNAME stands above it, not at it */
	bool has_children;

	/* walk.c's */
	const struct zone *zone;
	zone_name next, end;
	uint8_t apex_labels;
	unsigned depth; /* of `way` in use */
	struct zone_way way[NAME_MAX_LABELS + 1];
	uint8_t wire[NAME_MAX_OCTETS]; /* the last name, ended by the array's end */
};

/* All names are [0, zone_name_end()). */
zone_name zone_name_end(const struct zone *zone);

/* Names from `from` up to, not including, `end`. */
void zone_walk_start(struct zone_walk *walk, const struct zone *zone, zone_name from,
		     zone_name end);
bool zone_walk_next(struct zone_walk *walk);

#endif
