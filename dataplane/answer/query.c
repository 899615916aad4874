/* query.c: see query.h.
 *
 * What the peers do differently, and what we chose:
 *   - Records in the answer and authority sections of a query: Knot and BIND ignore them, NSD says
 *     FORMERR. They are walked over (so that garbage shows) and ignored.
 *   - Octets behind the last record: FORMERR, as Knot says; NSD and BIND bear them.
 *   - An unknown opcode is NOTIMP whatever stands behind the header. */
#include "dataplane/answer/query.h"

#include "zones/record/record.h"

#include <string.h>

#define EDNS_DO	       0x8000u
#define OPT_OCTETS_MIN 11u
#define UDP_SIZE_MIN   512u /* RFC 6891 6.2.3: smaller values mean 512 */

struct cursor {
	const uint8_t *base;
	size_t at;
	size_t end;
	bool bad; /* sticky: something reached past the end */
};

/* Offset of `octets` octets that the cursor steps over; 0 and bad if they are not there. */
static size_t take(struct cursor *c, size_t octets)
{
	size_t at = c->at;

	if (c->end - c->at < octets) {
		c->at = c->end;
		c->bad = true;
		return 0;
	}
	c->at += octets;
	return at;
}

/* Says why a query is FORMERR. */
static bool refuse(struct query *query, enum counter why)
{
	query->malformed = (uint8_t)why;
	return false;
}

/* QNAME, QTYPE, QCLASS. A compression pointer has nothing to point to here (RFC 1035 4.1.4). */
static bool read_question(struct cursor *c, struct query *query)
{
	size_t length = name_length(c->base + c->at, c->end - c->at);

	if (length == 0 || c->end - c->at < length + 4)
		return refuse(query, COUNT_formerr_question);
	query->name_length = (uint8_t)length;
	query->type = get_u16(c->base + c->at + length);
	query->class = get_u16(c->base + c->at + length + 2);
	c->at += length + 4;
	query->question_end = (uint16_t)c->at;
	return true;
}

/* Steps over a name that may end in a pointer, which must lead back (RFC 1035 4.1.4). Returns where
 * the pointer leads, or 0. */
static size_t skip_name(struct cursor *c)
{
	size_t start = c->at;

	while (!c->bad && c->at - start < NAME_MAX_OCTETS) {
		size_t at = take(c, 1);
		uint8_t octet = c->bad ? 0 : c->base[at];

		if (octet == 0)
			return 0;
		if (octet >= 0xc0) {
			take(c, 1);
			size_t pointer = c->bad ? 0 : get_u16(c->base + at) & 0x3fffu;
			c->bad |= pointer < DNS_HEADER || pointer >= start;
			return pointer;
		}
		c->bad |= octet > 63;
		take(c, octet);
	}
	c->bad = true;
	return 0;
}

/* An option that we know and that is not as its RFC says spoils the query, not the OPT record. */
static bool read_options(const uint8_t *octets, size_t length, struct query *query)
{
	switch (options_read(octets, length, &query->options)) {
	case OPTIONS_BROKEN:
		return false;
	case OPTIONS_MALFORMED:
		query->rcode = RCODE_FORMERR;
		query->malformed = COUNT_formerr_option;
		return true;
	default:
		return true;
	}
}

/* RFC 6891 6.1.1: at most one, owned by the root. fixed: offset of its type. */
static bool read_opt(const struct cursor *c, size_t fixed, size_t owner_octets, struct query *query)
{
	uint16_t size = get_u16(c->base + fixed + 2);

	if (query->edns || owner_octets != 1)
		return false;
	query->edns = true;
	query->udp_size = size < UDP_SIZE_MIN ? UDP_SIZE_MIN : size;
	query->dnssec_ok = get_u16(c->base + fixed + 6) & EDNS_DO;
	if (c->base[fixed + 5] != 0) {
		query->rcode = RCODE_BADVERS;
		return true; /* what a later version's options look like, we can't know */
	}
	uint16_t length = get_u16(c->base + fixed + 8);
	return length == 0 || read_options(c->base + fixed + 10, length, query);
}

/* RFC 8945 4.2. pointer: of its owner, which is echoed as it stands: only the question stays. */
static bool read_tsig(const struct cursor *c, size_t owner, size_t pointer, size_t fixed,
		      struct query *query)
{
	struct cursor rdata = {c->base, fixed + 10, c->at, false};

	if (pointer >= query->question_end)
		return false;
	query->tsig.at = (uint16_t)owner;
	query->tsig.octets = (uint16_t)(c->at - owner);
	query->tsig.algorithm = (uint16_t)rdata.at;
	size_t name = name_length(c->base + rdata.at, rdata.end - rdata.at);
	take(&rdata, name);
	query->tsig.fixed = (uint16_t)rdata.at;
	size_t mac = take(&rdata, 10) + 8;
	if (name == 0 || rdata.bad)
		return false;
	take(&rdata, get_u16(c->base + mac));
	size_t other = take(&rdata, 6) + 4;
	if (rdata.bad)
		return false;
	take(&rdata, get_u16(c->base + other));
	return !rdata.bad && rdata.at == rdata.end;
}

