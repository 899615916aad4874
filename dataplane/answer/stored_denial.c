/* stored_denial.c: see stored.h.
 *
 * The SOA's tail stands right behind the question, as it was compiled, only that the question is
 * longer than its owner by some labels in front. So every pointer in it moves by their octets, and
 * the stored sum grows by as much for each. */
#include "dataplane/answer/stored.h"
#include "dataplane/answer/sum.h"
#include "zones/name/hash.h"
#include "zones/record/record.h"

#include <string.h>

#define RDATA 12u /* where that of a tail's only record starts */

/* A copied tail whose pointers move. */
struct move {
	uint8_t *tail;
	uint32_t end;	/* octets of it */
	uint32_t start; /* where it started in the message that it was compiled for */
	uint32_t by;
	uint64_t grown; /* what its sum has grown by */
};

/* True if there is a pointer at `at` that leads back; it is moved. */
static bool move_pointer(struct move *m, uint32_t at)
{
	if (at + 2 > m->end || m->tail[at] < 0xc0)
		return false;
	uint16_t pointer = get_u16(m->tail + at);
	uint32_t home = pointer & REPLY_POINTER_MAX;
	if (home < DNS_HEADER || home >= m->start + at || home + m->by > REPLY_POINTER_MAX)
		return false;
	put_u16(m->tail + at, (uint16_t)(pointer + m->by));
	m->grown += sum_at((uint16_t)m->by, at);
	return true;
}

/* The name at `at`; returns the offset behind it, 0: it is none. */
static uint32_t move_name(struct move *m, uint32_t at)
{
	while (at < m->end && m->tail[at] <= 63) {
		if (m->tail[at] == 0)
			return at + 1;
		at += 1u + m->tail[at];
	}
	return move_pointer(m, at) ? at + 2 : 0;
}

/* Owner, MNAME and RNAME. */
static bool move_soa(struct move *m)
{
	if (!move_pointer(m, 0))
		return false;
	uint32_t at = move_name(m, RDATA);
	return at != 0 && move_name(m, at) != 0;
}

/* True if nothing but the type, or nothing at all, is missing at a name that is ours to deny. */
static bool is_denied(const struct response *r)
{
	const struct lookup_known *known = &r->staging.known;

	if (r->links > 0 || r->query.class != CLASS_IN || known->apex == NULL)
		return false;
	if (known->exact == NULL)
		return known->encloser != NULL && stored_is_ours(known->encloser) &&
		       !(known->encloser->flags & (IMAGE_NODE_WILDCARD | IMAGE_NODE_DNAME));
	switch (r->query.type) {
	case TYPE_ANY:
	case TYPE_RRSIG:
	case TYPE_DS:
	case IMAGE_TYPE_NEGATIVE_SOA:
		return false;
	}
	return stored_is_ours(known->exact) && !(known->exact->flags & IMAGE_NODE_CNAME) &&
	       image_rrset(known->exact, r->query.type) == NULL;
}

static bool has_proofs(const struct image *image, const struct image_node *apex)
{
	const struct image_zone *zone = image_zone(image, apex->zone_index);

	return zone == NULL || zone->order != 0;
}

const struct image_rrset *stored_soa(const struct image *image, const struct image_node *apex,
				     bool dnssec_ok)
{
	if (!(apex->flags & IMAGE_NODE_APEX) || (dnssec_ok && has_proofs(image, apex)))
		return NULL;
	const struct image_rrset *soa = image_rrset(apex, IMAGE_TYPE_NEGATIVE_SOA);
	if (soa == NULL || soa->count != 1 || (dnssec_ok && soa->signed_count != 1) ||
	    soa->length <= RDATA || get_u16(image_tail(apex, soa) + 10) != soa->length - RDATA)
		return NULL;
	return soa;
}

/* Random names of one zone are counted together, whatever they are. */
static void note_rate(const struct image *image, struct response *r)
{
	const struct image_node *apex = r->staging.known.apex;

	r->rate = POLICY_RATE_NEGATIVE;
	r->rate_subject = name_hash(image->key, apex->name, apex->name_length);
}

bool stored_soa_copy(uint8_t *to, const struct image_node *apex, const struct image_rrset *soa,
		     uint32_t asked_length, uint16_t *sum)
{
	struct move move = {
	    .tail = to,
	    .end = soa->length,
	    .start = DNS_HEADER + apex->name_length + 4u,
	    .by = asked_length - apex->name_length,
	};

	memcpy(to, image_tail(apex, soa), soa->length);
	if (move.by != 0 && !move_soa(&move))
		return false;
	*sum = sum_fold(soa->sum + move.grown);
	return true;
}

bool stored_denial(const struct composer *c, struct response *r)
{
	const struct lookup_known *known = &r->staging.known;
	const struct image_node *place = known->exact != NULL ? known->exact : known->encloser;
	const struct image_rrset *soa = NULL;

	if (is_denied(r) && client_may_see(&r->client, place))
		soa = stored_soa(c->image, known->apex, r->query.dnssec_ok);
	if (soa == NULL || soa->length > r->reply.limit - r->reply.at ||
	    !stored_soa_copy(r->reply.base + r->reply.at, known->apex, soa, r->asked.length,
			     &r->records_sum))
		return false;
	r->summed = true;
	r->reply.at += soa->length;
	r->reply.count[SECTION_AUTHORITY] = 1;
	r->reply.flags = DNS_AA;
	if (known->exact == NULL)
		r->reply.rcode = RCODE_NXDOMAIN;
	if (c->rate_limited)
		note_rate(c->image, r);
	return true;
}
