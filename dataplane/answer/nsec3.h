/* nsec3.h: from a name to the owner of the NSEC3 record that speaks of it (RFC 5155 5, 3.3).
 * Threads: any; no allocation. */
#ifndef SKUA_DATAPLANE_ANSWER_NSEC3_H
#define SKUA_DATAPLANE_ANSWER_NSEC3_H

#include "zones/image/reader.h"
#include "zones/name/nsec3_hash.h"

/* RFC 5155 10.3: more than any key size allowed; RFC 9276 3.2 wants 0. */
#define NSEC3_ITERATIONS_MAX 2500u

/* owner: NAME_MAX_OCTETS, set to the hashed label and the apex. Returns its length; 0: the zone's
 * parameters are none that we know, or the owner would be too long. */
size_t nsec3_owner(const struct image *image, const struct image_zone *zone, const uint8_t *name,
		   size_t length, const uint8_t *apex, size_t apex_length, uint8_t *owner);
/* SHA-1 blocks of 64 octets that it works through for a name of `length` octets. */
uint32_t nsec3_blocks(const struct image_zone *zone, size_t length);

#endif
