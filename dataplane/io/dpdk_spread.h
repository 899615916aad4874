/* dpdk_spread.h: how the packets of a port come to be on one queue or another.
 *
 * On the 4-tuple: a mobile core has few, busy clients, so that their addresses alone would keep one
 * worker busy and the others idle. Threads: the main thread. */
#ifndef SKUA_DATAPLANE_IO_DPDK_SPREAD_H
#define SKUA_DATAPLANE_IO_DPDK_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>

enum dpdk_spread {
	DPDK_SPREAD_ONE,       /* there is one queue */
	DPDK_SPREAD_RSS,       /* the device says that it hashes addresses and ports */
	DPDK_SPREAD_ADDRESSES, /* the device can hash addresses only */
	DPDK_SPREAD_BELOW,     /* whoever hands packets to the driver chooses: a kernel, a peer */
	DPDK_SPREAD_NONE,      /* all comes in on one queue */
};

/* Asks in *config for the best that the device offers. */
void dpdk_spread_choose(const struct rte_eth_dev_info *info, unsigned queues,
			struct rte_eth_conf *config);
/* All that the device can hash, so that its redirection table says where it goes: for queues of
 * which one gets what no flow rule matches. */
void dpdk_spread_choose_all(const struct rte_eth_dev_info *info, struct rte_eth_conf *config);
/* What it came to. Requires: the port has been started. */
enum dpdk_spread dpdk_spread_found(uint16_t port, const char *driver, unsigned queues);
/* "RSS", "RSS on addresses only", "no RSS"; "" for what needs no word. */
const char *dpdk_spread_text(enum dpdk_spread spread);

/* Whether queues of the driver get packets even if nobody has set them up. */
bool dpdk_spread_fills_all(const char *driver);

#endif
