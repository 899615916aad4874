#include "dataplane/stream/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The kernel cuts the first to net.core.somaxconn; the second bounds what a client that does not
 * read makes the kernel hold. */
#define BACKLOG	    65535
#define SEND_OCTETS (128 * 1024)

const char *listener_text(const struct listen_address *address, char text[LISTENER_TEXT])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->address;
	char host[INET6_ADDRSTRLEN] = "?";

	if (address->address.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		snprintf(text, LISTENER_TEXT, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(text, LISTENER_TEXT, "%s:%u", host, ntohs(v4->sin_port));
	}
	return text;
}

static const char *advice(int reason)
{
	switch (reason) {
	case EADDRINUSE:
		return "another program listens there: stop it (see `ss -tlnp`) or give another "
		       "--listen";
	case EACCES:
		return "ports below 1024 need root or CAP_NET_BIND_SERVICE: add that or give "
		       "another --listen";
	case EADDRNOTAVAIL:
		return "no interface has this address: add it or give another --listen";
	case EAFNOSUPPORT:
		return "the kernel has no IPv6: leave out the IPv6 --listen";
	case EMFILE:
	case ENFILE:
		return "raise the limit on open files (ulimit -n)";
	default:
		return "check --listen";
	}
}

static int refuse(int fd, int reason, const struct listen_address *address,
		  char error[IO_ERROR_TEXT])
{
	char text[LISTENER_TEXT];

	if (fd >= 0)
		close(fd);
	snprintf(error, IO_ERROR_TEXT, "can't listen for TCP on %s: %s: %s",
		 listener_text(address, text), strerror(reason), advice(reason));
	return -1;
}

/* Options that accepted sockets inherit are set once here. */
static bool set_options(int fd, sa_family_t family)
{
	const int on = 1, send = SEND_OCTETS;

	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
		return false;
	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof(send)) == 0 &&
	       setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0;
}

static bool bind_early(int fd, sa_family_t family)
{
	const int on = 1;

	if (family == AF_INET6)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on)) == 0;
	return setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) == 0;
}

int listener_open(const struct listen_address *address, bool early, char error[IO_ERROR_TEXT])
{
	sa_family_t family = address->address.ss_family;
	socklen_t size =
	    family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || !set_options(fd, family) || (early && !bind_early(fd, family)) ||
	    bind(fd, (const struct sockaddr *)&address->address, size) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return refuse(fd, errno, address, error);
	return fd;
}

enum waiting listener_waiting(int listener)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	/* Of a listening socket these are its queue's length and the most it takes. */
	if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
	    info.tcpi_unacked == 0)
		return WAITING_NOBODY;
	return info.tcpi_unacked >= info.tcpi_sacked / 4 ? WAITING_MANY : WAITING_SOME;
}

int listener_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void set_client(const struct sockaddr_storage *peer, struct client *client)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;

	memset(client, 0, sizeof(*client));
	if (peer->ss_family == AF_INET6) {
		client->family = 6;
		client->port = ntohs(v6->sin6_port);
		memcpy(client->address, &v6->sin6_addr, 16);
	} else {
		client->family = 4;
		client->port = ntohs(v4->sin_port);
		memcpy(client->address, &v4->sin_addr, 4);
	}
}

static enum accepted send_away(int listener, int *reserve)
{
	int fd;

	if (*reserve < 0)
		return ACCEPTED_EXHAUSTED;
	close(*reserve);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	*reserve = listener_reserve();
	return fd >= 0 ? ACCEPTED_NO_FILES : ACCEPTED_EXHAUSTED;
}

enum accepted listener_accept(int listener, int *reserve, int *fd, struct client *client)
{
	struct sockaddr_storage peer = {0};
	socklen_t size = sizeof(peer);

	*fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (*fd >= 0) {
		set_client(&peer, client);
		return ACCEPTED;
	}
	switch (errno) {
	case EMFILE:
	case ENFILE:
		return send_away(listener, reserve);
	case ENOBUFS:
	case ENOMEM:
		return ACCEPTED_EXHAUSTED;
	default: /* he has left again, or a signal: the next round sees whoever is there */
		return ACCEPTED_NONE;
	}
}
