/* writer.h: building and changing an image in an arena, by copying paths.
 *
 * A transaction: image_begin(), any number of puts and deletes, then image_commit() which writes a
 * new root block and returns its reference; the caller publishes it (control/publish). Pages that
 * the open transaction has already copied are changed in place. What the commit made unreachable
 * goes to a retire list, and is reused only after image_reclaim() is told that every reader has
 * moved on.
 *
 * Threads:   one writer; any number of readers of published roots at the same time.
 * Memory:    arena_grow() is asked when the arena must hold more; it may refuse, then calls return
 * false and the transaction must be aborted (image_abort(): nothing published changed). The
 * writer's own lists are not in the arena: if memory for them runs out, it aborts. Complexity: a
 * put costs one leaf page, one mid page and a node, whatever the size of the image. */
#ifndef SKUA_ZONES_IMAGE_WRITER_H
#define SKUA_ZONES_IMAGE_WRITER_H

#include "zones/abi/image.h"
#include "zones/abi/policy.h"

#include <stdbool.h>
#include <stddef.h>

struct image_writer;

/* Makes the first `octets` octets of the arena backed by memory; false: it can't (message is the
 * callee's). */
typedef bool (*arena_grow)(void *context, uint64_t octets);

/* base: read-write mapping of `capacity` octets, zeroed, of which none need be backed yet.
 * first_generation: the generation of the first commit; later ones count up.
 * Writes the image_header. Returns NULL if not even that can be backed. */
struct image_writer *image_writer_new(uint8_t *base, uint64_t capacity, uint64_t arena_id,
				      const uint64_t hash_key[2], uint64_t first_generation,
				      arena_grow grow, void *context);
void image_writer_free(struct image_writer *writer); /* the arena itself is the caller's */

/* The same arena again, elsewhere in memory. base[0] is that of image_writer_new(); the others are
 * read-write mappings of the same capacity, zeroed, backed whenever arena_grow() has returned true.
 */
struct image_replicas {
	unsigned count; /* 1 to IMAGE_REPLICAS_MAX */
	uint8_t *base[IMAGE_REPLICAS_MAX];
	int16_t node[IMAGE_REPLICAS_MAX]; /* for image_header */
};
/* From now on a commit copies each block that it made to the same place in every other replica,
 * before it returns: O(what changed) for each. Blocks of published roots never change, so nothing
 * else has to be copied. Requires: nothing was committed yet. */
void image_writer_replicate(struct image_writer *writer, const struct image_replicas *replicas);

const uint8_t *image_writer_base(const struct image_writer *writer); /* the start of the arena */
const uint64_t *image_writer_key(const struct image_writer *writer);

void image_begin(struct image_writer *writer);
/* Copies the node's units * 16 octets in; replaces a node of the same name and view. Returns the
 * reference of the copy, or 0 if memory ran out. */
image_ref image_put(struct image_writer *writer, const struct image_node *node);
/* Returns false only if memory ran out; deleting an absent name is no error. */
bool image_delete(struct image_writer *writer, unsigned view, const uint8_t *name);
/* The node as the open transaction (or the last commit) has it, or NULL. Borrowed until the next
 * put. */
const struct image_node *image_writer_find(const struct image_writer *writer, unsigned view,
					   const uint8_t *name);
/* The reference of a node from image_writer_find(). */
image_ref image_writer_ref(const struct image_writer *writer, const void *block);
bool image_set_zone(struct image_writer *writer, uint16_t zone_index,
		    const struct image_zone *zone);
void image_set_settings(struct image_writer *writer, const struct image_settings *settings);
/* Copies the policy in. Blocks that it refers to are the caller's, as those of an image_zone. False
 * if memory ran out. */
bool image_set_policy(struct image_writer *writer, const struct image_policy *policy);

/* For many names at once, as when an image is first filled.
 * image_expect(): about how many names will be put; an image that holds none yet gets the pages for
 * them, so that none has to be split on the way. image_put_later() is image_put(), but the name is
 * found only after image_put_rest(), which has to come before any other call that puts, deletes,
 * finds or commits: until then, if many are expected, it waits (12 octets each) for others that
 * lie near it in the image. */
bool image_expect(struct image_writer *writer, uint64_t names);
image_ref image_put_later(struct image_writer *writer, const struct image_node *node);
bool image_put_rest(struct image_writer *writer);

/* Raw blocks (order tree pages, salts): allocated in this transaction; retired by a later one. */
void *image_block_new(struct image_writer *writer, size_t octets, image_ref *ref);
void image_block_retire(struct image_writer *writer, image_ref ref, size_t octets);

/* Ends the transaction. Returns the reference of the new root block (0: out of memory, aborted). */
image_ref image_commit(struct image_writer *writer);
void image_abort(struct image_writer *writer);
uint64_t image_generation(const struct image_writer *writer); /* of the last commit */

/* Frees what became unreachable in the commits up to and including `seen`: every reader has
 * said that it touches only generation `seen` or later. The rule: a block that commit g made
 * unreachable may be reused once every reader has seen >= g. */
void image_reclaim(struct image_writer *writer, uint64_t seen);

struct image_usage {
	uint64_t backed;  /* octets that the arena holds */
	uint64_t live;	  /* octets reachable from the newest root */
	uint64_t retired; /* octets that wait for readers */
	uint64_t names;
};
struct image_usage image_usage(const struct image_writer *writer);

#endif
