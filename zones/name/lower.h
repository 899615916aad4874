/* lower.h: names in lower case, sixteen octets at a time, and hashed on the way.
 *
 * Hashing what was just stored would have to wait for the stores, since it loads other pieces: so
 * the octets are hashed from the registers that they were lowered in. Two versions that agree, so
 * that each tests the other. Threads: any. Never reads or writes outside [0, length). */
#ifndef SKUA_ZONES_NAME_LOWER_H
#define SKUA_ZONES_NAME_LOWER_H

#include "zones/name/hash.h"
#include "zones/name/name.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

struct lower_pair {
	uint64_t first;
	uint64_t second;
};

/* Adding to the low seven bits carries into the top bit for octets from 'A' on, and again for
 * octets past 'Z'; where only the first holds, bit 5 is set. */
static inline uint64_t lower_word(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101ull;
	uint64_t low = word & 0x7f * ones;
	uint64_t from_a = low + (0x80 - 'A') * ones;
	uint64_t past_z = low + (0x7f - 'Z') * ones;
	uint64_t upper = (from_a ^ past_z) & ~word & 0x80 * ones;

	return word | upper >> 2;
}

/* Both: 16 octets from `from` to `to`, which may be the same. */
static inline struct lower_pair lower_pair_plain(uint8_t *to, const uint8_t *from)
{
	struct lower_pair pair = {lower_word(hash_load64(from)), lower_word(hash_load64(from + 8))};

	memcpy(to, &pair, sizeof(pair));
	return pair;
}

#if defined(__SSE2__)
/* Octets from 0x80 on are negative, so they are not above 'A' - 1. */
static inline struct lower_pair lower_pair_sse2(uint8_t *to, const uint8_t *from)
{
	__m128i octets = _mm_loadu_si128((const __m128i *)(const void *)from);
	__m128i upper = _mm_and_si128(_mm_cmpgt_epi8(octets, _mm_set1_epi8('A' - 1)),
				      _mm_cmpgt_epi8(_mm_set1_epi8('Z' + 1), octets));

	octets = _mm_or_si128(octets, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
	_mm_storeu_si128((__m128i *)(void *)to, octets);
	return (struct lower_pair){
	    (uint64_t)_mm_cvtsi128_si64(octets),
	    (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(octets, octets)),
	};
}
#endif

static inline struct lower_pair lower_pair(uint8_t *to, const uint8_t *from)
{
#if defined(__SSE2__)
	return lower_pair_sse2(to, from);
#else
	return lower_pair_plain(to, from);
#endif
}

/* name_lower(), and name_hash() of what it wrote. Requires: to and from are apart. */
static inline uint64_t name_lower_hash(const uint64_t key[2], uint8_t *to, const uint8_t *from,
				       size_t length)
{
	uint64_t seed = hash_seed(key, length);
	struct lower_pair pair;

	if (length <= 16 || name_is_wildcard(from, length)) {
		name_lower(to, from, length);
		return name_hash(key, to, length);
	}
	for (size_t at = 0; length - at > 16; at += 16) {
		pair = lower_pair(to + at, from + at);
		seed = hash_block(key, seed, pair.first, pair.second);
	}
	pair = lower_pair(to + length - 16, from + length - 16);
	return hash_last(key, seed, pair.first, pair.second, length);
}

#endif
