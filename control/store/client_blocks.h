/* client_blocks.h: who asks, as blocks of an image (zones/abi/policy.h): the ranges of addresses,
 * and which names are a view's.
 *
 * Threads:   one, inside an open transaction of the writer.
 * Ownership: *clients says which blocks there are; what takes their place retires them. Whoever
 * aborts the transaction restores *clients as it was. */
#ifndef SKUA_CONTROL_STORE_CLIENT_BLOCKS_H
#define SKUA_CONTROL_STORE_CLIENT_BLOCKS_H

#include "zones/image/writer.h"
#include "zones/prefix/client_table.h"
#include "zones/zone/zone_set.h"

/* The ranges and classes of the table; NULL: nothing depends on who asks. False: out of memory. */
bool client_blocks_put_ranges(struct image_writer *writer, const struct client_table *table,
			      struct image_clients *clients);

/* The names of the table's views, as their zones have them now. zones: of each view, [0] those of
 * all; NULL: none. False: out of memory. */
bool client_blocks_put_views(struct image_writer *writer, const struct client_table *table,
			     struct zone_set *const zones[IMAGE_VIEWS],
			     struct image_clients *clients);

#endif
