/* numa.h: which memory is near which core, as the kernel tells it.
 *
 * root: below which sys and proc are mounted, NUMA_ROOT but in tests. A machine or kernel without
 * NUMA, and a container that hides it, look like one that has a single node or none: callers treat
 * both alike. Threads: any. Source: set_mempolicy(2), mbind(2),
 * Documentation/ABI/stable/sysfs-devices-node. */
#ifndef SKUA_RUNTIME_NUMA_H
#define SKUA_RUNTIME_NUMA_H

#include <stdbool.h>
#include <stdint.h>

#define NUMA_ROOT      ""
#define NUMA_NODES_MAX 1024u /* of the kernel */

/* The nodes that have cores and memory, ascending, the first `most` of them; only those whose
 * memory this process may have (cpuset.mems), where the kernel tells it. Returns how many. */
unsigned numa_nodes(const char *root, int16_t *node, unsigned most);

/* -1: not known. */
int numa_node_of_core(const char *root, int core);
/* Of the device behind a network interface. -1: not known, or it has none (veth). */
int numa_node_of_interface(const char *root, const char *name);

/* Memory of a mapping (of a file: for all who map it) is taken from the node, from another only if
 * there is none left. False (errno): nothing changed. Huge pages of a file keep to it only where a
 * page fault of this mapping takes them, not fallocate(). */
bool numa_bind(void *at, uint64_t octets, int node);
/* The node of a page that is there; -1: the kernel does not tell. */
int numa_node_of_page(const void *at);

#endif
