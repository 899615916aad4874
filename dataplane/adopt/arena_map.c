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
static bool map_with_guard(int fd, uint64_t page, struct arena_slot *slot)
{
	uint64_t size = slot->mapped + IMAGE_NODE_MAX + page;
	uint8_t *range =
	    mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *base;

	if (range == MAP_FAILED)
		return false;
	base = (uint8_t *)(((uintptr_t)range + page - 1) / page * page);
	slot->reserved = range;
	slot->reserved_octets = size;
	slot->base = base;
	if (mmap(base, slot->mapped, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0) ==
		MAP_FAILED ||
	    mmap(base + slot->mapped, IMAGE_NODE_MAX, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED) {
		munmap(range, size);
		return false;
	}
	madvise(base, slot->mapped, MADV_DONTDUMP);
	return true;
}

static void say_refused(struct adopt *adopt, uint64_t key, const char *why)
{
	snprintf(adopt->refusal, sizeof(adopt->refusal), "%s/" ARENA_FILE_PREFIX "%u: %s",
		 adopt->runtime_dir, (unsigned)key, why);
	adopt->refused_key = key;
}

static void say_verdict(struct adopt *adopt, uint64_t key, enum image_refusal verdict,
			const struct image_header *header)
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
	say_refused(adopt, key, why);
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

static bool map_file(struct adopt *adopt, int fd, uint64_t key, struct arena_slot *slot)
{
	enum image_refusal verdict;
	uint64_t page;

	slot->mapped = file_octets(fd, &page);
	if (slot->mapped == 0) {
		say_refused(adopt, key, "its size is not an arena's; restart skua-control");
		return false;
	}
	if (!map_with_guard(fd, page, slot)) {
		say_refused(adopt, key,
			    "can't map it: raise the limit on virtual memory (ulimit -v)");
		return false;
	}
	verdict = image_verify(slot->base, slot->mapped);
	if (verdict == IMAGE_GOOD &&
	    ((const struct image_header *)(const void *)slot->base)->arena_id == (uint32_t)key) {
		atomic_store_explicit(&slot->key, key, memory_order_release);
		return true;
	}
	say_verdict(adopt, key, verdict == IMAGE_GOOD ? IMAGE_BAD_LAYOUT : verdict,
		    (const void *)slot->base);
	munmap(slot->reserved, slot->reserved_octets);
	return false;
}

bool arena_map(struct adopt *adopt, uint32_t serial, uint32_t arena_id)
{
	uint64_t key = arena_key(serial, arena_id);
	struct arena_slot *slot = slot_free(adopt);
	char name[32];
	bool good;
	int fd;

	errno = EBUSY;
	if (slot == NULL)
		return false;
	snprintf(name, sizeof(name), ARENA_FILE_PREFIX "%u", arena_id);
	fd = openat(adopt->runtime_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		if (errno == EACCES)
			say_refused(adopt, key,
				    "this user may not read it: its group must be the runtime "
				    "directory's; restart skua-dataplane or skua-control as root");
		else if (errno != ENOENT)
			say_refused(adopt, key, strerror(errno));
		return false;
	}
	good = map_file(adopt, fd, key, slot);
	close(fd);
	return good;
}

void arena_unmap(struct arena_slot *slot)
{
	atomic_store_explicit(&slot->key, 0, memory_order_relaxed);
	munmap(slot->reserved, slot->reserved_octets);
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
