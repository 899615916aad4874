/* express_stages.c: see express.h. Compiled once for each level of EXPRESS_LEVELS, under another
 * name. */
#include "dataplane/answer/express_levels.h"

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
#define COPY	     32u  /* octets that are copied at once: the last copy goes on behind */
#define NODE_OCTETS  128u /* of a node that are brought near */
#define UDP_SIZE_MIN 512u

/* A query on its way. */
struct passage {
	uint64_t hash;
	const struct image_bucket *bucket; /* its home; NULL: none */
	const struct image_node *node;	   /* that may be the name's */
	const struct image_rrset *rrset;   /* of the node, which is the name's: the answer */
	uint8_t at;			   /* which of the burst */
	uint8_t name_length;
	bool edns;
};

static inline uint64_t load_be64(const uint8_t *at)
{
	return be64toh(hash_load64(at));
}

/* ---- read ---- */

/* The 8 octets behind the ID: a query of opcode 0, one question, no answer, no authority. */
static inline bool asks_one_question(uint64_t header)
{
	const uint64_t fixed = (uint64_t)(DNS_QR | DNS_OPCODE) << 48 | 0xffffffffffffull;

	return (header & fixed) == 1ull << 32;
}

/* An OPT record of version 0 without options; the client's size, the flags and the upper part of an
 * rcode may be anything. */
static inline bool is_bare_opt(const uint8_t *at)
{
	return (load_be64(at) & 0xffffff000000ff00ull) == (uint64_t)TYPE_OPT << 40 &&
	       get_u16(at + 9) == 0;
}

/* The name's length follows from that of the message. If it is in truth another, or if its labels
 * are not legal, it is no name of any node, and will not be found. */
static inline bool read_query(const struct datagram *datagram, struct passage *p)
{
	const uint8_t *query = datagram->payload;
	uint32_t length = datagram->length;

	if (length <= FIXED || !asks_one_question(load_be64(query + 2)))
		return false;
	unsigned additional = get_u16(query + 10);
	unsigned name_length = length - FIXED - (additional != 0 ? OPT_OCTETS : 0);
	if (name_length - 1 >= NAME_MAX_OCTETS || additional > 1)
		return false;
	const uint8_t *behind = query + DNS_HEADER + name_length;
	p->name_length = (uint8_t)name_length;
	p->edns = additional != 0;
	return get_u16(behind + 2) == CLASS_IN && (!p->edns || is_bare_opt(behind + 4));
}

static inline unsigned read_burst(const struct express *e, const struct datagram *burst, unsigned n,
				  struct passage passage[], struct express_left left[],
				  unsigned *leaves)
{
	const struct image *image = e->image;
	unsigned passing = 0;

	for (unsigned i = 0; i < n; i++) {
		struct passage *p = &passage[passing];

		if (!read_query(&burst[i], p)) {
			left[(*leaves)++] = (struct express_left){.at = (uint8_t)i};
			continue;
		}
		p->at = (uint8_t)i;
		p->hash =
		    name_hash_lowered(image->key, burst[i].payload + DNS_HEADER, p->name_length);
		p->bucket = image_home_bucket(image, p->hash);
		__builtin_prefetch(p->bucket);
		passing++;
	}
	return passing;
}

/* ---- approach ---- */

static inline void approach(const struct image *image, struct passage *p)
{
	p->node = p->bucket == NULL ? NULL : image_candidate(image, p->bucket, p->hash);
	for (unsigned at = 0; at < NODE_OCTETS; at += 64)
		__builtin_prefetch((const void *)((uintptr_t)p->node + at));
}

/* ---- find ---- */

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

static inline bool find(const struct image *image, struct passage *p, const uint8_t *name)
{
	const struct image_node *node = p->node;

	if (node == NULL || !is_node_of(image, node, name, p->name_length))
		return false;
	p->rrset = answer_of(image, node, get_u16(name + p->name_length));
	return p->rrset != NULL;
}

/* ---- answer ---- */

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

