/* steer.bpf.c: the XDP program. UDP datagrams to an address and port of ours go to the AF_XDP
 * socket of the queue that they came in on; every other frame goes on to the kernel as if we were
 * not there, and so does everything that the fast path does not take: fragments, IP options,
 * extension headers, more than one VLAN tag, group addresses, queues without a socket. Each of
 * those is counted with its reason.
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

struct steer_shared skua_shared = {};

#define FOR_US STEER_PASSES /* no reason to pass */

static __always_inline enum steer_pass look_at_link(const struct ethhdr *ethernet)
{
	const __u32 *four = (const void *)ethernet->h_dest;
	const __u16 *two = (const void *)(ethernet->h_dest + 4);
	__u64 ours = *(volatile __u64 *)&skua_shared.link_address;

	if (ethernet->h_dest[0] & 1)
		return STEER_group;
	if (ours != 0 && (*four != (__u32)ours || *two != (__u16)(ours >> 32)))
		return STEER_other_mac;
	return FOR_US;
}

/* FOR_US: *key and *udp are set, and the packet may be for us. */
static __always_inline enum steer_pass look_at_ipv4(void *at, void *end, struct steer_key *key,
						    struct udphdr **udp)
{
	struct iphdr *ip = at;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return STEER_ip_header;
	if (ip->ihl != 5)
		return STEER_ip_options;
	if (ip->frag_off & bpf_htons(0x3fff)) /* more to come, or an offset */
		return STEER_fragment;
	if (ip->protocol != IPPROTO_UDP)
		return STEER_not_udp;
	key->family = 4;
	key->address[10] = 0xff;
	key->address[11] = 0xff;
	__builtin_memcpy(&key->address[12], &ip->daddr, 4);
	*udp = (void *)(ip + 1);
	return FOR_US;
}

static __always_inline enum steer_pass look_at_next_header(__u8 next_header)
{
	switch (next_header) {
	case IPPROTO_UDP:
		return FOR_US;
	case 44:
		return STEER_fragment;
#define IPV6_EXTENSION(number) case number:
#include "dataplane/net/ipv6_extension.def"
#undef IPV6_EXTENSION
		return STEER_extension;
	default:
		return STEER_not_udp;
	}
}

static __always_inline enum steer_pass look_at_ipv6(void *at, void *end, struct steer_key *key,
						    struct udphdr **udp)
{
	struct ipv6hdr *ip = at;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return STEER_ip_header;
	key->family = 6;
	__builtin_memcpy(key->address, &ip->daddr, 16);
	*udp = (void *)(ip + 1);
	return look_at_next_header(ip->nexthdr);
}

static __always_inline enum steer_pass look_at_packet(__be16 type, void *at, void *end,
						      struct steer_key *key, struct udphdr **udp)
{
	switch (type) {
	case bpf_htons(ETH_P_IP):
		return look_at_ipv4(at, end, key, udp);
	case bpf_htons(ETH_P_IPV6):
		return look_at_ipv6(at, end, key, udp);
	case bpf_htons(ETH_P_8021Q):
	case bpf_htons(ETH_P_8021AD):
	case bpf_htons(ETH_P_QINQ1):
		return STEER_vlan;
	default:
		return STEER_not_ip;
	}
}

/* FOR_US: *key is set, and is the address of a datagram. */
static __always_inline enum steer_pass look_at_frame(void *start, void *end, struct steer_key *key)
{
	struct ethhdr *ethernet = start;
	struct vlan_header *vlan = start + sizeof(*ethernet);
	struct udphdr *udp = 0;
	void *at = vlan;
	__be16 type;
	enum steer_pass reason;

	if ((void *)(vlan + 1) > end)
		return STEER_runt;
	reason = look_at_link(ethernet);
	if (reason != FOR_US)
		return reason;
	type = ethernet->h_proto;
	if (type == bpf_htons(ETH_P_8021Q)) {
		type = vlan->type;
		at = vlan + 1;
	}
	reason = look_at_packet(type, at, end, key, &udp);
	if (reason != FOR_US)
		return reason;
	if ((void *)(udp + 1) > end)
		return STEER_udp_length;
	key->port = udp->dest;
	return FOR_US;
}

static __always_inline int pass(__u32 queue, enum steer_pass reason)
{
	__u64 offset = queue * sizeof(struct steer_passed) + reason * sizeof(__u64);

	/* In one step from the start, by a number that differs: for a loader without CAP_PERFMON
	 * the kernel must be able to bound each addition to a pointer alike, whichever way led
	 * there. */
	__asm__ volatile("" : "+r"(offset));
	if (queue < STEER_QUEUES_MAX && offset <= sizeof(skua_shared.passed) - sizeof(__u64))
		__sync_fetch_and_add((__u64 *)((char *)skua_shared.passed + offset), 1);
	return XDP_PASS;
}

SEC("xdp")
int skua_steer(struct xdp_md *context)
{
	void *start = (void *)(long)context->data;
	void *end = (void *)(long)context->data_end;
	__u32 queue = context->rx_queue_index;
	struct steer_key key = {};
	enum steer_pass reason = look_at_frame(start, end, &key);

	if (reason != FOR_US)
		return pass(queue, reason);
	if (skua_only_port != 0 && key.port != skua_only_port)
		return pass(queue, STEER_not_ours);
	if (!bpf_map_lookup_elem(&skua_addresses, &key))
		return pass(queue, STEER_not_ours);
	/* The last argument is the verdict if there is no socket on this queue. */
	int verdict = bpf_redirect_map(&skua_queues, queue, XDP_PASS);

	return verdict == XDP_PASS ? pass(queue, STEER_no_socket) : verdict;
}

char skua_license[] SEC("license") = "Apache-2.0";
