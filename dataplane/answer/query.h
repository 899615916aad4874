/* query.h: what a datagram asks.
 *
 * Threads:  any; no allocation.
 * Requires: payload[length] readable.
 * Ensures:  *query is set as far as the verdict below says; never a read outside the payload, no
 *           loop longer than the payload.
 * Source:   RFC 1035 4.1, RFC 2181 11, RFC 6891 6.1, RFC 8945 5.1, RFC 9619 (one question). */
#ifndef SKUA_DATAPLANE_ANSWER_QUERY_H
#define SKUA_DATAPLANE_ANSWER_QUERY_H

#include "dataplane/answer/option.h"
#include "zones/abi/channel.h"
#include "zones/name/name.h"

#define DNS_HEADER 12u

static_assert(COUNTERS <= UINT8_MAX, "struct query keeps one in an octet");

/* The second word of the header (RFC 1035 4.1.1, RFC 4035 3.1.6). */
enum dns_flag {
	DNS_QR = 0x8000,
	DNS_OPCODE = 0x7800,
	DNS_AA = 0x0400,
	DNS_TC = 0x0200,
	DNS_RD = 0x0100,
	DNS_CD = 0x0010,
};

enum dns_rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6,
	RCODE_NOTAUTH = 9,
	/* Their upper parts travel in the OPT record. */
	RCODE_BADVERS = 16,
	RCODE_BADCOOKIE = 23,
};

/* Where the TSIG record of a query lies in the payload. octets == 0: there is none. */
struct query_tsig {
	uint16_t at;	    /* its owner */
	uint16_t octets;    /* of the whole record */
	uint16_t algorithm; /* its rdata, which starts with the algorithm's name */
	uint16_t fixed;	    /* behind that name: time signed (6), fudge (2), MAC size (2) */
};

struct query {
	uint16_t flags;	       /* the header's second word as sent */
	uint16_t type;	       /* QTYPE */
	uint16_t class;	       /* QCLASS */
	uint16_t question_end; /* offset behind the question; DNS_HEADER: it could not be read */
	uint16_t udp_size;     /* what the client takes over UDP; at least 512 */
	uint16_t rcode;	       /* enum dns_rcode: why it can't be answered */
	bool edns;	       /* it has an OPT record */
	bool dnssec_ok;	       /* the DO bit (RFC 3225) */
	uint8_t name_length;   /* octets of QNAME, which stands behind the header */
	uint8_t malformed;     /* enum counter: which formerr_* counts it if it is FORMERR;
				  formerr_type if the message itself is well-formed */
	struct query_tsig tsig;
	struct asked_options options; /* those of EDNS that we know */
};

enum query_verdict {
	QUERY_GOOD,	/* everything in *query is set */
	QUERY_COOKIE,	/* no question, but a cookie (RFC 7873 5.4): the name is not set */
	QUERY_ERROR,	/* reply with query->rcode; the question is there if it could be read */
	QUERY_SHORT,	/* shorter than a header: no reply */
	QUERY_RESPONSE, /* QR is set: no reply, ever */
};

enum query_verdict query_parse(const uint8_t *payload, size_t length, struct query *query);

#endif
