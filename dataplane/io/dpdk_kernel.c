#include "dataplane/io/dpdk_kernel_vhost.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

bool dpdk_bell_open(struct dpdk_bell *bell)
{
	*bell = (struct dpdk_bell){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	return bell->fd >= 0;
}

void dpdk_bell_close(struct dpdk_bell *bell)
{
	if (bell->fd >= 0)
		close(bell->fd);
	bell->fd = -1;
}

/* Peers of these are programs, not hosts with a kernel's needs. */
bool dpdk_kernel_wanted(const char *option, const char *driver)
{
	static const char *const alone[] = {"net_memif", "net_ring",  "net_null",
					    "net_pcap",	 "net_vhost", "net_virtio_user"};

	if (strcmp(option, "auto") != 0)
		return strcmp(option, "off") != 0;
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
		if (strncmp(driver, alone[i], strlen(alone[i])) == 0)
			return false;
	}
	return true;
}

/* The index-th of the names with commas between; "auto": skua0, skua1, ... */
static bool choose_name(const char *option, unsigned index, char name[IF_NAMESIZE])
{
	size_t length;

	if (strcmp(option, "auto") == 0) {
		snprintf(name, IF_NAMESIZE, "skua%u", index);
		return true;
	}
	for (; index > 0 && option; index--) {
		option = strchr(option, ',');
		option = option ? option + 1 : NULL;
	}
	length = option ? strcspn(option, ",") : 0;
	if (length == 0 || length >= IF_NAMESIZE)
		return false;
	memcpy(name, option, length);
	name[length] = '\0';
	return true;
}

/* Groups of stations: neighbour discovery, routing protocols. A card without a filter for them has
 * to take everything. */
static void take_multicast(uint16_t port)
{
	if (rte_eth_allmulticast_enable(port) != 0)
		rte_eth_promiscuous_enable(port);
}

