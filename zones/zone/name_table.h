/* name_table.h: finds a name of a zone by its parent and label, without walking siblings. Private
 * to zones/zone.
 *
 * A bucket is a cache line: twelve tags, the names that they belong to, and how many names would
 * have liked to lie here but lie further on. So a look-up or an insertion touches one line of the
 * table; taking out moves nothing, and leaves nothing behind. No hash is kept: it is made again
 * from parent and label. Threads: as zone.h says. Source:  the layout is that of
 * zones/abi/image.h's buckets; counting those that went on instead of leaving tombstones is an old
 * idea, found in Facebook's F14. */
#ifndef SKUA_ZONES_ZONE_NAME_TABLE_H
#define SKUA_ZONES_ZONE_NAME_TABLE_H

#include "zones/zone/zone.h"

#include <assert.h>
#include <stdalign.h>

#define NAME_BUCKET_SLOTS 12u

struct name_bucket {
	alignas(64) uint8_t tag[NAME_BUCKET_SLOTS]; /* 0: empty; else 0x80 | 7 bits of the hash */
	uint32_t passed;			    /* names further on that came by here */
	uint32_t name[NAME_BUCKET_SLOTS];
};
static_assert(sizeof(struct name_bucket) == 64, "one cache line per bucket");

/* New names wait for the lines that they go to, while others are made. */
#define NAME_TABLE_PUTS 8u
struct name_puts {
	uint64_t hash[NAME_TABLE_PUTS];
	zone_name name[NAME_TABLE_PUTS]; /* ZONE_NO_NAME: nothing waits here */
	uint32_t next;			 /* the oldest, or an empty one */
};

struct name_table {
	struct name_bucket *bucket;
	size_t room; /* octets at `bucket` */
	uint32_t buckets;
	uint32_t used;	   /* names, those that wait included */
	uint32_t expected; /* about how many there will be; less than `used`: not known */
	struct name_puts puts;
};

void name_table_start(struct zone *zone);
void name_table_free(struct zone *zone);
size_t name_table_memory(const struct zone *zone);

/* label: length octet and lower-case octets. */
uint64_t name_table_hash(const struct zone *zone, zone_name parent, const uint8_t *label);
/* The child of that label, or ZONE_NO_NAME. hash: name_table_hash(). */
zone_name name_table_find(const struct zone *zone, zone_name parent, const uint8_t *label,
			  uint64_t hash);
/* Has the line brought that a name of this hash is looked for in. */
void name_table_prefetch(const struct name_table *table, uint64_t hash);
/* Requires: the name has its entry and its label, and is not in the table. */
void name_table_insert(struct zone *zone, zone_name name, uint64_t hash);
/* Requires: the name is in the table. */
void name_table_remove(struct zone *zone, zone_name name);

#endif
