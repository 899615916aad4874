/* targets.h: which names in rdata lead to records that belong into the additional section.
 * Threads: any; pure. Source: RFC 1035 3.3.9, 3.3.11; RFC 2782; RFC 3403 4.1; RFC 9460 4.1. */
#ifndef SKUA_ZONES_COMPILE_TARGETS_H
#define SKUA_ZONES_COMPILE_TARGETS_H

#include "zones/abi/image.h"
#include "zones/zone/zone.h"

/* True if records of this type can have targets, at most one each. */
bool targets_possible(uint16_t type);

/* Writes the targets of all records of the view, whose tail was written by tail_write(), in the
 * order in which clients try them (by preference or priority, then as the records stand), so that
 * what has no room in a reply is what they need last; returns how many. The root name is none: "no
 * such service" (RFC 2782, RFC 7505, RFC 9460 2.5.1), or the owner itself (RFC 9460 2.5.2).
 * Requires: `targets` has room for view->count. */
uint32_t targets_write(struct image_target *targets, const uint64_t hash_key[2],
		       const struct rrset_view *view, const uint8_t *tail);

#endif