static bool make_rings(struct dpdk_kernel *kernel)
{
	char name[RTE_RING_NAMESIZE];
	int socket = rte_eth_dev_socket_id(kernel->port);

	for (unsigned i = 0; i < kernel->queues; i++) {
		snprintf(name, sizeof(name), "skua_in_%u_%u", kernel->port, i);
		kernel->inward[i] =
		    rte_ring_create(name, DPDK_KERNEL_RING, socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (!kernel->inward[i])
			return false;
	}
	snprintf(name, sizeof(name), "skua_out_%u", kernel->port);
	if (!kernel->has_tx_queue)
		kernel->outward =
		    rte_ring_create(name, DPDK_KERNEL_RING, socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "skua_missed_%u", kernel->port);
	if (kernel->has_rx_queue)
		kernel->missed =
		    rte_ring_create(name, DPDK_KERNEL_RING, socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
	return (kernel->has_tx_queue || kernel->outward) &&
	       (!kernel->has_rx_queue || kernel->missed);
}

/* What waits in the port's transmit ring and in ours, what vhost-net is to fill, and in hands. */
unsigned dpdk_kernel_buffers(unsigned tx_ring)
{
	return tx_ring + DPDK_KERNEL_RING + DPDK_KERNEL_VHOST_RING + 2 * DPDK_KERNEL_BURST;
}

/* Each with room for one octet more than is allowed, to see that a frame is too large. */
static bool make_pool(struct dpdk_kernel *kernel, const struct dpdk_port *port)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	unsigned buffers = dpdk_kernel_buffers(port->tx_ring);
	uint16_t room = (uint16_t)RTE_MAX((uint32_t)RTE_MBUF_DEFAULT_BUF_SIZE,
					  kernel->frame_most + 64 + RTE_PKTMBUF_HEADROOM);

	snprintf(name, sizeof(name), "skua_kernel_%u", kernel->port);
	kernel->pool =
	    rte_pktmbuf_pool_create(name, buffers, 0, 0, room, rte_eth_dev_socket_id(kernel->port));
	return kernel->pool != NULL;
}

static bool open_interface(struct dpdk_kernel *kernel, const struct dpdk_port *port,
			   const char *name, char error[IO_ERROR_TEXT])
{
	const struct tap_mtu mtu = {port->frame_most - RTE_ETHER_HDR_LEN, port->has_asked_mtu};
	struct rte_ether_addr mac;

	rte_eth_macaddr_get(port->id, &mac);
	if (!tap_open(&kernel->tap, name, mac.addr_bytes, &mtu, error, IO_ERROR_TEXT))
		return false;
	kernel->interface = if_nametoindex(name);
	kernel->link = true;
	dpdk_kernel_set_link(kernel, port->state == INTERFACE_UP);
	dpdk_kernel_vhost_open(kernel, mac.addr_bytes);
	snprintf(kernel->text, sizeof(kernel->text), "%s (%s%s)", name,
		 kernel->vhost.on ? "vhost" : "tap", kernel->has_rx_queue ? ", flow rules" : "");
	return true;
}

static bool prepare(struct dpdk_kernel *kernel, const struct dpdk_port *port, const char *option,
		    unsigned index, char error[IO_ERROR_TEXT])
{
	char name[IF_NAMESIZE];

	if (!choose_name(option, index, name)) {
		snprintf(error, IO_ERROR_TEXT,
			 "--kernel %s: name an interface (at most %d characters) for each port, "
			 "with commas between, or give auto or off",
			 option, IF_NAMESIZE - 1);
		return false;
	}
	if (!make_rings(kernel) || !make_pool(kernel, port)) {
		snprintf(error, IO_ERROR_TEXT,
			 "DPDK port %s: no memory for its exchange with the kernel (more by -m "
			 "MEGABYTES, or give --kernel off)",
			 port->name);
		return false;
	}
	return open_interface(kernel, port, name, error);
}

struct dpdk_kernel *dpdk_kernel_open(const struct dpdk_port *port, const char *option,
				     unsigned index, const struct dpdk_rules *rules,
				     struct dpdk_bell *bell, char error[IO_ERROR_TEXT])
{
	struct dpdk_kernel *kernel = calloc(1, sizeof(*kernel));

	if (!kernel) {
		snprintf(error, IO_ERROR_TEXT, "DPDK: out of memory");
		return NULL;
	}
	kernel->port = port->id;
	kernel->queues = port->queues;
	kernel->is_software = port->is_software;
	kernel->has_tx_queue = port->has_kernel_queue;
	kernel->tx_queue = (uint16_t)port->queues;
	kernel->has_rx_queue = port->is_sorted;
	kernel->rx_queue = (uint16_t)port->queues;
	kernel->rules = rules;
	kernel->frame_most = port->frame_most + RTE_VLAN_HLEN;
	kernel->tap.fd = -1;
	kernel->bell = bell;
	if (prepare(kernel, port, option, index, error)) {
		take_multicast(port->id);
		return kernel;
	}
	dpdk_kernel_close(kernel);
	return NULL;
}

void dpdk_kernel_queue(const struct dpdk_kernel *kernel, unsigned queue,
		       struct dpdk_kernel_queue *out)
{
	*out = (struct dpdk_kernel_queue){
	    .inward = kernel->inward[queue],
	    .outward = queue == 0 ? kernel->outward : NULL,
	    .missed = queue == 0 ? kernel->missed : NULL,
	    .bell = kernel->bell,
	};
}

_Atomic unsigned *dpdk_kernel_taken(struct dpdk_kernel *kernel)
{
	return kernel->has_rx_queue ? &kernel->taken : NULL;
}

unsigned dpdk_kernel_interface(const struct dpdk_kernel *kernel, char name[IF_NAMESIZE])
{
	memcpy(name, kernel->tap.name, IF_NAMESIZE);
	return kernel->interface;
}

const char *dpdk_kernel_describe(const struct dpdk_kernel *kernel)
{
	return kernel->text;
}

void dpdk_kernel_set_link(struct dpdk_kernel *kernel, bool link)
{
	if (link != kernel->link)
		tap_set_carrier(&kernel->tap, link);
	kernel->link = link;
}

static void drain(struct rte_ring *ring)
{
	struct rte_mbuf *frame;

	while (ring && rte_ring_sc_dequeue(ring, (void **)&frame) == 0)
		rte_pktmbuf_free(frame);
}

void dpdk_kernel_drain(struct dpdk_kernel *kernel)
{
	dpdk_kernel_vhost_close(kernel); /* its ring holds frames of the port's pools */
	for (unsigned i = 0; i < kernel->queues; i++)
		drain(kernel->inward[i]);
	drain(kernel->outward);
	drain(kernel->missed);
	if (kernel->waiting_count > 0)
		rte_pktmbuf_free_bulk(kernel->waiting + kernel->waiting_first,
				      kernel->waiting_count);
	kernel->waiting_count = 0;
}

void dpdk_kernel_close(struct dpdk_kernel *kernel)
{
	if (!kernel)
		return;
	tap_close(&kernel->tap);
	for (unsigned i = 0; i < kernel->queues; i++)
		rte_ring_free(kernel->inward[i]);
	rte_ring_free(kernel->outward);
	rte_ring_free(kernel->missed);
	rte_mempool_free(kernel->pool);
	free(kernel);
}
