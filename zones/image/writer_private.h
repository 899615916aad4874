/* writer_private.h: the writer's own state, shared by the files that make the writer.
 *
 * Rule of reuse: a block that commit g made unreachable is listed under g, and may be reused once
 * every reader has said "seen >= g". A reader that has seen g started from root g or a newer one,
 * and from none of those can the block be reached. A block that the open transaction made itself
 * has never been reachable for anybody: it is freed at once. */
#ifndef SKUA_ZONES_IMAGE_WRITER_PRIVATE_H
#define SKUA_ZONES_IMAGE_WRITER_PRIVATE_H

#include "zones/image/arena.h"
#include "zones/image/reader.h"
#include "zones/image/writer.h"
#include "zones/memory/area.h"

struct ref_list {
	image_ref *at; /* an area */
	size_t count;
	size_t room; /* octets */
};

/* What one commit made unreachable. */
struct retired {
	struct retired *next; /* newer */
	uint64_t generation;  /* of the commit */
	uint64_t octets;
	struct ref_list blocks;
};

/* puts.c: names of a first load, until their pages are filled. They wait by the top of their hash,
 * so that a top's pages are filled while they are in the cache: in the order of the names each
 * would come from memory once for every name. */
struct put_run;
struct puts {
	uint8_t *memory; /* of all runs; NULL: none yet */
	size_t octets, used;
	uint64_t expected; /* names, to size it by */
	uint64_t waiting;
	struct put_run *first[IMAGE_TOP], *last[IMAGE_TOP];
};

struct image_writer {
	struct arena arena;
	struct image_replicas replicas; /* [0] is the arena */
	uint64_t key[2];
	uint64_t generation;	/* of the last commit */
	uint64_t transaction;	/* counts every begin: a page with this stamp is ours to change */
	bool open;		/* between begin and commit or abort */
	bool failed;		/* memory ran out in this transaction: it can only be aborted */
	image_ref root;		/* of the last commit, or 0 */
	struct image_root work; /* as the open transaction has it */
	struct image_root committed; /* as the last commit left it */
	struct ref_list made;	     /* every block that this transaction took, some freed again */
	uint64_t *fresh;	     /* one bit per unit: a block that this transaction took */
	size_t fresh_octets;
	struct ref_list leaving; /* becomes unreachable with the next commit */
	uint64_t leaving_octets;
	struct puts puts;
	struct retired *oldest, *newest;
	uint64_t retired_octets; /* in all of them */
};

static inline void *writer_at(const struct image_writer *writer, image_ref ref)
{
	return arena_at(&writer->arena, ref);
}

static inline bool writer_is_fresh(const struct image_writer *writer, image_ref ref)
{
	return writer->fresh[ref / 64] >> (ref % 64) & 1;
}

/* A block of this transaction, or 0 (and `failed` is set). page: at a multiple of 64 octets. */
image_ref writer_block_new(struct image_writer *writer, uint64_t octets, bool page);
/* The block leaves the image: freed at once if it is fresh, retired by the commit if not. */
void writer_block_leave(struct image_writer *writer, image_ref ref);

/* directory.c: hash -> node, in the pages of the open transaction. hash: salted. */

/* Takes the place of a node of the same name and view. */
bool directory_put(struct image_writer *writer, uint64_t hash, image_ref node);
/* Has the cache lines brought that directory_put() will want; they may still be others. */
void directory_prefetch(const struct image_writer *writer, uint64_t hash);
/* Pages for so many names, if there are none. False: out of memory. */
bool directory_expect(struct image_writer *writer, uint64_t names);
/* Requires: the node is in the directory. */
bool directory_delete(struct image_writer *writer, uint64_t hash, const struct image_node *node);
const struct image_node *directory_find(const struct image_writer *writer, uint64_t hash,
					unsigned view, const uint8_t *name, size_t length);

/* puts.c */

/* directory_put(), later. False: out of memory. */
bool puts_add(struct image_writer *writer, uint64_t hash, image_ref node);
/* Puts all that wait; in each page in the order in which they came. */
bool puts_make(struct image_writer *writer);
void puts_forget(struct puts *puts);

#endif
