#include "control/cli/local_http.h"

#include "zones/abi/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int connect_to(const char *runtime_dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* Through the descriptor, since a socket's path holds 107 octets only. */
	int dir = open(runtime_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir,
		 CONTROL_SOCKET);
	if (fd >= 0 &&
	    (dir < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)) {
		close(fd);
		fd = -1;
	}
	if (dir >= 0)
		close(dir);
	return fd;
}

bool local_get_start(struct local_get *get, const char *runtime_dir, const char *path)
{
	char request[256];
	int length =
	    snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: control\r\n\r\n", path);

	*get = (struct local_get){.fd = connect_to(runtime_dir)};
	if (get->fd < 0)
		return false;
	if (send(get->fd, request, (size_t)length, MSG_NOSIGNAL) == length)
		return true;
	local_get_end(get);
	return false;
}

enum local_get_step local_get_step(struct local_get *get)
{
	for (;;) {
		char *grown = realloc(get->reply, get->length + 65536);
		ssize_t got;

		if (grown == NULL)
			abort();
		get->reply = grown;
		got = recv(get->fd, grown + get->length, 65535, 0);
		if (got < 0)
			return errno == EAGAIN || errno == EINTR ? LOCAL_GET_MORE
								 : LOCAL_GET_FAILED;
		get->length += (size_t)got;
		grown[get->length] = '\0';
		if (got == 0)
			return LOCAL_GET_DONE;
	}
}

void local_get_end(struct local_get *get)
{
	if (get->fd >= 0)
		close(get->fd);
	free(get->reply);
	*get = (struct local_get){.fd = -1};
}

unsigned local_get_status(const struct local_get *get, const char **body)
{
	unsigned status = 0;
	const char *end;

	if (get->reply == NULL || sscanf(get->reply, "HTTP/1.%*1u %3u", &status) != 1)
		return 0;
	end = strstr(get->reply, "\r\n\r\n");
	*body = end != NULL ? end + 4 : "";
	return status;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

char *local_get(const char *runtime_dir, const char *path, int milliseconds, unsigned *status)
{
	struct local_get get;
	enum local_get_step step = LOCAL_GET_MORE;
	int64_t until = now_ms() + milliseconds;
	const char *body = NULL;
	char *copy = NULL;

	if (!local_get_start(&get, runtime_dir, path))
		return NULL;
	while (step == LOCAL_GET_MORE && now_ms() < until) {
		struct pollfd wait = {.fd = get.fd, .events = POLLIN};

		poll(&wait, 1, (int)(until - now_ms()));
		step = local_get_step(&get);
	}
	if (step == LOCAL_GET_DONE) {
		*status = local_get_status(&get, &body);
		copy = *status != 0 ? strdup(body) : NULL;
	}
	local_get_end(&get);
	return copy;
}
