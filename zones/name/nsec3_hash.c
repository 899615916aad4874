/* nsec3_hash.c: see nsec3_hash.h. */
#include "zones/name/nsec3_hash.h"

#include <nettle/sha1.h>

#define BITS_A_DIGIT 5u

/* RFC 5155 5: IH(salt, x, k) = H(IH(salt, x, k - 1) || salt). */
void nsec3_hash(const struct nsec3_parameters *parameters, const uint8_t *name, size_t length,
		uint8_t hash[NSEC3_HASH_OCTETS])
{
	struct sha1_ctx context;

	sha1_init(&context);
	for (unsigned i = 0; i <= parameters->iterations; i++) {
		if (i == 0)
			sha1_update(&context, length, name);
		else
			sha1_update(&context, NSEC3_HASH_OCTETS, hash);
		if (parameters->salt_length > 0)
			sha1_update(&context, parameters->salt_length, parameters->salt);
		sha1_digest(&context, NSEC3_HASH_OCTETS, hash); /* and begins anew */
	}
}

void nsec3_hash_to_label(const uint8_t hash[NSEC3_HASH_OCTETS], uint8_t text[NSEC3_LABEL])
{
	static const char digit[] = "0123456789abcdefghijklmnopqrstuv";
	uint32_t bits = 0;
	unsigned held = 0;

	for (unsigned i = 0; i < NSEC3_HASH_OCTETS; i++) {
		bits = bits << 8 | hash[i];
		for (held += 8; held >= BITS_A_DIGIT; held -= BITS_A_DIGIT)
			*text++ = (uint8_t)digit[bits >> (held - BITS_A_DIGIT) & 31];
	}
}

/* 0 to 31, or -1. */
static int digit_value(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'v' ? digit - 'a' + 10 : -1;
}

bool nsec3_hash_from_label(const uint8_t *label, uint8_t hash[NSEC3_HASH_OCTETS])
{
	uint32_t bits = 0;
	unsigned held = 0;

	if (label[0] != NSEC3_LABEL)
		return false;
	for (unsigned i = 1; i <= NSEC3_LABEL; i++) {
		int value = digit_value(label[i]);

		if (value < 0)
			return false;
		bits = bits << BITS_A_DIGIT | (uint32_t)value;
		held += BITS_A_DIGIT;
		if (held >= 8) {
			held -= 8;
			*hash++ = (uint8_t)(bits >> held);
		}
	}
	return true;
}
