/* replicas.h: further replicas of an arena in anonymous memory, and whether they are what they
 * should be. */
#ifndef SKUA_TESTS_UNIT_IMAGE_REPLICAS_H
#define SKUA_TESTS_UNIT_IMAGE_REPLICAS_H

#include "zones/image/writer.h"

/* Makes the writer keep `count` replicas of which `base` is the first; the others are mapped with
 * IMAGE_NODE_MAX octets of zeroes behind. */
void replicas_open(struct image_replicas *replicas, struct image_writer *writer, uint8_t *base,
		   uint64_t capacity, unsigned count);
void replicas_close(struct image_replicas *replicas, uint64_t capacity);

/* NULL if every block that is taken, whatever reaches it, has the same octets in all replicas; else
 * what is wrong. Requires: no transaction is open. */
const char *replicas_fault(const struct image_writer *writer);

#endif
