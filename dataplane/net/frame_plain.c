/* frame_plain.c: frame_receive(). Nearly all frames are alike: IPv4 without options or IPv6, UDP
 * that fills the packet, between unicast addresses, checksums right. Those are known by a few wide
 * loads and compares, and one pass over what is summed; every other frame, be it only unusual or
 * bad, is for frame_receive_odd(), which also knows what is wrong with it. So nothing here refuses.
 */
#include "dataplane/net/checksum.h"
#include "dataplane/net/frame.h"
#include "dataplane/net/frame_odd.h"
#include "dataplane/net/header.h"

/* As loaded from a frame: octets in front are low. */
#define WIRE_IPV4     0x0008u
#define WIRE_IPV6     0xdd86u
#define WIRE_VLAN     0x0081u
#define WIRE_UDP      0x1100u /* the protocol as a word of the pseudo header */
#define SHORTEST_IPV4 (ETHERNET_HEADER + VLAN_TAG + IPV4_HEADER + UDP_HEADER)
#define SHORTEST_IPV6 (ETHERNET_HEADER + VLAN_TAG + IPV6_HEADER + UDP_HEADER)

/* The first eight octets of an IP header. IPv4: version and length of the header; more fragments,
 * and offset. IPv6: version, next header. */
#define IPV4_MASK  UINT64_C(0xff3f0000000000ff)
#define IPV4_PLAIN UINT64_C(0x0000000000000045)
#define IPV6_MASK  UINT64_C(0x00ff0000000000f0)
#define IPV6_PLAIN UINT64_C(0x0011000000000060)

static inline uint32_t load4(const uint8_t *octets)
{
	uint32_t word;

	memcpy(&word, octets, sizeof(word));
	return word;
}

static inline uint32_t load2(const uint8_t *octets)
{
	uint16_t word;

	memcpy(&word, octets, sizeof(word));
	return word;
}

static inline uint64_t halves(uint64_t word)
{
	return (uint32_t)word + (word >> 32);
}

/* A raw sum, not of zeros alone, that a right checksum is part of. */
static inline bool is_complete(uint64_t raw)
{
	return checksum_fold(raw) == 0xffff;
}

/* The raw sum of the protocol and the length, both of the pseudo header. */
static inline uint32_t pseudo_rest(const uint8_t *udp)
{
	return WIRE_UDP + load2(udp + 4);
}

/* octets: both addresses. Apart, since few senders leave checksums unfinished. */
static __attribute__((noinline)) bool is_unfinished(const uint8_t *addresses, uint32_t octets)
{
	const uint8_t *udp = addresses + octets;
	uint64_t pseudo = halves(checksum_raw_sum(addresses, octets)) + pseudo_rest(udp);

	return checksum_fold(pseudo) == load2(udp + 6);
}

/* The addresses and what follows them to the end of the datagram, which are one piece; zero for no
 * checksum is odd. octets: both addresses. */
static inline bool checksum_is_plain(enum frame_checksum rule, const uint8_t *addresses,
				     uint32_t octets, uint32_t udp_length)
{
	const uint8_t *udp = addresses + octets;
	uint64_t sum;

	if (load2(udp + 6) == 0)
		return false;
	sum = checksum_raw_sum(addresses, octets + udp_length);
	if (is_complete(halves(sum) + pseudo_rest(udp)))
		return true;
	return rule == FRAME_CHECKSUM_PARTIAL_TOO && is_unfinished(addresses, octets);
}

/* Neither 0.0.0.0/8, nor 127.0.0.0/8, nor 224.0.0.0 and beyond; by the first octet. */
static inline bool is_plain4(uint32_t first)
{
	return first - 1 < 223 && first != 127;
}

/* Neither ::/8 nor ff00::/8. */
static inline bool is_plain6(uint32_t first)
{
	return first - 1 < 254;
}

static inline bool port_is_ours(const struct frame_rules *rules, const uint8_t *destination,
				unsigned family, const uint8_t *udp)
{
	uint16_t any = family == 4 ? rules->any_port4 : rules->any_port6;
	uint16_t port = get16(udp + 2);

	if (get16(udp) == 0)
		return false;
	return (port == any && any != 0) || frame_is_ours(rules, destination, family, port);
}

