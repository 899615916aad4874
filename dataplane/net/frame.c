#include "dataplane/net/frame.h"

#include "dataplane/net/checksum.h"
#include "dataplane/net/frame_odd.h"
#include "dataplane/net/header.h"

#include <netinet/in.h>

bool frame_rules_add(struct frame_rules *rules, const struct sockaddr *address)
{
	static const uint8_t unspecified[16];
	struct frame_listen listen = {0};
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (rules->listen_count == LISTENS_MAX)
		return false;
	if (address->sa_family == AF_INET) {
		memcpy(&in4, address, sizeof(in4));
		listen.family = 4;
		listen.port = ntohs(in4.sin_port);
		memcpy(listen.address, &in4.sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		memcpy(&in6, address, sizeof(in6));
		listen.family = 6;
		listen.port = ntohs(in6.sin6_port);
		memcpy(listen.address, &in6.sin6_addr, 16);
	} else {
		return false;
	}
	listen.any = memcmp(listen.address, unspecified, 16) == 0;
	if (listen.any)
		*(listen.family == 4 ? &rules->any_port4 : &rules->any_port6) = listen.port;
	rules->listen[rules->listen_count++] = listen;
	return true;
}

/* Where the parts of an IP packet lie, once its header was found good. */
struct packet {
	uint8_t *ip;
	uint8_t *udp;
	uint32_t available; /* octets behind the IP header, by the IP header */
	const uint8_t *source;
	const uint8_t *destination;
	uint32_t address_length;
	unsigned family;
};

static bool refuse(enum counter *reason, enum counter why)
{
	*reason = why;
	return false;
}

static bool read_ipv4(enum frame_checksum rule, struct packet *packet, uint8_t *ip, uint32_t length,
		      enum counter *reason)
{
	if (length < IPV4_HEADER || ip[0] >> 4 != 4)
		return refuse(reason, COUNT_drop_ip_header);

	uint32_t header = (uint32_t)(ip[0] & 15) * 4;
	uint32_t total = get16(ip + 2);

	if (header < IPV4_HEADER || total < header || total > length)
		return refuse(reason, COUNT_drop_ip_header);
	if (rule != FRAME_CHECKSUM_IGNORED && checksum_sum(ip, header) != 0xffff)
		return refuse(reason, COUNT_drop_ip_checksum);
	if (header > IPV4_HEADER)
		return refuse(reason, COUNT_drop_ip_options);
	if (get16(ip + 6) & IPV4_FRAGMENT)
		return refuse(reason, COUNT_drop_fragment);
	if (ip[9] != PROTOCOL_UDP)
		return refuse(reason, COUNT_drop_not_udp);
	*packet = (struct packet){
	    .ip = ip,
	    .udp = ip + IPV4_HEADER,
	    .available = total - IPV4_HEADER,
	    .source = ip + 12,
	    .destination = ip + 16,
	    .address_length = 4,
	    .family = 4,
	};
	return true;
}

static enum counter ipv6_refusal(unsigned next_header)
{
	switch (next_header) {
	case PROTOCOL_FRAGMENT:
		return COUNT_drop_fragment;
#define IPV6_EXTENSION(number) case number:
#include "dataplane/net/ipv6_extension.def"
#undef IPV6_EXTENSION
		return COUNT_drop_extension;
	default:
		return COUNT_drop_not_udp;
	}
}

static bool read_ipv6(struct packet *packet, uint8_t *ip, uint32_t length, enum counter *reason)
{
	if (length < IPV6_HEADER || ip[0] >> 4 != 6)
		return refuse(reason, COUNT_drop_ip_header);

	uint32_t available = get16(ip + 4);

	if (available > length - IPV6_HEADER)
		return refuse(reason, COUNT_drop_ip_header);
	if (ip[6] != PROTOCOL_UDP)
		return refuse(reason, ipv6_refusal(ip[6]));
	*packet = (struct packet){
	    .ip = ip,
	    .udp = ip + IPV6_HEADER,
	    .available = available,
	    .source = ip + 8,
	    .destination = ip + 24,
	    .address_length = 16,
	    .family = 6,
	};
	return true;
}

/* Neither unspecified, nor loopback, nor multicast, nor broadcast, nor an IPv4 address mapped into
 * IPv6 (RFC 4291 2.5.5.2): none of those comes from or goes to a single host over a wire. */
static bool is_unicast(const uint8_t *address, unsigned family)
{
	static const uint8_t zeros[15];
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (family == 4)
		return address[0] != 0 && address[0] != 127 && address[0] >> 4 != 14 &&
		       memcmp(address, "\xff\xff\xff\xff", 4) != 0;
	return address[0] != 0xff && !(memcmp(address, zeros, 15) == 0 && address[15] <= 1) &&
	       memcmp(address, mapped, sizeof(mapped)) != 0;
}

static bool is_same(const uint8_t *a, const uint8_t *b, unsigned family)
{
	return family == 4 ? memcmp(a, b, 4) == 0 : memcmp(a, b, 16) == 0;
}

bool frame_is_ours(const struct frame_rules *rules, const uint8_t *destination, unsigned family,
		   uint16_t port)
{
	for (unsigned i = 0; i < rules->listen_count; i++) {
		const struct frame_listen *listen = &rules->listen[i];

		if (listen->port != port || listen->family != family)
			continue;
		if (listen->any)
			return is_unicast(destination, family);
		if (is_same(listen->address, destination, family))
			return true;
	}
	return false;
}

static bool can_be_answered(const struct packet *packet)
{
	if (get16(packet->udp) == 0 || !is_unicast(packet->source, packet->family))
		return false;
	/* To ourselves from ourselves: forged, and the reply would come back for ever. */
	return !is_same(packet->source, packet->destination, packet->family);
}

/* Folded sum of the pseudo header (RFC 768, RFC 8200 8.1): addresses, protocol, UDP length. */
static uint16_t pseudo_header_sum(const uint8_t *addresses, uint32_t octets, uint32_t udp_length)
{
	return checksum_fold((uint64_t)checksum_sum(addresses, octets) + PROTOCOL_UDP + udp_length);
}

static bool checksum_passes(enum frame_checksum rule, const struct packet *packet, uint32_t length)
{
	uint16_t field = get16(packet->udp + 6);

	if (rule == FRAME_CHECKSUM_IGNORED)
		return true;
	if (field == 0)
		return packet->family == 4;

	uint16_t pseudo = pseudo_header_sum(packet->source, 2 * packet->address_length, length);

	if (checksum_fold((uint32_t)pseudo + checksum_sum(packet->udp, length)) == 0xffff)
		return true;
	return rule == FRAME_CHECKSUM_PARTIAL_TOO && field == pseudo;
}

static bool read_udp(const struct frame_rules *rules, const struct packet *packet,
		     uint32_t *udp_length, enum counter *reason)
{
	if (packet->available < UDP_HEADER)
		return refuse(reason, COUNT_drop_udp_length);
	if (!frame_is_ours(rules, packet->destination, packet->family, get16(packet->udp + 2)))
		return refuse(reason, COUNT_drop_not_ours);
	*udp_length = get16(packet->udp + 4);
	/* Less than IP says is tolerated, as by Linux: what follows is no part of the message. */
	if (*udp_length < UDP_HEADER || *udp_length > packet->available)
		return refuse(reason, COUNT_drop_udp_length);
	if (!can_be_answered(packet))
		return refuse(reason, COUNT_drop_source);
	if (!checksum_passes(rules->checksum, packet, *udp_length))
		return refuse(reason, COUNT_drop_checksum);
	return true;
}

/* What is neither IPv4 nor IPv6 behind at most one 802.1Q tag. */
static enum counter type_refusal(uint16_t type)
{
	return type == TYPE_VLAN || type == TYPE_SERVICE_VLAN || type == TYPE_OLD_SERVICE_VLAN
		   ? COUNT_drop_vlan
		   : COUNT_drop_not_ip;
}

static bool read_link(const struct frame_rules *rules, const uint8_t *frame, enum counter *reason)
{
	uint64_t ours = atomic_load_explicit(&rules->link_address, memory_order_relaxed);
	uint64_t octets;

	memcpy(&octets, frame, sizeof(octets));
	if (octets & GROUP_DESTINATION)
		return refuse(reason, COUNT_drop_group);
	if (ours != 0 && (octets & LINK_ADDRESS) != ours)
		return refuse(reason, COUNT_drop_other_mac);
	if (octets & GROUP_SOURCE) /* the reply would go to one */
		return refuse(reason, COUNT_drop_from_group);
	return true;
}

static bool read_ethernet(const struct frame_rules *rules, uint8_t *frame, uint32_t length,
			  struct packet *packet, enum counter *reason)
{
	uint32_t header = ETHERNET_HEADER;

	if (length < ETHERNET_HEADER + VLAN_TAG)
		return refuse(reason, COUNT_drop_runt);
	if (!read_link(rules, frame, reason))
		return false;

	uint16_t type = get16(frame + 12);

	if (type == TYPE_VLAN) {
		type = get16(frame + 16);
		header += VLAN_TAG;
	}
	if (type == TYPE_IPV4)
		return read_ipv4(rules->checksum, packet, frame + header, length - header, reason);
	if (type == TYPE_IPV6)
		return read_ipv6(packet, frame + header, length - header, reason);
	return refuse(reason, type_refusal(type));
}

void frame_rules_set_link_address(struct frame_rules *rules, const uint8_t address[6])
{
	uint64_t octets = 0;

	memcpy(&octets, address, 6);
	atomic_store_explicit(&rules->link_address, octets, memory_order_relaxed);
}

bool frame_receive_odd(const struct frame_rules *rules, uint8_t *frame, uint32_t length,
		       uint32_t room, struct datagram *query, enum counter *reason)
{
	struct packet packet;
	uint32_t udp_length;

	if (!read_ethernet(rules, frame, length, &packet, reason))
		return false;
	if (!read_udp(rules, &packet, &udp_length, reason))
		return false;

	query->payload = packet.udp + UDP_HEADER;
	query->headers = (uint16_t)(query->payload - frame);
	query->length = udp_length - UDP_HEADER;
	/* What came in that long can go out that long. */
	query->capacity = room - query->headers;
	if (room < query->headers + query->length)
		query->capacity = query->length;
	query->family = (uint16_t)packet.family;
	query->port = get16(packet.udp);
	memcpy(query->source, packet.source, packet.address_length);
	return true;
}
