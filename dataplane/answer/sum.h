/* sum.h: ones' complement sums (RFC 1071), as the UDP checksum of a reply wants them.
 *
 * A sum is kept in the order of the words in memory while it grows ("raw"); sum_of() turns it into
 * the value of big-endian words. Threads: any. */
#ifndef SKUA_DATAPLANE_ANSWER_SUM_H
#define SKUA_DATAPLANE_ANSWER_SUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t sum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* RFC 1071 2(C): words of 64 bits, with the carry added at the other end. */
static inline uint64_t sum_add(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/* The raw sum of fewer than 8 octets. */
static inline uint64_t sum_few(const uint8_t *at, size_t length)
{
	uint64_t word = 0;

	memcpy(&word, at, length);
	return word;
}

/* The raw sum of `length` octets, an odd last one padded with zero. */
static inline uint64_t sum_raw(const uint8_t *at, size_t length)
{
	const uint8_t *end = at + length;
	uint64_t sum = 0;
	uint64_t word;

	if (length < 8)
		return sum_few(at, length);
	for (; end - at >= 8; at += 8) {
		memcpy(&word, at, 8);
		sum = sum_add(sum, word);
	}
	/* The last octets once more, without those that are summed: shifted out, in two steps, for
	 * all 64 bits at once is undefined. */
	unsigned summed = 8 * (7 - (unsigned)(end - at));
	memcpy(&word, end - 8, 8);
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		word = word >> summed >> 8;
	else
		word = word << summed << 8;
	return sum_add(sum, word);
}

/* RFC 1071 2(B): the sum of swapped words is the swapped sum. */
static inline uint16_t sum_swap(uint16_t sum)
{
	return (uint16_t)(sum << 8 | sum >> 8);
}

/* Sum of big-endian words. */
static inline uint16_t sum_of(const uint8_t *at, size_t length)
{
	uint16_t raw = sum_fold(sum_raw(at, length));

	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? sum_swap(raw) : raw;
}

/* A part's sum, as it counts in a message where the part starts at `offset`. */
static inline uint16_t sum_at(uint16_t sum, size_t offset)
{
	return offset & 1 ? sum_swap(sum) : sum;
}

/* Sum of big-endian words, not folded: swapping all 8 octets swaps those of each word, and brings
 * the words in another order. */
static inline uint64_t sum_wide(const uint8_t *at, size_t length)
{
	uint64_t raw = sum_raw(at, length);

	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(raw) : raw;
}

#endif
