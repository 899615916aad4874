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

/* ---- answer ---- */

static inline bool is_node_of(const struct image *image, const struct passage *p,
			      const uint8_t *name)
{
	const struct image_node *node = p->node;

	return node != NULL && node->name_length == p->name_length && node->view == 0 &&
	       image_node_is_whole(image, node) &&
	       name_is_lowered(node->name, name, p->name_length);
}

/* Types that are no questions, or that are answered from more than one RRset. */
static inline bool is_ordinary_type(uint16_t type)
{
	return type != IMAGE_TYPE_NEGATIVE_SOA && type != TYPE_OPT &&
	       (type < TYPE_TKEY || type > TYPE_ANY);
}

/* What stored.c answers a question with by itself. */
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

/* Octets behind are read and written too, up to COPY - 1. */
static inline void copy_tail(uint8_t *to, const uint8_t *from, uint32_t length)
{
	for (uint32_t at = 0; at < length; at += COPY)
		memcpy(to + at, from + at, COPY);
}

static inline void copy_records(const struct express *e, const struct datagram *datagram,
				uint8_t *to, const struct tail *tail)
{
	uint16_t type = tail->rrset->type;

	if (tail->plain > 1 && (type == TYPE_A || type == TYPE_AAAA) &&
	    e->image->settings.rotate != IMAGE_ROTATE_OFF)
		reply_copy_rotated(to, tail, rotation_next(e->image, e->state, datagram));
	else
		copy_tail(to, tail->octets, tail->length);
}

/* The largest reply that the client and we allow. opt: its OPT record, or NULL. */
static inline uint32_t size_limit(const struct express *e, const uint8_t *opt)
{
	uint16_t ours = e->image->settings.udp_size;
	uint16_t theirs = opt != NULL ? get_u16(opt + 3) : 0;
	uint16_t least = ours < theirs ? ours : theirs;

	if (e->transport == TRANSPORT_TCP)
		return UINT16_MAX;
	return least < UDP_SIZE_MIN ? UDP_SIZE_MIN : least;
}

/* The sum of what is written, as 64-bit words. end: offset of the OPT record. */
static inline uint64_t put_opt(const struct express *e, uint8_t *message, uint32_t end, bool secure)
{
	uint16_t ours = e->image->settings.udp_size;
	uint64_t size = ours < UDP_SIZE_MIN ? UDP_SIZE_MIN : ours;
	uint64_t value = (uint64_t)TYPE_OPT << 40 | size << 24 | (secure ? 0x80 : 0);
	uint64_t octets = htobe64(value);

	memcpy(message + end, &octets, sizeof(octets));
	memset(message + end + sizeof(octets), 0, OPT_OCTETS - sizeof(octets));
	return end & 1 ? value << 8 : value; /* sum_at(): its first octet is zero */
}

/* The sum of the header. RD and CD are the query's. */
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

static inline bool answer(const struct express *e, const struct passage *p, struct datagram *d)
{
	uint8_t *message = d->payload;
	uint32_t question_end = FIXED + p->name_length;
	const uint8_t *opt = p->edns ? message + question_end : NULL;
	bool secure = opt != NULL && opt[7] & 0x80;
	struct tail tail;

	if (!is_node_of(e->image, p, message + DNS_HEADER))
		return false;
	const struct image_rrset *rrset =
	    answer_of(e->image, p->node, get_u16(message + question_end - 4));
	if (rrset == NULL)
		return false;
	tail_open(p->node, rrset, secure ? TAIL_SIGNED : TAIL_PLAIN, &tail);
	uint32_t end = question_end + tail.length;
	uint32_t length = end + (p->edns ? OPT_OCTETS : 0);
	if (length > size_limit(e, opt) || end + COPY > d->capacity)
		return false;
	uint64_t sum = sum_wide(message + DNS_HEADER, p->name_length + 4u);
	copy_records(e, d, message + question_end, &tail);
	sum = sum_add(sum, sum_at(secure ? rrset->signed_sum : rrset->sum, question_end));
	if (p->edns)
		sum = sum_add(sum, put_opt(e, message, end, secure));
	sum = sum_add(sum, put_header(message, tail.count, p->edns));
	d->length = length;
	d->sum = sum_fold(sum);
	return true;
}

/* What answer.c need not find out again. */
static inline struct express_left leave(const struct image *image, const struct passage *p,
					const uint8_t *name)
{
	struct express_left left = {.at = p->at};

	if (p->node == NULL || is_node_of(image, p, name)) {
		left.name_length = p->name_length;
		left.hash = p->hash;
		left.node = p->node;
	}
	return left;
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
	struct passage passage[ANSWER_BURST];
	unsigned leaves = 0;
	unsigned answers = 0;

	unsigned passing = read_burst(e, burst, n, passage, left, &leaves);
	for (unsigned i = 0; i < passing; i++)
		approach(e->image, &passage[i]);
	for (unsigned i = 0; i < passing; i++) {
		const struct passage *p = &passage[i];

		if (answer(e, p, &burst[p->at]))
			answers++;
		else
			left[leaves++] = leave(e->image, p, burst[p->at].payload + DNS_HEADER);
	}
	count(e, answers);
	return leaves;
}
