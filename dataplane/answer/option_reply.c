/* option_reply.c: see option_reply.h. */
#include "dataplane/answer/option_reply.h"

#include "dataplane/answer/cookie.h"
#include "dataplane/answer/finish.h"
#include "zones/record/record.h"

#include <string.h>

#define OPT_RDLENGTH 9u
#define SUBNET_FIXED 4u
#define SUBNET_SCOPE 3u /* where the option's data hold the scope */
#define NSID_MOST    POLICY_NSID_MOST
#define NANOSECONDS  1000000000u
#define INFO_CODE    2u /* octets of an extended error; we send no EXTRA-TEXT */

/* All that a query can ask for, and an extended error, fit beside the longest question in 512. */
static_assert(OPTIONS_OCTETS >=
		  4 * OPTION_HEADER + COOKIE_OCTETS + SUBNET_FIXED + 16 + 2 + NSID_MOST,
	      "options fit");
static_assert(DNS_HEADER + NAME_MAX_OCTETS + 4 + OPT_OCTETS + OPTIONS_OCTETS + OPTION_HEADER +
		      INFO_CODE <=
		  512,
	      "options never cut an answer without records");

static uint8_t *add_option(struct response *r, enum option_code code, size_t length)
{
	uint8_t *at = r->options + r->options_length;

	put_u16(at, (uint16_t)code);
	put_u16(at + 2, (uint16_t)length);
	r->options_length = (uint16_t)(r->options_length + OPTION_HEADER + length);
	return at + OPTION_HEADER;
}

static void add_cookie(const struct composer *c, struct response *r, uint64_t counts[])
{
	static const enum counter count[] = {
	    [COOKIE_NONE] = COUNT_cookies_new,
	    [COOKIE_INVALID] = COUNT_cookies_invalid,
	    [COOKIE_VALID] = COUNT_cookies_valid,
	};
	uint32_t now = (uint32_t)(c->state->now / NANOSECONDS);
	uint8_t *to = add_option(r, OPTION_COOKIE, COOKIE_OCTETS);
	enum cookie_verdict verdict = cookie_check(&c->image->policy->cookies,
						   &r->query.options.cookie, r->datagram, now, to);

	counts[count[verdict]]++;
	r->cookie_valid = verdict == COOKIE_VALID;
	r->cookie_invalid = verdict == COOKIE_INVALID;
}

/* RFC 7871 7.2.1: the same, and the scope, which is written last: a view may still set it. */
static void add_subnet(struct response *r)
{
	const struct query_subnet *subnet = &r->query.options.subnet;
	size_t address = (subnet->source + 7u) / 8;
	uint8_t *to = add_option(r, OPTION_SUBNET, SUBNET_FIXED + address);

	put_u16(to, subnet->family == 4 ? 1 : 2);
	to[2] = subnet->source;
	to[SUBNET_SCOPE] = 0;
	memcpy(to + SUBNET_FIXED, subnet->address, address);
}

static void add_nsid(const struct policy_text *nsid, struct response *r)
{
	size_t length = nsid->length < NSID_MOST ? nsid->length : NSID_MOST;

	if (length > 0)
		memcpy(add_option(r, OPTION_NSID, length), nsid->octets, length);
}

/* Room for the options, or none of them: only a buffer that holds little more than the query has
 * not enough. */
static void reserve(struct response *r, uint64_t counts[])
{
	if (r->options_length > r->reply.limit - r->reply.at) {
		counts[COUNT_options_omitted]++;
		r->options_length = 0;
	}
	r->reply.limit -= r->options_length;
}

/* RFC 7828 3.2.1: the timeout is the server's to say. */
static void refuse_timeout(struct response *r)
{
	if (r->reply.rcode != RCODE_NOERROR)
		return;
	r->reply.rcode = RCODE_FORMERR;
	r->query.malformed = COUNT_formerr_option;
}

void options_begin(const struct composer *c, struct response *r, uint64_t counts[])
{
	const struct image_policy *policy = c->image->policy;
	unsigned asked = r->query.options.asked;
	bool tcp = c->transport == TRANSPORT_TCP;

	if (asked & ASKED_COOKIE && policy->cookies.count > 0)
		add_cookie(c, r, counts);
	if (asked & ASKED_SUBNET)
		add_subnet(r);
	if (asked & ASKED_KEEPALIVE && tcp) /* over UDP it means nothing (RFC 7828 3.2.2) */
		put_u16(add_option(r, OPTION_KEEPALIVE, 2), c->state->tcp_idle);
	if (asked & ASKED_NSID)
		add_nsid(&policy->nsid, r);
	reserve(r, counts);
	if (asked & ASKED_TIMEOUT && tcp)
		refuse_timeout(r);
}

/* Not NXDOMAIN and YXDOMAIN: those are answers. */
static bool is_error(const struct response *r)
{
	uint16_t rcode = r->reply.rcode;

	return rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN && rcode != RCODE_YXDOMAIN;
}

/* Behind which no option may reach. What TSIG still takes is at most what the query's took; until
 * it is moved, it stands where it came. */
static uint32_t options_end(const struct response *r)
{
	const struct query_tsig *tsig = &r->query.tsig;
	uint32_t end = r->limit;

	if (is_error(r) && r->spoofable && !r->cookie_valid && r->datagram->length < end)
		end = r->datagram->length;
	if (tsig->octets == 0)
		return end;
	end = end > tsig->octets ? end - tsig->octets : 0;
	return end < tsig->at ? end : tsig->at;
}

/* True if the option fits, and is there now. */
static bool put_option(struct reply *reply, uint32_t end, const uint8_t *option)
{
	uint32_t octets = OPTION_HEADER + get_u16(option + 2);

	if (reply->at + octets > end)
		return false;
	memcpy(reply->base + reply->at, option, octets);
	reply->at += octets;
	return true;
}

void options_put(struct response *r, uint32_t opt, uint64_t counts[])
{
	struct reply *reply = &r->reply;
	uint32_t end = options_end(r);
	bool all = true;

	for (uint32_t at = 0; at < r->options_length;) {
		uint8_t *option = r->options + at;

		if (get_u16(option) == OPTION_SUBNET)
			option[OPTION_HEADER + SUBNET_SCOPE] = r->query.options.subnet.scope;
		all &= put_option(reply, end, option);
		at += OPTION_HEADER + get_u16(option + 2);
	}
	if (r->extended_error != 0) {
		uint8_t option[OPTION_HEADER + INFO_CODE];

		put_u16(option, OPTION_EXTENDED_ERROR);
		put_u16(option + 2, INFO_CODE);
		put_u16(option + OPTION_HEADER, r->extended_error);
		all &= put_option(reply, end, option);
	}
	counts[COUNT_options_omitted] += !all;
	put_u16(reply->base + opt + OPT_RDLENGTH, (uint16_t)(reply->at - opt - OPT_OCTETS));
}
