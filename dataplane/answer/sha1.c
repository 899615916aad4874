/* sha1.c: see sha1.h. */
#include "dataplane/answer/sha1.h"

#include <assert.h>
#include <string.h>

#define BLOCK 64u

static uint32_t rotate(uint32_t word, unsigned bits)
{
	return word << bits | word >> (32 - bits);
}

static uint32_t load(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void store(uint8_t *at, uint32_t word)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(word >> (24 - 8 * i));
}

/* FIPS 180-4 4.1.1 and 4.2.1: the function and constant of round t, as added to the state. */
static uint32_t mix(unsigned t, uint32_t b, uint32_t c, uint32_t d)
{
	if (t < 20)
		return ((b & c) | (~b & d)) + 0x5a827999u;
	if (t < 40)
		return (b ^ c ^ d) + 0x6ed9eba1u;
	if (t < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
	return (b ^ c ^ d) + 0xca62c1d6u;
}

static void block(uint32_t h[5], const uint8_t *octets)
{
	uint32_t w[80];
	uint32_t s[5];

	for (unsigned t = 0; t < 16; t++)
		w[t] = load(octets + 4 * t);
	for (unsigned t = 16; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	memcpy(s, h, sizeof(s));
	for (unsigned t = 0; t < 80; t++) {
		uint32_t next = rotate(s[0], 5) + mix(t, s[1], s[2], s[3]) + s[4] + w[t];

		s[4] = s[3];
		s[3] = s[2];
		s[2] = rotate(s[1], 30);
		s[1] = s[0];
		s[0] = next;
	}
	for (unsigned i = 0; i < 5; i++)
		h[i] += s[i];
}

void sha1(const uint8_t *message, size_t length, uint8_t digest[SHA1_OCTETS])
{
	uint32_t h[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
	uint8_t padded[9 * BLOCK] = {0};

	assert(length <= 511);
	size_t blocks = (length + 9 + BLOCK - 1) / BLOCK;
	memcpy(padded, message, length);
	padded[length] = 0x80;
	store(padded + blocks * BLOCK - 4, (uint32_t)(length * 8));
	for (size_t i = 0; i < blocks; i++)
		block(h, padded + i * BLOCK);
	for (unsigned i = 0; i < 5; i++)
		store(digest + 4 * i, h[i]);
}
