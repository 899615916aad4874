/* express_parts.h: what the stages of the express are made of. A part of express.c.
 * Threads: any. */
#ifndef SKUA_DATAPLANE_ANSWER_EXPRESS_PARTS_H
#define SKUA_DATAPLANE_ANSWER_EXPRESS_PARTS_H

#include "dataplane/answer/express.h"
#include "dataplane/answer/finish.h"
#include "dataplane/answer/query.h"
#include "dataplane/answer/rotation.h"
#include "dataplane/answer/stored.h"
#include "dataplane/answer/sum.h"
#include "zones/image/probe.h"
#include "zones/name/lower.h"
#include "zones/record/record.h"

#include <endian.h>
#include <string.h>

#define FIXED	     (DNS_HEADER + 4u) /* octets of a query beside name and OPT record */
#define UDP_SIZE_MIN 512u

/* A query on its way. The name that is looked for is first the asked one, then those above it. */
struct passage {
	uint64_t asked_hash;
	uint64_t hash;			   /* of the name that is looked for */
	const image_ref *leaf_ref;	   /* to the page that its bucket is in; NULL: none */
	const struct image_bucket *bucket; /* its home; NULL: none */
	const struct image_node *node;	   /* that may be its */
	const struct image_rrset *rrset;   /* of the node, once that is known to be right */
	uint8_t at;			   /* which of the burst */
	uint8_t name_length;		   /* of the asked name */
	uint8_t skipped;		   /* its octets in front of the name that is looked for */
	bool edns;
};

/* Some of the passages of a burst. */
struct passages {
	unsigned count;
	uint8_t at[ANSWER_BURST];
};

static inline void passages_add(struct passages *some, unsigned at)
{
	some->at[some->count++] = (uint8_t)at;
}

static inline uint64_t load_be64(const uint8_t *at)
{
	return be64toh(hash_load64(at));
}

/* ---- looking up, in three stages: each prefetches what the next reads ---- */

static inline void look_for(const struct image *image, struct passage *p, uint64_t hash)
{
	p->hash = hash;
	p->leaf_ref = image_leaf_ref(image, hash);
	__builtin_prefetch(p->leaf_ref);
}

/* The other two, for all that are looked for. */
static inline void look_up(const struct image *image, struct passage passage[],
			   const struct passages *some)
{
	for (unsigned i = 0; i < some->count; i++) {
		struct passage *p = &passage[some->at[i]];

		p->bucket = image_home_in(image, p->leaf_ref, p->hash);
		__builtin_prefetch(p->bucket);
	}
	for (unsigned i = 0; i < some->count; i++) {
		struct passage *p = &passage[some->at[i]];

		p->node = p->bucket == NULL ? NULL : image_candidate(image, p->bucket, p->hash);
		__builtin_prefetch(p->node);
		__builtin_prefetch((const void *)((uintptr_t)p->node + 64));
	}
}

static inline bool is_node_of(const struct image *image, const struct image_node *node,
			      const uint8_t *name, uint8_t length)
{
	return node->name_length == length && node->view == 0 && image_node_is_whole(image, node) &&
	       name_is_lowered(node->name, name, length);
}

/* Types that are no questions, or that are answered from more than one RRset. */
static inline bool is_ordinary_type(uint16_t type)
{
	if (type - 1u < TYPE_OPT - 1u)
		return true;
	return type != IMAGE_TYPE_NEGATIVE_SOA && type != TYPE_OPT &&
	       (type < TYPE_TKEY || type > TYPE_ANY);
}

/* What stored.c answers a question with by itself, or NULL. */
static inline const struct image_rrset *answer_of(const struct image *image,
						  const struct image_node *node, uint16_t type)
{
	if (!stored_is_ours(node) || node->flags & IMAGE_NODE_ACL || !is_ordinary_type(type))
		return NULL;
	const struct image_rrset *rrset = image_rrset_of(node, type);
	if (rrset == NULL || rrset->count == 0 || rrset->flags & IMAGE_RRSET_PARENT_SIDE ||
	    (rrset->target_count > 0 && image->settings.additional))
		return NULL;
	return rrset;
}

/* ---- replies ---- */

/* What all replies of a burst share. */
struct terms {
	const struct express *express;
	uint32_t most;	/* octets of a reply, whatever the client takes */
	uint32_t least; /* that every client takes */
	uint64_t opt;	/* the first 8 octets of an OPT record without DO, as a number */
};

