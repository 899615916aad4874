/* hash.h: the keyed hash that places names in an image.
 *
 * The hash is over the contiguous lower-case wire octets, so every suffix of a name is hashed
 * by itself, from its first octet to the root label; an answer needs the full name at once and
 * about three suffixes on a miss. Only a wildcard's is made from that of the name below the
 * asterisk: whoever has found a closest encloser is one multiplication from its wildcard. Keyed per
 * arena: nobody outside can aim at one bucket. Threads: any. Never reads outside [name, name +
 * length). Source: the multiply-fold of wyhash (public domain idea), written anew. */
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

/* The hash of "*" + name, from that of name. */
static inline uint64_t name_hash_wildcard(const uint64_t key[2], uint64_t hash)
{
	return hash_fold(hash ^ key[0], key[1] ^ 0x2d358dccaa6c78a5ull);
}

static inline int name_is_wildcard(const uint8_t *name, size_t length)
{
	return length > 2 && name[0] == 1 && name[1] == '*';
}

static inline uint64_t hash_seed(const uint64_t key[2], size_t length)
{
	return key[0] ^ (length * 0x9e3779b97f4a7c15ull);
}

static inline uint64_t hash_block(const uint64_t key[2], uint64_t seed, uint64_t low, uint64_t high)
{
	return hash_fold(low ^ key[1], high ^ seed);
}

static inline uint64_t hash_last(const uint64_t key[2], uint64_t seed, uint64_t low, uint64_t high,
				 size_t length)
{
	seed = hash_block(key, seed, low, high);
	return hash_fold(seed ^ 0x8bb84b93962eacc9ull, length ^ 0x4b33a62ed433d4a3ull);
}

static inline uint64_t hash_octets(const uint64_t key[2], const uint8_t *name, size_t length)
{
	uint64_t seed = hash_seed(key, length);
	uint64_t low, high;

	if (length > 16) {
		for (size_t at = 0; length - at > 16; at += 16)
			seed = hash_block(key, seed, hash_load64(name + at),
					  hash_load64(name + at + 8));
		/* The last 16 overlap what was folded: no partial loads. */
		low = hash_load64(name + length - 16);
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
	return hash_last(key, seed, low, high, length);
}

/* Requires: 1 <= length <= 255. */
static inline uint64_t name_hash(const uint64_t key[2], const uint8_t *name, size_t length)
{
	unsigned asterisks = 0;

	for (; name_is_wildcard(name, length); asterisks++) {
		name += 2;
		length -= 2;
	}
	uint64_t hash = hash_octets(key, name, length);
	for (; asterisks > 0; asterisks--)
		hash = name_hash_wildcard(key, hash);
	return hash;
}

#endif
