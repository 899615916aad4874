/* check_private.h: what the files of this folder share: one walk over one zone. */
#ifndef SKUA_ZONES_CHECK_CHECK_PRIVATE_H
#define SKUA_ZONES_CHECK_CHECK_PRIVATE_H

#include "zones/check/check.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

struct check {
	const struct zone *zone;
	struct diagnostics *all;
};

/* "owner: what, and what to do" at the record's line. */
void check_report(struct check *check, enum severity severity, struct place place, zone_name name,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Where the first record at or below a name stands. */
struct place check_place(const struct zone *zone, zone_name name);

/* target.c: the names that an RRset leads to. */
void check_targets(struct check *check, zone_name name, const struct rrset_view *set);

/* room.c: more records at a name than its node can hold. */
void check_room(struct check *check, zone_name name);

/* padding.c: MNC and MCC labels. labels: of the name. */
void check_padding(struct check *check, zone_name name, unsigned labels);

#endif
