/* chaos.h: what class CH is asked for: which server this is.
 * Threads: any; no allocation. Source: RFC 4892, RFC 1035 3.3.14. */
#ifndef SKUA_DATAPLANE_ANSWER_CHAOS_H
#define SKUA_DATAPLANE_ANSWER_CHAOS_H

#include "dataplane/answer/compose.h"

/* version.bind and version.server, id.server and hostname.bind of type TXT (or ANY); all else is
 * REFUSED, and these too where the policy tells nothing. As NSD and Knot do, without AA and with a
 * TTL of 0: it is no zone.
 * Requires: a good query of class CH, and a reply that has just begun. */
void chaos_answer(const struct image_policy *policy, struct response *response);

#endif
