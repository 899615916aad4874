/* change.h: changes of single records and RRsets: a list of them, and what it does to a zone.
 *
 * The list holds copies, packed in one growing piece of memory, so that it can be filled in one
 * thread, handed over and used again. Making a change costs what its RRset and its name's labels
 * cost, whatever the size of the zone.
 * Threads:   one at a time for each list. Ownership: the list owns its memory.
 * Source:    RFC 2136 3.4.2 (what adding and deleting mean), RFC 2181 5. */
#ifndef SKUA_ZONES_ZONE_CHANGE_H
#define SKUA_ZONES_ZONE_CHANGE_H

#include "zones/zone/zone_set.h"

enum change_kind {
	CHANGE_ADD,    /* the record is in its RRset; an RRset that is there keeps its TTL */
	CHANGE_REMOVE, /* the record is not in its RRset */
	CHANGE_SET,    /* the RRset is these records in this order, with this TTL; none: no RRset */
};

struct zone_changes {
	uint8_t *octets; /* of all changes */
	size_t used, room;
	size_t count;
};
/* An empty list is all zero. */
void zone_changes_clear(struct zone_changes *changes); /* empty again; keeps its memory */
void zone_changes_free(struct zone_changes *changes);  /* the same, and gives it back */

/* Owner: any case; rdata as zone_add() wants it. A change that is made already is no error: to add
 * what is there, or remove what is not. */
void zone_changes_add(struct zone_changes *changes, const uint8_t *owner, uint16_t type,
		      uint32_t ttl, const uint8_t *rdata, uint16_t rdata_length,
		      struct place place);
void zone_changes_remove(struct zone_changes *changes, const uint8_t *owner, uint16_t type,
			 const uint8_t *rdata, uint16_t rdata_length);
/* rrset->type and, for signatures, rrset->covered say which; all is copied. */
void zone_changes_set(struct zone_changes *changes, const uint8_t *owner,
		      const struct rrset_view *rrset);

/* One change, borrowed from its list. */
struct record_change {
	enum change_kind kind;
	const uint8_t *owner;	 /* lower case */
	struct rrset_view rrset; /* of ADD and REMOVE: one record */
};
/* Walks the list: *at starts at 0; false at the end. */
bool zone_changes_next(const struct zone_changes *changes, size_t *at,
		       struct record_change *change);

/* Makes of an empty list what makes the records of `old` those of `new`; both have the same apex.
 * RRsets that are the same have no part in it: they keep the places in files that they had in
 * `old`. False: that would be `most` changes or more, and the list is of no use. Threads: any that
 * no one changes the zones beside. Cost: linear in both zones. */
bool zone_changes_between(struct zone_changes *changes, const struct zone *old,
			  const struct zone *new, size_t most);

/* Makes all changes, in order, in `zone`, which is in the set. Calls changed() for every name whose
 * node may differ then (at least once, perhaps more often): the owners, their ancestors that came
 * or went (RFC 4592 2.2), the name whose wildcard child came or went, and all below a cut or a
 * DNAME that came or went, in this zone's tree and down to the apexes below. A change that changes
 * nothing has none.
 * undo: what brings the zone back is appended. Returns ZONE_ADDED; or ZONE_OUT_OF_ZONE or
 * ZONE_TOO_LARGE, *refused being the number of that change in the list: then zone and undo are as
 * before, and what changed() was told is void.
 * Cost: for each change its RRset and its labels; with cuts and DNAMEs what lies below. */
enum zone_add zone_set_change(const struct zone_set *set, struct zone *zone,
			      const struct zone_changes *changes, struct zone_changes *undo,
			      void (*changed)(void *context, const uint8_t *owner), void *context,
			      size_t *refused);
/* Takes back the changes of `zone` that stand in the list in [from, to), newest first. Requires:
 * those after them have been taken back. */
void zone_undo(struct zone *zone, const struct zone_changes *undo, size_t from, size_t to);

#endif
