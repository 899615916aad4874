/* answer.c: a burst of queries, each a response that looks names up in steps (staging.h) until it
 * can be finished.
 *
 * What is asked most, an RRset as it is stored, is copied at once (answer_stored()); everything
 * else goes through compose_step(). */
#include "dataplane/answer/answer.h"

#include "dataplane/answer/compose.h"
#include "dataplane/answer/finish.h"
#include "zones/name/lower.h"
#include "zones/record/record.h"

#include <string.h>

struct burst {
	struct composer composer;
	uint64_t *counts;
	unsigned waiting; /* responses that look a name up */
	uint8_t at[ANSWER_BURST];
	struct response response[ANSWER_BURST];
};

static void finish(const struct burst *b, struct response *r)
{
	reply_finish(r, b->composer.image->settings.udp_size, b->counts);
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

static void ask(const struct image *image, struct response *r)
{
	struct asked *asked = &r->asked;

	asked->name = r->name;
	asked->length = r->query.name_length;
	asked->type = r->query.type;
	asked->at = DNS_HEADER;
	asked->hash =
	    name_lower_hash(image->key, r->name, r->datagram->payload + DNS_HEADER, asked->length);
	r->links = 0;
	r->expansions = 0;
	r->redirections = 0;
	staging_begin(&r->staging, image, asked);
}

/* A query that gets no reply. */
static void drop(const struct burst *b, struct datagram *datagram, enum counter reason)
{
	datagram->length = 0;
	datagram->sum = 0;
	b->counts[reason]++;
}

static void receive(struct burst *b, unsigned i, struct datagram *datagram)
{
	struct response *r = &b->response[i];
	const struct image *image = b->composer.image;
	enum transport transport = b->composer.transport;
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
	reply_begin(r, image->settings.udp_size, transport);
	if (verdict == QUERY_GOOD) {
		b->counts[transport == TRANSPORT_UDP ? COUNT_queries_udp : COUNT_queries_tcp]++;
		r->reply.rcode = refusal(&r->query, transport);
	}
	if (r->reply.rcode != RCODE_NOERROR) {
		finish(b, r);
		return;
	}
	ask(image, r);
	b->at[b->waiting++] = (uint8_t)i;
}

static bool is_address(uint16_t type)
{
	return type == TYPE_A || type == TYPE_AAAA;
}

/* An RRset that leads nowhere, of a node that is no one else's business (no cut, no alias), or
 * NULL. wildcard: the node is one, so pointers in the tail would have to move, and DO wants a
 * proof. */
static const struct image_rrset *stored_rrset(const struct image *image, const struct query *query,
					      const struct image_node *node, bool wildcard)
{
	uint16_t unfit = IMAGE_RRSET_PARENT_SIDE | (wildcard ? IMAGE_RRSET_POINTERS : 0);

	if (node->cut_labels != IMAGE_NONE || node->apex_labels == IMAGE_NONE ||
	    query->class != CLASS_IN || query->type == IMAGE_TYPE_NEGATIVE_SOA ||
	    (wildcard && query->dnssec_ok))
		return NULL;
	const struct image_rrset *rrset = image_rrset(node, query->type);
	if (rrset == NULL || (rrset->target_count > 0 && image->settings.additional) ||
	    rrset->flags & unfit)
		return NULL;
	return rrset;
}

/* The fast path: the tail is copied as it is, and its stored sum used. False: not for this one. */
static bool answer_stored(const struct burst *b, struct response *r, const struct image_node *node,
			  bool wildcard)
{
	const struct image *image = b->composer.image;
	const struct image_rrset *rrset = stored_rrset(image, &r->query, node, wildcard);
	bool secure = r->query.dnssec_ok;
	struct tail tail;

	if (rrset == NULL)
		return false;
	tail_open(node, rrset, secure ? TAIL_SIGNED : TAIL_PLAIN, &tail);
	if (tail.length > r->reply.limit - r->reply.at)
		return false;
	if (image->settings.rotate && rrset->count > 1 && is_address(rrset->type))
		reply_copy_rotated(r->reply.base + r->reply.at, &tail,
				   (uint32_t)b->composer.state->rotation++);
	else
		memcpy(r->reply.base + r->reply.at, tail.octets, tail.length);
	r->reply.at += tail.length;
	r->reply.count[SECTION_ANSWER] = tail.count;
	r->reply.flags = DNS_AA;
	r->wildcard = wildcard;
	reply_finish_summed(r, image->settings.udp_size, secure ? rrset->signed_sum : rrset->sum,
			    b->counts);
	return true;
}

static void finish_composed(const struct burst *b, struct response *r)
{
	/* RFC 1035 6.2: no class is known to be all that there is. */
	if (r->query.class == CLASS_ANY)
		r->reply.flags &= (uint16_t)~DNS_AA;
	finish(b, r);
}

/* True if the step that has just ended found what can be copied. */
static bool is_answered(const struct burst *b, struct response *r)
{
	const struct lookup_known *known = &r->staging.known;

	if (r->links > 0)
		return false;
	if (known->exact != NULL)
		return answer_stored(b, r, known->exact, false);
	return known->wildcard != NULL && answer_stored(b, r, known->wildcard, true);
}

/* One step of a response: true if it waits for another. */
static bool proceed(struct burst *b, struct response *r)
{
	const struct image *image = b->composer.image;
	struct staging *staging = &r->staging;

	staging_found(staging, image, &r->asked);
	if (staging->step != STAGING_TARGETS_NEAR && is_answered(b, r))
		return false;
	if (staging_next(staging, image, &r->asked))
		return true;
	if (!compose_step(&b->composer, r)) {
		finish_composed(b, r);
		return false;
	}
	staging_begin(staging, image, &r->asked);
	return true;
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

void answer_batch(const struct image *image, struct answer_state *state, struct datagram *datagrams,
		  unsigned n, enum transport transport, uint64_t counts[])
{
	struct burst b;

	b.composer.image = image;
	b.composer.state = state;
	b.composer.transport = transport;
	b.composer.counts = counts;
	b.counts = counts;
	b.waiting = 0;
	counts[COUNT_received] += n;
	for (unsigned i = 0; i < n; i++) {
		if (image == NULL)
			drop(&b, &datagrams[i], COUNT_drop_no_image);
		else
			receive(&b, i, &datagrams[i]);
	}
	while (b.waiting > 0) /* at most LINKS_MAX + 1 names, four steps each */
		take_turns(&b);
}
