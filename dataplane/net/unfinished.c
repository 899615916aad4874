#include "dataplane/net/unfinished.h"

#include "dataplane/net/checksum.h"
#include "dataplane/net/header.h"

/* What lies behind the IP header. */
struct segment {
	uint32_t start; /* in the frame */
	uint32_t length;
	const uint8_t *addresses;
	uint32_t address_octets; /* of both */
	uint8_t protocol;
};

static bool read_ipv4(const uint8_t *frame, uint32_t at, uint32_t length, struct segment *out)
{
	const uint8_t *ip = frame + at;
	uint32_t header, total;

	if (length < at + IPV4_HEADER || ip[0] >> 4 != 4)
		return false;
	header = (uint32_t)(ip[0] & 15) * 4;
	total = get16(ip + 2);
	if (header < IPV4_HEADER || total < header || total > length - at ||
	    (get16(ip + 6) & IPV4_FRAGMENT))
		return false;
	*out = (struct segment){at + header, total - header, ip + 12, 8, ip[9]};
	return true;
}

static bool read_ipv6(const uint8_t *frame, uint32_t at, uint32_t length, struct segment *out)
{
	const uint8_t *ip = frame + at;

	if (length < at + IPV6_HEADER || ip[0] >> 4 != 6 ||
	    get16(ip + 4) > length - at - IPV6_HEADER)
		return false;
	*out = (struct segment){at + IPV6_HEADER, get16(ip + 4), ip + 8, 32, ip[6]};
	return true;
}

static bool read_frame(const uint8_t *frame, uint32_t length, struct segment *out)
{
	uint32_t header = ETHERNET_HEADER;
	uint16_t type;

	if (length < ETHERNET_HEADER + VLAN_TAG)
		return false;
	type = get16(frame + 12);
	if (type == TYPE_VLAN) {
		type = get16(frame + 16);
		header += VLAN_TAG;
	}
	if (type == TYPE_IPV4)
		return read_ipv4(frame, header, length, out);
	return type == TYPE_IPV6 && read_ipv6(frame, header, length, out);
}

bool unfinished_checksum(const uint8_t *frame, uint32_t length, uint16_t *start, uint16_t *offset)
{
	struct segment segment;
	uint16_t pseudo;

	if (!read_frame(frame, length, &segment))
		return false;
	if (segment.protocol == PROTOCOL_TCP)
		*offset = 16;
	else if (segment.protocol == PROTOCOL_UDP)
		*offset = 6;
	else
		return false;
	if (segment.length < *offset + 2u)
		return false;
	*start = (uint16_t)segment.start;
	pseudo = checksum_fold((uint64_t)checksum_sum(segment.addresses, segment.address_octets) +
			       segment.protocol + segment.length);
	return get16(frame + segment.start + *offset) == pseudo;
}
