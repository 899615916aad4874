/* zone.h: the records of one zone: a tree of names, each with its RRsets.
 *
 * Compact (about 60 octets a record for short ones): a name is its first label and its parent;
 * RRsets of a name lie together in one block. Every ancestor of a stored name down to the apex is
 * in the tree, so empty non-terminals are names without RRsets. Threads:   one writer, or many
 * readers. Ownership: the zone owns all; views borrow until the next change. Pure:      no clock,
 * no log, no I/O; the only failure besides the named ones is out of memory (abort). Source:    RFC
 * 1034 4.2, RFC 2181 5 (RRsets), RFC 4592 2.2 (empty non-terminals). */
#ifndef SKUA_ZONES_ZONE_ZONE_H
#define SKUA_ZONES_ZONE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone;

/* A name in a zone: an index that stays valid as long as the name is in the tree, that is until
 * zone_remove() prunes it; a later zone_add() may then give the number to another name. The apex is
 * always there. */
typedef uint32_t zone_name;
#define ZONE_NO_NAME UINT32_MAX
#define ZONE_APEX    0u

/* Where a record came from, for messages: a file number that the caller gave, and its line. */
struct place {
	uint16_t file;
	uint32_t line;
};

struct zone *zone_new(const uint8_t *apex); /* any case; stored lower-case */
void zone_free(struct zone *zone);
const uint8_t *zone_apex(const struct zone *zone);

enum zone_add {
	ZONE_ADDED,
	ZONE_DUPLICATE,	  /* the same rdata is there; nothing changed (RFC 2181 5.2) */
	ZONE_OUT_OF_ZONE, /* owner is not at or below the apex; nothing changed */
	ZONE_TTL_DIFFERS, /* added; the RRset keeps its first TTL (RFC 2181 5.2) */
	ZONE_TOO_LARGE,	  /* the RRset would not fit into a message of 64 KiB behind its question,
			     or its name would hold 256 MiB; nothing changed */
};
/* Owner: wire form, any case (stored lower-case). rdata: wire form, names uncompressed, case kept;
 * duplicates are found with names in rdata compared without case. RRSIGs form one RRset per covered
 * type. rdata must not lie in this zone's own memory. */
enum zone_add zone_add(struct zone *zone, const uint8_t *owner, uint16_t type, uint32_t ttl,
		       const uint8_t *rdata, uint16_t rdata_length, struct place place);

/* The same, where the octets of the owner, root label included, are known. */
enum zone_add zone_add_measured(struct zone *zone, const uint8_t *owner, size_t owner_length,
				uint16_t type, uint32_t ttl, const uint8_t *rdata,
				uint16_t rdata_length, struct place place);

/* Such a name will soon be added to: has the cache line brought that this looks at first, if it is
 * known which. Changes nothing; owner as for zone_add_measured(). */
void zone_announce(const struct zone *zone, const uint8_t *owner, size_t owner_length);

/* About how many names will be added, so that less has to be moved on the way. A guess: if it is
 * wrong, nothing is, but for time and memory. */
void zone_expect(struct zone *zone, uint64_t more);

/* Removes one record (rdata given) or the whole RRset (rdata == NULL; for RRSIG the signatures of
 * all types); prunes names left empty. Returns false if it was not there. Names in rdata are
 * compared without case. */
bool zone_remove(struct zone *zone, const uint8_t *owner, uint16_t type, const uint8_t *rdata,
		 uint16_t rdata_length);

/* The name, or ZONE_NO_NAME. Empty non-terminals are found too; pruned names are not. */
zone_name zone_find(const struct zone *zone, const uint8_t *owner);

/* The whole name in lower-case wire form; returns its length. owner has NAME_MAX_OCTETS. */
size_t zone_owner(const struct zone *zone, zone_name name, uint8_t *owner);

zone_name zone_parent(const struct zone *zone, zone_name name); /* ZONE_NO_NAME at the apex */
zone_name zone_child(const struct zone *zone,
		     zone_name name); /* the first child, or ZONE_NO_NAME */
