/* fixture.h: an arena in anonymous memory with a guard page behind it, and names and nodes to fill
 * it with. Random numbers come from a seed that a failing test prints (SKUA_TEST_SEED repeats it).
 */
#ifndef SKUA_TESTS_UNIT_IMAGE_FIXTURE_H
#define SKUA_TESTS_UNIT_IMAGE_FIXTURE_H

#include "tests/unit/image/replicas.h"
#include "zones/image/reader.h"
#include "zones/image/writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fixture {
	uint8_t *base;
	uint64_t capacity;
	uint64_t granted; /* octets that the writer may use; below capacity: growing fails there */
	struct image_writer *writer;
	image_ref root; /* of the last fixture_commit() */
	struct image_replicas replicas;
};

void fixture_open(struct fixture *fixture, uint64_t capacity);
/* Directly after fixture_open(): the image exists `count` times. fixture_image() takes them in
 * turn, by generation, and fails the test if they differ. */
void fixture_replicate(struct fixture *fixture, unsigned count);
void fixture_close(struct fixture *fixture);
image_ref fixture_commit(struct fixture *fixture);
/* The last commit as a reader sees it; fails the test if it is refused. */
struct image fixture_image(const struct fixture *fixture);

/* capacity + IMAGE_NODE_MAX octets, zeroed, with an inaccessible page directly behind. */
uint8_t *guarded_map(uint64_t capacity);
void guarded_unmap(uint8_t *base, uint64_t capacity);

struct random {
	uint64_t state;
};
struct random random_start(const char *test); /* prints the seed */
uint64_t random_next(struct random *random);
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
	return random_next(random) % bound;
}

struct test_name {
	uint8_t wire[256];
	uint8_t length, labels;
};
/* Few different labels, so that names share suffixes; wildcards, very deep and very long names too.
 */
void name_random(struct random *random, struct test_name *name);
/* "<number>.epc.example." */
void name_numbered(struct test_name *name, uint32_t number);

#define STAMP_TYPE 16u
/* A node with `extra` octets of tail that all follow from the name and the stamp, and two targets;
 * stamp_of() gives the stamp back, or 0 if the node is not whole. Requires: extra >= 8. */
const struct image_node *node_make(const struct test_name *name, uint32_t stamp, unsigned extra);
uint32_t stamp_of(const struct image_node *node);

#endif
