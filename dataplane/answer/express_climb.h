/* express_climb.h: the express for names that are not there: from the asked name up to its closest
 * encloser, and from there to the wildcard that answers for it or to the SOA that denies it. A part
 * of express.c.
 *
 * Most are missing one or two labels below something: who is not found there is left. So are
 * proofs, cuts, DNAMEs: whatever stored.c and stored_denial.c would not copy. */
#ifndef SKUA_DATAPLANE_ANSWER_EXPRESS_CLIMB_H
#define SKUA_DATAPLANE_ANSWER_EXPRESS_CLIMB_H

#include "dataplane/answer/express_parts.h"

#define CLIMBS	   2u
#define SOA_OCTETS (12u + 2 * NAME_MAX_OCTETS + 20u) /* of the longest tail */

/* The queries that are left. */
struct leavers {
	struct express_left *left;
	unsigned count;
};

static inline void leave_unknown(struct leavers *leavers, unsigned at)
{
	leavers->left[leavers->count++] = (struct express_left){.at = (uint8_t)at};
}

/* node: the asked name's; NULL: it has none. Then answer.c need not look for it again. */
static inline void leave(struct leavers *leavers, const struct passage *p,
			 const struct image_node *node)
{
	leavers->left[leavers->count++] = (struct express_left){
	    .hash = p->asked_hash,
	    .node = node,
	    .at = p->at,
	    .name_length = p->name_length,
	};
}

static inline void count(const struct express *e, unsigned answers, enum counter rcode)
{
	e->counts[e->transport == TRANSPORT_UDP ? COUNT_queries_udp : COUNT_queries_tcp] += answers;
	e->counts[COUNT_answers] += answers;
	e->counts[rcode] += answers;
}

struct climb {
	const struct terms *terms;
	struct datagram *burst;
	struct passage *passage;
	struct leavers *leavers;
	/* What was found last: mostly it is the next one's too. */
	const struct image_node *apex, *encloser;
	uint64_t encloser_hash;
};

static inline const uint8_t *asked_name(const struct climb *c, const struct passage *p)
{
	return c->burst[p->at].payload + DNS_HEADER;
}

static inline const struct image *image_of(const struct climb *c)
{
	return c->terms->express->image;
}

static inline bool stands_on(const struct climb *c, const struct passage *p,
			     const struct image_node *node)
{
	return is_node_of(image_of(c), node, asked_name(c, p) + p->skipped,
			  (uint8_t)(p->name_length - p->skipped));
}

/* Leaves one label out. False: nothing but the root is left. Requires: the name is legal. */
static inline bool step_up(const struct climb *c, struct passage *p)
{
	const uint8_t *name = asked_name(c, p);
	unsigned skipped = p->skipped + 1u + name[p->skipped];

	p->skipped = (uint8_t)skipped;
	return name[skipped] != 0;
}

/* Those that have to look for the name that they have come to. */
static inline void start_climb(const struct climb *c, const struct passages *missing,
			       struct passages *climbing, struct passages *enclosed)
{
	for (unsigned i = 0; i < missing->count; i++) {
		struct passage *p = &c->passage[missing->at[i]];
		const uint8_t *name = asked_name(c, p);

		if (!step_up(c, p)) {
			leave(c->leavers, p, NULL);
		} else if (c->encloser != NULL && stands_on(c, p, c->encloser)) {
			p->node = c->encloser;
			p->hash = c->encloser_hash;
			passages_add(enclosed, p->at);
		} else {
			look_for(image_of(c), p,
				 name_hash_lowered(image_of(c)->key, name + p->skipped,
						   p->name_length - p->skipped));
			passages_add(climbing, p->at);
		}
	}
}

/* One label up for all that are missing: who stands on a node then is at its encloser. */
static __attribute__((noinline)) void climb_one(struct climb *c, struct passages *missing,
						struct passages *enclosed)
{
	struct passages climbing = {.count = 0};

	start_climb(c, missing, &climbing, enclosed);
	look_up(image_of(c), c->passage, &climbing);
	missing->count = 0;
	for (unsigned i = 0; i < climbing.count; i++) {
		struct passage *p = &c->passage[climbing.at[i]];

		if (p->node == NULL) {
			passages_add(missing, p->at);
		} else if (stands_on(c, p, p->node)) {
			passages_add(enclosed, p->at);
			c->encloser = p->node;
			c->encloser_hash = p->hash;
		} else {
			leave(c->leavers, p, NULL);
		}
	}
}

/* Who is not enclosed then is left. */
static inline void climb_up(struct climb *c, struct passages *missing, struct passages *enclosed)
{
	for (unsigned climbs = 0; climbs < CLIMBS; climbs++)
		climb_one(c, missing, enclosed);
	for (unsigned i = 0; i < missing->count; i++)
		leave(c->leavers, &c->passage[missing->at[i]], NULL);
}

/* ---- the wildcard ---- */

/* RFC 4592 3.3.1: what answers, if it is an RRset without pointers; signed ones take a proof. */
static inline const struct image_rrset *
wildcard_answer(const struct climb *c, const struct passage *p, const struct image_node *encloser)
{
	const uint8_t *behind = asked_name(c, p) + p->name_length;
	bool secure = p->edns && behind[4 + 7] & 0x80;

	if (secure || p->node == NULL || !image_node_is_whole(image_of(c), p->node) ||
	    !image_is_wildcard_of(p->node, encloser))
		return NULL;
	const struct image_rrset *rrset = answer_of(image_of(c), p->node, get_u16(behind));
	return rrset != NULL && rrset->flags & IMAGE_RRSET_POINTERS ? NULL : rrset;
}

