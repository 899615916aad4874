/* nsec3.c: see nsec3.h. */
#include "dataplane/answer/nsec3.h"

#include "zones/name/name.h"

#include <string.h>

static bool hash(const struct image *image, const struct image_zone *zone, const uint8_t *name,
		 size_t length, uint8_t digest[NSEC3_HASH_OCTETS])
{
	size_t salt_length = zone->nsec3_salt_length;
	const uint8_t *salt = salt_length ? image_at(image, zone->salt, salt_length) : NULL;
	struct nsec3_parameters parameters = {salt, zone->nsec3_salt_length,
					      zone->nsec3_iterations};

	if (zone->nsec3_algorithm != NSEC3_ALGORITHM_SHA1 ||
	    zone->nsec3_iterations > NSEC3_ITERATIONS_MAX || (salt_length > 0 && salt == NULL))
		return false;
	nsec3_hash(&parameters, name, length, digest);
	return true;
}

size_t nsec3_owner(const struct image *image, const struct image_zone *zone, const uint8_t *name,
		   size_t length, const uint8_t *apex, size_t apex_length, uint8_t *owner)
{
	uint8_t digest[NSEC3_HASH_OCTETS];

	if (1 + NSEC3_LABEL + apex_length > NAME_MAX_OCTETS ||
	    !hash(image, zone, name, length, digest))
		return 0;
	owner[0] = NSEC3_LABEL;
	nsec3_hash_to_label(digest, owner + 1);
	memcpy(owner + 1 + NSEC3_LABEL, apex, apex_length);
	return 1 + NSEC3_LABEL + apex_length;
}

#define SHA1_BLOCK 64u

/* FIPS 180-4 5.1.1: one bit and the length, eight octets, are added before blocks are filled. */
static uint32_t blocks(size_t octets)
{
	return (uint32_t)((octets + 1 + 8 + SHA1_BLOCK - 1) / SHA1_BLOCK);
}

uint32_t nsec3_blocks(const struct image_zone *zone, size_t length)
{
	size_t salt = zone->nsec3_salt_length;

	if (zone->nsec3_iterations > NSEC3_ITERATIONS_MAX)
		return 0;
	return blocks(length + salt) + zone->nsec3_iterations * blocks(NSEC3_HASH_OCTETS + salt);
}
