/* socket.h: one listening UDP socket, set up and explained when that fails.
 *
 * Threads: any; no state. Source: socket(7), ip(7), ipv6(7), udp(7). */
#ifndef SKUA_DATAPLANE_IO_SOCKET_H
#define SKUA_DATAPLANE_IO_SOCKET_H

#include "dataplane/io/packet_io.h"

/* Fails if anybody, with or without SO_REUSEPORT, has this UDP address already; to be asked once
 * before the workers' sockets, which share it. Nothing stays open. */
bool socket_is_free(const struct sockaddr_storage *address, char error[IO_ERROR_TEXT]);

/* A bound, non-blocking socket that shares its address with the other workers' and reports the
 * destination of each datagram if the address is unspecified. -1: error says what to do. */
int socket_listen(const struct sockaddr_storage *address, char error[IO_ERROR_TEXT]);

#endif
