/* steer.bpf.c: the XDP program. UDP datagrams to an address and port of ours go to the AF_XDP
 * socket of the queue that they came in on; every other frame goes on to the kernel as if we were
 * not there, and so does everything that the fast path does not take: fragments, IP options,
 * extension headers, more than one VLAN tag, group addresses, queues without a socket.
 *
 * Headers are only looked at as far as that decision needs; dataplane/net verifies them. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "dataplane/io/steer.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1); /* set to the interface's queues when loaded */
	__type(key, __u32);
	__type(value, __u32);
} skua_queues SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STEER_ADDRESSES_MAX);
	__type(key, struct steer_key);
	__type(value, __u8);
} skua_addresses SEC(".maps");

/* If we listen on a single port, other traffic is let go before any map is asked. 0: several. */
const volatile __be16 skua_only_port = 0;

struct vlan_header {
	__be16 tag;
	__be16 type;
};

/* Set *key and return true if the packet is an IPv4 packet that could be for us. */
static __always_inline int key_from_ipv4(void *at, void *end, struct steer_key *key,
					 struct udphdr **udp)
{
	struct iphdr *ip = at;

	if ((void *)(ip + 1) > end)
		return 0;
	/* Neither options (a longer header) nor a fragment (an offset, or more to come). */
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP ||
	    (ip->frag_off & bpf_htons(0x3fff)))
		return 0;
	key->address[10] = 0xff;
	key->address[11] = 0xff;
	__builtin_memcpy(&key->address[12], &ip->daddr, 4);
	*udp = (void *)(ip + 1);
	return 1;
}

static __always_inline int key_from_ipv6(void *at, void *end, struct steer_key *key,
					 struct udphdr **udp)
{
	struct ipv6hdr *ip = at;

	if ((void *)(ip + 1) > end)
		return 0;
	if (ip->version != 6 || ip->nexthdr != IPPROTO_UDP)
		return 0;
	__builtin_memcpy(key->address, &ip->daddr, 16);
	*udp = (void *)(ip + 1);
	return 1;
}

SEC("xdp")
int skua_steer(struct xdp_md *context)
{
	void *end = (void *)(long)context->data_end;
	struct ethhdr *ethernet = (void *)(long)context->data;
	struct steer_key key = {};
	struct udphdr *udp = 0;
	void *at = ethernet + 1;
	__be16 type;

	if (at > end || (ethernet->h_dest[0] & 1))
		return XDP_PASS;
	type = ethernet->h_proto;
	if (type == bpf_htons(ETH_P_8021Q)) {
		struct vlan_header *vlan = at;

		if ((void *)(vlan + 1) > end)
			return XDP_PASS;
		type = vlan->type;
		at = vlan + 1;
	}
	if (type == bpf_htons(ETH_P_IP)) {
		if (!key_from_ipv4(at, end, &key, &udp))
			return XDP_PASS;
	} else if (type != bpf_htons(ETH_P_IPV6) || !key_from_ipv6(at, end, &key, &udp)) {
		return XDP_PASS;
	}
	if ((void *)(udp + 1) > end)
		return XDP_PASS;
	if (skua_only_port != 0 && udp->dest != skua_only_port)
		return XDP_PASS;
	key.port = udp->dest;
	if (!bpf_map_lookup_elem(&skua_addresses, &key))
		return XDP_PASS;
	/* The last argument is the verdict if there is no socket on this queue. */
	return bpf_redirect_map(&skua_queues, context->rx_queue_index, XDP_PASS);
}

char skua_license[] SEC("license") = "Apache-2.0";