/* Returns the length of the UDP datagram behind the header; 0: the packet is odd. */
static inline uint32_t look_at_ipv4(const struct frame_rules *rules, const uint8_t *ip,
				    uint32_t length)
{
	uint64_t first = checksum_load8(ip), second = checksum_load8(ip + 8);
	uint32_t destination = load4(ip + 16), total = get16(ip + 2);
	uint32_t udp_length = get16(ip + IPV4_HEADER + 4);

	if (((first ^ IPV4_PLAIN) & IPV4_MASK) != 0 || ip[9] != PROTOCOL_UDP || total > length ||
	    total != IPV4_HEADER + udp_length || udp_length < UDP_HEADER)
		return 0;
	if (!is_plain4(ip[12]) || !is_plain4(ip[16]) || second >> 32 == destination ||
	    !port_is_ours(rules, ip + 16, 4, ip + IPV4_HEADER))
		return 0;
	if (rules->checksum == FRAME_CHECKSUM_IGNORED)
		return udp_length;
	if (!is_complete(halves(first) + halves(second) + destination) ||
	    !checksum_is_plain(rules->checksum, ip + 12, 8, udp_length))
		return 0;
	return udp_length;
}

static inline uint32_t look_at_ipv6(const struct frame_rules *rules, const uint8_t *ip,
				    uint32_t length)
{
	uint32_t udp_length = get16(ip + IPV6_HEADER + 4);

	if (((checksum_load8(ip) ^ IPV6_PLAIN) & IPV6_MASK) != 0 || get16(ip + 4) != udp_length ||
	    IPV6_HEADER + udp_length > length || udp_length < UDP_HEADER)
		return 0;
	if (!is_plain6(ip[8]) || !is_plain6(ip[24]) || memcmp(ip + 8, ip + 24, 16) == 0 ||
	    !port_is_ours(rules, ip + 24, 6, ip + IPV6_HEADER))
		return 0;
	if (rules->checksum == FRAME_CHECKSUM_IGNORED ||
	    checksum_is_plain(rules->checksum, ip + 8, 32, udp_length))
		return udp_length;
	return 0;
}

static inline bool link_is_plain(const struct frame_rules *rules, const uint8_t *frame)
{
	uint64_t ours = atomic_load_explicit(&rules->link_address, memory_order_relaxed);
	uint64_t octets = checksum_load8(frame);

	return (octets & (GROUP_DESTINATION | GROUP_SOURCE)) == 0 &&
	       (ours == 0 || (octets & LINK_ADDRESS) == ours);
}

static inline void set_query(struct datagram *query, uint8_t *frame, uint8_t *udp,
			     uint32_t udp_length, uint32_t room)
{
	query->payload = udp + UDP_HEADER;
	query->headers = (uint16_t)(query->payload - frame);
	query->length = udp_length - UDP_HEADER;
	/* What came in that long can go out that long. */
	query->capacity =
	    room < query->headers + query->length ? query->length : room - query->headers;
	query->port = get16(udp);
}

bool frame_receive(const struct frame_rules *rules, uint8_t *frame, uint32_t length, uint32_t room,
		   struct datagram *query, enum counter *reason)
{
	uint8_t *ip = frame + ETHERNET_HEADER;
	uint32_t type, udp_length = 0;

	if (length < SHORTEST_IPV4 || !link_is_plain(rules, frame))
		return frame_receive_odd(rules, frame, length, room, query, reason);
	type = load2(frame + 12);
	if (type == WIRE_VLAN) {
		type = load2(frame + 16);
		ip += VLAN_TAG;
	}
	length -= (uint32_t)(ip - frame);
	if (type == WIRE_IPV4) {
		udp_length = look_at_ipv4(rules, ip, length);
		if (udp_length > 0) {
			query->family = 4;
			memcpy(query->source, ip + 12, 4);
			set_query(query, frame, ip + IPV4_HEADER, udp_length, room);
			return true;
		}
	} else if (type == WIRE_IPV6 && length >= IPV6_HEADER + UDP_HEADER) {
		udp_length = look_at_ipv6(rules, ip, length);
		if (udp_length > 0) {
			query->family = 6;
			memcpy(query->source, ip + 8, 16);
			set_query(query, frame, ip + IPV6_HEADER, udp_length, room);
			return true;
		}
	}
	return frame_receive_odd(rules, frame, length + (uint32_t)(ip - frame), room, query,
				 reason);
}
