/* zone_set.h: all zones that one node serves, by apex. Zones may nest: a name belongs to the
 * deepest zone whose apex is at or above it; DS at an apex also to the zone above (RFC
 * 4035 3.1.4.1). Threads: one writer, or many readers. Ownership: the set owns the zones that it
 * holds. */
#ifndef SKUA_ZONES_ZONE_ZONE_SET_H
#define SKUA_ZONES_ZONE_ZONE_SET_H

#include "zones/zone/zone.h"

struct zone_set;

struct zone_set *zone_set_new(void);
/* A set for another view of the same server: its zones are told apart from those of `first` by
 * their index, too. first was made by zone_set_new() and lives longer. */
struct zone_set *zone_set_new_beside(struct zone_set *first);
void zone_set_free(struct zone_set *set);

/* Puts a zone in place of the one with the same apex, which is returned for the caller to free (or
 * NULL). Requires: fewer than ZONE_SET_MAX zones in all sets that share indexes, if there is none
 * with this apex. */
struct zone *zone_set_put(struct zone_set *set, struct zone *zone);
/* Takes the zone with this apex out and returns it, or NULL. */
struct zone *zone_set_take(struct zone_set *set, const uint8_t *apex);

struct zone *zone_set_find(const struct zone_set *set, const uint8_t *apex);
/* The zone that `name` belongs to, or NULL. With above == true, only zones whose apex is strictly
 * above it. */
struct zone *zone_set_zone_of(const struct zone_set *set, const uint8_t *name, bool above);
/* True if an apex lies strictly below `name`: then it exists as a node even if no zone holds it. */
bool zone_set_is_above_apex(const struct zone_set *set, const uint8_t *name);

/* Stable small number of the zone with this apex, for image_node.zone_index; reused after take;
 * unique in all sets that share indexes.
 * ZONE_SET_MAX if there is no such zone. */
uint16_t zone_set_index(const struct zone_set *set, const uint8_t *apex);
#define ZONE_SET_MAX 65535u

size_t zone_set_count(const struct zone_set *set);
/* Walks all zones in canonical order of their apexes: *at starts at 0; NULL at the end. */
struct zone *zone_set_next(const struct zone_set *set, size_t *at);

/* Where zone_set_next() goes on behind this apex: first to the zones whose apexes lie below it. */
size_t zone_set_after(const struct zone_set *set, const uint8_t *apex);

/* Calls changed() for every name whose node may differ (at least once, perhaps more often), when
 * zone `old` was replaced by `new` (same apex) in the set: those of zone_diff(), and what other
 * zones' nodes owe to them: a zone that came (old == NULL) or went (new == NULL) makes its
 * apex's ancestors exist, and takes names from the zone above; cuts and DNAMEs above deeper apexes
 * change the names between.
 * Requires: the set is already as it will be. Borrowed: owner, until changed() returns. */
void zone_set_diff(const struct zone_set *set, const struct zone *old, const struct zone *new,
		   void (*changed)(void *context, const uint8_t *owner), void *context);

/* Calls changed() for every name from each apex strictly below `name` (lower case) up to, but not
 * including, `name`: those nodes depend on the cuts and DNAMEs of the zone above even where no
 * zone's tree holds them. Cost: those apexes and a search. */
void zone_set_report_apexes_below(const struct zone_set *set, const uint8_t *name,
				  void (*changed)(void *context, const uint8_t *owner),
				  void *context);

#endif
