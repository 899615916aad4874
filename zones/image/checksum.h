/* checksum.h: CRC-32C of the few octets that a reader must be able to trust before it follows them.
 *
 * Half an octet at a time: headers of 60 octets, once a generation, are not worth a large table.
 * Threads: any. Source: RFC 3720 appendix B.4 (polynomial, reflection, check values). */
#ifndef SKUA_ZONES_IMAGE_CHECKSUM_H
#define SKUA_ZONES_IMAGE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t image_checksum(const void *octets, size_t length)
{
	static const uint32_t step[16] = {
	    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	    0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	    0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const uint8_t *at = octets;
	uint32_t crc = 0xffffffffu;

	for (; length > 0; at++, length--) {
		crc ^= *at;
		crc = crc >> 4 ^ step[crc & 15];
		crc = crc >> 4 ^ step[crc & 15];
	}
	return ~crc;
}

#endif
