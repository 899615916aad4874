/* check.h: what is wrong with a whole zone, beyond single records.
 *
 * Errors (the zone must not be served): no SOA, several SOAs, a SOA below the apex, no NS at the
 * apex, CNAME with other data (RRSIG, NSEC, KEY excepted), several CNAMEs or DNAMEs at a name,
 * CNAME or DNAME conflicts of RFC 2181 10.1 and RFC 6672 2.4, more records at a name than an image
 * can hold.
 * Warnings: missing glue, NS, MX or SRV that lead to a CNAME, targets inside the zone that do
 * not exist (wildcards count as existing, names below a cut are not judged), data hidden below a
 * zone cut, signatures with which no message could hold what they cover, an MNC or MCC under
 * 3gppnetwork.org that is not padded to three digits.
 * Out-of-zone records and mixed TTLs are reported by the reader, which sees each record.
 * Threads: any. Pure. Source: RFC 1034 3.6.2, RFC 1912 2, RFC 2181 10, RFC 6672 2.4,
 * 3GPP TS 23.003 19.2. */
#ifndef SKUA_ZONES_CHECK_CHECK_H
#define SKUA_ZONES_CHECK_CHECK_H

#include "zones/text/diagnostics.h"
#include "zones/zone/zone.h"

/* Reports all findings in *all, whose file table is the one that the zone was read with.
 * Ensures: all->errors grew if, and only if, the zone must not be served. */
void zone_check(const struct zone *zone, struct diagnostics *all);

/* What validators will not like in a signed zone, all as warnings (the zone is served): RRsets
 * without a signature, signatures out of time or that do not fit what they cover or DNSKEY, NSEC or
 * NSEC3 that do not tell what is there or make no whole chain. Silent for unsigned zones. At most
 * ten of each kind are shown, then their number, unless all->limit is UINT64_MAX.
 * now: seconds since 1970. Not checked: the cryptography (dnssec-verify does), and NSEC3 of names
 * beyond four million hashes.
 * Cost: linear; some octets for each NSEC or NSEC3 while it works. Out of memory aborts.
 * Source: RFC 4034, RFC 4035 2, RFC 5155 7.1, RFC 9276 3. */
void zone_check_signatures(const struct zone *zone, uint64_t now, struct diagnostics *all);

#endif
