/* prefix.h: address prefixes as users write them, and the range that an address lies in.
 *
 * An IPv4 address is kept in the upper 32 bits of `first.high`, so that prefixes of both families
 * are handled alike; IPv4-mapped IPv6 prefixes (RFC 4291 2.5.5.2) become IPv4.
 * Threads: any. Pure. Source: RFC 4632 3.1, RFC 4291 2.3. */
#ifndef SKUA_ZONES_PREFIX_PREFIX_H
#define SKUA_ZONES_PREFIX_PREFIX_H

#include "zones/abi/policy.h"

#include <stdbool.h>
#include <stddef.h>

struct prefix {
	struct image_address first;
	uint8_t family; /* 4 or 6 */
	uint8_t length; /* bits: at most 32 or 128 */
};

/* ADDRESS/LENGTH, or ADDRESS alone: all its bits. Returns NULL, or why the text is none; bits
 * behind the length are refused, for they are mostly a slip. */
const char *prefix_from_text(const char *text, struct prefix *prefix);

/* The last address of the prefix, in the same form as the first. */
struct image_address prefix_last(const struct prefix *prefix);

/* Its first address in network order: 4 or 16 octets, by its family; the rest is 0. */
void prefix_octets(const struct prefix *prefix, uint8_t octets[16]);

/* Network order, 4 or 16 octets, as in datagram.source. An IPv4-mapped address becomes IPv4;
 * *family is set to 4 then. */
struct image_address prefix_address(unsigned *family, const uint8_t *octets);

static inline bool prefix_address_before(struct image_address a, struct image_address b)
{
	return a.high < b.high || (a.high == b.high && a.low < b.low);
}

/* The index of the last range that begins at or before the address; 0 if none does.
 * Requires: first[count], ascending (else any index below count comes out), count > 0. */
uint32_t prefix_find4(const uint32_t *first, uint32_t count, uint32_t address);
uint32_t prefix_find6(const struct image_address *first, uint32_t count,
		      struct image_address address);

/* The length of the shortest prefix that holds the address and lies within the range [first, last].
 * bits: 32 or 128. Requires: first <= address <= last. */
unsigned prefix_length_within(struct image_address address, struct image_address first,
			      struct image_address last, unsigned bits);

#endif
