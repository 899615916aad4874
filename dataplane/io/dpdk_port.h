/* dpdk_port.h: the Ethernet ports of DPDK, each with a queue in each direction for every worker.
 *
 * Threads: the main thread. */
#ifndef SKUA_DATAPLANE_IO_DPDK_PORT_H
#define SKUA_DATAPLANE_IO_DPDK_PORT_H

#include "dataplane/io/dpdk_spread.h"
#include "dataplane/io/packet_io.h"

#include <net/if.h>
#include <stdatomic.h>

#include <rte_mempool.h>

#define DPDK_QUEUES_MAX 64u
#define DPDK_PORTS_MAX	8u
#define DPDK_RING	1024u /* descriptors asked for, each direction */

struct dpdk_port {
	uint16_t id;
	unsigned queues;
	uint32_t frame_most;   /* octets of the largest frame that we may send, without FCS */
	uint32_t mtu;	       /* that it was opened with; before: that it is to have, 0: any */
	bool has_asked_mtu;    /* by --mtu; else its driver's */
	bool is_shared;	       /* with the kernel: dpdk_kernel.h */
	bool is_isolated;      /* the card itself shares with the kernel: dpdk_flow.h */
	bool has_kernel_queue; /* one more transmit queue, the last, for what the kernel sends */
	/* The card sorts by flow rules: one more receive queue, the last, for what is not for
	 * workers. */
	bool is_sorted;
	uint16_t tx_ring; /* descriptors of each transmit queue */
	bool is_software; /* frames may come from a kernel that left the checksum to a card */
	enum dpdk_spread spread;
	/* All 0 if peers do not know it: frames to any unicast address are for us. */
	uint8_t link_address[6];
	char name[64]; /* of the device, such as "net_memif0" or "0000:03:00.0" */
	char driver[32];
	struct rte_mempool
	    *pool[DPDK_QUEUES_MAX + 1]; /* one for each receive queue: workers share nothing */

	/* dpdk_port_watch.h */
	enum interface_state state;
	unsigned if_index; /* of the kernel's interface that the port is; 0: it is none */
	char interface[IF_NAMESIZE];
	/* Stored by DPDK's interrupt thread, relaxed: lone flags. */
	_Atomic bool removed, asked_for;
	bool starved; /* as last logged */
	uint64_t no_buffer;
};

/* Buffers of a queue: all that can be out at once. */
unsigned dpdk_port_buffers(unsigned rx_ring, unsigned tx_ring, bool is_shared);

/* Octets of a buffer, its headroom included, that holds what that MTU brings; 0: an ordinary one.
 */
uint32_t dpdk_port_room(unsigned mtu);

static inline unsigned dpdk_port_rx_queues(const struct dpdk_port *port)
{
	return port->queues + port->is_sorted;
}

/* All ports that the EAL found, configured and started: as many as *count then says. False with a
 * line for the user; then nothing stays open but the EAL. */
bool dpdk_ports_start(struct dpdk_port port[DPDK_PORTS_MAX], unsigned *count,
		      const struct io_config *config, char error[IO_ERROR_TEXT]);
/* Says in the log whether all buffers came back. */
void dpdk_ports_stop(struct dpdk_port *port, unsigned count);

#endif
