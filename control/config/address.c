#include "control/config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool port_from_text(const char *text, in_port_t *port)
{
	unsigned long number = 0;

	if (*text == '\0' || strlen(text) > 5)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (unsigned long)(*text - '0');
	}
	*port = htons((uint16_t)number);
	return number <= 65535;
}

static bool address_6(const char *host, const char *port, struct address *address)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address->storage;

	in6->sin6_family = AF_INET6;
	address->length = sizeof(*in6);
	return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 &&
	       port_from_text(port, &in6->sin6_port);
}

static bool address_4(const char *host, const char *port, struct address *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&address->storage;

	in->sin_family = AF_INET;
	address->length = sizeof(*in);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 && port_from_text(port, &in->sin_port);
}

bool address_from_text(const char *text, struct address *address)
{
	char host[INET6_ADDRSTRLEN + 1];
	const char *colon = strrchr(text, ':');
	size_t length;

	memset(address, 0, sizeof(*address));
	if (colon == NULL)
		return false;
	length = (size_t)(colon - text);
	bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';

	if (bracketed) {
		text++;
		length -= 2;
	}
	if (length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	return bracketed ? address_6(host, colon + 1, address)
			 : address_4(host, colon + 1, address);
}

void address_to_text(const struct address *address, char text[ADDRESS_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "";

	if (address->storage.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(text, ADDRESS_TEXT, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(text, ADDRESS_TEXT, "%s:%u", host, ntohs(in->sin_port));
	}
}

void address_make_reachable(struct address *address)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address->storage;
	struct sockaddr_in *in = (struct sockaddr_in *)&address->storage;

	if (address->storage.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
		in6->sin6_addr = in6addr_loopback;
	else if (address->storage.ss_family == AF_INET && in->sin_addr.s_addr == INADDR_ANY)
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}
