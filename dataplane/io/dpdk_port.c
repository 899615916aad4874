#include "dataplane/io/dpdk_port.h"

#include "dataplane/io/dpdk_eal.h"
#include "dataplane/io/dpdk_flow.h"
#include "dataplane/io/dpdk_kernel.h"
#include "dataplane/io/dpdk_port_watch.h"
#include "dataplane/io/dpdk_visit.h"
#include "runtime/log.h"

#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_log.h>
#include <rte_mbuf.h>

#define PART	   "dataplane.dpdk"
#define POOL_CACHE 256u

/* net_e1000_em says two of all its cards. The 82540EM, which hypervisors emulate, has one: what is
 * sent by the second is lost without a word. None of them spreads packets over two. */
static void take_true_queues(struct rte_eth_dev_info *info)
{
	if (strcmp(info->driver_name, "net_e1000_em") == 0) {
		info->max_rx_queues = 1;
		info->max_tx_queues = 1;
	}
}

static bool identify(struct dpdk_port *port, struct rte_eth_dev_info *info,
		     char error[IO_ERROR_TEXT])
{
	if (rte_eth_dev_get_name_by_port(port->id, port->name) != 0 ||
	    rte_eth_dev_info_get(port->id, info) != 0) {
		snprintf(error, IO_ERROR_TEXT, "DPDK port %u: its driver does not say what it is",
			 port->id);
		return false;
	}
	snprintf(port->driver, sizeof(port->driver), "%s", info->driver_name);
	take_true_queues(info);
	return true;
}

/* What gives a device more queues. */
static const char *more_queues(const char *driver)
{
	static const char *const setting[][2] = {
	    {"net_af_packet", "qpairs=N"},
	    {"net_af_xdp", "queue_count=N"},
	    {"net_virtio_user", "queues=N"},
	};

	for (size_t i = 0; i < sizeof(setting) / sizeof(setting[0]); i++) {
		if (strcmp(driver, setting[i][0]) == 0)
			return setting[i][1];
	}
	return "a virtual function's or a hypervisor's setting";
}

/* A worker has a queue of its own on each port, and each queue that gets packets has a worker. */
static bool has_queues(const struct dpdk_port *port, const struct rte_eth_dev_info *info,
		       char error[IO_ERROR_TEXT])
{
	unsigned most = RTE_MIN(RTE_MIN(info->max_rx_queues, info->max_tx_queues), DPDK_QUEUES_MAX);

	if (port->queues > most)
		snprintf(error, IO_ERROR_TEXT,
			 "DPDK port %s (%s) has %u queue%s, but %u workers want one each: "
			 "--workers %u, or more queues (%s)",
			 port->name, port->driver, most, most == 1 ? "" : "s", port->queues, most,
			 more_queues(port->driver));
	else if (port->queues < most && dpdk_spread_fills_all(port->driver))
		snprintf(error, IO_ERROR_TEXT,
			 "DPDK port %s (%s) gets packets on each of its %u queues, but with %u "
			 "worker%s nobody would look at some: --workers %u, or qpairs=%u",
			 port->name, port->driver, most, port->queues, port->queues == 1 ? "" : "s",
			 most, port->queues);
	else
		return true;
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

/* Devices that lead to a single peer or to a file: what they have for a MAC was made up when they
 * were opened, and who sends to them need not know it. */
static bool has_made_up_address(const char *driver)
{
	static const char *const drivers[] = {"net_memif", "net_null", "net_pcap", "net_ring"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (strncmp(driver, drivers[i], strlen(drivers[i])) == 0)
			return true;
	}
	return false;
}

static void find_link_address(struct dpdk_port *port)
{
	struct rte_ether_addr address;

	if (!has_made_up_address(port->driver) && rte_eth_macaddr_get(port->id, &address) == 0)
		memcpy(port->link_address, address.addr_bytes, sizeof(port->link_address));
}

/* Both rings, a burst in the worker's hands, the cache; with the kernel the same again. */
unsigned dpdk_port_buffers(unsigned rx_ring, unsigned tx_ring, bool is_shared)
{
	return rx_ring + tx_ring + 2 * IO_BURST + 2 * POOL_CACHE +
	       (is_shared
		    ? DPDK_KERNEL_RING + DPDK_KERNEL_VHOST_RING + 2 * IO_BURST + 2 * POOL_CACHE
		    : 0);
}

uint32_t dpdk_port_room(unsigned mtu)
{
	return RTE_MAX((unsigned)RTE_MBUF_DEFAULT_DATAROOM,
		       mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN) +
	       RTE_PKTMBUF_HEADROOM;
}

/* Receive, and but for the kernel's queue, transmit. A second time it takes the same buffers. */
static bool set_up_queue(struct dpdk_port *port, unsigned queue, uint16_t rx_ring, uint16_t tx_ring,
			 uint16_t mtu)
{
	unsigned buffers = dpdk_port_buffers(rx_ring, tx_ring, port->is_shared);
	uint16_t room = (uint16_t)dpdk_port_room(mtu);
	int socket = rte_eth_dev_socket_id(port->id);
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "skua_%u_%u", port->id, queue);
	if (!port->pool[queue])
		port->pool[queue] =
		    rte_pktmbuf_pool_create(name, buffers, POOL_CACHE, 0, room, socket);
	return port->pool[queue] &&
	       rte_eth_rx_queue_setup(port->id, (uint16_t)queue, rx_ring, (unsigned)socket, NULL,
				      port->pool[queue]) == 0 &&
	       (queue == port->queues || rte_eth_tx_queue_setup(port->id, (uint16_t)queue, tx_ring,
								(unsigned)socket, NULL) == 0);
}