/* Octets behind are read and written too, up to COPY - 1. */
static inline void copy_tail(uint8_t *to, const uint8_t *from, uint32_t length)
{
	for (uint32_t at = 0; at < length; at += COPY)
		memcpy(to + at, from + at, COPY);
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

/* RD and CD are the query's. */
static inline uint64_t put_header(uint8_t *message, uint16_t answers, bool edns)
{
	uint64_t kept = load_be64(message + 2) & (uint64_t)(DNS_RD | DNS_CD) << 48;
	uint64_t value =
	    kept | (uint64_t)(DNS_QR | DNS_AA) << 48 | 1ull << 32 | (uint64_t)answers << 16;
	uint64_t octets = htobe64(value);

	memcpy(message + 2, &octets, sizeof(octets));
	put_u16(message + 10, edns);
	return sum_add(value, (uint64_t)get_u16(message) + edns);
}

static inline bool answer(const struct terms *terms, const struct passage *p, struct datagram *d)
{
	const struct image_rrset *rrset = p->rrset;
	uint8_t *message = d->payload;
	uint32_t question_end = FIXED + p->name_length;
	uint8_t *behind = message + question_end;
	bool secure = p->edns && behind[7] & 0x80;
	uint32_t end = question_end + (secure ? rrset->signed_length : rrset->length);
	uint32_t length = end + (p->edns ? OPT_OCTETS : 0);

	if (length > (p->edns ? size_limit(terms, behind) : terms->least) ||
	    end + COPY > d->capacity)
		return false;
	uint64_t sum = sum_wide(message + DNS_HEADER, p->name_length + 4u);
	sum = sum_add(sum, sum_at(secure ? rrset->signed_sum : rrset->sum, question_end));
	if (is_turned(terms->express, rrset))
		copy_turned(terms->express, d, behind, p, secure);
	else
		copy_tail(behind, image_tail(p->node, rrset), end - question_end);
	if (p->edns)
		sum = sum_add(sum, put_opt(message, end, terms->opt | (secure ? 0x80 : 0)));
	sum =
	    sum_add(sum, put_header(message, secure ? rrset->signed_count : rrset->count, p->edns));
	d->length = length;
	d->sum = sum_fold(sum);
	return true;
}

/* ---- all ---- */

/* What answer.c need not find out again. */
static __attribute__((noinline)) void leave(const struct image *image, const struct passage *p,
					    const uint8_t *name, struct express_left *left)
{
	*left = (struct express_left){.at = p->at};
	if (p->node == NULL || is_node_of(image, p->node, name, p->name_length)) {
		left->name_length = p->name_length;
		left->hash = p->hash;
		left->node = p->node;
	}
}

static inline void count(const struct express *e, unsigned answers)
{
	e->counts[e->transport == TRANSPORT_UDP ? COUNT_queries_udp : COUNT_queries_tcp] += answers;
	e->counts[COUNT_answers] += answers;
	e->counts[COUNT_rcode_noerror] += answers;
}

unsigned EXPRESS_STAGES(const struct express *e, struct datagram *burst, unsigned n,
			struct express_left left[])
{
	const struct terms terms = terms_of(e);
	struct passage passage[ANSWER_BURST];
	unsigned leaves = 0;
	unsigned found = 0;

	unsigned passing = read_burst(e, burst, n, passage, left, &leaves);
	for (unsigned i = 0; i < passing; i++)
		approach(e->image, &passage[i]);
	for (unsigned i = 0; i < passing; i++) {
		const uint8_t *name = burst[passage[i].at].payload + DNS_HEADER;

		if (find(e->image, &passage[i], name))
			passage[found++] = passage[i];
		else
			leave(e->image, &passage[i], name, &left[leaves++]);
	}
	unsigned answers = 0;
	for (unsigned i = 0; i < found; i++) {
		struct datagram *datagram = &burst[passage[i].at];

		if (answer(&terms, &passage[i], datagram))
			answers++;
		else
			leave(e->image, &passage[i], datagram->payload + DNS_HEADER,
			      &left[leaves++]);
	}
	count(e, answers);
	return leaves;
}