static inline void expand_all(const struct climb *c, const struct passages *wild)
{
	const struct image_node *encloser[ANSWER_BURST];
	unsigned answers = 0;

	for (unsigned i = 0; i < wild->count; i++) {
		struct passage *p = &c->passage[wild->at[i]];

		encloser[i] = p->node;
		look_for(image_of(c), p, name_hash_wildcard(image_of(c)->key, p->hash));
	}
	look_up(image_of(c), c->passage, wild);
	for (unsigned i = 0; i < wild->count; i++) {
		struct passage *p = &c->passage[wild->at[i]];

		p->rrset = wildcard_answer(c, p, encloser[i]);
		if (p->rrset != NULL && answer(c->terms, p, &c->burst[p->at]))
			answers++;
		else
			leave(c->leavers, p, NULL);
	}
	count(c->terms->express, answers, COUNT_rcode_noerror);
	c->terms->express->counts[COUNT_wildcards] += answers;
}

/* ---- the denial ---- */

/* The apex of the zone that the encloser is in; NULL: it is not found so simply. */
static inline const struct image_node *apex_of(struct climb *c, const struct passage *p)
{
	const uint8_t *name = asked_name(c, p);
	const struct image *image = image_of(c);
	unsigned below = p->node->labels - p->node->apex_labels;
	unsigned at = p->skipped;

	if (p->node->flags & IMAGE_NODE_APEX)
		return p->node;
	for (; below > 0 && name[at] != 0; below--)
		at += 1u + name[at];
	uint8_t length = (uint8_t)(p->name_length - at);
	if (c->apex != NULL && is_node_of(image, c->apex, name + at, length))
		return c->apex;
	uint64_t hash = name_hash_lowered(image->key, name + at, length);
	const struct image_bucket *home = image_home_bucket(image, hash);
	c->apex = home == NULL ? NULL : image_candidate(image, home, hash);
	if (c->apex != NULL && !is_node_of(image, c->apex, name + at, length))
		c->apex = NULL;
	return c->apex;
}

/* RFC 2308 2.1: the name does not exist, and the SOA says for how long. */
static inline bool deny(struct climb *c, const struct passage *p)
{
	struct datagram *d = &c->burst[p->at];
	uint8_t *message = d->payload;
	uint32_t question_end = FIXED + p->name_length;
	bool secure = p->edns && message[question_end + 7] & 0x80;
	const struct image_node *apex = apex_of(c, p);
	const struct image_rrset *soa = apex == NULL ? NULL : stored_soa(image_of(c), apex, secure);
	uint8_t tail[SOA_OCTETS]; /* until it is sure that the query is answered */
	uint16_t tail_sum;

	if (soa == NULL || soa->length > SOA_OCTETS ||
	    !is_ordinary_type(get_u16(message + question_end - 4)))
		return false;
	uint32_t end = question_end + soa->length;
	uint32_t length = end + (p->edns ? OPT_OCTETS : 0);
	if (!has_room(c->terms, p, d, length) ||
	    !stored_soa_copy(tail, apex, soa, p->name_length, &tail_sum))
		return false;
	memcpy(message + question_end, tail, soa->length);
	uint64_t sum = sum_wide(message + DNS_HEADER, p->name_length + 4u);
	sum = sum_add(sum, sum_at(tail_sum, question_end));
	if (p->edns)
		sum = sum_add(sum, put_opt(message, end, c->terms->opt | (secure ? 0x80 : 0)));
	sum = sum_add(sum, put_header(message, RCODE_NXDOMAIN, 1, p->edns));
	d->length = length;
	d->sum = sum_fold(sum);
	return true;
}

static inline void deny_all(struct climb *c, const struct passages *denied)
{
	unsigned answers = 0;

	for (unsigned i = 0; i < denied->count; i++) {
		const struct passage *p = &c->passage[denied->at[i]];

		if (deny(c, p))
			answers++;
		else
			leave(c->leavers, p, NULL);
	}
	count(c->terms->express, answers, COUNT_rcode_nxdomain);
}

/* ---- both ---- */

static inline void keep_legal(const struct climb *c, const struct passages *missing,
			      struct passages *first, struct passages *others)
{
	for (unsigned i = 0; i < missing->count; i++) {
		const struct passage *p = &c->passage[missing->at[i]];

		if (p->name_length > 1 &&
		    name_length(asked_name(c, p), p->name_length) == p->name_length)
			passages_add(first->count == 0 ? first : others, p->at);
		else
			leave(c->leavers, p, NULL);
	}
}

/* Queries whose name has no node; each is answered or left. */
static __attribute__((noinline)) void climb(struct climb *c, const struct passages *missing)
{
	struct passages first = {.count = 0}, others = {.count = 0}, enclosed = {.count = 0};
	struct passages wild = {.count = 0}, denied = {.count = 0};

	keep_legal(c, missing, &first, &others);
	/* One goes ahead: where it comes to, most others come to as well. */
	climb_up(c, &first, &enclosed);
	climb_up(c, &others, &enclosed);
	for (unsigned i = 0; i < enclosed.count; i++) {
		const struct passage *p = &c->passage[enclosed.at[i]];
		uint8_t flags = p->node->flags;

		if (!stored_is_ours(p->node) || flags & (IMAGE_NODE_ACL | IMAGE_NODE_DNAME))
			leave(c->leavers, p, NULL);
		else
			passages_add(flags & IMAGE_NODE_WILDCARD ? &wild : &denied, p->at);
	}
	expand_all(c, &wild);
	deny_all(c, &denied);
}

#endif
