/* address.h: socket addresses as users write them: ADDR:PORT, [ADDR6]:PORT.
 * Threads: any. Nothing is allocated, no name is looked up. Source: RFC 5952 6. */
#ifndef SKUA_CONTROL_CONFIG_ADDRESS_H
#define SKUA_CONTROL_CONFIG_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct address {
	struct sockaddr_storage storage;
	socklen_t length;
};

/* False if text is not exactly one numeric address and a port from 0 to 65535. */
bool address_from_text(const char *text, struct address *address);
#define ADDRESS_TEXT 56u /* the longest, with its NUL, takes 54 */
void address_to_text(const struct address *address, char text[ADDRESS_TEXT]);
/* 0.0.0.0 becomes 127.0.0.1, and :: becomes ::1: an address that a local client can send to. */
void address_make_reachable(struct address *address);

#endif
