#include "dataplane/io/dpdk_spread.h"

#include <string.h>

#define ON_PORTS     (RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP)
#define ON_ANYTHING  (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_L2_PAYLOAD)
#define ON_ADDRESSES (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6)

void dpdk_spread_choose(const struct rte_eth_dev_info *info, unsigned queues,
			struct rte_eth_conf *config)
{
	uint64_t types = info->flow_type_rss_offloads & ON_PORTS;

	if (types == 0)
		types = info->flow_type_rss_offloads & ON_ADDRESSES;
	if (queues > 1 && types != 0) {
		config->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		config->rx_adv_conf.rss_conf.rss_hf = types;
	}
}

void dpdk_spread_choose_all(const struct rte_eth_dev_info *info, struct rte_eth_conf *config)
{
	config->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	config->rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & ON_ANYTHING;
}

/* Drivers that are handed packets by somebody who has chosen the queue: PACKET_FANOUT, the queues
 * of a tap, those of the card below AF_XDP, the other side of shared memory. */
static bool is_spread_below(const char *driver)
{
	static const char *const drivers[] = {"net_af_packet", "net_af_xdp", "net_tap",
					      "net_memif",     "net_vhost",  "net_virtio_user",
					      "net_ring",      "net_pcap"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (strcmp(driver, drivers[i]) == 0)
			return true;
	}
	return false;
}

enum dpdk_spread dpdk_spread_found(uint16_t port, const char *driver, unsigned queues)
{
	struct rte_eth_rss_conf rss = {0};

	if (queues <= 1)
		return DPDK_SPREAD_ONE;
	if (is_spread_below(driver))
		return DPDK_SPREAD_BELOW;
	if (rte_eth_dev_rss_hash_conf_get(port, &rss) != 0)
		return DPDK_SPREAD_NONE;
	if (rss.rss_hf & ON_PORTS)
		return DPDK_SPREAD_RSS;
	return rss.rss_hf & ON_ADDRESSES ? DPDK_SPREAD_ADDRESSES : DPDK_SPREAD_NONE;
}

const char *dpdk_spread_text(enum dpdk_spread spread)
{
	static const char *const text[] = {
	    [DPDK_SPREAD_ONE] = "",
	    [DPDK_SPREAD_RSS] = "RSS",
	    [DPDK_SPREAD_ADDRESSES] = "RSS on addresses only",
	    [DPDK_SPREAD_BELOW] = "",
	    [DPDK_SPREAD_NONE] = "no RSS",
	};

	return text[spread];
}

bool dpdk_spread_fills_all(const char *driver)
{
	return strcmp(driver, "net_af_packet") == 0;
}