/* Drivers that make as many receive queues as transmit queues, whatever is asked for: the other
 * side then puts packets on one that nobody polls. */
static bool has_pairs(const char *driver)
{
	return strncmp(driver, "net_virtio", strlen("net_virtio")) == 0 ||
	       strcmp(driver, "net_vhost") == 0;
}

/* One transmit queue more than workers if the kernel sends, too. Some drivers want as many as there
 * are for receipt, and say so in the log: it is none of the operator's concern. */
static bool configure_queues(struct dpdk_port *port, const struct rte_eth_dev_info *info,
			     const struct rte_eth_conf *config)
{
	uint16_t queues = (uint16_t)port->queues, rx = (uint16_t)dpdk_port_rx_queues(port);
	uint32_t level = rte_log_get_global_level();

	port->has_kernel_queue = port->is_shared && queues < info->max_tx_queues &&
				 !has_pairs(port->driver) && !dpdk_visit_needed(port->driver);
	if (port->has_kernel_queue) {
		rte_log_set_global_level(RTE_LOG_CRIT);
		port->has_kernel_queue =
		    rte_eth_dev_configure(port->id, rx, queues + 1, config) == 0;
		rte_log_set_global_level(level);
	}
	return port->has_kernel_queue || rte_eth_dev_configure(port->id, rx, queues, config) == 0;
}

static bool set_up_kernel_queue(const struct dpdk_port *port)
{
	return !port->has_kernel_queue ||
	       rte_eth_tx_queue_setup(port->id, (uint16_t)port->queues, port->tx_ring,
				      (unsigned)rte_eth_dev_socket_id(port->id), NULL) == 0;
}

/* Returns the name of the step that failed, or NULL. No offload is asked for: on some cards one
 * costs the vector path, and sums come with the image anyway. */