/* One record; false: the message is malformed. additional: how many additional records it and
 * those behind it are; 0 in the sections before. */
static bool read_record(struct cursor *c, unsigned additional, struct query *query)
{
	size_t owner = c->at;

	size_t pointer = skip_name(c);
	size_t fixed = take(c, 10);
	if (c->bad)
		return refuse(query, COUNT_formerr_record);
	take(c, get_u16(c->base + fixed + 8));
	if (c->bad)
		return refuse(query, COUNT_formerr_record);
	switch (get_u16(c->base + fixed)) {
	case TYPE_OPT:
		return (additional != 0 && read_opt(c, fixed, fixed - owner, query)) ||
		       refuse(query, COUNT_formerr_opt);
	case TYPE_TSIG:
		/* RFC 8945 5.1: the last record of the additional section, or FORMERR. */
		return (additional == 1 && read_tsig(c, owner, pointer, fixed, query)) ||
		       refuse(query, COUNT_formerr_tsig);
	}
	return true;
}

/* What most queries end in: an OPT record without options, which needs no walking. */
static bool ends_in_bare_opt(const struct cursor *c)
{
	const uint8_t *at = c->base + c->at;

	return c->end - c->at == OPT_OCTETS_MIN && at[0] == 0 && get_u16(at + 1) == TYPE_OPT &&
	       get_u16(at + 9) == 0;
}

static bool read_records(struct cursor *c, struct query *query)
{
	unsigned before = get_u16(c->base + 6) + (unsigned)get_u16(c->base + 8);
	unsigned additional = get_u16(c->base + 10);

	if (before == 0 && additional == 1 && ends_in_bare_opt(c))
		return read_opt(c, c->at + 1, 1, query);
	for (; before > 0; before--) {
		if (!read_record(c, 0, query))
			return false;
	}
	for (; additional > 0; additional--) {
		if (!read_record(c, additional, query))
			return false;
	}
	return c->at == c->end || refuse(query, COUNT_formerr_trailing);
}

static enum query_verdict error(struct query *query, uint16_t rcode)
{
	query->rcode = rcode;
	return QUERY_ERROR;
}

/* A reply to a malformed query carries no OPT and no TSIG: what was read of them may be wrong. */
static void forget_records(struct query *query)
{
	query->edns = false;
	query->dnssec_ok = false;
	query->options.asked = 0;
	query->tsig.octets = 0;
}

static void set_defaults(struct query *query, uint16_t flags)
{
	query->flags = flags;
	query->question_end = DNS_HEADER;
	query->udp_size = UDP_SIZE_MIN; /* RFC 1035 4.2.1 */
	query->rcode = RCODE_NOERROR;
	query->malformed = COUNT_formerr_type;
	query->edns = false;
	query->dnssec_ok = false;
	query->options.asked = 0;
	query->tsig.octets = 0;
}

static bool read_message(struct cursor *c, struct query *query)
{
	unsigned questions = get_u16(c->base + 4);

	if (questions > 1)
		return refuse(query, COUNT_formerr_qdcount);
	if (c->end > UINT16_MAX)
		return refuse(query, COUNT_formerr_trailing);
	return (questions == 0 || read_question(c, query)) && read_records(c, query);
}

enum query_verdict query_parse(const uint8_t *payload, size_t length, struct query *query)
{
	struct cursor c = {payload, DNS_HEADER, length, false};

	if (length < DNS_HEADER)
		return QUERY_SHORT;
	uint16_t flags = get_u16(payload + 2);
	if (flags & DNS_QR)
		return QUERY_RESPONSE;
	set_defaults(query, flags);
	bool sound = read_message(&c, query);
	if (!sound)
		forget_records(query);
	if (flags & DNS_OPCODE)
		return error(query, RCODE_NOTIMP); /* RFC 1035 4.1.1 */
	if (!sound)
		return error(query, RCODE_FORMERR);
	if (query->rcode != RCODE_NOERROR) {
		query->tsig.octets = 0; /* nobody looked at it */
		return QUERY_ERROR;
	}
	if (query->tsig.octets != 0)
		return error(query, RCODE_NOTAUTH); /* RFC 8945 5.2.1: no key is known here */
	if (query->question_end > DNS_HEADER)
		return QUERY_GOOD;
	if (query->options.asked & ASKED_COOKIE)
		return QUERY_COOKIE;
	query->malformed = COUNT_formerr_qdcount;
	return error(query, RCODE_FORMERR);
}
