/* answer.c: a burst of queries, each a response that looks names up in steps (staging.h) until it
 * can be finished.
 *
 * What is asked most is copied as it is stored (stored.h); everything else goes through
 * compose_step(). Where rates are limited, replies are held until all of the burst are there,
 * and then judged. */
#include "dataplane/answer/answer.h"

#include "dataplane/answer/chaos.h"
#include "dataplane/answer/compose.h"
#include "dataplane/answer/express.h"
#include "dataplane/answer/finish.h"
#include "dataplane/answer/option_reply.h"
#include "dataplane/answer/rate_limit.h"
#include "dataplane/answer/stored.h"
#include "zones/name/lower.h"
#include "zones/record/record.h"

#include <string.h>

struct burst {
	struct composer composer;
	uint64_t *counts;
	unsigned waiting; /* responses that look a name up */
	uint8_t at[ANSWER_BURST];
	struct rate_limit limit;
	unsigned holding; /* replies to be judged */
	uint8_t held[ANSWER_BURST];
	struct response response[ANSWER_BURST];
};

/* A query that gets no reply. */
static void drop(const struct burst *b, struct datagram *datagram, enum counter reason)
{
	datagram->length = 0;
	datagram->sum = 0;
	b->counts[reason]++;
}

static void send(const struct burst *b, struct response *r)
{
	uint16_t udp_size = b->composer.image->settings.udp_size;

	if (r->summed)
		reply_finish_summed(r, udp_size, r->records_sum, b->counts);
	else
		reply_finish(r, udp_size, b->counts);
}

/* A reply that has all its records. */
static void finish(struct burst *b, struct response *r)
{
	if (b->limit.limiter != NULL && rate_limit_concerns(&b->limit, r))
		b->held[b->holding++] = (uint8_t)(r - b->response);
	else
		send(b, r);
}

static void judge(struct burst *b)
{
	for (unsigned i = 0; i < b->holding; i++) {
		struct response *r = &b->response[b->held[i]];
		enum limiter_verdict verdict = rate_limit_judge(&b->limit, r);

		if (verdict == LIMITER_DROP) {
			drop(b, r->datagram, COUNT_drop_rate_limited);
			continue;
		}
		if (verdict == LIMITER_SLIP) {
			reply_truncate(&r->reply);
			r->summed = false;
			b->counts[COUNT_rate_slipped]++;
		}
		send(b, r);
	}
}

/* What is refused for its class or type, whatever the name (an enum dns_rcode). */
static uint16_t refusal(const struct query *query, enum transport transport)
{
	if (query->class != CLASS_IN && query->class != CLASS_ANY)
		return RCODE_REFUSED;
	switch (query->type) {
	case TYPE_OPT:
	case TYPE_TKEY:
	case TYPE_TSIG:
		return RCODE_FORMERR; /* they are no questions (RFC 6895 3.1) */
	case TYPE_MAILA:
	case TYPE_MAILB:
		return RCODE_NOTIMP; /* obsolete (RFC 1035 3.2.3) */
	case TYPE_AXFR:
		/* RFC 5936 4.2: not defined over UDP; over TCP nobody may transfer here. */
		return transport == TRANSPORT_UDP ? RCODE_NOTIMP : RCODE_REFUSED;
	case TYPE_IXFR:
		return RCODE_REFUSED;
	}
	return RCODE_NOERROR;
}

/* Looks the asked name up, unless that was done. True if that waits for what is brought near. */
static bool ask(const struct image *image, struct response *r, const struct express_left *left)
{
	struct asked *asked = &r->asked;

	asked->name = r->name;
	asked->length = r->query.name_length;
	asked->type = r->query.type;
	asked->at = DNS_HEADER;
	r->links = 0;
	r->expansions = 0;
	r->redirections = 0;
	if (left->name_length == asked->length) {
		name_lower(r->name, r->datagram->payload + DNS_HEADER, asked->length);
		asked->hash = left->hash;
		r->image = image;
		staging_begin_found(&r->staging, left->node);
		return false;
	}
	asked->hash =
	    name_lower_hash(image->key, r->name, r->datagram->payload + DNS_HEADER, asked->length);
	r->image = client_image(&r->client, asked->name, asked->length, asked->type);
	staging_begin(&r->staging, r->image, asked);
	return true;
}

