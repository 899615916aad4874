/* tail.h: records as they stand in a message behind the question, for image_rrset.
 *
 * Threads: any; pure. Offsets in compression pointers count from the start of a message whose
 * question is the owner and directly before the tail (zones/abi/image.h).
 * Source:  RFC 1035 4.1.3, 4.1.4; RFC 1071 (the sum). */
#ifndef SKUA_ZONES_COMPILE_TAIL_H
#define SKUA_ZONES_COMPILE_TAIL_H

#include "zones/zone/zone.h"

#define TAIL_RECORD  12u /* octets of a record before its rdata */
#define TAIL_MESSAGE 16u /* header, type and class of the question: around the owner */

/* Octets that tail_write() needs at most. */
uint32_t tail_bound(const struct rrset_view *view);

/* Writes all records of the view, with the view's TTL; returns the octets written.
 * owner: lower-case. *pointers becomes true if rdata holds a compression pointer; else it stays. */
uint32_t tail_write(uint8_t *tail, const uint8_t *owner, const struct rrset_view *view,
		    bool *pointers);

/* The TAIL_RECORD octets before a record's rdata. */
void tail_record_start(uint8_t *to, uint16_t type, uint32_t ttl, uint32_t rdata_length);

/* Ones' complement sum of big-endian 16-bit words, folded to 16 bits, not complemented; an odd last
 * octet counts as the high half of a word. Only all-zero octets give 0: 0xffff is the other zero.
 */
uint16_t tail_sum(const uint8_t *octets, uint32_t length);

#endif
