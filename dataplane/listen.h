/* listen.h: the addresses to answer on.
 *
 * Pure but for listen_default(), which asks the kernel what the host has. */
#ifndef SKUA_DATAPLANE_LISTEN_H
#define SKUA_DATAPLANE_LISTEN_H

#include "dataplane/io/packet_io.h"

/* "192.0.2.1:53", "[2001:db8::1]:53", or without a port: then 53. Numeric only: a name server can't
 * ask for its own address. False with a line for the user. */
bool listen_parse(const char *text, struct listen_address *out, char error[IO_ERROR_TEXT]);

/* 127.0.0.1:5300, and [::1]:5300 if the host has IPv6; returns how many (at most 2). */
unsigned listen_default(struct listen_address out[2]);

#endif
