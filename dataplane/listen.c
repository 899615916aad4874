#include "dataplane/listen.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORT_DNS     53u
#define PORT_DEFAULT 5300u

/* One to five digits and nothing else, 1..65535; 0 if it is no port. */
static unsigned parse_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long port;

	if (digits == 0 || digits > 5 || text[digits] != '\0')
		return 0;
	port = strtoul(text, NULL, 10);
	return port <= 65535 ? (unsigned)port : 0;
}

/* Splits "[host]:port", "host:port" or "host"; host[] takes at most size - 1 octets. A bare IPv6
 * address has more than one colon, and so no port. */
static bool split(const char *text, char *host, size_t size, unsigned *port)
{
	const char *begin = text, *end = text + strlen(text), *colon = NULL;

	if (*text == '[') {
		begin = text + 1;
		end = strchr(text, ']');
		if (!end || (end[1] != '\0' && end[1] != ':'))
			return false;
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':')) {
		colon = end = strchr(text, ':');
	}
	if ((size_t)(end - begin) >= size)
		return false;
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	*port = colon ? parse_port(colon + 1) : PORT_DNS;
	return *port != 0;
}

bool listen_parse(const char *text, struct listen_address *out, char error[IO_ERROR_TEXT])
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&out->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->address;
	char host[INET6_ADDRSTRLEN];
	unsigned port;

	memset(out, 0, sizeof(*out));
	if (split(text, host, sizeof(host), &port)) {
		if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
			v4->sin_family = AF_INET;
			v4->sin_port = htons((uint16_t)port);
			return true;
		}
		if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
			v6->sin6_family = AF_INET6;
			v6->sin6_port = htons((uint16_t)port);
			return true;
		}
	}
	snprintf(error, IO_ERROR_TEXT,
		 "--listen %s: not an address to listen on; give ADDR:PORT or [ADDR6]:PORT, such "
		 "as 192.0.2.1:53 or [2001:db8::1]:53",
		 text);
	return false;
}

/* Binding, not only creating, a socket: a host may know IPv6 and yet have no ::1. */
static bool host_has_ipv6(void)
{
	struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
					.sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

unsigned listen_default(struct listen_address out[2])
{
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_port = htons(PORT_DEFAULT),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons(PORT_DEFAULT),
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	memset(out, 0, 2 * sizeof(*out));
	memcpy(&out[0].address, &v4, sizeof(v4));
	if (!host_has_ipv6())
		return 1;
	memcpy(&out[1].address, &v6, sizeof(v6));
	return 2;
}
