/* soa_query.h: the question of a readiness probe, and what is a good answer to it.
 * Threads: any. Source: RFC 1035 4.1. */
#ifndef SKUA_CONTROL_HTTP_SOA_QUERY_H
#define SKUA_CONTROL_HTTP_SOA_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOA_QUERY_MOST 271u /* header, the longest name, type and class */

/* Returns the query's octets. */
size_t soa_query_make(const uint8_t *zone, uint16_t id, uint8_t query[SOA_QUERY_MOST]);
/* NULL if the message answers that query with a SOA; else what is wrong. for_others: the zone may
 * be for other clients than us: then REFUSED, or an answer without it, is good as well. */
const char *soa_query_judge(const uint8_t *message, size_t length, uint16_t id, bool for_others);

#endif
