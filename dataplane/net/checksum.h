/* checksum.h: the Internet checksum's ones' complement sum.
 *
 * Sums are of big-endian words (an odd last octet is padded with 0 behind it), folded to 16 bits
 * where so said, never inverted: the field in a packet is the complement. 0 and 0xffff are both
 * zero; a sum of anything but zeros folds to 0xffff rather than 0.
 *
 * Threads: any. Source: RFC 1071, RFC 768. */
#ifndef SKUA_DATAPLANE_NET_CHECKSUM_H
#define SKUA_DATAPLANE_NET_CHECKSUM_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* Adding a number to itself with its halves exchanged leaves the sum of both, with the carry, in
 * the upper one. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	uint32_t half = (uint32_t)((sum + (sum << 32 | sum >> 32)) >> 32);

	return (uint16_t)((half + (half << 16 | half >> 16)) >> 16);
}

/* A sum of words in the host's order ("raw"), not folded; one of zeros alone is 0. Sums do not
 * depend on the byte order of the words until the end, nor on their size: 64 bits at a time, what
 * is carried out of them counted apart. */
struct checksum_raw {
	uint64_t sum, carried;
};

static inline void checksum_raw_add(struct checksum_raw *raw, uint64_t word)
{
	raw->carried += __builtin_add_overflow(raw->sum, word, &raw->sum);
}

/* What was carried is less than 2^29; where adding it carries again, it leaves less than that. */
static inline uint64_t checksum_raw_end(struct checksum_raw raw)
{
	uint64_t sum = raw.sum + raw.carried;

	return sum + (sum < raw.carried);
}

static inline uint64_t checksum_load8(const uint8_t *octets)
{
	uint64_t word;

	memcpy(&word, octets, sizeof(word));
	return word;
}

/* The raw sum of at least 8 octets. */
static inline uint64_t checksum_raw_sum(const uint8_t *octets, uint32_t length)
{
	const uint8_t *last = octets + length - 8;
	struct checksum_raw raw = {0, 0};
	unsigned left;

	for (; last - octets >= 24; octets += 32) {
		checksum_raw_add(&raw, checksum_load8(octets));
		checksum_raw_add(&raw, checksum_load8(octets + 8));
		checksum_raw_add(&raw, checksum_load8(octets + 16));
		checksum_raw_add(&raw, checksum_load8(octets + 24));
	}
	for (; octets <= last; octets += 8)
		checksum_raw_add(&raw, checksum_load8(octets));
	/* The last 8 again, without those that are summed: shifted out, in two steps, for all 64
	 * bits at once is undefined. Low octets are in front. */
	left = 8 - (unsigned)(octets - last);
	checksum_raw_add(&raw, checksum_load8(last) >> 1 >> (63 - 8 * left));
	return checksum_raw_end(raw);
}
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "what is summed of the last word");

/* The folded sum of `length` octets, no alignment asked; length at most 2^32 - 1. */
static inline uint16_t checksum_sum(const uint8_t *octets, uint32_t length)
{
	uint64_t few = 0;

	if (length >= 8)
		return __builtin_bswap16(checksum_fold(checksum_raw_sum(octets, length)));
	memcpy(&few, octets, length);
	return __builtin_bswap16(checksum_fold(few));
}

#endif
