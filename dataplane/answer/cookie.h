/* cookie.h: interoperable server cookies.
 *
 * A client that sends back the server cookie that it got from us can hear us at the address that it
 * asks from: its source is not forged. Nothing is kept about clients: a server cookie is a keyed
 * hash of the client's cookie, the time and the client's address, so that every node that holds the
 * secret knows it.
 * Threads: any; no allocation. Source: RFC 7873 5.2, RFC 9018 4 and 5. */
#ifndef SKUA_DATAPLANE_ANSWER_COOKIE_H
#define SKUA_DATAPLANE_ANSWER_COOKIE_H

#include "dataplane/answer/option.h"
#include "dataplane/net/datagram.h"
#include "zones/abi/policy.h"

enum cookie_verdict {
	COOKIE_NONE,	/* a client cookie alone */
	COOKIE_INVALID, /* with a server cookie that is not ours, or too old, or from the future */
	COOKIE_VALID,
};

/* Judges the cookies of a query, and makes those of its reply: the same if they are good and young,
 * else a server cookie of now. client: whose address counts. now: seconds since 1970, modulo 2^32.
 * Requires: secrets->count > 0. */
enum cookie_verdict cookie_check(const struct policy_cookies *secrets,
				 const struct query_cookie *asked, const struct datagram *client,
				 uint32_t now, uint8_t reply[COOKIE_OCTETS]);

#endif
