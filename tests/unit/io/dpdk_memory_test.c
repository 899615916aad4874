#include "dataplane/io/dpdk_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MEBIBYTE (UINT64_C(1) << 20)

static const char *kernel = "off";
static char root[] = "/tmp/skua-memory-test-XXXXXX", error[512];

/* A file of a machine that there is not; folders are made on the way. */
static void machine(const char *path, const char *text)
{
	char full[300];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *slash = strchr(full + sizeof(root), '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void pages(const char *folder, const char *size, const char *all, const char *free)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/hugepages-%s/nr_hugepages", folder, size);
	machine(path, all);
	snprintf(path, sizeof(path), "%s/hugepages-%s/free_hugepages", folder, size);
	machine(path, free);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(root + sizeof(root) - 7, "XXXXXX");
	assert_non_null(mkdtemp(root));
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static struct dpdk_demand demand(const char *text, unsigned queues)
{
	static struct dpdk_arguments arguments;
	struct dpdk_demand out;

	assert_true(dpdk_arguments_split(&arguments, "skua", text, error, sizeof(error)));
	dpdk_demand_find(&arguments, queues, kernel, root, &out);
	return out;
}

static bool is_enough(const char *text, unsigned queues)
{
	struct dpdk_demand wanted = demand(text, queues);

	error[0] = '\0';
	return dpdk_memory_check(&wanted, root, error, sizeof(error));
}

static void says(const char *what)
{
	if (!strstr(error, what))
		fail_msg("no \"%s\" in: %s", what, error);
}

static void ports_are_counted(void **state)
{
	struct dpdk_demand found;

	(void)state;
	machine("sys/bus/pci/devices/0000:03:00.1/numa_node", "1\n");
	machine("sys/bus/pci/drivers/vfio-pci/0000:03:00.1/x", "");
	machine("sys/bus/pci/drivers/vfio-pci/new_id", "");
	found = demand(
	    "-a 0000:03:00.1,key=1 --allow=03:00.1 -a 0000:99:00.0 --vdev=net_tap0 -m 300", 3);
	assert_int_equal(found.ports, 4);
	assert_int_equal(found.node[0], 1);
	assert_int_equal(found.node[1], 1);
	assert_int_equal(found.node[2], DPDK_MEMORY_ANY);
	assert_int_equal(found.node[3], DPDK_MEMORY_ANY);
	assert_int_equal(found.megabytes, 300);
	assert_int_equal(found.queues, 3);
	assert_false(found.no_huge);
	kernel = "auto";
	found = demand("-a 0000:03:00.1 --vdev=net_tap0,iface=t --vdev=net_memif0,id=0", 1);
	kernel = "off";
	assert_true(found.is_shared[0]);
	assert_true(found.is_shared[1]);
	assert_false(found.is_shared[2]);
	found = demand("--no-huge -m64 --vdev net_null0 --vdev net_null1", 1);
	assert_int_equal(found.ports, 2);
	assert_int_equal(found.megabytes, 64);
	assert_true(found.no_huge);
	found = demand("", 1);
	assert_int_equal(found.ports, 1);
	assert_int_equal(found.node[0], 1);
	assert_int_equal(demand("--no-pci", 1).ports, 0);
}

static unsigned need(const char *text, unsigned queues, uint64_t unit)
{
	struct dpdk_demand wanted = demand(text, queues);

	return (unsigned)((dpdk_memory_need(&wanted, DPDK_MEMORY_ANY) + unit - 1) / unit);
}

static void one_node(void **state)
{
	char free[32], told[64];
	unsigned wanted = need("--vdev=net_null0", 2, 2 * MEBIBYTE);

	(void)state;
	assert_true(is_enough("--vdev=net_null0", 2)); /* the kernel does not tell */
	pages("sys/kernel/mm/hugepages", "2048kB", "10", "3");
	pages("sys/kernel/mm/hugepages", "1048576kB", "0", "0");
	assert_false(is_enough("--vdev=net_null0", 2));
	snprintf(told, sizeof(told), "but 6 are free: echo %u > /proc/sys/vm/nr_hugepages,",
		 wanted + 7);
	says(told);
	snprintf(free, sizeof(free), "%u", wanted);
	pages("sys/kernel/mm/hugepages", "2048kB", "100", free);
	assert_true(is_enough("--vdev=net_null0", 2));
	assert_false(is_enough("--vdev=net_null0", 3));
	assert_false(is_enough("--vdev=net_null0 -m 512", 2));
	says("needs 512 MiB");
	machine("sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "1");
	assert_false(is_enough("--vdev=net_null0", 2));
	says("echo 101 >");
	pages("sys/kernel/mm/hugepages", "1048576kB", "1", "1");
	assert_true(is_enough("--vdev=net_null0 --vdev=net_null1", 20));
}

static void two_nodes(void **state)
{
	(void)state;
	machine("sys/devices/system/node/has_cpu", "0-1\n");
	machine("sys/devices/system/node/has_memory", "0-1\n");
	machine("sys/devices/system/node/online", "0-1\n");
	machine("sys/devices/system/node/has_normal_memory", "0-1\n");
	machine("sys/bus/pci/devices/0000:81:00.0/numa_node", "1\n");
	pages("sys/devices/system/node/node0/hugepages", "2048kB", "500", "500");
	pages("sys/devices/system/node/node1/hugepages", "2048kB", "4", "2");
	assert_true(is_enough("--vdev=net_null0", 4));
	assert_false(is_enough("-a 0000:81:00.0", 4));
	says("on NUMA node 1");
	says(" > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages");
	pages("sys/devices/system/node/node1/hugepages", "2048kB", "500", "500");
	assert_true(is_enough("-a 0000:81:00.0", 4));
}

static void without_huge_pages(void **state)
{
	char told[32], enough[64];
	unsigned wanted = need("--no-huge --vdev=net_null0", 8, MEBIBYTE);

	(void)state;
	assert_true(is_enough("--no-huge --vdev=net_null0", 2));
	assert_false(is_enough("--no-huge --vdev=net_null0", 8));
	snprintf(told, sizeof(told), "has 64: -m %u ", wanted);
	says(told);
	snprintf(enough, sizeof(enough), "--no-huge -m %u --vdev=net_null0", wanted);
	assert_true(is_enough(enough, 8));
}

/* --help and docs/operating.md: 4 MiB for DPDK; for each port 1 and 8 for each worker on it; with
 * an interface of the kernel 5 and 11. */
static void the_documented_figures_are_enough(void **state)
{
	static const struct {
		const char *kernel;
		unsigned port, worker;
	} told[] = {{"off", 1, 8}, {"auto", 5, 11}};
	const char *before = kernel;

	(void)state;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		kernel = told[i].kernel;
		for (unsigned workers = 1; workers <= 20; workers++) {
			unsigned figure = 4 + 2 * (told[i].port + told[i].worker * workers);
			unsigned wanted =
			    need("--vdev=net_tap0 --vdev=net_tap1", workers, MEBIBYTE);

			assert_in_range(wanted, figure * 9 / 10, figure);
		}
	}
	kernel = before;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(ports_are_counted, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(one_node, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(two_nodes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_documented_figures_are_enough, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(without_huge_pages, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
