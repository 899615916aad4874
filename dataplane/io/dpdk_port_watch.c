/* rte_dev_event_callback_register() is what tells of a card that vfio-pci wants back; Debian 12 has
 * it, though DPDK does not promise that it stays as it is. */
#define ALLOW_EXPERIMENTAL_API
#include "dataplane/io/dpdk_port_watch.h"

#include "dataplane/io/interface.h"
#include "runtime/log.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_ether.h>

#define PART "dataplane.dpdk"

/* In DPDK's interrupt thread. */
static int note_removal(uint16_t id, enum rte_eth_event_type event, void *context, void *unused)
{
	struct dpdk_port *port = context;

	(void)id, (void)event, (void)unused;
	atomic_store_explicit(&port->removed, true, memory_order_relaxed);
	return 0;
}

/* In DPDK's interrupt thread. vfio-pci removes no card that is in use: it asks for it, and waits
 * until the process lets go. */
static void note_request(const char *device, enum rte_dev_event_type event, void *context)
{
	struct dpdk_port *port = context;

	(void)device;
	if (event == RTE_DEV_EVENT_REMOVE)
		atomic_store_explicit(&port->asked_for, true, memory_order_relaxed);
}

/* Only of software ports the kernel's interface is the port: that of a card which the kernel shares
 * may be down while the port is not. */
void dpdk_port_watch_start(struct dpdk_port *port)
{
	struct rte_eth_dev_info info;

	if (port->is_software && rte_eth_dev_info_get(port->id, &info) == 0 && info.if_index != 0 &&
	    if_indextoname(info.if_index, port->interface))
		port->if_index = info.if_index;
	rte_eth_dev_callback_register(port->id, RTE_ETH_EVENT_INTR_RMV, note_removal, port);
	rte_dev_event_callback_register(port->name, note_request, port);
	dpdk_port_look(port);
}

void dpdk_port_watch_stop(struct dpdk_port *port)
{
	rte_dev_event_callback_unregister(port->name, note_request, port);
	rte_eth_dev_callback_unregister(port->id, RTE_ETH_EVENT_INTR_RMV, note_removal, port);
}

static bool has_link(const struct dpdk_port *port)
{
	struct rte_eth_link link = {0};

	return rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

/* A device on a bus. */
static enum interface_state look_at_device(const struct dpdk_port *port)
{
	char path[sizeof("/sys/bus/pci/devices/") + sizeof(port->name)];

	if (atomic_load_explicit(&port->asked_for, memory_order_relaxed)) {
		if (port->state != INTERFACE_REPLACED)
			log_warning(PART, "the card is to be removed: ending lets go of it",
				    LOG_TEXT("port", port->name));
		return INTERFACE_REPLACED;
	}
	if (!atomic_load_explicit(&port->removed, memory_order_relaxed) &&
	    rte_eth_dev_is_removed(port->id) != 1)
		return has_link(port) ? INTERFACE_UP : INTERFACE_DOWN;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", port->name);
	return access(path, F_OK) == 0 ? INTERFACE_REPLACED : INTERFACE_GONE;
}

/* The sockets of a driver stay with the interface that they were opened on. A tap is made by the
 * driver itself, so that a new start has it again. */
static enum interface_state look_at_interface(struct dpdk_port *port)
{
	char name[IF_NAMESIZE];
	unsigned mtu;

	if (!if_indextoname(port->if_index, name))
		return strcmp(port->driver, "net_tap") == 0 || interface_is_up(port->interface)
			   ? INTERFACE_REPLACED
			   : INTERFACE_GONE;
	memcpy(port->interface, name, sizeof(name));
	mtu = interface_mtu(name);
	if (mtu > 0)
		port->frame_most = RTE_MIN(mtu, port->mtu) + RTE_ETHER_HDR_LEN;
	return has_link(port) && interface_is_up(name) ? INTERFACE_UP : INTERFACE_DOWN;
}

/* Each pool with its worker's cache, which is of use to that worker only. */
static unsigned least_free(const struct dpdk_port *port)
{
	unsigned least = UINT32_MAX;

	for (unsigned i = 0; i < dpdk_port_rx_queues(port); i++)
		least = RTE_MIN(least, rte_mempool_avail_count(port->pool[i]));
	return least;
}

static void look_at_buffers(struct dpdk_port *port)
{
	struct rte_eth_stats stats = {0};
	bool starved;

	rte_eth_stats_get(port->id, &stats);
	starved = stats.rx_nombuf > port->no_buffer || least_free(port) == 0;
	port->no_buffer = stats.rx_nombuf;
	if (starved && !port->starved)
		log_error(PART, "the port has no free buffer: frames wait or are lost",
			  LOG_TEXT("port", port->name), LOG_UNSIGNED("lost", stats.rx_nombuf));
	else if (!starved && port->starved)
		log_info(PART, "the port has free buffers again", LOG_TEXT("port", port->name));
	port->starved = starved;
}

void dpdk_port_look(struct dpdk_port *port)
{
	port->state = port->if_index != 0 ? look_at_interface(port) : look_at_device(port);
	look_at_buffers(port);
}

void dpdk_port_count(const struct dpdk_port *port, uint64_t count[PORT_COUNTERS])
{
	struct rte_eth_stats stats = {0};

	rte_eth_stats_get(port->id, &stats);
	count[PORT_missed] = stats.imissed;
	count[PORT_rx_errors] = stats.ierrors;
	count[PORT_no_buffer] = stats.rx_nombuf;
	count[PORT_tx_errors] = stats.oerrors;
	count[PORT_buffers] = 0;
	count[PORT_buffers_free] = 0;
	for (unsigned i = 0; i < dpdk_port_rx_queues(port); i++) {
		count[PORT_buffers] += port->pool[i]->size;
		count[PORT_buffers_free] += rte_mempool_avail_count(port->pool[i]);
	}
}
