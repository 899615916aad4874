/* tree.h: how a zone keeps its names and RRsets in memory. Private to zones/zone.
 *
 *   names[]      one entry of 24 octets per name: its place in the tree, and its block
 *   table        finds a child by its label (name_table.h)
 *   blocks       per name: label length, label, then its RRsets: struct rrset_head, records
 *
 * A block of up to SMALL_MAX octets lies in one growing area, in units of 4 octets, and returns to
 * a list of its exact size when freed; a larger one is an allocation of its own that grows by
 * half. So both a million small names and one RRset of thousands of records stay cheap.
 * Threads: as zone.h says. */
#ifndef SKUA_ZONES_ZONE_TREE_H
#define SKUA_ZONES_ZONE_TREE_H

#include "zones/name/hash.h"
#include "zones/name/name.h"
#include "zones/record/record.h"
#include "zones/memory/area.h"
#include "zones/zone/name_table.h"
#include "zones/zone/zone.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_UNIT  4u
#define SMALL_MAX   512u
#define SMALL_UNITS (SMALL_MAX / BLOCK_UNIT)
#define BLOCK_MAX   ((1u << 28) - 1) /* octets of one name: what name_entry.used can count */

/* used == 0: free, and `parent` is the next free entry. A live one has at least its label length.
 * Children are a list in order of insertion; `previous` of the first one is the last one. */
struct name_entry {
	uint32_t parent;
	uint32_t child;
	uint32_t next;
	uint32_t previous;
	uint32_t block; /* unit in the small area, or index into large[] */
	uint32_t used : 28;
	uint32_t large : 1;
	uint32_t has_ns : 1;
	uint32_t has_dname : 1;
	uint32_t has_asterisk : 1; /* its child "*" is in the tree */
};
static_assert(sizeof(struct name_entry) == 24, "paid once per name");

/* Followed by its records: u16 length in host order, rdata. Stands at any address. */
struct __attribute__((packed)) rrset_head {
	uint16_t type;
	uint16_t covered;
	uint16_t count;
	uint16_t octets; /* of all records, length fields included: below 64 KiB by rrset_room() */
	uint32_t ttl;
	uint32_t line;
	uint16_t file;
};
static_assert(sizeof(struct rrset_head) == 18, "paid once per RRset");

struct large_block {
	uint8_t *data; /* NULL: free, and `capacity` is the next free one */
	uint32_t capacity;
};

/* Finds duplicates in the one large RRset that is being filled; see duplicates.c. */
struct duplicates {
	zone_name name; /* ZONE_NO_NAME: none */
	uint16_t type;
	uint16_t covered;
	uint32_t scans; /* that this RRset has cost so far */
	uint32_t count;
	uint32_t mask;
	struct duplicate_slot {
		uint16_t tag; /* 0: empty */
		uint16_t at;  /* of the record within its RRset */
	} * slot;	      /* NULL: not built */
};

/* The parent of the last owner that was added: mostly the next one's, too. */
struct last_parent {
	zone_name name;
	uint8_t length;		       /* octets of wire; 0: none, or it has left the tree */
	uint8_t wire[NAME_MAX_OCTETS]; /* case as it was given */
};

struct zone {
	struct name_entry *names;
	size_t names_room;   /* octets that names[] may use */
	uint32_t names_used; /* entries ever used, the free ones included */
	uint32_t names_free; /* first free entry, or ZONE_NO_NAME */

	uint8_t *small;
	size_t small_room;   /* octets */
	uint32_t small_used; /* units */

	struct large_block *large;
	uint32_t large_used;
	uint32_t large_capacity;
	uint32_t large_free; /* first free one, or UINT32_MAX */
	size_t large_octets;

	struct name_table table;
	uint64_t hash_key[2];
	struct duplicates duplicates;
	struct last_parent last_parent;
	struct zone_counts counts;
	uint8_t apex_length;
	uint8_t apex[NAME_MAX_OCTETS];
	uint32_t small_free[SMALL_UNITS + 1]; /* by size in units; 0: none (unit 0 is not used) */
};

