/* address.h: a listening address as users write it. Threads: any. */
#ifndef SKUA_DATAPLANE_IO_ADDRESS_H
#define SKUA_DATAPLANE_IO_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT 72u

/* "192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%eth0]:53"; address is AF_INET or AF_INET6. */
void address_text(const struct sockaddr_storage *address, char text[ADDRESS_TEXT]);
bool address_is_unspecified(const struct sockaddr_storage *address);
bool address_is_loopback(const struct sockaddr_storage *address);
uint16_t address_port(const struct sockaddr_storage *address); /* host order */
/* The same family, address, port and scope. */
bool address_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
socklen_t address_length(const struct sockaddr_storage *address);

#endif
