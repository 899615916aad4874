/* dpdk_kernel_vhost.h: frames to and from the kernel's interface by vhost-net, in bursts and
 * without a system call for each, instead of by the tap's descriptor.
 *
 * A device of DPDK (virtio_user) stands on the tap that tap.h has made; the tap's own descriptor is
 * set aside meanwhile, and only keeps it. Not for software ports: their unfinished checksums are
 * told by the descriptor only.
 *
 * Threads: dpdk_kernel_vhost_open, _close: the main thread; the rest: the housekeeping thread.
 * Source:  DPDK's guide "Virtio_user as Exception Path". */
#ifndef SKUA_DATAPLANE_IO_DPDK_KERNEL_VHOST_H
#define SKUA_DATAPLANE_IO_DPDK_KERNEL_VHOST_H

#include "dataplane/io/dpdk_kernel_private.h"

/* Sets kernel->vhost. False: not here (no /dev/vhost-net, no driver of DPDK, a tap of one queue, no
 * memory); the tap is as it was. Requires: kernel->tap is open, kernel->pool has room. */
bool dpdk_kernel_vhost_open(struct dpdk_kernel *kernel, const uint8_t mac[6]);
void dpdk_kernel_vhost_close(struct dpdk_kernel *kernel);

/* Returns how many the interface took; the others stay the caller's. */
unsigned dpdk_kernel_vhost_give(const struct dpdk_kernel *kernel, struct rte_mbuf **frame,
				unsigned n);
unsigned dpdk_kernel_vhost_fetch(const struct dpdk_kernel *kernel, struct rte_mbuf **frame,
				 unsigned max);
/* Has kernel->vhost.wake become readable when the kernel sends. False: there is something already.
 */
bool dpdk_kernel_vhost_arm(const struct dpdk_kernel *kernel);
void dpdk_kernel_vhost_disarm(const struct dpdk_kernel *kernel);

#endif
