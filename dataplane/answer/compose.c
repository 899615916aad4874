/* compose.c: see compose.h. */
#include "dataplane/answer/compose.h"

#include "dataplane/answer/option_reply.h"
#include "dataplane/answer/rate_limit.h"
#include "dataplane/answer/rotation.h"
#include "zones/name/hash.h"
#include "zones/record/record.h"

#include <string.h>

#define CNAME_RDATA 12u /* where the rdata of a tail's first record starts */
#define TAIL_TTL    6u
#define HINFO_TTL   3600u /* RFC 8482 4.2: long enough to be asked seldom, and not for ever */

/* What a verdict's records led to. */
struct outcome {
	enum put_result put;
	bool follow; /* an alias leads on: asked is the next name */
};

static struct outcome ended(enum put_result put)
{
	return (struct outcome){put, false};
}

static enum tail_part part_of(const struct response *r)
{
	return r->query.dnssec_ok ? TAIL_SIGNED : TAIL_PLAIN;
}

static struct owner asked_owner(const struct response *r)
{
	return (struct owner){NULL, 0, r->asked.at, r->asked.length};
}

/* A node at or above the asked name, as an owner. A pointer past the maximum is refused. */
static struct owner ancestor_owner(const struct response *r, const struct image_node *node)
{
	uint32_t before = r->asked.length - node->name_length;
	uint32_t at = reply_octet(&r->reply, r->asked.at, before);

	return (struct owner){NULL, 0, at == 0 ? REPLY_POINTER_MAX + 1 : at, node->name_length};
}

static struct proof_of subject_of(const struct response *r, const struct verdict *v)
{
	return (struct proof_of){r->asked.name, r->asked.length, r->asked.at, v->apex_labels,
				 v->encloser_labels};
}

static enum put_result put_rrset(struct composer *c, struct response *r, enum reply_section section,
				 const struct owner *owner, const struct verdict *v,
				 enum tail_part part)
{
	struct tail tail;
	uint32_t rotation = 0;

	if (v->rrset->type == TYPE_A || v->rrset->type == TYPE_AAAA)
		rotation = rotation_next(c->image, c->state, r->datagram);
	tail_open(v->node, v->rrset, part, &tail);
	return reply_put(&r->reply, section, owner, &tail, rotation);
}

/* The same, and what it leads to may become additional data. */
static enum put_result put_leading(struct composer *c, struct response *r,
				   enum reply_section section, const struct owner *owner,
				   const struct verdict *v, enum tail_part part)
{
	enum put_result result = put_rrset(c, r, section, owner, v, part);

	if (result == PUT_DONE)
		additional_note(&c->additional, &r->reply, v->node, v->rrset, owner, r->asked.hash);
	return result;
}

/* RFC 4035 3.1.3.3: an answer from a wildcard needs proof, in the authority section, so later. */
static void note_expansion(struct response *r, const struct verdict *v)
{
	if (v->exists)
		return;
	r->wildcard = true;
	if (r->query.dnssec_ok)
		r->expansion[r->expansions++] =
		    (struct expansion){r->image, r->asked.at, v->apex_labels, v->encloser_labels};
}

static enum put_result put_expansions(struct composer *c, struct response *r)
{
	uint8_t name[NAME_MAX_OCTETS];
	enum put_result result = PUT_DONE;

	for (unsigned i = 0; i < r->expansions && result == PUT_DONE; i++) {
		const struct expansion *e = &r->expansion[i];
		size_t length = reply_name(&r->reply, e->at, name);

		if (length == 0)
			return PUT_DAMAGED;
		name_lower(name, name, length);
		struct proof_of of = {name, length, e->at, e->apex_labels, e->encloser_labels};
		c->proof.image = e->image;
		result = proof_wildcard(&c->proof, &of);
	}
	return result;
}

/* An RRset comes once: a chain may lead to the owner of a DNAME that it came along. */
static bool is_there(const struct response *r, const struct verdict *v)
{
	if (v->rrset->type != TYPE_DNAME || !v->exists) /* a wildcard's has another owner here */
		return false;
	for (unsigned i = 0; i < r->redirections; i++) {
		if (r->redirection[i].node == v->node)
			return true;
	}
	return false;
}

static struct outcome put_answer(struct composer *c, struct response *r, const struct verdict *v)
{
	struct owner owner = asked_owner(r);

	if (is_there(r, v))
		return ended(PUT_DONE);
	note_expansion(r, v);
	return ended(put_leading(c, r, SECTION_ANSWER, &owner, v, part_of(r)));
}

/* The next name of the chain, whose wire form is in response.name: returns false if the chain ends,
 * since it is too long or has been there before. Both are answered with what there is. */
