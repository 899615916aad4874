/* zone_store_private.h: the store's own state, shared by the files that make the store. */
#ifndef SKUA_CONTROL_STORE_ZONE_STORE_PRIVATE_H
#define SKUA_CONTROL_STORE_ZONE_STORE_PRIVATE_H

#include "control/store/pending.h"
#include "control/store/zone_entries.h"
#include "control/store/zone_store.h"

struct zone_store {
	struct image_writer *writer;
	struct image_settings settings;
	struct image_policy policy;
	bool policy_staged;		    /* settings or policy are not those of the last root */
	const struct client_table *clients; /* or NULL */
	struct image_clients client_blocks; /* that the image has for them */
	store_commit commit;
	void *context;
	struct zone_set *zones[IMAGE_VIEWS]; /* NULL: none yet; [0] is always there */
	struct zone_set *none;		     /* has no zones */
	unsigned view;			     /* whose names refresh() is told of */
	struct zone_entries entries;
	size_t guarded; /* zones in force that not anyone may ask */
	size_t denials; /* zones in force that prove absence: their trees cost extra looks */
	struct pending pending;
	unsigned load_threads; /* for a first load; at least 1 */
	bool failed;	       /* the open transaction is out of memory */
	struct store_change change;
	struct image_node *scratch; /* IMAGE_NODE_MAX octets */
};

/* zone_names.c: nodes of names, in the open transaction. What fails sets `failed`. */

/* Makes the image say of one name of store->view what the zones say. context: the store. */
void store_refresh(void *context, const uint8_t *owner);
/* The same for the name and all below it in the zone's tree. */
void store_refresh_subtree(struct zone_store *store, const struct zone *zone, zone_name top);
/* True if nothing is staged but zones that come, into an image that holds no name yet. */
bool store_is_first_load(const struct zone_store *store);
/* Then: puts all names of the zones that come. Those that more than one zone speaks of are few, and
 * go the way of single changes. */
void store_load_zones(struct zone_store *store);

#endif
