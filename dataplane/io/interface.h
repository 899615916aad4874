/* interface.h: what the kernel says of a network interface. Asked when needed; nothing is kept.
 *
 * Threads: any. Source: netdevice(7), getifaddrs(3), linux/ethtool.h, linux/if_vlan.h. */
#ifndef SKUA_DATAPLANE_IO_INTERFACE_H
#define SKUA_DATAPLANE_IO_INTERFACE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0: there is none of that name; *names then lists those that exist, as "lo, eth0". */
unsigned interface_index(const char *name, char *names, size_t names_size);
/* Receive queues in use; 1 where the driver has no notion of them. */
unsigned interface_queues(const char *name);
/* Octets of the largest IP packet; 0: the interface is gone. */
unsigned interface_mtu(const char *name);
/* The link address of an Ethernet interface. False: it has none, or is gone. */
bool interface_link_address(const char *name, uint8_t address[6]);

/* Set up, and with a link. */
bool interface_is_up(const char *name);

/* Whether the card's interrupts are put off in favour of whoever asks by himself: both
 * napi_defer_hard_irqs and gro_flush_timeout are set in /sys/class/net/NAME. */
bool interface_defers_interrupts(const char *name);

/* Whether the card takes VLAN tags out of frames (`ethtool -k`: rx-vlan-offload). An XDP program
 * then can't tell which VLAN a frame belongs to, and a reply could not go back there. */
bool interface_strips_tags(const char *name);

struct interface_address {
	struct in6_addr address; /* IPv4 as ::ffff:a.b.c.d */
};

/* Unicast addresses that can be the destination of a frame that we may answer here: those of the
 * interface, those of the VLAN interfaces on top of it unless the card strips tags, and those on
 * loopback interfaces that are no loopback addresses: service (anycast) addresses, which the kernel
 * takes on every interface. Returns how many there are, of which the first max are stored; -1: the
 * kernel did not say. */
int interface_addresses(const char *name, struct interface_address *addresses, unsigned max);

/* One of them as an address to listen for TCP on, at that port (host order). False: a link-local
 * one, which would need the interface in each client's address. */
bool interface_listen(const struct interface_address *found, uint16_t port,
		      struct sockaddr_storage *out);

#endif