static const char *configure(struct dpdk_port *port, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf config = {.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE};
	uint16_t rx_ring = DPDK_RING, tx_ring = DPDK_RING, mtu;

	if (port->mtu > 0)
		mtu = (uint16_t)port->mtu;
	else if (rte_eth_dev_get_mtu(port->id, &mtu) != 0 || mtu < info->min_mtu ||
		 mtu > info->max_mtu)
		mtu = RTE_MIN(RTE_ETHER_MTU, info->max_mtu);
	config.rxmode.mtu = mtu;
	config.intr_conf.rmv = info->dev_flags && (*info->dev_flags & RTE_ETH_DEV_INTR_RMV);
	if (port->is_sorted)
		dpdk_spread_choose_all(info, &config);
	else
		dpdk_spread_choose(info, port->queues, &config);
	if (!configure_queues(port, info, &config))
		return "configuring it";
	/* Drivers that stand on an interface of the kernel set it there; others have done it now.
	 */
	if (port->mtu > 0 && rte_eth_dev_set_mtu(port->id, mtu) == -EINVAL)
		return "setting its MTU";
	rte_eth_dev_get_mtu(port->id, &mtu);
	port->mtu = mtu;
	port->frame_most = mtu + RTE_ETHER_HDR_LEN;
	if (rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx_ring, &tx_ring) != 0)
		return "sizing its rings";
	port->tx_ring = tx_ring;
	for (unsigned i = 0; i < dpdk_port_rx_queues(port); i++) {
		if (!set_up_queue(port, i, rx_ring, tx_ring, mtu))
			return "getting memory for its queues (more by -m MEGABYTES)";
	}
	if (!set_up_kernel_queue(port))
		return "getting a queue for what the kernel sends";
	return rte_eth_dev_start(port->id) == 0 ? NULL : "starting it";
}

static void free_pools(struct dpdk_port *port)
{
	for (unsigned i = 0; i <= port->queues; i++)
		rte_mempool_free(port->pool[i]);
}

/* Rings are empty and workers have left: what is not in a pool or a cache now is lost for good. */
static void account_for_buffers(const struct dpdk_port *port)
{
	unsigned buffers = 0, missing = 0;

	for (unsigned i = 0; i < dpdk_port_rx_queues(port); i++) {
		buffers += port->pool[i]->size;
		missing += rte_mempool_in_use_count(port->pool[i]);
	}
	log_line(missing > 0 ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, PART, "port closed",
		 LOG_TEXT("port", port->name), LOG_UNSIGNED("buffers", buffers),
		 LOG_UNSIGNED("missing", missing));
}

/* The driver's most, of a packet and of a frame, as rte_eth_dev_configure() will see it. */
static unsigned largest_mtu(const struct rte_eth_dev_info *info)
{
	uint32_t overhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;

	if (info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu)
		overhead = info->max_rx_pktlen - info->max_mtu;
	return RTE_MIN(info->max_mtu,
		       info->max_rx_pktlen > overhead ? info->max_rx_pktlen - overhead : 0);
}

static bool takes_mtu(const struct dpdk_port *port, const struct rte_eth_dev_info *info,
		      char error[IO_ERROR_TEXT])
{
	unsigned most = largest_mtu(info);

	if (port->mtu == 0 || (port->mtu >= info->min_mtu && port->mtu <= most))
		return true;
	snprintf(error, IO_ERROR_TEXT, "DPDK port %s (%s) can have an MTU from %u to %u: --mtu %u",
		 port->name, port->driver, info->min_mtu, most,
		 port->mtu < info->min_mtu ? info->min_mtu : most);
	return false;
}

static bool steers(const struct dpdk_port *port, const struct io_config *config,
		   char error[IO_ERROR_TEXT])
{
	char reason[DPDK_FLOW_REASON] = "";

	if (!port->is_isolated ||
	    dpdk_flow_steer(port->id, port->queues, config->listen, config->listen_count, reason))
		return true;
	snprintf(error, IO_ERROR_TEXT,
		 "DPDK port %s (%s) can't be told which packets are queries (%s): give --kernel "
		 "skua0, and software sorts them",
		 port->name, port->driver, reason);
	rte_eth_dev_stop(port->id);
	return false;
}

/* Without a word to say, but why the card can't sort. */
static bool may_sort(const struct dpdk_port *port, const struct rte_eth_dev_info *info,
		     char reason[DPDK_FLOW_REASON])
{
	bool has_queue = port->queues < info->max_rx_queues;

	if (has_queue && (info->flow_type_rss_offloads & RTE_ETH_RSS_IP) &&
	    !has_pairs(port->driver) && !dpdk_visit_needed(port->driver) &&
	    !dpdk_spread_fills_all(port->driver))
		return true;
	snprintf(reason, DPDK_FLOW_REASON, "%s",
		 has_queue ? "no RSS by a card" : "no further queue, for the rest");
	return false;
}

