/* express.c: see express.h. Its parts are inline, for calls would cost as much as the work. */
#include "dataplane/answer/express_climb.h"

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

static inline void read_burst(const struct express *e, const struct datagram *burst, unsigned n,
			      struct passage passage[], struct passages *good,
			      struct leavers *leavers)
{
	for (unsigned i = 0; i < n; i++) {
		struct passage *p = &passage[i];

		if (!read_query(&burst[i], p)) {
			leave_unknown(leavers, i);
			continue;
		}
		p->at = (uint8_t)i;
		p->skipped = 0;
		p->asked_hash =
		    name_hash_lowered(e->image->key, burst[i].payload + DNS_HEADER, p->name_length);
		look_for(e->image, p, p->asked_hash);
		passages_add(good, i);
	}
}

/* Those that found their answer, and those whose name is not there. */
static inline void sort(const struct image *image, const struct datagram *burst,
			struct passage passage[], const struct passages *good,
			struct passages *found, struct passages *missing, struct leavers *leavers)
{
	for (unsigned i = 0; i < good->count; i++) {
		unsigned at = good->at[i];
		struct passage *p = &passage[at];
		const uint8_t *name = burst[at].payload + DNS_HEADER;

		if (p->node == NULL) {
			passages_add(missing, at);
			continue;
		}
		if (!is_node_of(image, p->node, name, p->name_length)) {
			leave_unknown(leavers, at);
			continue;
		}
		p->rrset = answer_of(image, p->node, get_u16(name + p->name_length));
		if (p->rrset != NULL)
			passages_add(found, at);
		else
			leave(leavers, p, p->node);
	}
}

unsigned express_answer(const struct express *e, struct datagram *burst, unsigned n,
			struct express_left left[])
{
	const struct terms terms = terms_of(e);
	struct passage passage[ANSWER_BURST];
	struct passages good = {.count = 0}, found = {.count = 0}, missing = {.count = 0};
	struct leavers leavers = {left, 0};
	unsigned answers = 0;

	read_burst(e, burst, n, passage, &good, &leavers);
	look_up(e->image, passage, &good);
	sort(e->image, burst, passage, &good, &found, &missing, &leavers);
	for (unsigned i = 0; i < found.count; i++) {
		const struct passage *p = &passage[found.at[i]];

		if (answer(&terms, p, &burst[p->at]))
			answers++;
		else
			leave(&leavers, p, p->node);
	}
	count(e, answers, COUNT_rcode_noerror);
	struct climb names = {
	    .terms = &terms, .burst = burst, .passage = passage, .leavers = &leavers};
	if (missing.count > 0)
		climb(&names, &missing);
	return leavers.count;
}
