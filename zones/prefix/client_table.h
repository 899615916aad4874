/* client_table.h: from prefixes, each with what it says of its clients, to disjoint ranges with one
 * class each (zones/abi/policy.h): what a query then costs is one search, however many lists there
 * are.
 *
 * A prefix changes only what it speaks of; the rest is as the next shorter prefix around it has it.
 * So for each access rule, each flag, and the view, the longest prefix that speaks of it wins.
 * Threads: one. Ownership: as usual, of what _new() returns. Memory: abort() if there is none. */
#ifndef SKUA_ZONES_PREFIX_CLIENT_TABLE_H
#define SKUA_ZONES_PREFIX_CLIENT_TABLE_H

#include "zones/prefix/prefix.h"

/* What a prefix says of its clients. */
struct client_change {
	uint64_t admits;  /* access rules that they pass: bit n - 1 for rule n */
	uint64_t refuses; /* access rules that they do not pass */
	uint8_t view;	  /* whose zones they see; 0: not said */
	uint8_t sets;	  /* enum image_client_flag that they have */
	uint8_t clears;	  /* and that they have not */
};

/* Ranges of one family. first and class have count entries; count 0: all addresses are class 0. */
struct client_ranges {
	struct image_address *first; /* as prefix.first */
	uint16_t *class;
	uint32_t count;
};

struct client_table {
	struct client_ranges v4, v6;
	struct image_client_class *classes; /* [0]: of all addresses that no prefix speaks of */
	uint32_t class_count;
	uint32_t view_count;		  /* views are 1 to view_count - 1 */
	uint16_t view_flags[IMAGE_VIEWS]; /* enum image_view_flag */
};

struct client_builder;
struct client_builder *client_builder_new(void);
void client_builder_free(struct client_builder *builder);
/* In any order; of two changes of the same prefix the later one wins where they differ. */
void client_builder_add(struct client_builder *builder, const struct prefix *prefix,
			const struct client_change *change);

/* What makes no table. */
struct client_problem {
	uint8_t view[2];      /* one prefix belongs to both; 0: that is not the problem, but that */
	struct prefix prefix; /* there are more than CLIENT_CLASSES_MAX different classes */
};
#define CLIENT_CLASSES_MAX 4096u

/* NULL: see *problem. The views' fields are the caller's to fill in. */
struct client_table *client_table_new(struct client_builder *builder,
				      struct client_problem *problem);
void client_table_free(struct client_table *table); /* NULL is allowed */
bool client_table_equal(const struct client_table *a, const struct client_table *b);

#endif
