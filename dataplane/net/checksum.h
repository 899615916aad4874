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
	 * their size: 32 bits at a time, in the host's order. */
	uint64_t sum = 0;
	uint32_t word;
	uint32_t at = 0;

	for (; at + 4 <= length; at += 4) {
		memcpy(&word, octets + at, 4);
		sum += word;
	}
	word = 0;
	memcpy(&word, octets + at, length - at);
	sum += word;
	return __builtin_bswap16(checksum_fold(sum));
}

#endif
