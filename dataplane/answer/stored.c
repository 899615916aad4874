/* stored.c: see stored.h. */
#include "dataplane/answer/stored.h"

#include "dataplane/answer/rate_limit.h"
#include "dataplane/answer/rotation.h"
#include "zones/name/hash.h"
#include "zones/record/record.h"

#include <string.h>

#define POINTER_BITS 0xc000u

static bool is_address(uint16_t type)
{
	return type == TYPE_A || type == TYPE_AAAA;
}

/* The asked RRset, if it leads nowhere, or NULL. moved: its node's name is not the question, so
 * pointers in the tail would have to move. */
static const struct image_rrset *stored_rrset(const struct image *image, const struct query *query,
					      const struct image_node *node, bool moved)
{
	uint16_t unfit = IMAGE_RRSET_PARENT_SIDE | (moved ? IMAGE_RRSET_POINTERS : 0);

	if (!stored_is_ours(node) || query->class != CLASS_IN ||
	    query->type == IMAGE_TYPE_NEGATIVE_SOA)
		return NULL;
	const struct image_rrset *rrset = image_rrset(node, query->type);
	if (rrset == NULL || (rrset->target_count > 0 && image->settings.additional) ||
	    rrset->flags & unfit)
		return NULL;
	return rrset;
}

static bool copy(const struct composer *c, const struct response *r, const struct tail *tail)
{
	const struct reply *reply = &r->reply;
	uint8_t *to = reply->base + reply->at;

	if (tail->length > reply->limit - reply->at)
		return false;
	if (c->image->settings.rotate != IMAGE_ROTATE_OFF && tail->plain > 1 &&
	    is_address(tail->rrset->type))
		reply_copy_rotated(to, tail, rotation_next(c->image, c->state, r->datagram));
	else
		memcpy(to, tail->octets, tail->length);
	return true;
}

static void commit(struct reply *reply, const struct tail *tail)
{
	reply->at += tail->length;
	reply->count[SECTION_ANSWER] = (uint16_t)(reply->count[SECTION_ANSWER] + tail->count);
	reply->flags |= DNS_AA;
}

/* What the question is the owner of: the tail's sum is stored with it. */
static bool answer_question(const struct composer *c, struct response *r,
			    const struct image_node *node, bool wildcard)
{
	const struct image_rrset *rrset = stored_rrset(c->image, &r->query, node, wildcard);
	bool secure = r->query.dnssec_ok;
	struct tail tail;

	if (rrset == NULL || (wildcard && secure)) /* that takes a proof */
		return false;
	tail_open(node, rrset, secure ? TAIL_SIGNED : TAIL_PLAIN, &tail);
	if (!copy(c, r, &tail))
		return false;
	commit(&r->reply, &tail);
	r->wildcard = wildcard;
	r->summed = true;
	r->records_sum = secure ? rrset->signed_sum : rrset->sum;
	if (c->rate_limited)
		rate_limit_note_answer(
		    r, wildcard ? name_hash(c->image->key, node->name, node->name_length)
				: r->asked.hash);
	return true;
}

/* Points the owners of a copied tail to the name at `at`. */
static bool point_owners(uint8_t *to, const struct tail *tail, uint32_t at)
{
	uint32_t next = 0, record, rdata;

	for (unsigned i = 0; i < tail->count; i++) {
		if (!tail_record(tail, &next, &record, &rdata))
			return false;
		put_u16(to + record, (uint16_t)(POINTER_BITS | at));
	}
	return next == tail->length;
}

/* The end of a chain. */
static bool answer_target(const struct composer *c, struct response *r,
			  const struct image_node *node)
{
	const struct image_rrset *rrset = stored_rrset(c->image, &r->query, node, true);
	struct tail tail;

	if (rrset == NULL || r->expansions > 0 || r->redirections > 0)
		return false;
	tail_open(node, rrset, r->query.dnssec_ok ? TAIL_SIGNED : TAIL_PLAIN, &tail);
	if (!copy(c, r, &tail) || !point_owners(r->reply.base + r->reply.at, &tail, r->asked.at))
		return false;
	commit(&r->reply, &tail);
	return true;
}

bool stored_answer(const struct composer *c, struct response *r)
{
	const struct lookup_known *known = &r->staging.known;
	const struct image_node *node = known->exact != NULL ? known->exact : known->wildcard;

	if (node == NULL || !client_may_see(&r->client, node))
		return false;
	if (r->links > 0)
		return node == known->exact && answer_target(c, r, node);
	return answer_question(c, r, node, node == known->wildcard);
}

