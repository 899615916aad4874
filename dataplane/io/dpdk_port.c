#include "dataplane/io/dpdk_port.h"

#include "dataplane/io/dpdk_eal.h"

#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define RING	   1024u /* descriptors asked for, each direction */
#define POOL_CACHE 256u

static bool find_port(struct dpdk_port *port, struct rte_eth_dev_info *info,
		      char error[IO_ERROR_TEXT])
{
	uint16_t id = (uint16_t)rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER);

	if (id >= RTE_MAX_ETHPORTS || rte_eth_dev_info_get(id, info) != 0) {
		bool complained = *dpdk_eal_complaint() != '\0';

		snprintf(error, IO_ERROR_TEXT,
			 "DPDK found no port%s%s%s: bind a network card to vfio-pci "
			 "(dpdk-devbind.py -b vfio-pci ADDRESS) and name it by --io \"dpdk:-a "
			 "ADDRESS\", or give a virtual one by --vdev",
			 complained ? " (" : "", dpdk_eal_complaint(), complained ? ")" : "");
		return false;
	}
	port->id = id;
	rte_eth_dev_get_name_by_port(id, port->name);
	snprintf(port->driver, sizeof(port->driver), "%s", info->driver_name);
	return true;
}

static bool has_queues(const struct dpdk_port *port, const struct rte_eth_dev_info *info,
		       char error[IO_ERROR_TEXT])
{
	unsigned most = RTE_MIN(info->max_rx_queues, info->max_tx_queues);

	if (port->queues <= RTE_MIN(most, DPDK_QUEUES_MAX))
		return true;
	snprintf(error, IO_ERROR_TEXT,
		 "DPDK port %s (%s) has %u queues, but %u workers want one each: lower --workers",
		 port->name, port->driver, most, port->queues);
	return false;
}

/* Drivers whose frames can come straight from a kernel on this host. */
static bool is_software(const char *driver)
{
	static const char *const drivers[] = {"net_af_packet", "net_af_xdp", "net_tap",
					      "net_virtio",    "net_vhost",  "net_pcap"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (strncmp(driver, drivers[i], strlen(drivers[i])) == 0)
			return true;
	}
	return false;
}

/* On the 4-tuple: a mobile core has few, busy clients. Without RSS all comes in on one queue. */
static void choose_spreading(const struct dpdk_port *port, const struct rte_eth_dev_info *info,
			     struct rte_eth_conf *config)
{
	uint64_t types = info->flow_type_rss_offloads &
			 (RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP);

	if (port->queues > 1 && types != 0) {
		config->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		config->rx_adv_conf.rss_conf.rss_hf = types;
	}
}

static bool set_up_queue(struct dpdk_port *port, unsigned queue, uint16_t rx_ring, uint16_t tx_ring,
			 uint16_t mtu)
{
	/* All that can be out at once: both rings, a burst in the worker's hands, the cache. */
	unsigned buffers = rx_ring + tx_ring + 2 * IO_BURST + 2 * POOL_CACHE;
	uint16_t room =
	    (uint16_t)(RTE_MAX(RTE_MBUF_DEFAULT_DATAROOM,
			       mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN) +
		       RTE_PKTMBUF_HEADROOM);
	int socket = rte_eth_dev_socket_id(port->id);
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "skua_queue_%u", queue);
	port->pool[queue] = rte_pktmbuf_pool_create(name, buffers, POOL_CACHE, 0, room, socket);
	return port->pool[queue] &&
	       rte_eth_rx_queue_setup(port->id, (uint16_t)queue, rx_ring, (unsigned)socket, NULL,
				      port->pool[queue]) == 0 &&
	       rte_eth_tx_queue_setup(port->id, (uint16_t)queue, tx_ring, (unsigned)socket, NULL) ==
		   0;
}

/* Returns the name of the step that failed, or NULL. No offload is asked for: on some cards one
 * costs the vector path, and sums come with the image anyway. */
static const char *configure(struct dpdk_port *port, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf config = {.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE};
	uint16_t rx_ring = RING, tx_ring = RING, queues = (uint16_t)port->queues, mtu;

	if (rte_eth_dev_get_mtu(port->id, &mtu) != 0 || mtu < info->min_mtu || mtu > info->max_mtu)
		mtu = RTE_MIN(RTE_ETHER_MTU, info->max_mtu);
	config.rxmode.mtu = mtu;
	choose_spreading(port, info, &config);
	if (rte_eth_dev_configure(port->id, queues, queues, &config) != 0)
		return "configuring it";
	rte_eth_dev_get_mtu(port->id, &mtu);
	port->frame_most = mtu + RTE_ETHER_HDR_LEN;
	if (rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx_ring, &tx_ring) != 0)
		return "sizing its rings";
	for (unsigned i = 0; i < port->queues; i++) {
		if (!set_up_queue(port, i, rx_ring, tx_ring, mtu))
			return "getting memory for its queues (more by -m MEGABYTES)";
	}
	return rte_eth_dev_start(port->id) == 0 ? NULL : "starting it";
}

static void free_pools(struct dpdk_port *port)
{
	for (unsigned i = 0; i < port->queues; i++)
		rte_mempool_free(port->pool[i]);
}

bool dpdk_port_start(struct dpdk_port *port, unsigned queues, char error[IO_ERROR_TEXT])
{
	struct rte_eth_dev_info info;
	const char *failed;

	memset(port, 0, sizeof(*port));
	port->queues = queues;
	if (!find_port(port, &info, error) || !has_queues(port, &info, error))
		return false;
	port->is_software = is_software(port->driver);
	failed = configure(port, &info);
	if (!failed)
		return true;
	snprintf(error, IO_ERROR_TEXT, "DPDK port %s (%s): %s failed", port->name, port->driver,
		 failed);
	rte_eth_dev_close(port->id);
	free_pools(port);
	return false;
}

bool dpdk_port_has_link(const struct dpdk_port *port)
{
	struct rte_eth_link link = {0};

	return rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

void dpdk_port_stop(struct dpdk_port *port)
{
	rte_eth_dev_stop(port->id);
	rte_eth_dev_close(port->id);
	free_pools(port);
}
