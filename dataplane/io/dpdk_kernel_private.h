/* dpdk_kernel_private.h: what dpdk_kernel.c (opening) and dpdk_kernel_exchange.c (frames) share. */
#ifndef SKUA_DATAPLANE_IO_DPDK_KERNEL_PRIVATE_H
#define SKUA_DATAPLANE_IO_DPDK_KERNEL_PRIVATE_H

#include "dataplane/io/dpdk_kernel.h"

#define DPDK_KERNEL_BURST 64u

struct dpdk_kernel {
	uint16_t port;
	bool has_tx_queue; /* of the port, its last: the housekeeping thread's own */
	uint16_t tx_queue;
	bool has_rx_queue; /* of the port, its last */
	uint16_t rx_queue;
	bool is_software; /* as of the port */
	unsigned queues;  /* workers */
	uint32_t frame_most;
	struct tap tap;
	struct {
		bool on; /* frames go by vhost-net, not by the tap's descriptor */
		uint16_t port;
		int wake; /* readable when the kernel has sent, once armed; -1: nothing tells */
	} vhost;
	unsigned interface; /* index; another one of its name is not ours */
	bool link;	    /* as last given to the interface */
	char text[48];
	struct rte_ring *inward[DPDK_QUEUES_MAX];
	struct rte_ring *outward; /* to the worker of queue 0; NULL: has_tx_queue */
	struct rte_ring *missed;  /* to the same; NULL: !has_rx_queue */
	const struct dpdk_rules *rules;
	_Atomic unsigned taken;	  /* of them, as dpdk_rules.h says */
	struct rte_mempool *pool; /* for what comes from the kernel */
	struct dpdk_bell *bell;

	/* The housekeeping thread's: what the port has not taken yet, and for how many naps. */
	struct rte_mbuf *waiting[DPDK_KERNEL_BURST];
	unsigned waiting_first, waiting_count, stalled;
};

#endif
