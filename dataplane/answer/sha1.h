/* sha1.h: SHA-1 (FIPS 180-4 6.1), which NSEC3 wants (RFC 5155 5). No secret is ever hashed here.
 * Threads: any. Requires: length <= 511. */
#ifndef SKUA_DATAPLANE_ANSWER_SHA1_H
#define SKUA_DATAPLANE_ANSWER_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_OCTETS 20u

void sha1(const uint8_t *message, size_t length, uint8_t digest[SHA1_OCTETS]);

#endif
