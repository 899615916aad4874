/* nsec3.c: see nsec3.h. */
#include "dataplane/answer/nsec3.h"

#include "zones/name/name.h"

#include <nettle/sha1.h>
#include <string.h>

#define ALGORITHM_SHA1 1u

/* RFC 4648 7, in lower case, without padding: 160 bits are 32 digits of five. */
static void base32hex(const uint8_t digest[SHA1_DIGEST_SIZE], uint8_t *text)
{
	static const char digit[] = "0123456789abcdefghijklmnopqrstuv";
	uint32_t bits = 0;
	unsigned held = 0;

	for (unsigned i = 0; i < SHA1_DIGEST_SIZE; i++) {
		bits = bits << 8 | digest[i];
		for (held += 8; held >= 5; held -= 5)
			*text++ = (uint8_t)digit[bits >> (held - 5) & 31];
	}
}

/* RFC 5155 5: IH(salt, x, k) = H(IH(salt, x, k - 1) || salt). */
static bool hash(const struct image *image, const struct image_zone *zone, const uint8_t *name,
		 size_t length, uint8_t digest[SHA1_DIGEST_SIZE])
{
	size_t salt_length = zone->nsec3_salt_length;
	const uint8_t *salt = salt_length ? image_at(image, zone->salt, salt_length) : NULL;
	struct sha1_ctx context;

	if (zone->nsec3_algorithm != ALGORITHM_SHA1 ||
	    zone->nsec3_iterations > NSEC3_ITERATIONS_MAX || (salt_length > 0 && salt == NULL))
		return false;
	sha1_init(&context);
	for (unsigned i = 0; i <= zone->nsec3_iterations; i++) {
		if (i == 0)
			sha1_update(&context, length, name);
		else
			sha1_update(&context, SHA1_DIGEST_SIZE, digest);
		if (salt_length > 0)
			sha1_update(&context, salt_length, salt);
		sha1_digest(&context, SHA1_DIGEST_SIZE, digest); /* and begins anew */
	}
	return true;
}

size_t nsec3_owner(const struct image *image, const struct image_zone *zone, const uint8_t *name,
		   size_t length, const uint8_t *apex, size_t apex_length, uint8_t *owner)
{
	uint8_t digest[SHA1_DIGEST_SIZE];

	if (1 + NSEC3_LABEL + apex_length > NAME_MAX_OCTETS ||
	    !hash(image, zone, name, length, digest))
		return 0;
	owner[0] = NSEC3_LABEL;
	base32hex(digest, owner + 1);
	memcpy(owner + 1 + NSEC3_LABEL, apex, apex_length);
	return 1 + NSEC3_LABEL + apex_length;
}
