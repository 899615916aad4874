#include "runtime/numa.h"

#include <dirent.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BITS  (8 * sizeof(unsigned long))
#define WORDS (NUMA_NODES_MAX / BITS)

/* The kernel takes one bit less than it is told. */
#define MASK_BITS (NUMA_NODES_MAX + 1ul)

#define LINE 4096

static void mask_set(unsigned long mask[WORDS], unsigned node)
{
	mask[node / BITS] |= 1ul << node % BITS;
}

static bool mask_has(const unsigned long mask[WORDS], unsigned node)
{
	return mask[node / BITS] >> node % BITS & 1;
}

/* "0-1,4": the kernel's lists. Stops at what is none. */
static void mask_read(const char *text, unsigned long mask[WORDS])
{
	while (*text >= '0' && *text <= '9') {
		char *end;
		unsigned long first = strtoul(text, &end, 10);
		unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

		for (unsigned long node = first; node <= last && node < NUMA_NODES_MAX; node++)
			mask_set(mask, (unsigned)node);
		text = *end == ',' ? end + 1 : end;
	}
}

/* What follows `key` in the first line that begins with it; "": no such line, or no such file. */
static void line_read(const char *root, const char *path, const char *key, char line[LINE])
{
	char whole[PATH_MAX];
	bool found = false;
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	file = fopen(whole, "re");
	while (file != NULL && !found && fgets(line, LINE, file) != NULL)
		found = strncmp(line, key, strlen(key)) == 0;
	if (file != NULL)
		fclose(file);
	if (found)
		memmove(line, line + strlen(key), strlen(line + strlen(key)) + 1);
	else
		line[0] = '\0';
}

unsigned numa_nodes(const char *root, int16_t *node, unsigned most)
{
	unsigned long cores[WORDS] = {0}, memory[WORDS] = {0}, allowed[WORDS] = {0};
	char line[LINE];
	unsigned count = 0;

	line_read(root, "sys/devices/system/node/has_cpu", "", line);
	mask_read(line, cores);
	line_read(root, "sys/devices/system/node/has_memory", "", line);
	mask_read(line, memory);
	line_read(root, "proc/self/status", "Mems_allowed_list:\t", line);
	if (line[0] == '\0')
		memset(allowed, 0xff, sizeof(allowed));
	mask_read(line, allowed);
	for (unsigned i = 0; i < NUMA_NODES_MAX && count < most; i++)
		if (mask_has(cores, i) && mask_has(memory, i) && mask_has(allowed, i))
			node[count++] = (int16_t)i;
	return count;
}

int numa_node_of_core(const char *root, int core)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	int node = -1;
	DIR *directory;

	snprintf(path, sizeof(path), "%s/sys/devices/system/cpu/cpu%d", root, core);
	directory = core < 0 ? NULL : opendir(path);
	while (directory != NULL && node < 0 && (entry = readdir(directory)) != NULL) {
		unsigned number;
		char end;

		if (sscanf(entry->d_name, "node%u%c", &number, &end) == 1 &&
		    number < NUMA_NODES_MAX)
			node = (int)number;
	}
	if (directory != NULL)
		closedir(directory);
	return node;
}

/* The device of a virtio interface says nothing, the PCI device above it does. */
int numa_node_of_interface(const char *root, const char *name)
{
	static const char *const above[] = {"", "/..", "/../.."};
	char path[PATH_MAX], line[LINE] = "";
	char *end;
	long node;

	for (unsigned i = 0; line[0] == '\0' && i < sizeof(above) / sizeof(above[0]); i++) {
		snprintf(path, sizeof(path), "sys/class/net/%s/device%s/numa_node", name, above[i]);
		line_read(root, path, "", line);
	}
	node = strtol(line, &end, 10);
	return end != line && node >= 0 && node < (long)NUMA_NODES_MAX ? (int)node : -1;
}

bool numa_bind(void *at, uint64_t octets, int node)
{
	unsigned long mask[WORDS] = {0};

	mask_set(mask, (unsigned)node % NUMA_NODES_MAX);
	return syscall(SYS_mbind, at, octets, MPOL_PREFERRED, mask, MASK_BITS, 0) == 0;
}

int numa_node_of_page(const void *at)
{
	int node = -1;

	if (syscall(SYS_get_mempolicy, &node, NULL, 0, at, MPOL_F_NODE | MPOL_F_ADDR) != 0)
		return -1;
	return node;
}
