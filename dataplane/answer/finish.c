/* finish.c: see finish.h. */
#include "dataplane/answer/finish.h"

#include "dataplane/answer/option_reply.h"
#include "dataplane/answer/sum.h"
#include "zones/record/record.h"

#include <endian.h>
#include <string.h>

#define MESSAGE_MAX  65535u
#define UDP_MIN	     512u /* RFC 1035 2.3.4; what every client takes */
#define TSIG_BADKEY  17u
#define TSIG_TRAILER 8u /* MAC size, original ID, error, other length */

static uint32_t at_least(uint32_t value, uint32_t floor)
{
	return value < floor ? floor : value;
}

static uint32_t at_most(uint32_t value, uint32_t ceiling)
{
	return value > ceiling ? ceiling : value;
}

/* RFC 6891 6.2.3 to 6.2.5: no more than the client takes, and no more than we offer. */
static uint32_t message_limit(const struct response *r, uint16_t udp_size, enum transport transport)
{
	uint32_t limit = MESSAGE_MAX;

	if (transport == TRANSPORT_UDP)
		limit = at_most(r->query.udp_size, at_least(udp_size, UDP_MIN));
	return at_most(limit, r->datagram->capacity);
}

void reply_begin(struct response *r, uint16_t udp_size, enum transport transport)
{
	struct reply *reply = &r->reply;
	uint32_t limit = message_limit(r, udp_size, transport);

	reply->base = r->datagram->payload;
	reply->question_end = r->query.question_end;
	reply->limit = limit - (r->query.edns ? OPT_OCTETS : 0);
	reply->rcode = r->query.rcode;
	reply->flags = 0;
	reply_clear(reply);
	r->limit = limit;
	r->options_length = 0;
	r->wildcard = false;
	r->referral = false;
	r->cookie_valid = false;
	r->cookie_invalid = false;
	r->extended_error = 0;
	r->spoofable = transport == TRANSPORT_UDP;
}

/* RFC 6891 6.1.2, 6.1.3. DO is copied (RFC 3225 3). Written in one go, and its sum is made from the
 * values: reading back what was just stored in pieces would stall. Returns the sum as it counts in
 * the message. */
static uint16_t put_opt(struct response *r, uint16_t udp_size)
{
	uint16_t size = (uint16_t)at_least(udp_size, UDP_MIN);
	uint8_t upper = (uint8_t)(r->reply.rcode >> 4);
	uint8_t flags = r->query.dnssec_ok ? 0x80 : 0;
	uint32_t at = r->reply.at;
	/* owner, type, size, upper rcode, version 0, flags; and then three octets of zero */
	uint64_t opt = htobe64((uint64_t)TYPE_OPT << 40 | (uint64_t)size << 24 |
			       (uint64_t)upper << 16 | flags);

	memcpy(r->reply.base + at, &opt, sizeof(opt));
	memset(r->reply.base + at + sizeof(opt), 0, OPT_OCTETS - sizeof(opt));
	r->reply.at += OPT_OCTETS;
	r->reply.count[SECTION_ADDITIONAL]++;
	uint32_t sum = (TYPE_OPT << 8 | size >> 8) + ((size & 0xffu) << 8 | upper) + flags;
	return sum_at(sum_fold(sum), at);
}

/* Options behind it, which is rare: then its sum is made anew. at: where it starts. */
static uint16_t put_options(struct response *r, uint32_t at, uint64_t counts[])
{
	options_put(r, at, counts);
	return sum_at(sum_of(r->reply.base + at, r->reply.at - at), at);
}

/* RFC 8945 5.2.1 and 5.3.2: the query's TSIG back, unsigned, with BADKEY. It is moved forward, and
 * is no longer than it was. A query may be larger than the reply that its sender takes: then the
 * TSIG is left out. */
static void put_tsig(struct response *r)
{
	const struct query_tsig *tsig = &r->query.tsig;
	uint8_t *base = r->reply.base;
	uint32_t kept = tsig->fixed + 8u - tsig->at; /* up to the fudge */
	uint32_t rdata = tsig->algorithm - tsig->at;
	uint8_t *to = base + r->reply.at;

	if (r->reply.at + kept + TSIG_TRAILER > r->limit)
		return;
	memmove(to, base + tsig->at, kept);
	put_u16(to + rdata - 2, (uint16_t)(kept - rdata + TSIG_TRAILER));
	put_u16(to + kept, 0);
	memcpy(to + kept + 2, base, 2);
	put_u16(to + kept + 4, TSIG_BADKEY);
	put_u16(to + kept + 6, 0);
	r->reply.at += kept + TSIG_TRAILER;
	r->reply.count[SECTION_ADDITIONAL]++;
}

