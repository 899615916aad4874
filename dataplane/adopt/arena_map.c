/* arena_map.c: mapping an arena so that reading it can't reach anything else. */
#include "dataplane/adopt/adopt_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ARENA_OCTETS_MAX (64ull << 30)

/* One range for the file and for IMAGE_NODE_MAX octets of zeroes directly behind it: reserved as a
 * whole first, so that nothing else can come to lie there. */
static bool map_with_guard(int fd, uint64_t octets, uint64_t page, struct arena_mapping *mapping)
{
	uint64_t align = page > ARENA_ALIGNMENT ? page : ARENA_ALIGNMENT;
	uint64_t size = octets + IMAGE_NODE_MAX + align;
	uint8_t *range =
	    mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *base;

	if (range == MAP_FAILED)
		return false;
	base = (uint8_t *)(((uintptr_t)range + align - 1) / align * align);
	*mapping = (struct arena_mapping){base, range, size};
	if (mmap(base, octets, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0) ==
		MAP_FAILED ||
	    mmap(base + octets, IMAGE_NODE_MAX, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED) {
		munmap(range, size);
		mapping->base = NULL;
		return false;
	}
	madvise(base, octets, MADV_DONTDUMP);
	return true;
}

static void mapping_drop(struct arena_mapping *mapping)
{
	if (mapping->base != NULL)
		munmap(mapping->reserved, mapping->reserved_octets);
	mapping->base = NULL;
}

/* replica: 0 for the arena itself, which is not tried again then. */
static void say_refused(struct adopt *adopt, uint64_t key, unsigned replica, const char *why)
{
	if (replica == 0) {
		snprintf(adopt->refusal, sizeof(adopt->refusal), "%s/" ARENA_FILE_PREFIX "%u: %s",
			 adopt->runtime_dir, (unsigned)key, why);
		adopt->refused_key = key;
		return;
	}
	snprintf(adopt->refusal, sizeof(adopt->refusal),
		 "%s/" ARENA_FILE_PREFIX
		 "%u.%u: %s; the workers of that NUMA node read " ARENA_FILE_PREFIX "%u instead",
		 adopt->runtime_dir, (unsigned)key, replica, why, (unsigned)key);
}

static void say_verdict(struct adopt *adopt, uint64_t key, unsigned replica,
			enum image_refusal verdict, const struct image_header *header)
{
	char why[256];

	if (verdict == IMAGE_BAD_ABI)
		snprintf(why, sizeof(why),
			 "made by skua-control with image ABI %u, this skua-dataplane has %u: "
			 "run the same version of both",
			 header->abi, IMAGE_ABI);
	else
		snprintf(why, sizeof(why), "%s; restart skua-control to make a new one",
			 image_refusal_text(verdict));
	say_refused(adopt, key, replica, why);
}

/* Octets to map, and the page size to align to; 0: the file can't be an arena. */
static uint64_t file_octets(int fd, uint64_t *page)
{
	uint64_t usual = (uint64_t)sysconf(_SC_PAGESIZE);
	struct statfs fs;
	struct stat at;

	if (fstat(fd, &at) != 0 || fstatfs(fd, &fs) != 0 || !S_ISREG(at.st_mode))
		return 0;
	*page = fs.f_type == HUGETLBFS_MAGIC ? (uint64_t)fs.f_bsize : usual;
	if (at.st_size < (off_t)sizeof(struct image_header) || at.st_size % (off_t)*page != 0 ||
	    (uint64_t)at.st_size > ARENA_OCTETS_MAX)
		return 0;
	return (uint64_t)at.st_size;
}

static struct arena_slot *slot_free(struct adopt *adopt)
{
	for (unsigned i = 0; i < ADOPT_ARENAS; i++)
		if (atomic_load_explicit(&adopt->slot[i].key, memory_order_relaxed) == 0)
			return &adopt->slot[i];
	return NULL;
}

/* What is wrong with a replica that is mapped: its own octets, or that it is another arena's. */
static enum image_refusal mapping_verdict(const struct arena_slot *slot, unsigned replica,
					  uint64_t key)
{
	const uint8_t *base = slot->replica[replica].base;
	const struct image_header *header = (const void *)base;
	enum image_refusal verdict = image_verify(base, slot->mapped);

	if (verdict == IMAGE_GOOD && (header->arena_id != (uint32_t)key ||
				      memcmp(header, slot->replica[0].base, sizeof(*header)) != 0))
		return IMAGE_BAD_LAYOUT;
	return verdict;
}

static bool map_file(struct adopt *adopt, int fd, uint64_t key, unsigned replica,
		     struct arena_slot *slot)
{
	struct arena_mapping *mapping = &slot->replica[replica];
	uint64_t page, octets = file_octets(fd, &page);
	enum image_refusal verdict;

	if (replica == 0)
		slot->mapped = octets;
	if (octets == 0 || octets != slot->mapped) {
		say_refused(adopt, key, replica,
			    "its size is not an arena's; restart skua-control");
		return false;
	}
	if (!map_with_guard(fd, octets, page, mapping)) {
		say_refused(adopt, key, replica,
			    "can't map it: raise the limit on virtual memory (ulimit -v)");
		return false;
	}
	verdict = mapping_verdict(slot, replica, key);
	if (verdict == IMAGE_GOOD)
		return true;
	say_verdict(adopt, key, replica, verdict, (const void *)mapping->base);
	mapping_drop(mapping);
	return false;
}

static bool map_replica(struct adopt *adopt, uint64_t key, unsigned replica,
			struct arena_slot *slot)
{
	char name[48];
	bool good;
	int fd;

	if (replica == 0)
		snprintf(name, sizeof(name), ARENA_FILE_PREFIX "%u", (unsigned)key);
	else
		snprintf(name, sizeof(name), ARENA_FILE_PREFIX "%u.%u", (unsigned)key, replica);
	fd = openat(adopt->runtime_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		if (errno == EACCES)
			say_refused(adopt, key, replica,
				    "this user may not read it: its group must be the runtime "
				    "directory's; restart skua-dataplane or skua-control as root");
		else if (errno != ENOENT || replica > 0)
			say_refused(adopt, key, replica, strerror(errno));
		return false;
	}
	good = map_file(adopt, fd, key, replica, slot);
	close(fd);
	return good;
}

unsigned arena_replica_for(const struct image_header *header, unsigned worker, int node)
{
	unsigned near[IMAGE_REPLICAS_MAX], count = 0;

	if (node < 0)
		return 0;
	for (unsigned i = 0; i < header->replicas; i++)
		if (header->node[i] == node)
			near[count++] = i;
	return count > 0 ? near[worker % count] : worker % header->replicas;
}

/* Those that a worker reads. One that can't be had costs only its nearness: the first has all. */
static void map_replicas(struct adopt *adopt, uint64_t key, struct arena_slot *slot)
{
	/* A copy: what was verified could change under us. */
	struct image_header header =
	    *(const struct image_header *)(const void *)slot->replica[0].base;
	bool tried[IMAGE_REPLICAS_MAX] = {true};

	if (header.replicas == 0 || header.replicas > IMAGE_REPLICAS_MAX)
		header.replicas = 1;

	for (unsigned i = 0; i < adopt->workers; i++) {
		unsigned wanted = arena_replica_for(&header, i, adopt->worker[i].node);

		if (!tried[wanted])
			map_replica(adopt, key, wanted, slot);
		tried[wanted] = true;
		slot->of_worker[i] = slot->replica[wanted].base != NULL ? (uint8_t)wanted : 0;
	}
}

bool arena_map(struct adopt *adopt, uint32_t serial, uint32_t arena_id)
{
	uint64_t key = arena_key(serial, arena_id);
	struct arena_slot *slot = slot_free(adopt);

	errno = EBUSY;
	if (slot == NULL || !map_replica(adopt, key, 0, slot))
		return false;
	map_replicas(adopt, key, slot);
	atomic_store_explicit(&slot->key, key, memory_order_release);
	return true;
}

void arena_unmap(struct arena_slot *slot)
{
	atomic_store_explicit(&slot->key, 0, memory_order_relaxed);
	for (unsigned i = 0; i < IMAGE_REPLICAS_MAX; i++)
		mapping_drop(&slot->replica[i]);
}

uint32_t arena_newest_file(int runtime_fd)
{
	const size_t prefix = sizeof(ARENA_FILE_PREFIX) - 1;
	int copy = openat(runtime_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	uint32_t newest = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		unsigned long id;
		char *end;

		if (strncmp(entry->d_name, ARENA_FILE_PREFIX, prefix) != 0)
			continue;
		id = strtoul(entry->d_name + prefix, &end, 10);
		if (*end == '\0' && id <= UINT32_MAX && id > newest)
			newest = (uint32_t)id;
	}
	if (directory != NULL)
		closedir(directory);
	else if (copy >= 0)
		close(copy);
	return newest;
}
