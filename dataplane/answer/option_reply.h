/* option_reply.h: the EDNS options of a reply.
 *
 * What a query asks for is made when the reply begins, and room for it is kept from the records; an
 * extended error joins when there is one. They are placed when the reply is finished:
 *   an error whose source may be forged (UDP, no valid server cookie) is never larger than its
 *   query: an option that would make it so is left out
 *   order, of place and of room: cookie, subnet, keepalive, NSID, extended error
 *
 * Threads: any; no allocation. Source: RFC 6891 6.1.2, and option.def. */
#ifndef SKUA_DATAPLANE_ANSWER_OPTION_REPLY_H
#define SKUA_DATAPLANE_ANSWER_OPTION_REPLY_H

#include "dataplane/answer/compose.h"

/* Makes the options that the query asks for, and takes their room from reply->limit. Sets
 * cookie_valid; and the reply's rcode, if there was none, to FORMERR where only now it shows that
 * an option is malformed. Requires: reply_begin(); query.options.asked != 0. */
void options_begin(const struct composer *composer, struct response *response, uint64_t counts[]);

/* Notes why there is an error, if the policy tells that and the client can read it. */
static inline void extended_error_note(struct response *r, const struct image_policy *policy,
				       enum extended_error why)
{
	if (r->query.edns && policy->extended_errors)
		r->extended_error = (uint8_t)why;
}

/* True if there is anything to put. */
static inline bool options_wanted(const struct response *r)
{
	return (r->options_length | r->extended_error) != 0;
}

/* Appends the options to the OPT record that ends at reply->at. opt: where it starts. */
void options_put(struct response *response, uint32_t opt, uint64_t counts[]);

#endif