static bool follow(struct response *r, uint64_t hash, size_t length, uint32_t at)
{
	if (r->links == LINKS_MAX || at > REPLY_POINTER_MAX)
		return false;
	r->visited[r->links++] = r->asked.hash;
	for (unsigned i = 0; i < r->links; i++) {
		if (r->visited[i] == hash)
			return false;
	}
	r->asked.hash = hash;
	r->asked.at = at;
	r->asked.length = (uint8_t)length;
	return true;
}

/* RFC 1034 4.3.2 step 3a: a CNAME; the query goes on at its target. */
static struct outcome put_alias(struct composer *c, struct response *r, const struct verdict *v)
{
	uint8_t *name = r->name;
	struct outcome outcome = put_answer(c, r, v);

	if (outcome.put != PUT_DONE)
		return outcome;
	size_t length = tail_name(v->node, v->rrset, CNAME_RDATA, TAIL_CASE_LOWER, name, NULL);
	if (length == 0)
		return ended(PUT_DAMAGED);
	/* The root as target has no entry of its own in the image. */
	uint64_t hash = v->rrset->target_count > 0 ? image_targets(v->node, v->rrset)->hash
						   : name_hash(c->image->key, name, length);
	outcome.follow = follow(r, hash, length, r->reply.rdata_at);
	return outcome;
}

/* RFC 6672 2.2: the labels in front of the owner, in front of the DNAME's target. name is the asked
 * name as the reply has it, then the new one. Returns its length; 0: too long. */
static size_t substitute(uint8_t *name, size_t prefix, const struct verdict *v)
{
	uint8_t target[NAME_MAX_OCTETS];
	size_t length = tail_name(v->node, v->rrset, CNAME_RDATA, TAIL_CASE_KEPT, target, NULL);

	if (length == 0 || prefix + length > NAME_MAX_OCTETS)
		return 0;
	memcpy(name + prefix, target, length);
	return prefix + length;
}

/* The DNAME's RRset, unless it is there; *rdata_at is where its target stands. */
static enum put_result put_redirection(struct composer *c, struct response *r,
				       const struct verdict *v, uint32_t *rdata_at)
{
	struct owner owner = ancestor_owner(r, v->node);

	for (unsigned i = 0; i < r->redirections; i++) {
		*rdata_at = r->redirection[i].rdata_at;
		if (r->redirection[i].node == v->node)
			return PUT_DONE;
	}
	enum put_result put = put_rrset(c, r, SECTION_ANSWER, &owner, v, part_of(r));
	*rdata_at = r->reply.rdata_at;
	r->redirection[r->redirections++] = (struct redirection){v->node, *rdata_at};
	return put;
}

/* RFC 6672 3.1 and 3.2: the DNAME, then a CNAME made from it, of the same TTL; the query goes on.
 */
static struct outcome put_dname(struct composer *c, struct response *r, const struct verdict *v)
{
	uint8_t name[NAME_MAX_OCTETS];
	struct owner alias = asked_owner(r);
	size_t prefix = r->asked.length - v->node->name_length;
	uint32_t target_at;
	enum put_result put = put_redirection(c, r, v, &target_at);

	if (put != PUT_DONE)
		return ended(put);
	if (reply_name(&r->reply, r->asked.at, name) != r->asked.length)
		return ended(PUT_DAMAGED);
	size_t length = substitute(name, prefix, v);
	if (length == 0) {
		r->reply.rcode = RCODE_YXDOMAIN; /* RFC 6672 2.2: it would be too long */
		return ended(PUT_DONE);
	}
	struct owner target = {name, (uint32_t)prefix, target_at, (uint32_t)length};
	uint32_t ttl = get_u32(image_tail(v->node, v->rrset) + TAIL_TTL);
	if (target.pointer > REPLY_POINTER_MAX)
		return ended(PUT_NO_ROOM);
	put = reply_put_cname(&r->reply, &alias, ttl, &target);
	if (put != PUT_DONE || r->asked.type == TYPE_CNAME)
		return ended(put);
	name_lower(r->name, name, length);
	uint64_t hash = name_hash(c->image->key, r->name, length);
	return (struct outcome){put, follow(r, hash, length, r->reply.rdata_at)};
}

/* RFC 2308 3: the SOA, its TTL cut to its MINIMUM (that is what type 0 holds). */
static enum put_result put_soa(struct response *r, const struct composer *c,
			       const struct verdict *v)
{
	const struct image_node *apex = lookup_apex(c->image, &r->asked, &r->staging.known, v);
	struct tail tail;

	if (apex == NULL)
		return PUT_DAMAGED;
	struct owner owner = ancestor_owner(r, apex);
	const struct image_rrset *soa = image_rrset(apex, IMAGE_TYPE_NEGATIVE_SOA);
	if (soa == NULL)
		return PUT_DAMAGED;
	tail_open(apex, soa, part_of(r), &tail);
	return reply_put(&r->reply, SECTION_AUTHORITY, &owner, &tail, 0);
}

