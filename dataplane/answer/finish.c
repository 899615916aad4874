/* finish.c: see finish.h. */
#include "dataplane/answer/finish.h"

#include "dataplane/answer/sum.h"
#include "zones/record/record.h"

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
	r->wildcard = false;
	r->referral = false;
}

/* RFC 6891 6.1.2, 6.1.3. DO is copied (RFC 3225 3). */
static void put_opt(struct response *r, uint16_t udp_size)
{
	uint8_t *opt = r->reply.base + r->reply.at;

	opt[0] = 0;
	put_u16(opt + 1, TYPE_OPT);
	put_u16(opt + 3, (uint16_t)at_least(udp_size, UDP_MIN));
	opt[5] = (uint8_t)(r->reply.rcode >> 4);
	opt[6] = 0; /* our version */
	put_u16(opt + 7, r->query.dnssec_ok ? 0x8000 : 0);
	put_u16(opt + 9, 0);
	r->reply.at += OPT_OCTETS;
	r->reply.count[SECTION_ADDITIONAL]++;
}

/* RFC 8945 5.2.1 and 5.3.2: the query's TSIG back, unsigned, with BADKEY. It is moved forward, and
 * is no longer than it was. */
static void put_tsig(struct response *r)
{
	const struct query_tsig *tsig = &r->query.tsig;
	uint8_t *base = r->reply.base;
	uint32_t kept = tsig->fixed + 8u - tsig->at; /* up to the fudge */
	uint32_t rdata = tsig->algorithm - tsig->at;
	uint8_t *to = base + r->reply.at;

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
 * clear. */
static void put_header(const struct response *r)
{
	const struct reply *reply = &r->reply;
	uint16_t kept = r->query.flags & (DNS_OPCODE | DNS_RD | DNS_CD);
	uint8_t *header = reply->base;

	put_u16(header + 2, (uint16_t)(DNS_QR | kept | reply->flags | (reply->rcode & 15)));
	put_u16(header + 4, reply->question_end > DNS_HEADER);
	put_u16(header + 6, reply->count[SECTION_ANSWER]);
	put_u16(header + 8, reply->count[SECTION_AUTHORITY]);
	put_u16(header + 10, reply->count[SECTION_ADDITIONAL]);
}

static void count_reply(const struct response *r, uint64_t counts[])
{
	static const uint8_t by_rcode[] = {
	    [RCODE_NOERROR] = COUNT_rcode_noerror,   [RCODE_FORMERR] = COUNT_rcode_formerr,
	    [RCODE_SERVFAIL] = COUNT_rcode_servfail, [RCODE_NXDOMAIN] = COUNT_rcode_nxdomain,
	    [RCODE_NOTIMP] = COUNT_rcode_notimp,     [RCODE_REFUSED] = COUNT_rcode_refused,
	    [RCODE_YXDOMAIN] = COUNT_rcode_yxdomain, [RCODE_NOTAUTH] = COUNT_rcode_notauth,
	    [RCODE_BADVERS] = COUNT_rcode_badvers,
	};
	bool truncated = r->reply.flags & DNS_TC;

	counts[COUNT_answers]++;
	counts[by_rcode[r->reply.rcode]]++;
	counts[COUNT_answers_truncated] += truncated;
	counts[COUNT_wildcards] += r->wildcard;
	counts[COUNT_referrals] += r->referral;
	counts[COUNT_nodata] += r->reply.rcode == RCODE_NOERROR && !truncated && !r->referral &&
				r->reply.count[SECTION_ANSWER] == 0;
}

void reply_finish(struct response *r, uint16_t udp_size, uint64_t counts[])
{
	count_reply(r, counts);
	if (r->query.edns)
		put_opt(r, udp_size);
	if (r->query.tsig.octets != 0)
		put_tsig(r);
	put_header(r);
	r->datagram->length = r->reply.at;
	r->datagram->sum = sum_of(r->reply.base, r->reply.at);
}

void reply_finish_summed(struct response *r, uint16_t udp_size, uint16_t records_sum,
			 uint64_t counts[])
{
	uint32_t records_end = r->reply.at;
	uint64_t sum = sum_at(records_sum, r->reply.question_end);

	counts[COUNT_answers]++;
	counts[COUNT_rcode_noerror]++;
	if (r->query.edns) {
		put_opt(r, udp_size);
		sum += sum_at(sum_of(r->reply.base + records_end, OPT_OCTETS), records_end);
	}
	put_header(r);
	sum += sum_of(r->reply.base, r->reply.question_end);
	r->datagram->length = r->reply.at;
	r->datagram->sum = sum_fold(sum);
}