/* The node's only CNAME without signatures, if the asked type is one that leads there. */
static const struct image_rrset *alias_of(const struct query *query, const struct image_node *node)
{
	if (!stored_is_ours(node) || !(node->flags & IMAGE_NODE_CNAME) || query->class != CLASS_IN)
		return NULL;
	switch (query->type) {
	case TYPE_ANY:
	case TYPE_RRSIG:
	case TYPE_NSEC:
	case TYPE_CNAME:
	case TYPE_DS:
	case IMAGE_TYPE_NEGATIVE_SOA:
		return NULL;
	}
	if (image_rrset(node, query->type) != NULL)
		return NULL;
	const struct image_rrset *rrset = image_rrset(node, TYPE_CNAME);
	if (rrset == NULL || rrset->count != 1 || rrset->target_count != 1 ||
	    (query->dnssec_ok && rrset->signed_count != 1))
		return NULL;
	return rrset;
}

/* A CNAME's target: some labels, then those of its owner from an offset on. */
struct target {
	uint32_t labels; /* octets of its own */
	uint32_t
	    behind; /* octets of the owner in front of those that it shares; its length: none */
};

/* Requires: node->name is legal, as the asked name is. False: the tail is none of this form. */
static bool read_target(const struct tail *tail, struct target *target)
{
	const uint8_t *octets = tail->octets + 12;
	uint32_t end = tail->length - 12;
	uint32_t shared = 0;
	uint32_t at = 0;

	while (at < end && octets[at] <= 63 && octets[at] != 0)
		at += 1u + octets[at];
	if (get_u16(tail->octets + 10) != end)
		return false;
	*target = (struct target){at + 1, tail->node->name_length};
	if (at + 1 == end && octets[at] == 0)
		return end <= NAME_MAX_OCTETS;
	if (at + 2 != end || octets[at] < 0xc0)
		return false;
	uint32_t home = get_u16(octets + at) & REPLY_POINTER_MAX;
	while (shared + DNS_HEADER < home && tail->node->name[shared] != 0)
		shared += 1u + tail->node->name[shared];
	*target = (struct target){at, shared};
	return shared + DNS_HEADER == home &&
	       at + tail->node->name_length - shared <= NAME_MAX_OCTETS;
}

/* Follows the alias, whose tail is copied to reply->at: asked becomes its target. False: it was
 * there before, or too long a chain. */
static bool follow(struct response *r, const struct tail *tail, const struct target *target)
{
	uint64_t hash = image_targets(tail->node, tail->rrset)->hash;
	uint32_t shared = tail->node->name_length - target->behind;

	if (r->links == LINKS_MAX)
		return false;
	r->visited[r->links] = r->asked.hash;
	for (unsigned i = 0; i <= r->links; i++) {
		if (r->visited[i] == hash)
			return false;
	}
	if (r->links == 0)
		rate_limit_note_answer(r, r->asked.hash);
	r->links++;
	name_lower(r->name, tail->octets + 12, target->labels);
	memcpy(r->name + target->labels, tail->node->name + target->behind, shared);
	r->asked.hash = hash;
	r->asked.length = (uint8_t)(target->labels + shared);
	r->asked.at = r->reply.at + 12;
	return true;
}

/* Where the reply holds what the target shares with the owner; 0: in no place that a pointer
 * reaches. */
static uint32_t shared_at(const struct response *r, const struct target *target)
{
	uint32_t at = reply_octet(&r->reply, r->asked.at, target->behind);

	return at <= REPLY_POINTER_MAX && at < r->reply.at ? at : 0;
}

bool stored_alias(const struct composer *c, struct response *r)
{
	const struct image_node *node = r->staging.known.exact;
	const struct image_rrset *rrset = node != NULL ? alias_of(&r->query, node) : NULL;
	uint8_t *to = r->reply.base + r->reply.at;
	struct target target;
	struct tail tail;

	if (rrset == NULL || !client_may_see(&r->client, node))
		return false;
	tail_open(node, rrset, TAIL_PLAIN, &tail);
	if (tail.length <= 12 || tail.length > r->reply.limit - r->reply.at ||
	    r->reply.at + 12 > REPLY_POINTER_MAX || !read_target(&tail, &target))
		return false;
	memcpy(to, tail.octets, tail.length);
	put_u16(to, (uint16_t)(POINTER_BITS | r->asked.at));
	if (target.behind < node->name_length) {
		uint32_t at = shared_at(r, &target);

		if (at == 0)
			return false;
		put_u16(to + tail.length - 2, (uint16_t)(POINTER_BITS | at));
	}
	if (!follow(r, &tail, &target))
		return false;
	commit(&r->reply, &tail);
	if (c->rate_limited && r->links == 1)
		rate_limit_note_answer(r, r->visited[0]);
	return true;
}
