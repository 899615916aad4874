/* header.h: what stands where in the headers of a frame; fields are big-endian octets at any
 * alignment.
 *
 * Threads: any. Source: IEEE 802.3, 802.1Q, RFC 791, RFC 8200, RFC 768. */
#ifndef SKUA_DATAPLANE_NET_HEADER_H
#define SKUA_DATAPLANE_NET_HEADER_H

#include <stdint.h>

enum {
	ETHERNET_HEADER = 14,
	VLAN_TAG = 4,
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	UDP_HEADER = 8,
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_VLAN = 0x8100,
	TYPE_SERVICE_VLAN = 0x88a8,	/* 802.1ad */
	TYPE_OLD_SERVICE_VLAN = 0x9100, /* before 802.1ad */
	IPV4_DONT_FRAGMENT = 0x4000,
	IPV4_FRAGMENT = 0x3fff, /* more fragments, or an offset */
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_FRAGMENT = 44,
};

static inline uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

#endif