/* Why a query is refused or not implemented that is never looked up (RFC 8914 4). */
static void note_error(const struct burst *b, struct response *r)
{
	enum extended_error why = EXTENDED_ERROR_NOT_SUPPORTED;

	if (r->reply.rcode != RCODE_NOTIMP && r->reply.rcode != RCODE_REFUSED)
		return;
	if (r->reply.rcode == RCODE_REFUSED &&
	    (r->query.class == CLASS_IN || r->query.class == CLASS_ANY))
		why = EXTENDED_ERROR_PROHIBITED;
	extended_error_note(r, b->composer.image->policy, why);
}

/* RFC 7873 5.4: a query of nothing but cookies. */
static uint16_t judge_cookie(const struct burst *b, struct response *r)
{
	if (b->composer.image->policy->cookies.count > 0)
		return r->cookie_invalid ? RCODE_BADCOOKIE : RCODE_NOERROR;
	r->query.malformed = COUNT_formerr_qdcount;
	return RCODE_FORMERR;
}

/* A query that is answered without a look at the zones: true if the reply has all that it will. */
static bool is_settled(const struct burst *b, struct response *r, enum query_verdict verdict)
{
	const struct composer *c = &b->composer;

	if (r->query.options.asked != 0 && r->reply.rcode != RCODE_FORMERR)
		options_begin(c, r, b->counts);
	if (r->reply.rcode != RCODE_NOERROR || verdict == QUERY_ERROR) {
		note_error(b, r);
		return true;
	}
	b->counts[c->transport == TRANSPORT_UDP ? COUNT_queries_udp : COUNT_queries_tcp]++;
	if (verdict == QUERY_COOKIE) {
		r->reply.rcode = judge_cookie(b, r);
		return true;
	}
	if (r->query.class == CLASS_CH) {
		chaos_answer(c->image->policy, r);
		return true;
	}
	r->reply.rcode = refusal(&r->query, c->transport);
	if (r->reply.rcode == RCODE_NOERROR)
		return false;
	note_error(b, r);
	return true;
}

/* RFC 7871 7.2.1: the address behind a resolver may choose the view. */
static void see_subnet(struct response *r)
{
	struct query_subnet *subnet = &r->query.options.subnet;

	/* 7.1.2: with a prefix of no bits the client wants no answer of its own. */
	if (r->query.options.asked & ASKED_SUBNET && subnet->source > 0)
		subnet->scope = client_see_subnet(&r->client, subnet->family, subnet->address);
}

static void finish_composed(struct burst *b, struct response *r)
{
	/* RFC 1035 6.2: no class is known to be all that there is. */
	if (r->query.class == CLASS_ANY)
		r->reply.flags &= (uint16_t)~DNS_AA;
	finish(b, r);
}

/* True if what was found is all of an answer that is copied as it is stored. */
static bool is_stored(struct burst *b, struct response *r)
{
	if (r->staging.step == STAGING_TARGETS_NEAR || !stored_answer(&b->composer, r))
		return false;
	finish(b, r);
	return true;
}

/* With what a step has found: true if the response waits for another. */
static bool proceed_with_found(struct burst *b, struct response *r)
{
	const struct image *image = r->image;
	struct staging *staging = &r->staging;

	b->composer.image = image;
	if (staging->step != STAGING_NAME || !stored_alias(&b->composer, r)) {
		if (is_stored(b, r))
			return false;
		if (staging_next(staging, image, &r->asked))
			return true;
		if (stored_denial(&b->composer, r)) {
			finish(b, r);
			return false;
		}
		if (!compose_step(&b->composer, r)) {
			finish_composed(b, r);
			return false;
		}
	}
	r->image = client_image(&r->client, r->asked.name, r->asked.length, r->asked.type);
	staging_begin(staging, r->image, &r->asked);
	return true;
}

