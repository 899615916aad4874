#include "dataplane/io/dpdk_rules.h"

#include "dataplane/io/address.h"
#include "dataplane/io/interface.h"

#include <string.h>

#define DNS_PORT	53u
#define ADDRESSES_MAX	256u
#define ETHERNET_HEADER 14u

bool dpdk_ruling_equals(const struct dpdk_ruling *a, const struct dpdk_ruling *b)
{
	return a->frame_most == b->frame_most && a->frame.checksum == b->frame.checksum &&
	       a->frame.listen_count == b->frame.listen_count &&
	       a->frame.link_address == b->frame.link_address &&
	       memcmp(a->frame.listen, b->frame.listen,
		      a->frame.listen_count * sizeof(a->frame.listen[0])) == 0;
}

static bool add(struct frame_rules *rules, const struct in6_addr *address, uint16_t port)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *address};

	memcpy(&in4.sin_addr, address->s6_addr + 12, 4);
	return frame_rules_add(rules, IN6_IS_ADDR_V4MAPPED(address)
					  ? (const struct sockaddr *)&in4
					  : (const struct sockaddr *)&in6);
}

struct found {
	int count;
	struct interface_address address[ADDRESSES_MAX];
};

/* The interface's addresses of a family (AF_UNSPEC: of both) at one port. */
static bool add_found(struct frame_rules *rules, const struct found *found, int family,
		      uint16_t port)
{
	bool all = true;

	for (int i = 0; i < found->count; i++) {
		const struct in6_addr *address = &found->address[i].address;

		if (family == AF_UNSPEC || (family == AF_INET) == !!IN6_IS_ADDR_V4MAPPED(address))
			all &= add(rules, address, port);
	}
	return all;
}

static bool add_any(struct frame_rules *rules)
{
	const struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(DNS_PORT)};
	const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT)};

	return frame_rules_add(rules, (const struct sockaddr *)&any4) &&
	       frame_rules_add(rules, (const struct sockaddr *)&any6);
}

static bool look(const char *interface, struct found *found, struct dpdk_ruling *out)
{
	unsigned mtu = interface_mtu(interface);

	found->count = interface_addresses(interface, found->address, ADDRESSES_MAX);
	if (mtu == 0 || found->count < 0)
		return false;
	if (found->count > (int)ADDRESSES_MAX)
		found->count = (int)ADDRESSES_MAX;
	if (mtu + ETHERNET_HEADER < out->frame_most)
		out->frame_most = mtu + ETHERNET_HEADER;
	return true;
}

bool dpdk_ruling_make(struct dpdk_ruling *out, const struct listen_address *listen,
		      unsigned listen_count, const char *interface, uint32_t frame_most)
{
	struct found found = {0};
	bool all = true;

	*out = (struct dpdk_ruling){.frame_most = frame_most};
	if (interface && !look(interface, &found, out)) {
		out->frame_most = 0;
		return false;
	}
	if (listen_count == 0)
		return interface ? add_found(&out->frame, &found, AF_UNSPEC, DNS_PORT)
				 : add_any(&out->frame);
	for (unsigned i = 0; i < listen_count; i++) {
		const struct sockaddr_storage *at = &listen[i].address;

		if (interface && address_is_unspecified(at))
			all &= add_found(&out->frame, &found, at->ss_family, address_port(at));
		else
			all &= frame_rules_add(&out->frame, (const struct sockaddr *)at);
	}
	return all;
}

static bool contains(const struct listen_address *list, unsigned count,
		     const struct listen_address *wanted)
{
	for (unsigned i = 0; i < count; i++) {
		if (address_equal(&list[i].address, &wanted->address))
			return true;
	}
	return false;
}

unsigned dpdk_rules_addresses(const char *interface, struct listen_address *out, unsigned count,
			      unsigned most)
{
	struct interface_address found[ADDRESSES_MAX];
	int known = interface_addresses(interface, found, ADDRESSES_MAX);

	for (int i = 0; i < known && i < (int)ADDRESSES_MAX && count < most; i++) {
		if (interface_listen(&found[i], DNS_PORT, &out[count].address) &&
		    !contains(out, count, &out[count]))
			count++;
	}
	return count;
}

static bool all_have_newest(const struct dpdk_rules *rules, _Atomic unsigned *const taken[],
			    unsigned queues)
{
	unsigned newest = atomic_load_explicit(&rules->newest, memory_order_relaxed);

	for (unsigned i = 0; i < queues; i++) {
		/* Pairs with the release in dpdk_rules_take(). */
		if (atomic_load_explicit(taken[i], memory_order_acquire) != newest)
			return false;
	}
	return true;
}

bool dpdk_rules_change(struct dpdk_rules *rules, const struct dpdk_ruling *wanted,
		       _Atomic unsigned *const taken[], unsigned queues)
{
	unsigned next = !atomic_load_explicit(&rules->newest, memory_order_relaxed);

	if (!all_have_newest(rules, taken, queues))
		return false;
	rules->ruling[next] = *wanted;
	/* Pairs with the acquire in dpdk_rules_take(). */
	atomic_store_explicit(&rules->newest, next, memory_order_release);
	return true;
}
