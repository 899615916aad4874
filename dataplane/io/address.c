#include "dataplane/io/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>

/* Storage holds either; the casts go through void, as alignment is that of the storage. */
static const struct sockaddr_in *as_in4(const struct sockaddr_storage *address)
{
	return (const void *)address;
}

static const struct sockaddr_in6 *as_in6(const struct sockaddr_storage *address)
{
	return (const void *)address;
}

void address_text(const struct sockaddr_storage *address, char text[ADDRESS_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?", scope[IF_NAMESIZE + 1] = "";
	uint32_t index;

	if (address->ss_family == AF_INET) {
		inet_ntop(AF_INET, &as_in4(address)->sin_addr, host, sizeof(host));
		snprintf(text, ADDRESS_TEXT, "%s:%u", host, address_port(address));
		return;
	}
	inet_ntop(AF_INET6, &as_in6(address)->sin6_addr, host, sizeof(host));
	index = as_in6(address)->sin6_scope_id;
	if (index != 0 && if_indextoname(index, scope + 1))
		scope[0] = '%';
	snprintf(text, ADDRESS_TEXT, "[%s%s]:%u", host, scope, address_port(address));
}

bool address_is_unspecified(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return as_in4(address)->sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&as_in6(address)->sin6_addr);
}

bool address_is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ntohl(as_in4(address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&as_in6(address)->sin6_addr);
}

uint16_t address_port(const struct sockaddr_storage *address)
{
	/* sin_port and sin6_port lie at the same place. */
	return ntohs(as_in4(address)->sin_port);
}

bool address_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family || address_port(a) != address_port(b))
		return false;
	if (a->ss_family == AF_INET)
		return as_in4(a)->sin_addr.s_addr == as_in4(b)->sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&as_in6(a)->sin6_addr, &as_in6(b)->sin6_addr) &&
	       as_in6(a)->sin6_scope_id == as_in6(b)->sin6_scope_id;
}

socklen_t address_length(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET ? sizeof(struct sockaddr_in)
					     : sizeof(struct sockaddr_in6);
}
