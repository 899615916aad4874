#include "control/publish/arena_file.h"

#include "runtime/numa.h"
#include "runtime/runtime_dir.h"
#include "zones/abi/channel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ARENA_CAPACITY_MAX (64ull << 30) /* what 32-bit references in units of 16 octets reach */
#define RESTS_AFTER	   (32ull << 20) /* octets written since */
#define UNFINISHED	   ".new"

#define LARGE_PAGE ARENA_ALIGNMENT
#define SMALL_PAGE 4096u

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

/* Several instances may share one hugetlbfs: the runtime directory's identity is in the name. */
static void huge_prefix(const struct arena_place *place, char *text, size_t size)
{
	struct stat at = {0};

	fstat(place->runtime_fd, &at);
	snprintf(text, size, "skua-%llx-%llx-" ARENA_FILE_PREFIX, (unsigned long long)at.st_dev,
		 (unsigned long long)at.st_ino);
}

/* "7", "7.1": what stands behind the prefix. */
static void number_text(uint32_t id, unsigned replica, char text[32])
{
	if (replica == 0)
		snprintf(text, 32, "%u", id);
	else
		snprintf(text, 32, "%u.%u", id, replica);
}

static void file_path(const struct arena_place *place, struct arena_file *file)
{
	char prefix[64], number[32];

	huge_prefix(place, prefix, sizeof(prefix));
	number_text(file->id, file->replica, number);
	if (file->huge)
		snprintf(file->path, sizeof(file->path), "%s/%s%s", place->huge_pages_dir, prefix,
			 number);
	else
		snprintf(file->path, sizeof(file->path), "%s/" ARENA_FILE_PREFIX "%s" UNFINISHED,
			 place->runtime_dir, number);
}

static bool page_size(struct arena_file *file, const char *directory, char *error,
		      size_t error_size)
{
	struct statfs fs;

	if (fstatfs(file->fd, &fs) != 0) {
		snprintf(error, error_size, "%s: %s", file->path, strerror(errno));
		return false;
	}
	if (file->huge && fs.f_type != HUGETLBFS_MAGIC) {
		snprintf(
		    error, error_size,
		    "%s is not a hugetlbfs: use --huge-pages /dev/hugepages, where one mostly is "
		    "(else "
		    "make it: mkdir -p /dev/hugepages; mount -t hugetlbfs none /dev/hugepages), or "
		    "--huge-pages off",
		    directory);
		return false;
	}
	file->huge = fs.f_type == HUGETLBFS_MAGIC;
	file->page = file->huge ? (uint64_t)fs.f_bsize : LARGE_PAGE;
	return true;
}

