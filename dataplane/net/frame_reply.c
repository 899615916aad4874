/* frame_reply.c: the frame of a query becomes that of its reply: what is exchanged is exchanged in
 * words of its own size, and sums that an exchange does not change are taken once. */
#include "dataplane/net/checksum.h"
#include "dataplane/net/frame.h"
#include "dataplane/net/header.h"

/* As they stand in a frame: octets in front are low. */
#define WIRE_UDP      0x1100u			   /* the protocol, as a word */
#define WIRE_HOPS_UDP 0x1140u			   /* 64 hops, UDP: of IPv4 */
#define WIRE_IPV4     UINT64_C(0x0040000000000045) /* no options; identification 0; DF */
#define WIRE_IPV6     UINT64_C(0x4011000000000000) /* UDP, 64 hops */

static inline uint32_t load4(const uint8_t *octets)
{
	uint32_t word;

	memcpy(&word, octets, sizeof(word));
	return word;
}

static inline void store4(uint8_t *octets, uint32_t word)
{
	memcpy(octets, &word, sizeof(word));
}

static inline void store8(uint8_t *octets, uint64_t word)
{
	memcpy(octets, &word, sizeof(word));
}

static inline uint64_t halves(uint64_t word)
{
	return (uint32_t)word + (word >> 32);
}

/* The two addresses of the link, six octets each. */
static inline void swap_link(uint8_t *frame)
{
	uint64_t front = checksum_load8(frame);
	uint64_t back = load4(frame + 8);

	store8(frame, front >> 48 | back << 16 | front << 48);
	store4(frame + 8, (uint32_t)(front >> 16));
}

/* Both return the raw sum of the addresses.
 *
 * DSCP stays, ECN goes. One identification for all: a datagram that must not be fragmented needs
 * none (RFC 6864). */
static inline uint64_t write_ipv4(uint8_t *ip, uint32_t udp_length)
{
	uint64_t addresses = checksum_load8(ip + 12);
	uint64_t first = WIRE_IPV4 | (uint64_t)(ip[1] & 0xfc) << 8 |
			 (uint64_t)__builtin_bswap16((uint16_t)(IPV4_HEADER + udp_length)) << 16;
	uint64_t sum = halves(addresses);

	store8(ip, first);
	store4(ip + 8, WIRE_HOPS_UDP |
			   (0xffffu & ~checksum_fold(sum + halves(first) + WIRE_HOPS_UDP)) << 16);
	store8(ip + 12, addresses << 32 | addresses >> 32);
	return sum;
}

/* Of the traffic class, the low half of the first octet and the high one of the second, its upper
 * six bits are DSCP; the flow label goes. */
static inline uint64_t write_ipv6(uint8_t *ip, uint32_t udp_length)
{
	uint64_t a = checksum_load8(ip + 8), b = checksum_load8(ip + 16);
	uint64_t c = checksum_load8(ip + 24), d = checksum_load8(ip + 32);

	store8(ip, WIRE_IPV6 | ip[0] | (uint64_t)(ip[1] & 0xc0) << 8 |
		       (uint64_t)__builtin_bswap16((uint16_t)udp_length) << 32);
	store8(ip + 8, c);
	store8(ip + 16, d);
	store8(ip + 24, a);
	store8(ip + 32, b);
	return halves(a) + halves(b) + halves(c) + halves(d);
}

static inline void write_udp(uint8_t *udp, uint64_t addresses, uint16_t payload_sum,
			     uint32_t udp_length)
{
	uint32_t ports = load4(udp), length = __builtin_bswap16((uint16_t)udp_length);
	uint32_t sum = checksum_fold(addresses + WIRE_UDP + ports + 2 * length +
				     __builtin_bswap16(payload_sum));

	/* 0 would say "no checksum". */
	sum = sum == 0xffff ? 0xffff : 0xffff & ~sum;
	store8(udp, (uint64_t)sum << 48 | (uint64_t)length << 32 | (ports << 16 | ports >> 16));
}

uint32_t frame_reply(const struct datagram *reply)
{
	uint8_t *frame = reply->payload - reply->headers;
	uint8_t *udp = reply->payload - UDP_HEADER;
	uint32_t udp_length = UDP_HEADER + reply->length;
	uint32_t length = reply->headers + reply->length;
	uint64_t addresses;

	swap_link(frame);
	if (reply->family == 4)
		addresses = write_ipv4(udp - IPV4_HEADER, udp_length);
	else
		addresses = write_ipv6(udp - IPV6_HEADER, udp_length);
	write_udp(udp, addresses, reply->sum, udp_length);
	if (length < FRAME_MIN) {
		memset(frame + length, 0, FRAME_MIN - length);
		length = FRAME_MIN;
	}
	return length;
}
