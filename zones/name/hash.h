/* hash.h: the keyed hash that places names in an image.
 *
 * The hash is over the contiguous lower-case wire octets, so every suffix of a name is hashed
 * by itself, from its first octet to the root label; an answer needs the full name at once and
 * about three suffixes on a miss. Keyed per arena: nobody outside can aim at one bucket.
 * Threads: any. Never reads outside [name, name + length). Source: the multiply-fold of wyhash
 * (public domain idea), written anew. */
#ifndef SKUA_ZONES_NAME_HASH_H
#define SKUA_ZONES_NAME_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_load64(const uint8_t *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof(word));
	return word;
}

static inline uint64_t hash_load32(const uint8_t *at)
{
	uint32_t word;
	memcpy(&word, at, sizeof(word));
	return word;
}

/* Requires: 1 <= length <= 255. */
static inline uint64_t name_hash(const uint64_t key[2], const uint8_t *name, size_t length)
{
	uint64_t seed = key[0] ^ (length * 0x9e3779b97f4a7c15ull);
	uint64_t other = key[1];
	uint64_t low, high;

	if (length > 16) {
		const uint8_t *at = name;
		size_t left = length;
		do {
			seed = hash_fold(hash_load64(at) ^ key[1], hash_load64(at + 8) ^ seed);
			at += 16;
			left -= 16;
		} while (left > 16);
		low = hash_load64(name + length -
				  16); /* overlaps what was folded: no partial loads */
		high = hash_load64(name + length - 8);
	} else if (length >= 8) {
		low = hash_load64(name);
		high = hash_load64(name + length - 8);
	} else if (length >= 4) {
		low = hash_load32(name);
		high = hash_load32(name + length - 4);
	} else {
		low = (uint64_t)name[0] << 16 | (uint64_t)name[length >> 1] << 8 | name[length - 1];
		high = 0;
	}
	seed = hash_fold(low ^ other, high ^ seed);
	return hash_fold(seed ^ 0x8bb84b93962eacc9ull, length ^ 0x4b33a62ed433d4a3ull);
}

#endif
