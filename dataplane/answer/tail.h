/* tail.h: reading the precompiled tail of an RRset (zones/abi/image.h), trusting nothing in it.
 *
 * Offsets of names in a tail mean the message in which the owner is the question and the tail
 * follows directly: header, owner, type and class, tail ("home" below).
 * Threads:  any; no allocation.
 * Requires: node and rrset from image_find() and image_rrset() of the same image.
 * Lifetime: a tail borrows the image. */
#ifndef SKUA_DATAPLANE_ANSWER_TAIL_H
#define SKUA_DATAPLANE_ANSWER_TAIL_H

#include "zones/image/reader.h"
#include "zones/name/name.h"

enum tail_part {
	TAIL_PLAIN,	 /* the RRset */
	TAIL_SIGNED,	 /* the RRset and the RRSIGs that cover it */
	TAIL_SIGNATURES, /* these RRSIGs alone */
};

/* A run of records of one RRset. */
struct tail {
	const struct image_node *node;
	const struct image_rrset *rrset;
	const uint8_t *octets;
	uint32_t length;
	uint16_t count; /* records */
	uint16_t plain; /* of these, how many come before the RRSIGs */
};

void tail_open(const struct image_node *node, const struct image_rrset *rrset, enum tail_part part,
	       struct tail *tail);

/* Walks records: *at starts at 0, is then that of the next one. false: at the end, or the record
 * does not lie within the tail (then *at is not tail->length). record: offset of its two octets of
 * owner; rdata: of its rdata. */
bool tail_record(const struct tail *tail, uint32_t *at, uint32_t *record, uint32_t *rdata);

/* The whole name at an offset of the RRset's tail, pointers followed: legal wire form, in lower
 * case if that is asked for. name has NAME_MAX_OCTETS. Returns its length; 0: there is no legal
 * name. *end (may be NULL) is the offset in the tail behind its octets there. */
enum tail_case { TAIL_CASE_KEPT, TAIL_CASE_LOWER };
size_t tail_name(const struct image_node *node, const struct image_rrset *rrset, uint32_t offset,
		 enum tail_case wanted, uint8_t *name, uint32_t *end);

#endif