static enum put_result prove_absence(struct composer *c, const struct response *r,
				     const struct verdict *v)
{
	struct proof_of of = subject_of(r, v);

	if (v->kind == VERDICT_NXDOMAIN)
		return proof_nxdomain(&c->proof, &of);
	return v->exists ? proof_nodata(&c->proof, &of, v->node)
			 : proof_wildcard_nodata(&c->proof, &of, v->node);
}

static struct outcome put_negative(struct composer *c, struct response *r, const struct verdict *v)
{
	r->wildcard |= verdict_is_wildcard(v);
	if (v->kind == VERDICT_NXDOMAIN)
		r->reply.rcode = RCODE_NXDOMAIN;
	enum put_result put = put_soa(r, c, v);
	if (put == PUT_DONE && r->query.dnssec_ok)
		put = prove_absence(c, r, v);
	return ended(put);
}

/* RFC 4035 3.1.4: DS, or proof that there is none. In a zone without signatures neither means
 * anything. */
static enum put_result put_ds(struct composer *c, struct response *r, const struct verdict *v,
			      const struct owner *owner)
{
	struct verdict ds = *v;
	struct proof_of of = subject_of(r, v);

	ds.rrset = image_rrset(v->node, TYPE_DS);
	if (ds.rrset != NULL && !proof_zone_is_signed(&c->proof, &of))
		return PUT_DONE;
	if (ds.rrset != NULL)
		return put_rrset(c, r, SECTION_AUTHORITY, owner, &ds, TAIL_SIGNED);
	return proof_unsigned(&c->proof, &of, v->node);
}

static struct outcome put_referral(struct composer *c, struct response *r, const struct verdict *v)
{
	struct owner owner = ancestor_owner(r, v->node);
	enum put_result put = put_leading(c, r, SECTION_AUTHORITY, &owner, v, TAIL_PLAIN);

	r->referral = true;
	if (put == PUT_DONE && r->query.dnssec_ok)
		put = put_ds(c, r, v, &owner);
	return ended(put);
}

/* RFC 8482 4.2: HINFO instead of what is there. */
static enum put_result put_hinfo(struct response *r, const struct owner *owner)
{
	static const uint8_t rdata[] = "\7RFC8482"; /* and an empty OS: the NUL */
	struct made_record hinfo = {TYPE_HINFO, CLASS_IN, HINFO_TTL, rdata, sizeof(rdata)};

	return reply_put_made(&r->reply, SECTION_ANSWER, owner, &hinfo);
}

/* RFC 8482 4.2, 4.3: not beside a CNAME, and not where it would want a signature that nobody made.
 */
static bool takes_hinfo(const struct composer *c, const struct response *r, const struct verdict *v)
{
	struct proof_of of = subject_of(r, v);

	return c->image->policy->any == POLICY_ANY_HINFO && v->kind == VERDICT_ANY &&
	       !(v->node->flags & IMAGE_NODE_CNAME) &&
	       !(r->query.dnssec_ok && proof_zone_is_signed(&c->proof, &of));
}

/* RFC 8482 4.1: one RRset is enough. 4.4: TCP may get more. RRSIG is ANY for signatures (7). */
static bool takes_one(const struct composer *c, const struct verdict *v)
{
	switch (c->image->policy->any) {
	case POLICY_ANY_ALL:
		return false;
	case POLICY_ANY_HINFO:
		return c->transport == TRANSPORT_UDP || v->kind == VERDICT_ANY;
	default:
		return c->transport == TRANSPORT_UDP;
	}
}

static struct outcome put_all(struct composer *c, struct response *r, const struct verdict *v)
{
	bool signatures = v->kind == VERDICT_SIGNATURES;
	bool hinfo = takes_hinfo(c, r, v);
	struct owner owner = asked_owner(r);
	struct verdict one = *v;
	enum put_result put = PUT_DONE;
	bool any = false;

	one.rrset = image_rrset_after(v->node, IMAGE_TYPE_NEGATIVE_SOA);
	for (; one.rrset != NULL && put == PUT_DONE;
	     one.rrset = image_rrset_after(v->node, one.rrset->type)) {
		if (one.rrset->flags & IMAGE_RRSET_PARENT_SIDE ||
		    (signatures && one.rrset->signed_count == one.rrset->count))
			continue;
		if (hinfo)
			put = put_hinfo(r, &owner);
		else if (is_there(r, &one) && (!signatures || r->query.dnssec_ok))
			put = PUT_DONE;
		else if (signatures)
			put = put_rrset(c, r, SECTION_ANSWER, &owner, &one, TAIL_SIGNATURES);
		else
			put = put_leading(c, r, SECTION_ANSWER, &owner, &one, part_of(r));
		any = true;
		if (hinfo || takes_one(c, v))
			break;
	}
	if (any) {
		note_expansion(r, v);
		return ended(put);
	}
	one.kind = VERDICT_NODATA;
	return put_negative(c, r, &one);
}

