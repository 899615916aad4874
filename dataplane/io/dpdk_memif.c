#include "dataplane/io/dpdk_memif.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The value of `key=` among a device's comma-separated parameters; false if it is not there or does
 * not fit. */
static bool parameter(const char *device, const char *key, char *value, size_t size)
{
	const char *at = strstr(device, key);
	size_t length;

	if (!at || at == device || at[-1] != ',')
		return false;
	at += strlen(key);
	length = strcspn(at, ",");
	if (length >= size)
		return false;
	memcpy(value, at, length);
	value[length] = '\0';
	return true;
}

/* A socket that refuses connections has lost its listener. */
static bool is_stale(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat at;
	bool stale;
	int fd;

	if (lstat(path, &at) != 0 || !S_ISSOCK(at.st_mode))
		return false;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	stale =
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

void dpdk_memif_remove_stale(const struct dpdk_arguments *arguments)
{
	char role[16], path[sizeof(((struct sockaddr_un *)0)->sun_path)];

	for (int i = 1; i < arguments->count; i++) {
		const char *device = strstr(arguments->argument[i], "net_memif");

		if (!device || !parameter(device, "socket=", path, sizeof(path)))
			continue;
		if (parameter(device, "role=", role, sizeof(role)) &&
		    (strcmp(role, "server") == 0 || strcmp(role, "master") == 0) && is_stale(path))
			unlink(path);
	}
}
