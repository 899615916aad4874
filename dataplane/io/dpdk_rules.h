/* dpdk_rules.h: what the workers of a port take for a query, and how large a reply may be: written
 * by the main thread while they run.
 *
 * There are two of them: the newest, and one that is written only while every queue has the
 * newest. So nobody waits, and nothing is freed; a change may have to wait for the next look.
 *
 * Threads: dpdk_rules_take: the worker of that queue; the rest: the main thread. */
#ifndef SKUA_DATAPLANE_IO_DPDK_RULES_H
#define SKUA_DATAPLANE_IO_DPDK_RULES_H

#include "dataplane/io/packet_io.h"
#include "dataplane/net/frame.h"

struct dpdk_ruling {
	struct frame_rules frame;
	uint32_t frame_most; /* octets of the largest frame that we may send, without FCS */
};

struct dpdk_rules {
	struct dpdk_ruling ruling[2];
	/* 0 or 1. Release by dpdk_rules_change(), acquire by dpdk_rules_take(). */
	_Atomic unsigned newest;
};

/* Whether both have the same effect. */
bool dpdk_ruling_equals(const struct dpdk_ruling *a, const struct dpdk_ruling *b);

/* What `listen` says. interface: the kernel's interface, whose addresses and MTU count: they are
 * meant by the unspecified address, or if listen_count is 0, at port 53; NULL: there is none, and
 * any address is. False: more addresses than fit, the rest is left out; or the kernel did not say,
 * and *out is not to be used (out->frame_most is 0). */
bool dpdk_ruling_make(struct dpdk_ruling *out, const struct listen_address *listen,
		      unsigned listen_count, const char *interface, uint32_t frame_most);

/* Port 53 on the addresses that queries to the kernel's interface may have now, without link-local
 * ones: what TCP can be had on. Adds those that are not there to out[count], as far as `most` goes,
 * and returns how many it holds then. */
unsigned dpdk_rules_addresses(const char *interface, struct listen_address *out, unsigned count,
			      unsigned most);

/* Has all queues follow from their next burst on. taken: of each queue. False: a queue is not that
 * far yet; try again. */
bool dpdk_rules_change(struct dpdk_rules *rules, const struct dpdk_ruling *wanted,
		       _Atomic unsigned *const taken[], unsigned queues);

/* Once a burst. What it returned before is not to be used any more. */
static inline const struct dpdk_ruling *dpdk_rules_take(const struct dpdk_rules *rules,
							_Atomic unsigned *taken)
{
	unsigned newest = atomic_load_explicit(&rules->newest, memory_order_acquire);

	/* Pairs with the acquire in dpdk_rules_change(): what was read of the older one, was. */
	if (newest != atomic_load_explicit(taken, memory_order_relaxed))
		atomic_store_explicit(taken, newest, memory_order_release);
	return &rules->ruling[newest];
}

#endif
