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

/* Each: 16 octets in lower case. */
static inline struct lower_pair lower_16_plain(const uint8_t *from)
{
	return (struct lower_pair){lower_word(hash_load64(from)),
				   lower_word(hash_load64(from + 8))};
}

#if defined(__SSE2__)
static inline __m128i lower_vector(const uint8_t *from)
{
	__m128i octets = _mm_loadu_si128((const __m128i *)(const void *)from);
	/* Octets from 0x80 on are negative, so they are not above 'A' - 1. */
	__m128i upper = _mm_and_si128(_mm_cmpgt_epi8(octets, _mm_set1_epi8('A' - 1)),
				      _mm_cmpgt_epi8(_mm_set1_epi8('Z' + 1), octets));

	return _mm_or_si128(octets, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
}

static inline struct lower_pair lower_16_sse2(const uint8_t *from)
{
	__m128i octets = lower_vector(from);

	return (struct lower_pair){
	    (uint64_t)_mm_cvtsi128_si64(octets),
	    (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(octets, octets)),
	};
}
#endif

static inline struct lower_pair lower_16(const uint8_t *from)
{
#if defined(__SSE2__)
	return lower_16_sse2(from);
#else
	return lower_16_plain(from);
#endif
}

/* 16 octets from `from` to `to`, which may be the same. */
static inline struct lower_pair lower_pair(uint8_t *to, const uint8_t *from)
{
	struct lower_pair pair = lower_16(from);

	memcpy(to, &pair, sizeof(pair));
	return pair;
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

/* By itself, so that it takes no registers from the common case. */
static __attribute__((noinline, unused)) uint64_t
name_hash_lowered_wildcard(const uint64_t key[2], const uint8_t *name, size_t length)
{
	uint8_t lowered[NAME_MAX_OCTETS];

	return name_lower_hash(key, lowered, name, length);
}

static inline uint64_t name_hash_lowered_short(const uint64_t key[2], const uint8_t *name,
					       size_t length)
{
	uint64_t low, high = 0;

	if (length >= 8) {
		low = lower_word(hash_load64(name));
		high = lower_word(hash_load64(name + length - 8));
	} else if (length >= 4) {
		low = lower_word(hash_load32(name));
		high = lower_word(hash_load32(name + length - 4));
	} else {
		low = lower_word((uint64_t)name[0] << 16 | (uint64_t)name[length >> 1] << 8 |
				 name[length - 1]);
	}
	return hash_last(key, hash_seed(key, length), low, high, length);
}

/* name_hash() of the name in lower case, which is written nowhere. */
static inline uint64_t name_hash_lowered(const uint64_t key[2], const uint8_t *name, size_t length)
{
	uint64_t seed = hash_seed(key, length);
	struct lower_pair pair;

	if (name_is_wildcard(name, length))
		return name_hash_lowered_wildcard(key, name, length);
	if (length <= 16)
		return name_hash_lowered_short(key, name, length);
	for (size_t at = 0; length - at > 16; at += 16) {
		pair = lower_16(name + at);
		seed = hash_block(key, seed, pair.first, pair.second);
	}
	pair = lower_16(name + length - 16);
	return hash_last(key, seed, pair.first, pair.second, length);
}

/* True if `length` octets at `name` are, in lower case, those at `lowered`. Versions that agree. */
static inline bool name_is_lowered_plain(const uint8_t *lowered, const uint8_t *name, size_t length)
{
	uint64_t differ = 0;

	if (length < 8) {
		for (size_t at = 0; at < length; at++)
			differ |= lowered[at] ^ (uint8_t)lower_word(name[at]);
		return differ == 0;
	}
	for (size_t at = 0; length - at > 8; at += 8)
		differ |= hash_load64(lowered + at) ^ lower_word(hash_load64(name + at));
	differ |= hash_load64(lowered + length - 8) ^ lower_word(hash_load64(name + length - 8));
	return differ == 0;
}

#if defined(__SSE2__)
static inline bool lower_differ(const uint8_t *lowered, const uint8_t *name)
{
	__m128i wanted = _mm_loadu_si128((const __m128i *)(const void *)lowered);

	return _mm_movemask_epi8(_mm_cmpeq_epi8(wanted, lower_vector(name))) != 0xffff;
}

static inline bool name_is_lowered(const uint8_t *lowered, const uint8_t *name, size_t length)
{
	if (length < 16)
		return name_is_lowered_plain(lowered, name, length);
	for (size_t at = 0; length - at > 16; at += 16) {
		if (lower_differ(lowered + at, name + at))
			return false;
	}
	return !lower_differ(lowered + length - 16, name + length - 16);
}
#else
static inline bool name_is_lowered(const uint8_t *lowered, const uint8_t *name, size_t length)
{
	return name_is_lowered_plain(lowered, name, length);
}
#endif

#endif
