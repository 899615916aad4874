/* limits.h: how many connections there are, in all and per client.
 *
 * A client is an IPv4 address or an IPv6 /64: a host can choose its low 64 bits freely (RFC 7421).
 * Constant cost whatever clients come; the places are found by a keyed hash, so that nobody can aim
 * at one. Threads: one. */
#ifndef SKUA_DATAPLANE_STREAM_LIMITS_H
#define SKUA_DATAPLANE_STREAM_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* family 4 or 6; the address in network order, IPv4 in the first 4 octets (as in datagram.h). */
struct client {
	uint8_t address[16];
	uint16_t family;
	uint16_t port;
};

struct limits;

/* NULL only if there is no memory. all: connections in all; each: connections per client. */
struct limits *limits_new(uint32_t all, uint32_t each);
void limits_free(struct limits *limits);

/* Counts a connection in, or returns false and counts nothing: over one of the limits. */
bool limits_enter(struct limits *limits, const struct client *client);
/* Requires: an earlier limits_enter() of the same client that returned true. */
void limits_leave(struct limits *limits, const struct client *client);

uint32_t limits_count(const struct limits *limits);
/* True if limits_enter() would refuse anybody: no place is left. */
bool limits_full(const struct limits *limits);
/* Connections of this client. */
uint32_t limits_client(const struct limits *limits, const struct client *client);
/* A hash of the client that nobody outside can foretell; equal for the same client. */
uint64_t limits_hash(const struct limits *limits, const struct client *client);

#endif