/* RFC 1035 4.1.1: ID stays, opcode and RD are copied; CD too (RFC 4035 3.1.6); RA, Z and AD are
 * clear. Returns the sum of header and question. */
static uint64_t put_header(const struct response *r)
{
	const struct reply *reply = &r->reply;
	uint16_t kept = r->query.flags & (DNS_OPCODE | DNS_RD | DNS_CD);
	uint16_t flags = (uint16_t)(DNS_QR | kept | reply->flags | (reply->rcode & 15));
	uint16_t questions = reply->question_end > DNS_HEADER;
	uint16_t answers = reply->count[SECTION_ANSWER];
	uint16_t authority = reply->count[SECTION_AUTHORITY];
	uint16_t additional = reply->count[SECTION_ADDITIONAL];
	uint64_t middle = htobe64((uint64_t)flags << 48 | (uint64_t)questions << 32 |
				  (uint64_t)answers << 16 | authority);

	memcpy(reply->base + 2, &middle, sizeof(middle));
	put_u16(reply->base + 10, additional);
	return (uint64_t)get_u16(reply->base) + flags + questions + answers + authority +
	       additional + sum_of(reply->base + DNS_HEADER, reply->question_end - DNS_HEADER);
}

static void count_reply(const struct response *r, uint64_t counts[])
{
	static const uint8_t by_rcode[] = {
	    [RCODE_NOERROR] = COUNT_rcode_noerror,   [RCODE_FORMERR] = COUNT_rcode_formerr,
	    [RCODE_SERVFAIL] = COUNT_rcode_servfail, [RCODE_NXDOMAIN] = COUNT_rcode_nxdomain,
	    [RCODE_NOTIMP] = COUNT_rcode_notimp,     [RCODE_REFUSED] = COUNT_rcode_refused,
	    [RCODE_YXDOMAIN] = COUNT_rcode_yxdomain, [RCODE_NOTAUTH] = COUNT_rcode_notauth,
	    [RCODE_BADVERS] = COUNT_rcode_badvers,   [RCODE_BADCOOKIE] = COUNT_rcode_badcookie,
	};
	bool truncated = r->reply.flags & DNS_TC;

	counts[COUNT_answers]++;
	counts[by_rcode[r->reply.rcode]]++;
	counts[r->query.malformed] += r->reply.rcode == RCODE_FORMERR;
	counts[COUNT_answers_truncated] += truncated;
	counts[COUNT_wildcards] += r->wildcard;
	counts[COUNT_referrals] += r->referral;
	counts[COUNT_nodata] += r->reply.rcode == RCODE_NOERROR && !truncated && !r->referral &&
				r->reply.count[SECTION_ANSWER] == 0;
}

static uint32_t put_rest(struct response *r, uint16_t udp_size, uint64_t counts[])
{
	uint32_t opt = r->reply.at;
	uint32_t sum = r->query.edns ? put_opt(r, udp_size) : 0;

	if (options_wanted(r))
		sum = put_options(r, opt, counts);
	if (r->query.tsig.octets != 0) {
		uint32_t at = r->reply.at;

		put_tsig(r);
		sum += sum_at(sum_of(r->reply.base + at, r->reply.at - at), at);
	}
	return sum;
}

void reply_finish_summed(struct response *r, uint16_t udp_size, uint16_t records_sum,
			 uint64_t counts[])
{
	uint64_t sum = sum_at(records_sum, r->reply.question_end);

	count_reply(r, counts);
	sum += put_rest(r, udp_size, counts);
	sum += put_header(r);
	r->datagram->length = r->reply.at;
	r->datagram->sum = sum_fold(sum);
}

void reply_finish(struct response *r, uint16_t udp_size, uint64_t counts[])
{
	uint32_t from = r->reply.question_end;

	reply_finish_summed(r, udp_size, sum_of(r->reply.base + from, r->reply.at - from), counts);
}
