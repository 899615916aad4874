/* dpdk_memory.h: what the ports will take of huge pages, before DPDK starts and finds too few.
 *
 * Threads: the main thread. Source: DPDK's EAL parameters and mempool layout, the kernel's
 * Documentation/admin-guide/mm/hugetlbpage.rst, Documentation/ABI/testing/sysfs-bus-pci. */
#ifndef SKUA_DATAPLANE_IO_DPDK_MEMORY_H
#define SKUA_DATAPLANE_IO_DPDK_MEMORY_H

#include "dataplane/io/dpdk_arguments.h"
#include "zones/abi/channel.h"

#include <stdint.h>

#define DPDK_MEMORY_ANY (-1) /* of a port: on no node in particular */

struct dpdk_demand {
	unsigned ports;
	int node[PORTS_MAX];	   /* of each port */
	bool is_shared[PORTS_MAX]; /* with the kernel */
	unsigned queues;	   /* of each port */
	unsigned mtu;		   /* of each port; 0: what its driver has */
	bool no_huge;
	unsigned megabytes; /* -m; 0: not said */
};

/* What the EAL's arguments ask for: a port for each -a and --vdev, else one for each network card
 * that is bound to a driver for it. kernel: --kernel; root: below which sys is mounted, "" but in
 * tests. */
void dpdk_demand_find(const struct dpdk_arguments *arguments, unsigned queues, const char *kernel,
		      const char *root, struct dpdk_demand *out);

/* Octets on that node, or on any. */
uint64_t dpdk_memory_need(const struct dpdk_demand *demand, int node);

/* False with a line for the user, and the number to set in it: there is too little. True if the
 * kernel does not tell what there is. */
bool dpdk_memory_check(const struct dpdk_demand *demand, const char *root, char *error,
		       size_t error_size);

#endif
