/* pending.h: what waits for the store's next apply: zones put and removed, changes of records made
 * in the zones in force, with how to take them back, and the names that those concern.
 *
 * Threads:   one. Memory is kept from one transaction to the next, for small ones. */
#ifndef SKUA_CONTROL_STORE_PENDING_H
#define SKUA_CONTROL_STORE_PENDING_H

#include "control/store/zone_terms.h"
#include "zones/zone/change.h"

/* One step, in the order in which they were made.
 *   a zone put or removed: old, new (either may be NULL, not both)
 *   records changed:       changed; its undo list is undo[from, to) */
struct staged {
	struct zone *old, *new;
	struct zone *changed;
	size_t from, to;
	uint16_t index; /* in the root's zones */
	bool renewed;	/* the zone gets another way of proving absence: all its nodes */
	struct zone_terms terms;
};

struct pending {
	struct staged *at;
	size_t count, room;
	struct zone_changes undo;
	uint8_t *names; /* view, length, lower-case name; one after the other */
	size_t names_used, names_room;
	size_t last; /* the one added last; == names_used: none */
};

struct staged *pending_add(struct pending *pending); /* all zero */
/* A name whose node may differ. Told again directly after, it is one. */
void pending_name(struct pending *pending, unsigned view, const uint8_t *name);
/* Walks the names: *at starts at 0; false at the end. */
bool pending_next(const struct pending *pending, size_t *at, unsigned *view, const uint8_t **name);
/* Forgets the names from there on; what a refused batch told of. */
void pending_names_cut(struct pending *pending, size_t names_used);
/* Nothing is staged. */
void pending_clear(struct pending *pending);
void pending_free(struct pending *pending);

#endif