/* By the card, or with its reason in the log, without a trace of that. Returns as configure(). */
static const char *configure_sorted(struct dpdk_port *port, const struct rte_eth_dev_info *info,
				    const struct io_config *config)
{
	char reason[DPDK_FLOW_REASON] = "";
	const uint32_t mtu = port->mtu;
	const char *failed;

	port->is_sorted = may_sort(port, info, reason);
	if (port->is_sorted) {
		failed = configure(port, info);
		if (failed)
			snprintf(reason, sizeof(reason), "%s failed", failed);
		else if (dpdk_flow_sort(port->id, port->queues, config->listen,
					config->listen_count, reason)) {
			log_info(PART,
				 "flow rules give queries to the workers, and all else to the "
				 "kernel's queue",
				 LOG_TEXT("port", port->name));
			return NULL;
		}
		rte_eth_dev_stop(port->id);
		port->is_sorted = false;
		port->mtu = mtu;
	}
	log_warning(PART, "the card can't be told which packets are queries: software sorts them",
		    LOG_TEXT("port", port->name), LOG_TEXT("driver", port->driver),
		    LOG_TEXT("reason", reason));
	failed = configure(port, info);
	if (failed)
		return failed;
	rte_mempool_free(port->pool[port->queues]); /* the driver has let go of it now */
	port->pool[port->queues] = NULL;
	return NULL;
}

static bool start(struct dpdk_port *port, uint16_t id, const struct io_config *config,
		  char error[IO_ERROR_TEXT])
{
	struct rte_eth_dev_info info;
	const char *failed;

	memset(port, 0, sizeof(*port));
	port->id = id;
	port->queues = config->workers;
	port->mtu = config->mtu;
	port->has_asked_mtu = config->mtu > 0;
	if (!identify(port, &info, error) || !has_queues(port, &info, error) ||
	    !takes_mtu(port, &info, error))
		return false;
	port->is_software = is_software(port->driver);
	/* A name asks for an interface of ours, and off for the whole port. */
	port->is_isolated =
	    strcmp(config->kernel, "auto") == 0 && dpdk_flow_isolate(id, port->driver);
	port->is_shared = !port->is_isolated && dpdk_kernel_wanted(config->kernel, port->driver);
	find_link_address(port);
	if (config->steers_by_card && port->is_shared)
		failed = configure_sorted(port, &info, config);
	else
		failed = configure(port, &info);
	if (!failed && steers(port, config, error)) {
		port->spread = dpdk_spread_found(id, port->driver, port->queues);
		dpdk_port_watch_start(port);
		return true;
	}
	if (failed)
		snprintf(error, IO_ERROR_TEXT, "DPDK port %s (%s): %s failed", port->name,
			 port->driver, failed);
	rte_eth_dev_close(id);
	free_pools(port);
	return false;
}

bool dpdk_ports_start(struct dpdk_port port[DPDK_PORTS_MAX], unsigned *count,
		      const struct io_config *config, char error[IO_ERROR_TEXT])
{
	uint16_t id;

	*count = 0;
	RTE_ETH_FOREACH_DEV(id)
	{
		bool has_room = *count < DPDK_PORTS_MAX;

		if (!has_room)
			snprintf(
			    error, IO_ERROR_TEXT,
			    "DPDK found more than %u ports: name those that are wanted by --io "
			    "\"dpdk:-a ADDRESS -a ADDRESS ...\"",
			    DPDK_PORTS_MAX);
		if (!has_room || !start(&port[*count], id, config, error)) {
			dpdk_ports_stop(port, *count);
			*count = 0;
			return false;
		}
		++*count;
	}
	if (*count == 0)
		dpdk_eal_explain_none(error);
	return *count > 0;
}

void dpdk_ports_stop(struct dpdk_port *port, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		dpdk_port_watch_stop(&port[i]);
		rte_eth_dev_stop(port[i].id);
		rte_eth_dev_close(port[i].id);
		account_for_buffers(&port[i]);
		free_pools(&port[i]);
	}
}