zone_name zone_sibling(const struct zone *zone, zone_name name);
/* The name after `name` in a walk of the whole tree, parents first, starting at ZONE_APEX. */
zone_name zone_next(const struct zone *zone, zone_name name);

/* The same in a walk of what lies at or below `top`; starts and ends there. */
zone_name zone_next_below(const struct zone *zone, zone_name top, zone_name name);

/* One RRset, borrowed. Records are consecutive: u16 length (host order), rdata. */
struct rrset_view {
	uint16_t type;	  /* for signatures TYPE_RRSIG */
	uint16_t covered; /* for signatures the covered type, else 0 */
	uint16_t count;
	uint32_t ttl;
	struct place place; /* of its first record */
	const uint8_t *records;
	uint32_t octets; /* of all records, length fields included */
};
/* Walks the RRsets of a name: *at starts at 0; false at the end. In order of insertion. */
bool zone_rrset_next(const struct zone *zone, zone_name name, uint32_t *at,
		     struct rrset_view *view);
bool zone_rrset(const struct zone *zone, zone_name name, uint16_t type, struct rrset_view *view);
/* The RRset of a name that has only one. */
bool zone_only_rrset(const struct zone *zone, zone_name name, struct rrset_view *view);
/* True if no RRset of the name has names in its rdata (rdata_layout()). */
bool zone_leads_nowhere(const struct zone *zone, zone_name name);
/* Octets that the name's label, RRsets and their heads take in the zone. */
uint32_t zone_octets(const struct zone *zone, zone_name name);
bool zone_signatures(const struct zone *zone, zone_name name, uint16_t covered,
		     struct rrset_view *view);
/* Walks records of a view: *at starts at 0; false at the end. */
bool rrset_record_next(const struct rrset_view *view, uint32_t *at, const uint8_t **rdata,
		       uint16_t *length);

/* What stands above a name in its zone. */
struct zone_place {
	zone_name cut; /* the topmost name with NS at or above it, apex excluded; or ZONE_NO_NAME */
	zone_name dname; /* the topmost name with DNAME strictly above it; or ZONE_NO_NAME */
};
struct zone_place zone_place_of(const struct zone *zone, zone_name name);

/* The deepest name in the tree at or above `owner`; ZONE_NO_NAME if owner is out of zone. */
zone_name zone_deepest(const struct zone *zone, const uint8_t *owner);
/* True if the name has NSEC3 records, else nothing but their signatures, and no children: then it
 * is no name of the zone (RFC 5155 7.2.8). */
bool zone_is_nsec3_owner(const struct zone *zone, zone_name name);
/* True if the child "*" exists as a name of the zone (RFC 4592 2.1.1). */
bool zone_has_wildcard(const struct zone *zone, zone_name name);

struct zone_counts {
	uint64_t names;	  /* with at least one RRset */
	uint64_t rrsets;  /* RRSIG sets not counted */
	uint64_t records; /* all, RRSIGs included */
	uint64_t proofs;  /* RRsets of RRSIG, NSEC and NSEC3 */
};
struct zone_counts zone_counts(const struct zone *zone);
/* Names in the tree below the apex, empty non-terminals included. */
uint32_t zone_names(const struct zone *zone);
uint32_t zone_serial(const struct zone *zone); /* 0 without a SOA */

/* Calls changed() once for every name whose node in an image may differ between the two zones: its
 * RRsets (records in order, TTLs included), its existence, its place (cut, DNAME above), or its
 * wildcard child. The order of RRsets and the places in files are no difference. Either may be
 * NULL: all names of the other. Both have the same apex. Names that are not in either tree
 * but depend on them are zone_set_diff()'s (zone_set.h). Cost: linear in both zones. */
void zone_diff(const struct zone *old, const struct zone *new,
	       void (*changed)(void *context, const uint8_t *owner), void *context);

/* Octets of memory that the zone holds. */
size_t zone_memory(const struct zone *zone);

#endif