static bool proceed(struct burst *b, struct response *r)
{
	staging_found(&r->staging, r->image, &r->asked);
	return proceed_with_found(b, r);
}

static void receive(struct burst *b, const struct express_left *left, struct datagram *datagram)
{
	struct response *r = &b->response[left->at];
	const struct image *image = b->composer.image;
	enum query_verdict verdict = query_parse(datagram->payload, datagram->length, &r->query);

	if (verdict == QUERY_SHORT) {
		drop(b, datagram, COUNT_drop_short);
		return;
	}
	if (verdict == QUERY_RESPONSE) {
		drop(b, datagram, COUNT_drop_response);
		return;
	}
	r->datagram = datagram;
	r->summed = false;
	r->rate = POLICY_RATE_ERRORS;
	r->rate_subject = 0;
	client_of(image, datagram->family, datagram->source, &r->client);
	reply_begin(r, image->settings.udp_size, b->composer.transport);
	if (is_settled(b, r, verdict)) {
		finish(b, r);
		return;
	}
	see_subnet(r);
	if (ask(image, r, left) || proceed_with_found(b, r))
		b->at[b->waiting++] = left->at;
}

/* One step for each response that waits. */
static void take_turns(struct burst *b)
{
	const struct image *image = b->composer.image;
	unsigned waiting = b->waiting;

	b->waiting = 0;
	for (unsigned i = 0; i < waiting; i++)
		staging_near(&b->response[b->at[i]].staging, image);
	for (unsigned i = 0; i < waiting; i++) {
		if (proceed(b, &b->response[b->at[i]]))
			b->at[b->waiting++] = b->at[i];
	}
}

/* All of the burst, or what the express left of it. */
static void answer_in_full(struct burst *b, struct datagram *datagrams,
			   const struct express_left left[], unsigned leaves)
{
	for (unsigned i = 0; i < leaves; i++)
		receive(b, &left[i], &datagrams[left[i].at]);
	/* At most LINKS_MAX + 1 names, each in a bounded number of steps (staging.h). */
	while (b->waiting > 0)
		take_turns(b);
	judge(b);
}

static void drop_all(struct datagram *datagrams, unsigned n, uint64_t counts[])
{
	for (unsigned i = 0; i < n; i++) {
		datagrams[i].length = 0;
		datagrams[i].sum = 0;
	}
	counts[COUNT_drop_no_image] += n;
}

static unsigned all_left(unsigned n, struct express_left left[])
{
	for (unsigned i = 0; i < n; i++)
		left[i] = (struct express_left){.at = (uint8_t)i};
	return n;
}

void answer_batch(const struct image *image, struct answer_state *state, struct datagram *datagrams,
		  unsigned n, enum transport transport, uint64_t counts[])
{
	const struct express express = {image, state, transport, counts};
	struct express_left left[ANSWER_BURST];
	struct burst b;

	counts[COUNT_received] += n;
	if (image == NULL) {
		drop_all(datagrams, n, counts);
		return;
	}
	rate_limit_begin(&b.limit, image, state, transport);
	b.composer.rate_limited = b.limit.limiter != NULL;
	unsigned leaves = express_applies(image, b.composer.rate_limited)
			      ? express_answer(&express, datagrams, n, left)
			      : all_left(n, left);
	if (leaves == 0)
		return;
	b.composer.image = image;
	b.composer.state = state;
	b.composer.transport = transport;
	b.composer.counts = counts;
	b.counts = counts;
	b.waiting = 0;
	b.holding = 0;
	answer_in_full(&b, datagrams, left, leaves);
}
