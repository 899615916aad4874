/* dpdk_flow.h: cards that sort packets themselves: UDP to our ports to the workers' queues.
 *
 * Drivers that leave the kernel's in place (mlx4, mlx5) give that all else, and no further
 * interface is needed. On other cards DPDK has the whole port: there all else goes to one more
 * queue, which only the housekeeping thread polls, if --steering card asks for it; otherwise
 * software sorts (dpdk_kernel.h).
 *
 * Threads: the main thread.
 * Source:  DPDK's guide on rte_flow, "Flow isolated mode". */
#ifndef SKUA_DATAPLANE_IO_DPDK_FLOW_H
#define SKUA_DATAPLANE_IO_DPDK_FLOW_H

#include "dataplane/io/packet_io.h"

#define DPDK_FLOW_REASON 128u

/* True: the driver is one of these, and the port now receives nothing but what rules ask for.
 * Requires: the port is not configured yet. */
bool dpdk_flow_isolate(uint16_t port, const char *driver);

/* Sends UDP over IPv4 and IPv6, to each port of `listen` (none: 53) whatever the address, to the
 * first `queues` queues, spread by addresses and ports. Frames with a VLAN tag too, where the card
 * can tell. False: the card refuses, and says why. Requires: the port is started. */
bool dpdk_flow_steer(uint16_t port, unsigned queues, const struct listen_address *listen,
		     unsigned listen_count, char reason[DPDK_FLOW_REASON]);

/* Has all that no rule matches go to queue `queues`, by the redirection table, and queries as
 * dpdk_flow_steer(). False: the card refuses, and says why; it has no rules then, and its table
 * leads to the first `queues` queues. Requires: the port is started with queues + 1 for receipt,
 * and RSS. */
bool dpdk_flow_sort(uint16_t port, unsigned queues, const struct listen_address *listen,
		    unsigned listen_count, char reason[DPDK_FLOW_REASON]);

#endif
