#include "dataplane/io/address.h"
#include "dataplane/io/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Enough for a few milliseconds at a million datagrams a second, while a worker is not scheduled.
 */
#define SOCKET_BUFFER (8 << 20)

static const char *what_to_do(int reason)
{
	switch (reason) {
	case EADDRINUSE:
		return "another program has this UDP port: stop it (`ss -lunp` shows it) or choose "
		       "another with --listen ADDR:PORT";
	case EACCES:
	case EPERM:
		return "no permission: ports below 1024 need root or CAP_NET_BIND_SERVICE "
		       "(AmbientCapabilities=CAP_NET_BIND_SERVICE in systemd), or choose a higher "
		       "port with --listen ADDR:PORT";
	case EADDRNOTAVAIL:
		return "no interface of this host has this address (`ip addr` shows what there "
		       "is): add it, or choose another with --listen ADDR:PORT";
	case EAFNOSUPPORT:
		return "this host has no such protocol (is IPv6 disabled?): choose another address "
		       "with --listen ADDR:PORT";
	case EMFILE:
	case ENFILE:
		return "too many open files: raise the limit (`ulimit -n`, LimitNOFILE= in "
		       "systemd)";
	default:
		return "check the address given with --listen ADDR:PORT";
	}
}

static void explain(const struct sockaddr_storage *address, int reason, char error[IO_ERROR_TEXT])
{
	char text[ADDRESS_TEXT];

	address_text(address, text);
	snprintf(error, IO_ERROR_TEXT, "can't listen on %s (%s): %s", text, strerror(reason),
		 what_to_do(reason));
}

/* v6only: an IPv4 address is listened on as one, so that both forms never meet. */
static int open_bound(const struct sockaddr_storage *address, bool shared)
{
	int one = 1;
	int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);

	if (fd < 0)
		return -1;
	if (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0)
		goto failed;
	if (address->ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
		goto failed;
	if (bind(fd, (const struct sockaddr *)address, address_length(address)) < 0)
		goto failed;
	return fd;
failed:;
	int reason = errno;

	close(fd);
	errno = reason;
	return -1;
}

/* As much as we may have: past the host's limit with CAP_NET_ADMIN, else up to it. */
static void raise_buffers(int fd)
{
	int size = SOCKET_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* A reply is never cut into fragments here, nor to a path MTU that somebody forged: what does not
 * fit the interface's MTU is refused (EMSGSIZE). */
static void never_fragment(int fd, int family)
{
	int interface = family == AF_INET ? IP_PMTUDISC_INTERFACE : IPV6_PMTUDISC_INTERFACE;

	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &interface, sizeof(interface));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &interface, sizeof(interface));
}

static int ask_for_destination(int fd, int family)
{
	int one = 1;

	if (family == AF_INET)
		return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
	return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
}

bool socket_is_free(const struct sockaddr_storage *address, char error[IO_ERROR_TEXT])
{
	int fd = open_bound(address, false);

	if (fd < 0) {
		explain(address, errno, error);
		return false;
	}
	close(fd);
	return true;
}

int socket_listen(const struct sockaddr_storage *address, char error[IO_ERROR_TEXT])
{
	int fd = open_bound(address, true);

	if (fd < 0) {
		explain(address, errno, error);
		return -1;
	}
	raise_buffers(fd);
	never_fragment(fd, address->ss_family);
	if (ask_for_destination(fd, address->ss_family) < 0) {
		explain(address, errno, error);
		close(fd);
		return -1;
	}
	return fd;
}