/* At the end of a chain it is the client's turn (RFC 1034 4.3.2 step 3a). */
static struct outcome put_refusal(const struct composer *c, struct response *r,
				  enum extended_error why)
{
	if (r->links == 0) {
		r->reply.rcode = RCODE_REFUSED;
		extended_error_note(r, c->image->policy, why);
	}
	return ended(PUT_DONE);
}

static struct outcome put_verdict(struct composer *c, struct response *r, const struct verdict *v)
{
	switch (v->kind) {
	case VERDICT_REFUSED:
		return put_refusal(c, r, EXTENDED_ERROR_NOT_AUTHORITATIVE);
	case VERDICT_PROHIBITED:
		return put_refusal(c, r, EXTENDED_ERROR_PROHIBITED);
	case VERDICT_ANSWER:
		return put_answer(c, r, v);
	case VERDICT_ALIAS:
		return put_alias(c, r, v);
	case VERDICT_DNAME:
		return put_dname(c, r, v);
	case VERDICT_ANY:
	case VERDICT_SIGNATURES:
		return put_all(c, r, v);
	case VERDICT_NODATA:
	case VERDICT_NXDOMAIN:
		return put_negative(c, r, v);
	case VERDICT_REFERRAL:
		return put_referral(c, r, v);
	case VERDICT_DAMAGED:
		break;
	}
	return ended(PUT_DAMAGED);
}

static void put_additional(struct composer *c, struct response *r, const struct verdict *v)
{
	struct additional_rules rules = {
	    .optional = c->image->settings.additional,
	    .signatures = r->query.dnssec_ok,
	    .cut = v->kind == VERDICT_REFERRAL ? v->node : NULL,
	};

	if (c->additional.source_count == 0)
		return;
	rules.rotation = rotation_next(c->image, c->state, r->datagram);
	additional_put(&r->client, &r->reply, &c->additional, &rules);
}

/* The image contradicts itself. RFC 8914 4.25: we should have data, and can't answer with them. */
static void fail(const struct composer *c, struct response *r)
{
	reply_clear(&r->reply);
	r->reply.flags = 0;
	r->reply.rcode = RCODE_SERVFAIL;
	extended_error_note(r, c->image->policy, EXTENDED_ERROR_INVALID_DATA);
}

static bool is_authoritative(const struct verdict *v)
{
	return v->kind != VERDICT_REFUSED && v->kind != VERDICT_PROHIBITED &&
	       v->kind != VERDICT_REFERRAL;
}

/* Without a limit nothing is charged, either: it would have to be paid back once there is one. */
static struct nsec3_meter *nsec3_meter_of(const struct composer *c)
{
	bool limited = c->transport == TRANSPORT_UDP && c->image->policy->nsec3_hashes != 0;

	return limited ? &c->state->nsec3 : NULL;
}

bool compose_step(struct composer *c, struct response *r)
{
	struct verdict v;

	lookup_verdict(c->image, &r->asked, &r->staging.known, &v);
	if (v.place != NULL && !client_may_see(&r->client, v.place))
		v.kind = VERDICT_PROHIBITED;
	/* RFC 1035 4.1.1: AA speaks of the first owner; a chain's later names do not change it. */
	if (r->links == 0 && is_authoritative(&v))
		r->reply.flags |= DNS_AA;
	if (c->rate_limited && r->links == 0)
		rate_limit_note(c->image, r, &v);
	additional_begin(&c->additional);
	c->proof.image = c->image;
	c->proof.reply = &r->reply;
	c->proof.count = 0;
	c->proof.meter = nsec3_meter_of(c);
	c->proof.now = c->state->now;
	c->proof.counts = c->counts;
	c->proof.may_hash = false;
	struct outcome outcome = put_verdict(c, r, &v);
	if (outcome.put == PUT_DONE && outcome.follow)
		return true;
	if (outcome.put == PUT_DONE && r->expansions > 0)
		outcome.put = put_expansions(c, r);
	if (outcome.put == PUT_DONE)
		put_additional(c, r, &v);
	else if (outcome.put == PUT_NO_ROOM)
		reply_truncate(&r->reply);
	else
		fail(c, r);
	return false;
}