/* The file, mapped where a large page may begin, or NULL with errno. */
static uint8_t *map_aligned(const struct arena_file *file)
{
	uint8_t *range, *base;

	range = mmap(NULL, file->capacity + file->page, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (range == MAP_FAILED)
		return NULL;
	base = (uint8_t *)(((uintptr_t)range + file->page - 1) / file->page * file->page);
	if (base > range)
		munmap(range, (size_t)(base - range));
	munmap(base + file->capacity, file->page - (size_t)(base - range));
	if (mmap(base, file->capacity, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED | MAP_NORESERVE, file->fd, 0) != MAP_FAILED)
		return base;
	munmap(base, file->capacity);
	return NULL;
}

static bool file_map(struct arena_file *file, uint64_t capacity, char *error, size_t error_size)
{
	file->capacity = (capacity + file->page - 1) / file->page * file->page;
	if (capacity == 0 || file->capacity > ARENA_CAPACITY_MAX) {
		snprintf(error, error_size, "an arena has between 1 octet and 64 GiB, not %llu",
			 (unsigned long long)capacity);
		return false;
	}
	if (ftruncate(file->fd, (off_t)file->capacity) != 0) {
		snprintf(error, error_size,
			 "%s: can't make a sparse file of %llu MiB: %s; raise the limit on file "
			 "sizes (ulimit -f), or use a tmpfs as --runtime-dir",
			 file->path, (unsigned long long)file->capacity >> 20, strerror(errno));
		return false;
	}
	file->base = map_aligned(file);
	if (file->base == NULL) {
		snprintf(error, error_size,
			 "%s: can't map %llu MiB of address space: %s; raise the limit on virtual "
			 "memory (ulimit -v)",
			 file->path, (unsigned long long)file->capacity >> 20, strerror(errno));
		return false;
	}
	madvise(file->base, file->capacity, MADV_DONTDUMP);
	errno = 0;
	file->bound = file->node >= 0 && numa_bind(file->base, file->capacity, file->node);
	return true;
}

bool arena_file_make(const struct arena_place *place, uint32_t id, unsigned replica, int node,
		     uint64_t capacity, struct arena_file *file, char *error, size_t error_size)
{
	const char *directory =
	    place->huge_pages_dir != NULL ? place->huge_pages_dir : place->runtime_dir;

	*file = (struct arena_file){
	    .id = id, .replica = replica, .node = node, .huge = place->huge_pages_dir != NULL};
	file_path(place, file);
	unlink(file->path);
	file->fd = open(file->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (file->fd < 0) {
		snprintf(error, error_size, "can't create %s: %s; make %s writable for user %u",
			 file->path, strerror(errno), directory, (unsigned)geteuid());
		return false;
	}
	runtime_dir_group(place->runtime_fd, file->fd);
	if (fchmod(file->fd, 0640) == 0 && page_size(file, directory, error, error_size) &&
	    file_map(file, capacity, error, error_size))
		return true;
	unlink(file->path);
	close(file->fd);
	return false;
}

static void say_full(struct arena_file *file, unsigned long long mib)
{
	int length = (int)(strrchr(file->path, '/') - file->path);
	struct statvfs at = {0};

	fstatvfs(file->fd, &at);
	snprintf(
	    file->error, sizeof(file->error),
	    "%.*s: no room for %llu MiB of the image: its file system is full (%llu of %llu MiB "
	    "free): enlarge it (mount -o remount,size=SIZE), or choose another --runtime-dir",
	    length, file->path, mib, (unsigned long long)at.f_bavail * at.f_frsize >> 20,
	    (unsigned long long)at.f_blocks * at.f_frsize >> 20);
}

static void grow_refused(struct arena_file *file, uint64_t octets, int reason)
{
	unsigned long long mib = (octets - file->backed) >> 20;

	if (reason == ENOSPC && file->huge)
		snprintf(file->error, sizeof(file->error),
			 "%s: no free huge pages for %llu MiB more: raise vm.nr_hugepages "
			 "(sysctl -w vm.nr_hugepages=N), or use --huge-pages off",
			 file->path, mib);
	else if (reason == ENOSPC)
		say_full(file, mib);
	else if (reason == EOPNOTSUPP)
		snprintf(file->error, sizeof(file->error),
			 "%s: that file system can't set memory aside (fallocate): use a tmpfs as "
			 "--runtime-dir",
			 file->path);
	else
		snprintf(file->error, sizeof(file->error), "%s: no memory for %llu MiB more: %s",
			 file->path, mib, strerror(reason));
}

/* A look at each page size is enough: the kernel goes elsewhere when a node is full. */
static void count_elsewhere(struct arena_file *file, uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at += file->page) {
		int node = numa_node_of_page(file->base + at);

		if (node >= 0 && node != file->node)
			file->elsewhere += file->page;
	}
}

/* Large pages on tmpfs, whatever its mount says of them: a worker then looks a name up in a large
 * zone without a walk of the page tables, and they are faster to make than small ones (docs/adr/
 * 0043). The kernel collapses only where there is something: one small page in each. Where it can't
 * do that, or not now, the pages stay small; that there is no memory, fallocate() says. */
static void gather_pages(struct arena_file *file, uint64_t to)
{
	if (file->huge || file->small_only)
		return;
	for (uint64_t at = file->backed; at < to; at += LARGE_PAGE)
		if (madvise(file->base + at, SMALL_PAGE, MADV_POPULATE_WRITE) != 0)
			return;
	file->small_only =
	    madvise(file->base + file->backed, to - file->backed, MADV_COLLAPSE) != 0 &&
	    errno == EINVAL;
}

bool arena_file_grow(struct arena_file *file, uint64_t octets)
{
	uint64_t wanted = (octets + file->page - 1) / file->page * file->page;
	int result;

	if (wanted <= file->backed)
		return true;
	/* fallocate() on hugetlbfs does not know the mapping's node, a page fault does; whether it
	 * had the memory, fallocate() says. */
	if (file->huge && file->bound)
		madvise(file->base + file->backed, wanted - file->backed, MADV_POPULATE_WRITE);
	gather_pages(file, wanted);
	do
		result =
		    fallocate(file->fd, 0, (off_t)file->backed, (off_t)(wanted - file->backed));
	while (result != 0 && errno == EINTR);
	if (result != 0) {
		grow_refused(file, wanted, errno);
		return false;
	}
	/* One call instead of a page fault each; where the kernel can't, faults do it. */
	madvise(file->base + file->backed, wanted - file->backed, MADV_POPULATE_WRITE);
	if (file->bound)
		count_elsewhere(file, file->backed, wanted);
	file->backed = wanted;
	return true;
}

bool arena_file_show(const struct arena_place *place, struct arena_file *file, char *error,
		     size_t error_size)
{
	char made[64], name[48], number[32];
	bool done = true;

	number_text(file->id, file->replica, number);
	snprintf(name, sizeof(name), ARENA_FILE_PREFIX "%s", number);
	snprintf(made, sizeof(made), "%s" UNFINISHED, name);
	if (place->huge_pages_dir != NULL) {
		unlinkat(place->runtime_fd, made, 0);
		done = symlinkat(file->path, place->runtime_fd, made) == 0;
	}
	/* Again: a dataplane that shared the directory meanwhile did not find a file on hugetlbfs,
	 * which no name of the directory led to before. From here on it does. */
	runtime_dir_group(place->runtime_fd, file->fd);
	if (done && renameat(place->runtime_fd, made, place->runtime_fd, name) == 0) {
		if (place->huge_pages_dir == NULL)
			file->path[strlen(file->path) - strlen(UNFINISHED)] = '\0';
		return true;
	}
	snprintf(error, error_size, "can't create %s/%s: %s", place->runtime_dir, name,
		 strerror(errno));
	return false;
}

void arena_file_rest(struct arena_file *file)
{
	if (file->huge || file->backed - file->rested < RESTS_AFTER)
		return;
	/* For a shared mapping this discards no data. */
	madvise(file->base, file->capacity, MADV_DONTNEED);
	file->rested = file->backed;
}

void arena_file_close(struct arena_file *file)
{
	munmap(file->base, file->capacity);
	close(file->fd);
}

/* The name in the runtime directory, and the file on hugetlbfs that it may point to. */
static void remove_named(const struct arena_place *place, const char *name)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(place->runtime_fd, name, target, sizeof(target) - 1);

	if (length > 0) {
		target[length] = '\0';
		unlink(target);
	}
	unlinkat(place->runtime_fd, name, 0);
}

