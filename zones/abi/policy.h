/* policy.h: what an instance says and to whom, beyond its zones: one block of an image.
 *
 * A root without one, and a zeroed one, mean: nothing of this is on. Immutable like everything that
 * a root reaches; a change makes a new block. Numbers here may be anything in a damaged image: a
 * reader bounds them. Byte order: the host's. */
#ifndef SKUA_ZONES_ABI_POLICY_H
#define SKUA_ZONES_ABI_POLICY_H

#include "zones/abi/image.h"

/* octets[0..length): any octets. length 0: not told. */
struct policy_text {
	uint8_t length;
	uint8_t octets[255];
};
static_assert(sizeof(struct policy_text) == 256, "layout");

struct image_policy {
	struct policy_text version;  /* version.bind and version.server, class CH (RFC 4892) */
	struct policy_text identity; /* id.server and hostname.bind, class CH */
	struct policy_text nsid;     /* RFC 5001 */
	uint32_t nsec3_hashes;	     /* SHA-1 blocks per second and worker over UDP; 0: no limit */
};

#endif