static inline struct terms terms_of(const struct express *e)
{
	uint16_t given = e->image->settings.udp_size;
	uint32_t ours = given < UDP_SIZE_MIN ? UDP_SIZE_MIN : given;
	bool udp = e->transport == TRANSPORT_UDP;

	return (struct terms){
	    .express = e,
	    .most = udp ? ours : UINT16_MAX,
	    .least = udp ? UDP_SIZE_MIN : UINT16_MAX,
	    .opt = (uint64_t)TYPE_OPT << 40 | (uint64_t)ours << 24,
	};
}

/* opt: of the query. */
static inline uint32_t size_limit(const struct terms *terms, const uint8_t *opt)
{
	uint32_t theirs = get_u16(opt + 3);

	if (theirs < terms->least)
		return terms->least;
	return theirs < terms->most ? theirs : terms->most;
}

static inline bool has_room(const struct terms *terms, const struct passage *p,
			    const struct datagram *d, uint32_t length)
{
	const uint8_t *opt = d->payload + FIXED + p->name_length;

	return length <= d->capacity && length <= (p->edns ? size_limit(terms, opt) : terms->least);
}

/* By halves that overlap: not an octet too many, for it may be on a line that is not near. */
static inline void copy_tail(uint8_t *to, const uint8_t *from, uint32_t length)
{
	if (length - 8u <= 8u) {
		memcpy(to, from, 8);
		memcpy(to + length - 8, from + length - 8, 8);
	} else if (length - 16u <= 16u) {
		memcpy(to, from, 16);
		memcpy(to + length - 16, from + length - 16, 16);
	} else {
		memcpy(to, from, length);
	}
}

static __attribute__((noinline)) void copy_turned(const struct express *e, const struct datagram *d,
						  uint8_t *to, const struct passage *p, bool secure)
{
	struct tail tail;

	tail_open(p->node, p->rrset, secure ? TAIL_SIGNED : TAIL_PLAIN, &tail);
	reply_copy_rotated(to, &tail, rotation_next(e->image, e->state, d));
}

static inline bool is_turned(const struct express *e, const struct image_rrset *rrset)
{
	return rrset->count > 1 && (rrset->type == TYPE_A || rrset->type == TYPE_AAAA) &&
	       e->image->settings.rotate != IMAGE_ROTATE_OFF;
}

/* Both: the sum of what is written, as it counts in the message. */
static inline uint64_t put_opt(uint8_t *message, uint32_t at, uint64_t value)
{
	uint64_t octets = htobe64(value);

	memcpy(message + at, &octets, sizeof(octets));
	memset(message + at + sizeof(octets), 0, OPT_OCTETS - sizeof(octets));
	return value << 8 * (at & 1); /* sum_at(), for the first octet is zero */
}

/* RD and CD are the query's. counts: of answers and authority, as they stand there. */
static inline uint64_t put_header(uint8_t *message, uint16_t flags, uint32_t counts, bool edns)
{
	uint64_t kept = load_be64(message + 2) & (uint64_t)(DNS_RD | DNS_CD) << 48;
	uint64_t value = kept | (uint64_t)(DNS_QR | DNS_AA | flags) << 48 | 1ull << 32 | counts;
	uint64_t octets = htobe64(value);

	memcpy(message + 2, &octets, sizeof(octets));
	put_u16(message + 10, edns);
	return sum_add(value, (uint64_t)get_u16(message) + edns);
}

/* The question, and then an RRset of which it is the owner. False: it does not fit. */
static inline bool answer(const struct terms *terms, const struct passage *p, struct datagram *d)
{
	const struct image_rrset *rrset = p->rrset;
	uint8_t *message = d->payload;
	uint32_t question_end = FIXED + p->name_length;
	uint8_t *behind = message + question_end;
	bool secure = p->edns && behind[7] & 0x80;
	uint32_t end = question_end + (secure ? rrset->signed_length : rrset->length);
	uint32_t length = end + (p->edns ? OPT_OCTETS : 0);

	if (!has_room(terms, p, d, length))
		return false;
	uint64_t sum = sum_wide(message + DNS_HEADER, p->name_length + 4u);
	sum = sum_add(sum, sum_at(secure ? rrset->signed_sum : rrset->sum, question_end));
	if (is_turned(terms->express, rrset))
		copy_turned(terms->express, d, behind, p, secure);
	else
		copy_tail(behind, image_tail(p->node, rrset), end - question_end);
	uint32_t records = secure ? rrset->signed_count : rrset->count;
	if (p->edns)
		sum = sum_add(sum, put_opt(message, end, terms->opt | (secure ? 0x80 : 0)));
	sum = sum_add(sum, put_header(message, RCODE_NOERROR, records << 16, p->edns));
	d->length = length;
	d->sum = sum_fold(sum);
	return true;
}

#endif
