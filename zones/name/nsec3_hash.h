/* nsec3_hash.h: the hash of a name, as owners of NSEC3 records are made of it (RFC 5155 5, 3.3).
 * Threads: any; pure, no allocation. Cost: iterations + 1 times SHA-1 of a short text. */
#ifndef SKUA_ZONES_NAME_NSEC3_HASH_H
#define SKUA_ZONES_NAME_NSEC3_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSEC3_HASH_OCTETS    20u
#define NSEC3_ALGORITHM_SHA1 1u	 /* the only one that is defined */
#define NSEC3_LABEL	     32u /* octets of the hash in base32hex */

struct nsec3_parameters {
	const uint8_t *salt; /* may be NULL if salt_length is 0 */
	uint8_t salt_length;
	uint16_t iterations;
};

/* name: lower-case wire form. */
void nsec3_hash(const struct nsec3_parameters *parameters, const uint8_t *name, size_t length,
		uint8_t hash[NSEC3_HASH_OCTETS]);

/* The hash as the text of a label, in lower case (RFC 4648 7, without padding). */
void nsec3_hash_to_label(const uint8_t hash[NSEC3_HASH_OCTETS], uint8_t text[NSEC3_LABEL]);

/* label: its length octet, then its text, any case. False: it is no hash. */
bool nsec3_hash_from_label(const uint8_t *label, uint8_t hash[NSEC3_HASH_OCTETS]);

#endif