/* Running out of memory has no remedy here: control is restarted and rebuilds from its sources. */
static inline void *memory_or_abort(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

/* Entries for an array that must hold `need`: in small steps once it is large, since then growing
 * is moving pages, not octets. */
static inline uint32_t capacity_for(uint32_t capacity, uint64_t need, size_t entry)
{
	uint64_t step = (uint64_t)capacity * entry < (1u << 20) ? capacity / 2 : capacity / 8;
	uint64_t grown = capacity + step;

	if (need > UINT32_MAX - 1)
		abort();
	if (grown < need)
		grown = need;
	if (grown > UINT32_MAX - 1)
		grown = UINT32_MAX - 1;
	return (uint32_t)grown;
}

/* blocks.c */

static inline uint8_t *name_data(const struct zone *zone, zone_name name)
{
	const struct name_entry *entry = &zone->names[name];

	return entry->large ? zone->large[entry->block].data
			    : zone->small + (size_t)entry->block * BLOCK_UNIT;
}

/* Makes the block of `name` hold `used` octets (1..BLOCK_MAX); what it had stays, as far as it
 * fits. Pointers into any block of the zone are void afterwards. used == 0 frees the block. */
void name_resize(struct zone *zone, zone_name name, uint32_t used);
void blocks_free(struct zone *zone);
size_t blocks_memory(const struct zone *zone);

/* tree.c */

/* An owner cut into the labels that stand below the apex. */
struct owner_labels {
	uint8_t lower[NAME_MAX_OCTETS];
	uint8_t offset[NAME_MAX_LABELS + 1];
	uint8_t length;
	uint8_t count; /* labels below the apex */
};

/* False if owner is not at or below the apex. */
bool owner_split(const struct zone *zone, const uint8_t *owner, struct owner_labels *labels);
/* label: length octet and lower-case octets. */
zone_name tree_child(const struct zone *zone, zone_name parent, const uint8_t *label);
/* The name, or else the deepest ancestor that is there, with *missing labels left over. */
zone_name tree_deepest(const struct zone *zone, const struct owner_labels *labels,
		       unsigned *missing);
zone_name tree_insert(struct zone *zone, const struct owner_labels *labels);
/* The name above `owner`, put into the tree if it is not there; ZONE_NO_NAME if owner is not below
 * the apex. */
zone_name tree_parent(struct zone *zone, const uint8_t *owner, size_t length);
/* The child of this label (lower-case), or a new one whose block has `used` octets, of which the
 * label is written. *is_new says which. */
zone_name tree_child_or_new(struct zone *zone, zone_name parent, const uint8_t *label,
			    uint32_t used, bool *is_new);
/* Takes out the name and its ancestors as far as they hold neither RRsets nor children. */
void tree_prune(struct zone *zone, zone_name name);
void tree_start(struct zone *zone);
void tree_free(struct zone *zone);
size_t tree_memory(const struct zone *zone);

/* rrset.c */

static inline uint32_t rrset_first(const struct zone *zone, zone_name name)
{
	return 1u + name_data(zone, name)[0];
}
static inline struct rrset_head *rrset_head_at(const struct zone *zone, zone_name name, uint32_t at)
{
	return (struct rrset_head *)(void *)(name_data(zone, name) + at);
}
static inline bool name_has_rrsets(const struct zone *zone, zone_name name)
{
	return zone->names[name].used > rrset_first(zone, name);
}
/* Offset of the RRset's head in the block of its name, or 0. covered is ignored unless type is
 * RRSIG. */
uint32_t rrset_find(const struct zone *zone, zone_name name, uint16_t type, uint16_t covered);
void rrset_view_at(const struct zone *zone, zone_name name, uint32_t at, struct rrset_view *view);

/* An rdata to compare others with: [from, to) holds names, whose case does not matter. */
struct rdata_key {
	const uint8_t *rdata;
	uint16_t length;
	uint16_t from;
	uint16_t to;
};
struct rdata_key rdata_key_of(uint16_t type, const uint8_t *rdata, uint16_t length);
bool rdata_key_equal(const struct rdata_key *key, const uint8_t *rdata, uint16_t length);
/* Offset of the record in view->records, or UINT32_MAX. */
uint32_t rrset_scan(const struct rrset_view *view, const struct rdata_key *key);

/* zone.c */

/* Takes out the RRset whose head stands at `at`; the name stays, empty or not, and what
 * duplicates.c knows of it is the caller's to forget. */
void rrset_remove(struct zone *zone, zone_name name, uint32_t at);

/* duplicates.c */

bool duplicates_hold(struct zone *zone, zone_name name, const struct rrset_view *view,
		     const struct rdata_key *key);
/* The record of this key now stands at offset `at` of the RRset that `view` spoke of. */
void duplicates_add(struct zone *zone, zone_name name, const struct rrset_view *view,
		    const struct rdata_key *key, uint32_t at);
void duplicates_forget(struct zone *zone);

#endif
