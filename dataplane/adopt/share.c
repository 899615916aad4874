/* share.c: who may read what control publishes, once this process is no longer root. */
#include "dataplane/adopt/adopt_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GROUP_TRIES 500
#define GROUP_PAUSE 2000000 /* nanoseconds */

static bool is_published(const char *name)
{
	return strcmp(name, CHANNEL_FILE) == 0 ||
	       strncmp(name, ARENA_FILE_PREFIX, strlen(ARENA_FILE_PREFIX)) == 0;
}

/* A link leads to hugetlbfs; only root can have put it there. */
static bool share_file(int runtime_fd, const char *name, gid_t group)
{
	int fd = openat(runtime_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat at;
	bool good;

	if (fd < 0) /* control has just removed it */
		return errno == ENOENT;
	good = fstat(fd, &at) == 0 && S_ISREG(at.st_mode) &&
	       (at.st_gid == group || fchown(fd, (uid_t)-1, group) == 0);
	close(fd);
	return good;
}

static bool share_files(int runtime_fd, gid_t group)
{
	int copy = openat(runtime_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	bool good = directory != NULL;

	while (good && (entry = readdir(directory)) != NULL)
		good = !is_published(entry->d_name) || share_file(runtime_fd, entry->d_name, group);
	if (directory != NULL)
		closedir(directory);
	else if (copy >= 0)
		close(copy);
	return good;
}

/* First the directory, then the files: control looks at the directory after it has made a file
 * (runtime_dir_group()), so none is missed. */
bool adopt_share(const struct adopt *adopt, gid_t group)
{
	const mode_t others = S_IRWXO | S_IWGRP, reads = S_IRGRP | S_IXGRP;
	struct stat at;

	if (fstat(adopt->runtime_fd, &at) != 0)
		return false;
	if (at.st_uid != 0 || geteuid() != 0 || (at.st_mode & S_IWOTH))
		return true;
	if (at.st_gid == 0 &&
	    (fchown(adopt->runtime_fd, (uid_t)-1, group) != 0 ||
	     fchmod(adopt->runtime_fd, (at.st_mode & 07777 & ~others) | reads) != 0))
		return false;
	if (at.st_gid != 0 && at.st_gid != group)
		return true;
	return share_files(adopt->runtime_fd, group);
}

static bool reads_channel(const struct adopt *adopt)
{
	return faccessat(adopt->runtime_fd, CHANNEL_FILE, R_OK, 0) == 0 || errno == ENOENT;
}

/* A channel that control made while we shared the directory gets its group an instant after its
 * name: one that can't be read at first is looked at again. */
bool adopt_can_read(const struct adopt *adopt)
{
	if (faccessat(adopt->runtime_fd, ".", R_OK | X_OK, 0) != 0)
		return false;
	for (int i = 0; i < GROUP_TRIES && !reads_channel(adopt); i++)
		nanosleep(&(struct timespec){.tv_nsec = GROUP_PAUSE}, NULL);
	return reads_channel(adopt);
}

bool adopt_can_write(const struct adopt *adopt)
{
	return faccessat(adopt->runtime_fd, ".", W_OK, 0) == 0;
}
