/* numa_test.c: what the kernel's files say of nodes, from a tree of our own; and that memory is
 * bound where the kernel lets us. */
#include "runtime/numa.h"

#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[32];

static int tree_open(void **state)
{
	(void)state;
	strcpy(root, "/tmp/skua-numa-XXXXXX");
	return mkdtemp(root) == NULL;
}

static int tree_close(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

/* With the directories above it; text NULL: a directory. */
static void put(const char *path, const char *text)
{
	char whole[256];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		mkdir(whole, 0700);
		*at = '/';
	}
	if (text == NULL) {
		mkdir(whole, 0700);
		return;
	}
	file = fopen(whole, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void nodes(void **state)
{
	int16_t node[4] = {0};

	(void)state;
	assert_int_equal(numa_nodes(root, node, 4), 0);
	put("sys/devices/system/node/has_cpu", "0-1,8-9,700,1023\n");
	put("sys/devices/system/node/has_memory", "1-8,700-2000\n");
	assert_int_equal(numa_nodes(root, node, 4), 4);
	assert_int_equal(node[0], 1);
	assert_int_equal(node[1], 8);
	assert_int_equal(node[2], 700);
	assert_int_equal(node[3], 1023);
	assert_int_equal(numa_nodes(root, node, 2), 2);
	put("proc/self/status", "Name:\tskua\nMems_allowed:\tffffffff\nMems_allowed_list:\t2-8\n");
	assert_int_equal(numa_nodes(root, node, 4), 1);
	assert_int_equal(node[0], 8);
	put("sys/devices/system/node/has_cpu", "nonsense\n");
	assert_int_equal(numa_nodes(root, node, 4), 0);
}

static void cores(void **state)
{
	(void)state;
	put("sys/devices/system/cpu/cpu1/topology", NULL);
	put("sys/devices/system/cpu/cpu1/node3", NULL);
	put("sys/devices/system/cpu/cpu2/node3x", NULL);
	assert_int_equal(numa_node_of_core(root, 1), 3);
	assert_int_equal(numa_node_of_core(root, 2), -1);
	assert_int_equal(numa_node_of_core(root, 3), -1);
	assert_int_equal(numa_node_of_core(root, -1), -1);
}

static void interfaces(void **state)
{
	char link[128];

	(void)state;
	put("sys/class/net/eth0/device/numa_node", "1\n");
	put("sys/class/net/eth1/device/numa_node", "-1\n");
	put("sys/class/net/veth0/mtu", "1500\n");
	put("sys/devices/pci0/0000:01:00.0/numa_node", "3\n"); /* virtio: a device on a device */
	put("sys/devices/pci0/0000:01:00.0/virtio0/vendor", "1\n");
	put("sys/class/net/eth2/mtu", "1500\n");
	snprintf(link, sizeof(link), "%s/sys/class/net/eth2/device", root);
	assert_int_equal(symlink("../../../devices/pci0/0000:01:00.0/virtio0", link), 0);
	assert_int_equal(numa_node_of_interface(root, "eth0"), 1);
	assert_int_equal(numa_node_of_interface(root, "eth1"), -1);
	assert_int_equal(numa_node_of_interface(root, "eth2"), 3);
	assert_int_equal(numa_node_of_interface(root, "veth0"), -1);
	assert_int_equal(numa_node_of_interface(root, "none"), -1);
}

/* A page of a bound mapping is on the node; the kernel may be without NUMA, or forbid it. */
static void binding(void **state)
{
	int16_t node[1];
	uint8_t *page;

	(void)state;
	if (numa_nodes(NUMA_ROOT, node, 1) == 0)
		skip();
	page = mmap(NULL, 1u << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(page != MAP_FAILED);
	if (!numa_bind(page, 1u << 20, node[0]) && (errno == ENOSYS || errno == EPERM))
		skip();
	page[0] = 1;
	assert_int_equal(numa_node_of_page(page), node[0]);
	assert_false(numa_bind(page, 1u << 20, NUMA_NODES_MAX - 1)); /* no such node */
	munmap(page, 1u << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(nodes, tree_open, tree_close),
	    cmocka_unit_test_setup_teardown(cores, tree_open, tree_close),
	    cmocka_unit_test_setup_teardown(interfaces, tree_open, tree_close),
	    cmocka_unit_test(binding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
