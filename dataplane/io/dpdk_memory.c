#include "dataplane/io/dpdk_memory.h"

#include "dataplane/io/dpdk_kernel.h"
#include "dataplane/io/dpdk_port.h"
#include "runtime/numa.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#define PLAIN_PAGE   UINT64_C(4096)
#define MEGABYTE     (UINT64_C(1) << 20)
#define NODES	     64u
#define NO_HUGE_MOST 64u /* megabytes that --no-huge has without -m */

/* Measured with 22.11 on ports of every kind that needs no card, and rounded up: heaps, devices. */
#define BASE (4 * MEGABYTE)
#define PORT (1 * MEGABYTE)
#define DRIVER                                                                                     \
	(MEGABYTE / 4) /* of a queue: descriptors of up to 64 octets, and who has which buffer */

/* Pages of all sizes on a node. */
struct store {
	uint64_t free;	/* octets */
	uint64_t page;	/* octets of the size that would be set: of which there are most */
	uint64_t pages; /* of that size, in use or not */
	unsigned node;
	bool is_known;
};

static bool read_number(uint64_t *number, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool read_number(uint64_t *number, const char *format, ...)
{
	char path[PATH_MAX];
	long long value;
	va_list arguments;
	bool good;
	FILE *file;

	va_start(arguments, format);
	vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	file = fopen(path, "re");
	if (!file)
		return false;
	good = fscanf(file, "%lld", &value) == 1 && value >= 0;
	fclose(file);
	*number = good ? (uint64_t)value : 0;
	return good;
}

/* Buffers and the ring of those that are free, as rte_pktmbuf_pool_create() lays them out. Without
 * huge pages no buffer lies across two pages. */
static uint64_t pool_octets(const struct dpdk_demand *demand, unsigned buffers)
{
	const uint32_t room = dpdk_port_room(demand->mtu);
	struct rte_mempool_objsz size;
	uint64_t a_buffer;

	rte_mempool_calc_obj_size((uint32_t)sizeof(struct rte_mbuf) + room, 0, &size);
	a_buffer = demand->no_huge && size.total_size <= PLAIN_PAGE
		       ? PLAIN_PAGE / (PLAIN_PAGE / size.total_size)
		       : size.total_size;
	return buffers * a_buffer + rte_align64pow2(buffers + 1) * sizeof(void *) +
	       sizeof(struct rte_mempool);
}

/* A queue's pool has a cache for each thread that there may be. */
static uint64_t port_octets(const struct dpdk_demand *demand, unsigned port)
{
	bool is_shared = demand->is_shared[port];
	uint64_t queue = pool_octets(demand, dpdk_port_buffers(DPDK_RING, DPDK_RING, is_shared)) +
			 RTE_MAX_LCORE * sizeof(struct rte_mempool_cache) + DRIVER;

	return PORT + demand->queues * queue +
	       (is_shared ? pool_octets(demand, dpdk_kernel_buffers(DPDK_RING)) : 0);
}

uint64_t dpdk_memory_need(const struct dpdk_demand *demand, int node)
{
	uint64_t octets = node == DPDK_MEMORY_ANY ? BASE : 0;

	for (unsigned i = 0; i < demand->ports; i++)
		octets += demand->node[i] == node ? port_octets(demand, i) : 0;
	return octets;
}

static uint64_t need_in_all(const struct dpdk_demand *demand)
{
	uint64_t octets = BASE;

	for (unsigned i = 0; i < demand->ports; i++)
		octets += port_octets(demand, i);
	return octets;
}

/* "0000:03:00.0,key=value" or "03:00.0" */
static int node_of_card(const char *device, const char *root)
{
	size_t length = strcspn(device, ",");
	uint64_t node;
	const char *domain = strchr(device, ':') == strrchr(device, ':') ? "0000:" : "";

	return read_number(&node, "%s/sys/bus/pci/devices/%s%.*s/numa_node", root, domain,
			   (int)length, device)
		   ? (int)node
		   : DPDK_MEMORY_ANY;
}

static void add_port(struct dpdk_demand *out, int node, bool is_shared)
{
	if (out->ports < PORTS_MAX) {
		out->is_shared[out->ports] = is_shared;
		out->node[out->ports++] = node;
	}
}

/* Cards that the EAL takes if none is named. */
static void find_cards(const char *kernel, const char *root, struct dpdk_demand *out)
{
	static const char *const drivers[] = {"vfio-pci", "uio_pci_generic", "igb_uio", "mlx5_core",
					      "mlx4_core"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		struct dirent *entry;
		DIR *folder;

		snprintf(path, sizeof(path), "%s/sys/bus/pci/drivers/%s", root, drivers[i]);
		folder = opendir(path);
		while (folder && (entry = readdir(folder))) {
			if (strchr(entry->d_name, ':'))
				add_port(out, node_of_card(entry->d_name, root),
					 dpdk_kernel_wanted(kernel, ""));
		}
		if (folder)
			closedir(folder);
	}
}

/* The value of an option in one word or two; NULL: this is not that option. */
static const char *value_of(const struct dpdk_arguments *arguments, int at, const char *brief,
			    const char *full)
{
	const char *argument = arguments->argument[at], *next = arguments->argument[at + 1];
	size_t length = full ? strlen(full) : 0;

	if (brief && strncmp(argument, brief, 2) == 0 && argument[1] != '-')
		return argument[2] != '\0' ? argument + 2 : next;
	if (!full || strncmp(argument, full, length) != 0)
		return NULL;
	if (argument[length] == '=')
		return argument + length + 1;
	return argument[length] == '\0' ? next : NULL;
}

void dpdk_demand_find(const struct dpdk_arguments *arguments, unsigned queues, const char *kernel,
		      const char *root, struct dpdk_demand *out)
{
	*out = (struct dpdk_demand){
	    .queues = queues,
	    .no_huge = dpdk_arguments_has(arguments, "--no-huge"),
	};
	for (int i = 1; i < arguments->count; i++) {
		const char *card = value_of(arguments, i, "-a", "--allow");
		const char *megabytes = value_of(arguments, i, "-m", NULL);

		const char *device = value_of(arguments, i, NULL, "--vdev");

		if (card)
			add_port(out, node_of_card(card, root), dpdk_kernel_wanted(kernel, ""));
		if (device) /* "net_tap0,iface=…": the driver's name and a number */
			add_port(out, DPDK_MEMORY_ANY, dpdk_kernel_wanted(kernel, device));
		if (megabytes)
			out->megabytes = (unsigned)strtoul(megabytes, NULL, 10);
	}
	if (out->ports == 0 && !dpdk_arguments_has(arguments, "--no-pci"))
		find_cards(kernel, root, out);
}

static unsigned megabytes_of(uint64_t octets)
{
	return (unsigned)((octets + MEGABYTE - 1) / MEGABYTE);
}

/* Pages of a size in a folder of them: a node's, or those of the whole machine. */
static void add_pages(struct store *store, const char *folder, const char *name)
{
	uint64_t kilobytes, pages, free, reserved = 0;

	if (sscanf(name, "hugepages-%" SCNu64 "kB", &kilobytes) != 1 ||
	    !read_number(&pages, "%s/%s/nr_hugepages", folder, name) ||
	    !read_number(&free, "%s/%s/free_hugepages", folder, name))
		return;
	read_number(&reserved, "%s/%s/resv_hugepages", folder, name);
	store->free += (free - RTE_MIN(free, reserved)) * kilobytes * 1024;
	if (!store->is_known || pages * kilobytes > store->pages * (store->page / 1024) ||
	    (pages == 0 && store->pages == 0 && kilobytes * 1024 < store->page)) {
		store->page = kilobytes * 1024;
		store->pages = pages;
	}
	store->is_known = true;
}

static void look_into(struct store *store, const char *folder)
{
	struct dirent *entry;
	DIR *all = opendir(folder);

	while (all && (entry = readdir(all)))
		add_pages(store, folder, entry->d_name);
	if (all)
		closedir(all);
}

/* Of a machine with one node the kernel also tells which free pages are promised to others. */
static unsigned look_at_stores(struct store store[NODES], const char *root)
{
	char folder[PATH_MAX];
	int16_t node[NODES];
	unsigned nodes = numa_nodes(root, node, NODES);

	memset(store, 0, NODES * sizeof(*store));
	if (nodes <= 1) {
		snprintf(folder, sizeof(folder), "%s/sys/kernel/mm/hugepages", root);
		look_into(&store[0], folder);
		return 1;
	}
	for (unsigned i = 0; i < nodes; i++) {
		snprintf(folder, sizeof(folder), "%s/sys/devices/system/node/node%d/hugepages",
			 root, node[i]);
		store[i].node = (unsigned)node[i];
		look_into(&store[i], folder);
	}
	return nodes;
}

/* "echo 24 > /proc/sys/vm/nr_hugepages" */
static void say_how(const struct store *store, bool is_only, uint64_t lacking, char *text,
		    size_t size)
{
	uint64_t pages = store->pages + (lacking + store->page - 1) / store->page;
	char folder[64] = "/sys/kernel/mm";

	if (!is_only)
		snprintf(folder, sizeof(folder), "/sys/devices/system/node/node%u", store->node);
	if (is_only && store->page == 2 * MEGABYTE)
		snprintf(text, size, "echo %" PRIu64 " > /proc/sys/vm/nr_hugepages", pages);
	else
		snprintf(text, size,
			 "echo %" PRIu64 " > %s/hugepages/hugepages-%" PRIu64 "kB/nr_hugepages",
			 pages, folder, store->page / 1024);
}

static void refuse(const struct dpdk_demand *demand, const struct store *store, bool is_only,
		   uint64_t need, char *error, size_t error_size)
{
	struct dpdk_demand plain = *demand;
	char how[160], node[32] = "";

	say_how(store, is_only, need - store->free, how, sizeof(how));
	if (!is_only)
		snprintf(node, sizeof(node), " on NUMA node %u", store->node);
	plain.no_huge = true;
	snprintf(
	    error, error_size,
	    "DPDK needs %u MiB of huge pages%s for %u queue%s on each of %u port%s, but %u are "
	    "free: %s, or do without by --io \"dpdk:--no-huge -m %u ...\"",
	    megabytes_of(need), node, demand->queues, demand->queues == 1 ? "" : "s", demand->ports,
	    demand->ports == 1 ? "" : "s", (unsigned)(store->free / MEGABYTE), how,
	    megabytes_of(need_in_all(&plain)));
}

static bool check_plain_memory(const struct dpdk_demand *demand, char *error, size_t error_size)
{
	unsigned most = demand->megabytes > 0 ? demand->megabytes : NO_HUGE_MOST;
	unsigned need = megabytes_of(need_in_all(demand));

	if (need <= most)
		return true;
	snprintf(error, error_size,
		 "DPDK needs %u MiB for %u queue%s on each of %u port%s, but --no-huge has %u: -m "
		 "%u behind --io dpdk:",
		 need, demand->queues, demand->queues == 1 ? "" : "s", demand->ports,
		 demand->ports == 1 ? "" : "s", most, need);
	return false;
}

/* The node where most is left pays for what is needed anywhere. */
static bool check_pages(const struct dpdk_demand *demand, struct store *store, unsigned nodes,
			char *error, size_t error_size)
{
	uint64_t any = dpdk_memory_need(demand, DPDK_MEMORY_ANY), left = 0;
	struct store *largest = &store[0];

	if (nodes == 1)
		any = RTE_MAX(need_in_all(demand), demand->megabytes * MEGABYTE);
	for (unsigned i = 0; nodes > 1 && i < nodes; i++) {
		uint64_t need = dpdk_memory_need(demand, (int)store[i].node);

		if (need > store[i].free) {
			refuse(demand, &store[i], false, need, error, error_size);
			return false;
		}
		store[i].free -= need;
	}
	for (unsigned i = 0; i < nodes; i++) {
		left += store[i].free;
		if (store[i].free > largest->free)
			largest = &store[i];
	}
	if (any <= left)
		return true;
	refuse(demand, largest, nodes == 1, any - (left - largest->free), error, error_size);
	return false;
}

bool dpdk_memory_check(const struct dpdk_demand *demand, const char *root, char *error,
		       size_t error_size)
{
	struct store store[NODES];
	unsigned nodes;

	if (demand->no_huge)
		return check_plain_memory(demand, error, error_size);
	nodes = look_at_stores(store, root);
	for (unsigned i = 0; i < nodes; i++) {
		if (!store[i].is_known)
			return true;
	}
	return check_pages(demand, store, nodes, error, error_size);
}
