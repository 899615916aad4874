#include "dataplane/io/dpdk_kernel_vhost.h"

#include <stdio.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>

#define DEVICE "/dev/vhost-net"

static void device_name(const struct dpdk_kernel *kernel, char *name, size_t size)
{
	snprintf(name, size, "net_virtio_user_%s", kernel->tap.name);
}

static bool add_device(const struct dpdk_kernel *kernel, const uint8_t mac[6], uint16_t *port)
{
	char name[48], arguments[160];

	device_name(kernel, name, sizeof(name));
	snprintf(arguments, sizeof(arguments),
		 "path=" DEVICE
		 ",iface=%s,mac=%02x:%02x:%02x:%02x:%02x:%02x,queues=1,queue_size=%u",
		 kernel->tap.name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
		 DPDK_KERNEL_VHOST_RING);
	return rte_eal_hotplug_add("vdev", name, arguments) == 0 &&
	       rte_eth_dev_get_port_by_name(name, port) == 0;
}

static void remove_device(const struct dpdk_kernel *kernel)
{
	char name[48];

	device_name(kernel, name, sizeof(name));
	rte_eal_hotplug_remove("vdev", name);
}

static bool start_device(const struct dpdk_kernel *kernel, uint16_t port)
{
	const struct rte_eth_conf with_wake = {.intr_conf.rxq = 1};
	int socket = rte_eth_dev_socket_id(kernel->port);

	return rte_eth_dev_configure(port, 1, 1, &with_wake) == 0 &&
	       rte_eth_rx_queue_setup(port, 0, DPDK_KERNEL_VHOST_RING, (unsigned)socket, NULL,
				      kernel->pool) == 0 &&
	       rte_eth_tx_queue_setup(port, 0, DPDK_KERNEL_VHOST_RING, (unsigned)socket, NULL) ==
		   0 &&
	       rte_eth_dev_start(port) == 0;
}

static bool open_device(struct dpdk_kernel *kernel, const uint8_t mac[6])
{
	uint16_t port;

	if (!add_device(kernel, mac, &port))
		return false;
	if (!start_device(kernel, port)) {
		remove_device(kernel);
		return false;
	}
	kernel->vhost.port = port;
	kernel->vhost.wake = rte_eth_dev_rx_intr_ctl_q_get_fd(port, 0);
	return true;
}

bool dpdk_kernel_vhost_open(struct dpdk_kernel *kernel, const uint8_t mac[6])
{
	uint32_t level = rte_log_get_global_level();

	if (kernel->is_software || access(DEVICE, R_OK | W_OK) != 0 ||
	    !tap_set_aside(&kernel->tap, true))
		return false;
	rte_log_set_global_level(RTE_LOG_CRIT); /* the tap does as well */
	kernel->vhost.on = open_device(kernel, mac);
	rte_log_set_global_level(level);
	if (!kernel->vhost.on)
		tap_set_aside(&kernel->tap, false);
	return kernel->vhost.on;
}

void dpdk_kernel_vhost_close(struct dpdk_kernel *kernel)
{
	if (!kernel->vhost.on)
		return;
	rte_eth_dev_stop(kernel->vhost.port);
	rte_eth_dev_close(kernel->vhost.port);
	kernel->vhost.on = false;
}

unsigned dpdk_kernel_vhost_give(const struct dpdk_kernel *kernel, struct rte_mbuf **frame,
				unsigned n)
{
	return rte_eth_tx_burst(kernel->vhost.port, 0, frame, (uint16_t)n);
}

unsigned dpdk_kernel_vhost_fetch(const struct dpdk_kernel *kernel, struct rte_mbuf **frame,
				 unsigned max)
{
	return rte_eth_rx_burst(kernel->vhost.port, 0, frame, (uint16_t)max);
}

bool dpdk_kernel_vhost_arm(const struct dpdk_kernel *kernel)
{
	return rte_eth_dev_rx_intr_enable(kernel->vhost.port, 0) == 0 &&
	       rte_eth_rx_queue_count(kernel->vhost.port, 0) <= 0;
}

void dpdk_kernel_vhost_disarm(const struct dpdk_kernel *kernel)
{
	uint64_t woken;

	rte_eth_dev_rx_intr_disable(kernel->vhost.port, 0);
	if (kernel->vhost.wake >= 0 && read(kernel->vhost.wake, &woken, sizeof(woken)) < 0)
		return; /* it was time that woke us */
}
