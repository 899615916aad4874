/* rate_limit.c: see rate_limit.h. */
#include "dataplane/answer/rate_limit.h"

#include "zones/name/hash.h"

#include <endian.h>
#include <string.h>

#define IPV4_BITS 32u
#define IPV6_BITS 64u /* of an address that a network may be told by */

void rate_limit_begin(struct rate_limit *limit, const struct image *image,
		      const struct answer_state *state, enum transport transport)
{
	const struct policy_rate_limit *policy = &image->policy->rate_limit;
	uint32_t any = 0;

	for (unsigned i = 0; i < POLICY_RATES; i++)
		any |= policy->rate[i];
	limit->limiter = any != 0 && transport == TRANSPORT_UDP ? state->limiter : NULL;
	if (limit->limiter == NULL)
		return;
	limit->policy = policy;
	limit->key = image->key;
	limit->now = state->now;
	for (unsigned i = 0; i < POLICY_RATES; i++)
		limit->rule[i] = limiter_rule(policy->rate[i], policy->slip);
}

static uint64_t node_hash(const struct image *image, const struct image_node *node)
{
	return name_hash(image->key, node->name, node->name_length);
}

/* False: the image is damaged, and says that the zone's name is longer than the name asked for. */
static bool zone_hash(const struct image *image, const struct asked *asked, unsigned apex_labels,
		      uint64_t *hash)
{
	unsigned labels = name_labels(asked->name);

	if (apex_labels > labels)
		return false;
	const uint8_t *apex = name_skip(asked->name, labels - apex_labels);
	*hash = name_hash(image->key, apex, asked->length - (size_t)(apex - asked->name));
	return true;
}

void rate_limit_note(const struct image *image, struct response *r, const struct verdict *v)
{
	switch (v->kind) {
	case VERDICT_ANSWER:
	case VERDICT_ALIAS:
	case VERDICT_DNAME:
	case VERDICT_ANY:
	case VERDICT_SIGNATURES:
		rate_limit_note_answer(r, node_hash(image, v->node));
		break;
	case VERDICT_REFERRAL:
		r->rate = POLICY_RATE_REFERRALS;
		r->rate_subject = node_hash(image, v->node);
		break;
	case VERDICT_NODATA:
	case VERDICT_NXDOMAIN:
		if (zone_hash(image, &r->asked, v->apex_labels, &r->rate_subject))
			r->rate = POLICY_RATE_NEGATIVE;
		break;
	case VERDICT_REFUSED:
	case VERDICT_PROHIBITED:
	case VERDICT_DAMAGED:
		break;
	}
}

/* The network that a response goes to, as a number that differs between networks. */
static uint64_t network(const struct policy_rate_limit *policy, const struct datagram *datagram)
{
	uint64_t bits = hash_load64(datagram->source);
	unsigned all = datagram->family == 4 ? IPV4_BITS : IPV6_BITS;
	unsigned keep = datagram->family == 4 ? policy->ipv4_length : policy->ipv6_length;

	bits = be64toh(bits) >> (64 - all);
	if (keep < all)
		bits = keep == 0 ? 0 : bits >> (all - keep) << (all - keep);
	return bits;
}

/* IPv4 networks are below 2^32, and so no IPv6 network of global addresses. */
static uint64_t key_of(const struct rate_limit *limit, const struct response *r)
{
	uint64_t from = network(limit->policy, r->datagram);

	return hash_fold(from ^ limit->key[0],
			 (r->rate_subject + r->rate * 0x9e3779b97f4a7c15ull) ^ limit->key[1]);
}

bool rate_limit_concerns(const struct rate_limit *limit, struct response *r)
{
	/* RFC 7873 5.2.5: who has a good cookie is where it says. */
	if (limit->rule[r->rate].interval == 0 || r->cookie_valid ||
	    client_is_exempt(&r->client, r->datagram->family, r->datagram->source))
		return false;
	r->rate_key = key_of(limit, r);
	limiter_prefetch(limit->limiter, r->rate_key);
	return true;
}

enum limiter_verdict rate_limit_judge(const struct rate_limit *limit, const struct response *r)
{
	return limiter_take(limit->limiter, r->rate_key, &limit->rule[r->rate], limit->now);
}
