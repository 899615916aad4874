/* dpdk_kernel.h: the port's other frames, to the kernel and back: ARP, ND, ICMP, TCP, BGP, ...
 *
 * Each shared port has an interface of the kernel with the port's MAC address and MTU. A worker
 * that finds a frame without a query for us puts it into a ring of its own; the housekeeping thread
 * takes frames from there to the kernel's interface, and what the kernel sends to the port: by a
 * transmit queue of its own, or where the port has none left, through a ring to the worker of queue
 * 0, which sends it along with its own. Where the card sorts (dpdk_flow.h) what is no worker's
 * comes by a receive queue of the housekeeping thread: it takes that to the kernel, but for queries
 * that no rule of the card caught: these it gives to the worker of queue 0. No worker ever waits or
 * makes a system call for it, but for one that wakes the housekeeping thread when that has slept
 * for some milliseconds.
 *
 * Threads:   dpdk_kernel_pass, dpdk_kernel_fetch: the worker of that queue; dpdk_kernel_round: the
 *            housekeeping thread; the rest: the main thread.
 * Ownership: frames that are passed on belong to the housekeeping thread from then on.
 * Lifetime:  the port outlives it. */
#ifndef SKUA_DATAPLANE_IO_DPDK_KERNEL_H
#define SKUA_DATAPLANE_IO_DPDK_KERNEL_H

#include "dataplane/io/dpdk_port.h"
#include "dataplane/io/dpdk_rules.h"
#include "dataplane/io/tap.h"

#include <rte_mbuf.h>
#include <rte_ring.h>

/* How the housekeeping thread is woken: one for all ports. */
struct dpdk_bell {
	int fd; /* eventfd */
	alignas(64) _Atomic bool asleep;
};

struct dpdk_kernel;

/* A worker's end of it. All NULL: the port is not shared. */
struct dpdk_kernel_queue {
	struct rte_ring *inward;  /* to the kernel; this worker is its only producer */
	struct rte_ring *outward; /* to be sent for the kernel; NULL: not by this worker */
	struct rte_ring *missed;  /* queries that no flow rule caught; NULL: not to this worker */
	struct dpdk_bell *bell;
};

bool dpdk_bell_open(struct dpdk_bell *bell);
void dpdk_bell_close(struct dpdk_bell *bell);

/* Whether a port of this driver is shared. option: --kernel: "auto", "off" or names of interfaces,
 * one for each port, with commas between. */
bool dpdk_kernel_wanted(const char *option, const char *driver);
/* Buffers for what comes from the kernel to a port. */
unsigned dpdk_kernel_buffers(unsigned tx_ring);
/* Makes the interface for the port, which has started. index: which of the shared ports it is.
 * rules: the port's, borrowed. NULL with a line for the user. */
struct dpdk_kernel *dpdk_kernel_open(const struct dpdk_port *port, const char *option,
				     unsigned index, const struct dpdk_rules *rules,
				     struct dpdk_bell *bell, char error[IO_ERROR_TEXT]);
void dpdk_kernel_queue(const struct dpdk_kernel *kernel, unsigned queue,
		       struct dpdk_kernel_queue *out);
/* Of the port's rules, as dpdk_rules_change() wants it, by the housekeeping thread; NULL: it needs
 * none. */
_Atomic unsigned *dpdk_kernel_taken(struct dpdk_kernel *kernel);
/* The interface: its index, and its name. */
unsigned dpdk_kernel_interface(const struct dpdk_kernel *kernel, char name[IF_NAMESIZE]);
/* "skua0 (tap)", "skua0 (vhost)", "skua0 (tap, flow rules)" */
const char *dpdk_kernel_describe(const struct dpdk_kernel *kernel);
/* The kernel's interface has a carrier while the port has a link. */
void dpdk_kernel_set_link(struct dpdk_kernel *kernel, bool link);
/* Workers and housekeeping have ended: lets go of the port's frames, so that it can be closed. */
void dpdk_kernel_drain(struct dpdk_kernel *kernel);
/* The port is closed. The interface stays. NULL is fine. */
void dpdk_kernel_close(struct dpdk_kernel *kernel);

/* Takes all n: on their way to the kernel, or lost and counted. n > 0. */
void dpdk_kernel_pass(const struct dpdk_kernel_queue *queue, struct rte_mbuf **frame, unsigned n,
		      uint64_t counts[]);
/* Up to `max` frames of the kernel that this worker is to send; they are the worker's then. */
static inline unsigned dpdk_kernel_fetch(const struct dpdk_kernel_queue *queue,
					 struct rte_mbuf **frame, unsigned max)
{
	if (likely(!queue->outward || rte_ring_empty(queue->outward)))
		return 0;
	return rte_ring_sc_dequeue_burst(queue->outward, (void **)frame, max, NULL);
}

/* What there is now, both ways. Returns how many frames moved. */
unsigned dpdk_kernel_round(struct dpdk_kernel *kernel, uint64_t counts[]);
/* After `idle` rounds in a row that moved nothing: sleeps until a frame comes, for
 * DPDK_KERNEL_SLEEP at most; for a nap only if it has a receive queue to look at. */
void dpdk_kernel_sleep(struct dpdk_kernel *const kernel[], unsigned kernels, struct dpdk_bell *bell,
		       unsigned idle);

#define DPDK_KERNEL_SLEEP      50u  /* milliseconds: twice the heartbeat that channel.h promises */
#define DPDK_KERNEL_VHOST_RING 256u /* descriptors of vhost-net, each direction */
#define DPDK_KERNEL_RING       512u /* frames between a worker and the housekeeping thread */
#define DPDK_KERNEL_NAP	       50u /* microseconds; the kernel's timer slack makes about 100 of it */
#define DPDK_KERNEL_NAPS       20u /* before it sleeps until it is woken */

#endif