/* The first replica last: it is what says that there are others. */
void arena_file_remove(const struct arena_place *place, uint32_t id)
{
	for (unsigned replica = IMAGE_REPLICAS_MAX; replica-- > 0;) {
		char name[48], number[32];

		number_text(id, replica, number);
		snprintf(name, sizeof(name), ARENA_FILE_PREFIX "%s", number);
		remove_named(place, name);
	}
}

/* A number from 1 up at *at, which moves behind it; else 0. */
static uint32_t take_number(const char **at)
{
	unsigned long number;
	char *end;

	if (**at < '1' || **at > '9')
		return 0;
	number = strtoul(*at, &end, 10);
	*at = end;
	return number <= UINT32_MAX ? (uint32_t)number : 0;
}

/* "arena.17", "arena.17.1" -> 17; anything else, and what is not finished: 0. */
static uint32_t id_in_name(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);
	const char *at = name + length;
	uint32_t id;

	if (strncmp(name, prefix, length) != 0)
		return 0;
	id = take_number(&at);
	if (*at == '.') {
		at++;
		if (take_number(&at) == 0)
			return 0;
	}
	return *at == '\0' ? id : 0;
}

static bool is_unfinished(const char *name)
{
	size_t length = strlen(name);

	return length > sizeof(UNFINISHED) - 1 &&
	       strcmp(name + length + 1 - sizeof(UNFINISHED), UNFINISHED) == 0 &&
	       (strncmp(name, ARENA_FILE_PREFIX, strlen(ARENA_FILE_PREFIX)) == 0 ||
		strncmp(name, CHANNEL_FILE ".", strlen(CHANNEL_FILE ".")) == 0);
}

static DIR *directory_of(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);

	if (directory == NULL && copy >= 0)
		close(copy);
	return directory;
}

static uint32_t sweep_runtime(const struct arena_place *place, uint32_t keep)
{
	DIR *directory = directory_of(place->runtime_fd);
	const struct dirent *entry;
	uint32_t largest = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		uint32_t id = id_in_name(entry->d_name, ARENA_FILE_PREFIX);

		if (id > largest)
			largest = id;
		if (id != 0 && id != keep)
			arena_file_remove(place, id);
		if (is_unfinished(entry->d_name))
			unlinkat(place->runtime_fd, entry->d_name, 0);
	}
	if (directory != NULL)
		closedir(directory);
	return largest;
}

/* Files on hugetlbfs whose control was killed before their link had a name. */
static uint32_t sweep_huge(const struct arena_place *place, uint32_t keep)
{
	DIR *directory = place->huge_pages_dir == NULL ? NULL : opendir(place->huge_pages_dir);
	const struct dirent *entry;
	uint32_t largest = 0;
	char prefix[64];

	huge_prefix(place, prefix, sizeof(prefix));
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		uint32_t id = id_in_name(entry->d_name, prefix);

		if (id > largest)
			largest = id;
		if (id != 0 && id != keep)
			unlinkat(dirfd(directory), entry->d_name, 0);
	}
	if (directory != NULL)
		closedir(directory);
	return largest;
}

uint32_t arena_files_sweep(const struct arena_place *place, uint32_t keep)
{
	uint32_t runtime = sweep_runtime(place, keep);
	uint32_t huge = sweep_huge(place, keep);

	return runtime > huge ? runtime : huge;
}
