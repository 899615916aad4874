#include "runtime/runtime_dir.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static bool is_in_memory(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

void runtime_dir_default(char *path, size_t size)
{
	const char *session = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0 && is_in_memory("/run"))
		snprintf(path, size, "/run/skua");
	else if (session != NULL && session[0] == '/')
		snprintf(path, size, "%s/skua", session);
	else
		snprintf(path, size, "/dev/shm/skua-%u", (unsigned)geteuid());
}

/* In /dev/shm anybody may make a directory of the name that we are about to use. Elsewhere a
 * directory of another user is one that somebody with the right to do so has given us. */
static bool is_planted(const char *path, const struct stat *directory)
{
	char parent[PATH_MAX + 4];
	struct stat st;

	if (directory->st_uid == geteuid() || directory->st_uid == 0)
		return false;
	snprintf(parent, sizeof(parent), "%s/..", path);
	return stat(parent, &st) != 0 || (st.st_mode & S_IWOTH);
}

bool runtime_dir_make(const char *path, char *error, size_t error_size)
{
	struct stat st;

	if (mkdir(path, 0750) != 0 && errno != EEXIST) {
		snprintf(error, error_size,
			 "%s: can't make the runtime directory: %s; choose one with --runtime-dir",
			 path, strerror(errno));
		return false;
	}
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		snprintf(error, error_size,
			 "%s: is no directory; choose another one with --runtime-dir", path);
		return false;
	}
	if (is_planted(path, &st)) {
		snprintf(error, error_size,
			 "%s: belongs to another user (%u), who could change what is answered; "
			 "choose another one with --runtime-dir",
			 path, (unsigned)st.st_uid);
		return false;
	}
	if (access(path, W_OK | X_OK) == 0)
		return true;
	snprintf(error, error_size,
		 "%s: can't write to the runtime directory: %s; choose one with --runtime-dir",
		 path, strerror(errno));
	return false;
}

void runtime_dir_group(int directory_fd, int file_fd)
{
	struct stat directory, file;

	if (fstat(directory_fd, &directory) != 0 || fstat(file_fd, &file) != 0 ||
	    file.st_gid == directory.st_gid || fchown(file_fd, (uid_t)-1, directory.st_gid) == 0)
		return;
	errno = 0; /* as the header says: whoever can't read it says so */
}
