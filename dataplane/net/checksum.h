/* checksum.h: the Internet checksum's ones' complement sum.
 *
 * Sums are of big-endian words (an odd last octet is padded with 0 behind it), folded to 16 bits
 * where so said, never inverted: the field in a packet is the complement. 0 and 0xffff are both
 * zero; a sum of anything but zeros folds to 0xffff rather than 0.
 *
 * Threads: any. Source: RFC 1071, RFC 768. */
#ifndef SKUA_DATAPLANE_NET_CHECKSUM_H
#define SKUA_DATAPLANE_NET_CHECKSUM_H

#include <stdint.h>
#include <string.h>

static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* The folded sum of `length` octets, no alignment asked; length at most 2^32 - 1. */
static inline uint16_t checksum_sum(const uint8_t *octets, uint32_t length)
{
	/* Ones' complement sums do not depend on the byte order of the words until the end, nor on
	 * their size: 64 bits at a time, in the host's order, their halves added apart so that no
	 * carry is lost. */
	uint64_t sum = 0, eight;
	uint32_t at = 0, four;
	uint16_t two;

	for (; at + 8 <= length; at += 8) {
		memcpy(&eight, octets + at, 8);
		sum += (uint32_t)eight + (eight >> 32);
	}
	if (length & 4) {
		memcpy(&four, octets + at, 4);
		sum += four;
		at += 4;
	}
	if (length & 2) {
		memcpy(&two, octets + at, 2);
		sum += two;
		at += 2;
	}
	if (length & 1)
		sum += octets[at]; /* the low octet of a word, whose high one is the padding */
	return __builtin_bswap16(checksum_fold(sum));
}

#endif
