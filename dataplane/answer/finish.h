/* finish.h: the ends of a reply: OPT, TSIG, header, length and sum.
 * Threads: any; no allocation. Source: RFC 1035 4.1.1, RFC 6891 6.1, RFC 8945 5.2.1. */
#ifndef SKUA_DATAPLANE_ANSWER_FINISH_H
#define SKUA_DATAPLANE_ANSWER_FINISH_H

#include "dataplane/answer/compose.h"

#define OPT_OCTETS 11u /* of an OPT record without options */

/* Sets up reply for the query that response->query speaks of: no records, and a limit that leaves
 * room for the OPT. */
void reply_begin(struct response *response, uint16_t udp_size, enum transport transport);

/* Writes what is missing and sets datagram->length and sum. records_sum: ones' complement sum of
 * the records, if known. Counts the reply. */
void reply_finish(struct response *response, uint16_t udp_size, uint64_t counts[]);
void reply_finish_summed(struct response *response, uint16_t udp_size, uint16_t records_sum,
			 uint64_t counts[]);

#endif
