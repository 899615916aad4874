/* node_reader.h: a node taken apart again, in the plainest way, sharing no code with what made it.
 * Every finding that contradicts zones/abi/image.h fails the running test. */
#ifndef SKUA_TESTS_UNIT_COMPILE_NODE_READER_H
#define SKUA_TESTS_UNIT_COMPILE_NODE_READER_H

#include "tests/unit/zone/random_zone.h"
#include "zones/abi/image.h"

struct read_record {
	uint16_t type;
	uint32_t ttl;
	uint16_t length; /* of the rdata, its names spelled out */
	uint8_t rdata[1200];
	uint16_t name_at; /* offset in the tail of the first name in the rdata, or 0 */
	bool pointers;	  /* the rdata held one */
};

/* Header, name, padding, table order and bounds are as the layout says. */
void node_check(struct random *random, const struct image_node *node);
const struct image_rrset *node_rrset(const struct image_node *node, uint16_t type);

/* The records of the tail as an answer to `question`, of which the owner, or the owner without its
 * "*", is a suffix: pointers in rdata are moved by the difference of the lengths. Returns the
 * number of records. */
unsigned node_records(struct random *random, const struct image_node *node,
		      const struct image_rrset *rrset, bool with_signatures,
		      const uint8_t *question, struct read_record *records, unsigned most);

/* The name that stands at an offset of the tail, spelled out, when the owner is the question. */
void node_name_at(struct random *random, const struct image_node *node,
		  const struct image_rrset *rrset, uint16_t offset, uint8_t *name);
const struct image_target *node_targets(const struct image_node *node,
					const struct image_rrset *rrset);
/* RFC 1071 word by word. */
uint16_t plain_sum(const uint8_t *octets, unsigned length);

#endif
