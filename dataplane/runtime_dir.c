#include "dataplane/runtime_dir.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static bool is_tmpfs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

void runtime_dir_default(char *path, size_t size)
{
	const char *user = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0 && is_tmpfs("/run"))
		snprintf(path, size, "/run/skua");
	else if (user && *user != '\0')
		snprintf(path, size, "%s/skua", user);
	else
		snprintf(path, size, "/dev/shm/skua-%u", (unsigned)geteuid());
}

bool runtime_dir_make(const char *path, char *error, size_t size)
{
	struct stat at;

	if (mkdir(path, 0750) != 0 && errno != EEXIST) {
		snprintf(error, size,
			 "runtime directory %s: %s; create it, or name another with "
			 "--runtime-dir",
			 path, strerror(errno));
		return false;
	}
	if (stat(path, &at) != 0 || !S_ISDIR(at.st_mode)) {
		snprintf(error, size,
			 "runtime directory %s: is no directory; name another with "
			 "--runtime-dir",
			 path);
		return false;
	}
	if (strncmp(path, "/dev/shm/", 9) == 0 && at.st_uid != geteuid()) {
		snprintf(error, size,
			 "runtime directory %s: belongs to user %u; remove it, or name "
			 "another with --runtime-dir",
			 path, (unsigned)at.st_uid);
		return false;
	}
	return true;
}
