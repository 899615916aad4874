/* dpdk_visit.h: a worker's visit to a driver that may lose its memory meanwhile.
 *
 * When the peer of a memif goes, the driver (22.11) clears its link, then unmaps the rings that it
 * shared with the peer, all in DPDK's interrupt thread, and knows nothing of workers that are
 * reading them. So munmap() of that thread is ours: it waits until every worker has left the
 * driver. Who comes later finds no link, and stays outside.
 *
 * Threads: a visit is its worker's; dpdk_visits_begin() and dpdk_visits_end() are the main
 * thread's, while no worker runs. */
#ifndef SKUA_DATAPLANE_IO_DPDK_VISIT_H
#define SKUA_DATAPLANE_IO_DPDK_VISIT_H

#include "zones/abi/channel.h"

#include <stdatomic.h>
#include <stdbool.h>

#include <rte_ethdev.h>

struct dpdk_visit {
	_Atomic bool inside;
};

/* Drivers that need visits. */
bool dpdk_visit_needed(const char *driver);

/* visit[count] are all that there will be; borrowed until dpdk_visits_end(). */
void dpdk_visits_begin(struct dpdk_visit *const visit[], unsigned count);
void dpdk_visits_end(void);

static inline void dpdk_visit_leave(struct dpdk_visit *visit)
{
	/* Pairs with the acquire in munmap(): what was read of the rings was read before. */
	atomic_store_explicit(&visit->inside, false, memory_order_release);
}

/* False: the port has no link, and its driver is not to be entered. */
static inline bool dpdk_visit_enter(struct dpdk_visit *visit, uint16_t port)
{
	struct rte_eth_link link = {0};

	atomic_store_explicit(&visit->inside, true, memory_order_relaxed);
	/* Pairs with the one in munmap(): either we see that the link is gone, or it sees us. */
	channel_fence();
	if (rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP)
		return true;
	dpdk_visit_leave(visit);
	return false;
}

#endif
