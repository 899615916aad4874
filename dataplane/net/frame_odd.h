/* frame_odd.h: what frame_receive() asks where a frame is not one of the plain ones that nearly all
 * are: every frame is looked at here step by step, and told apart by reason.
 *
 * Threads: as in frame.h. */
#ifndef SKUA_DATAPLANE_NET_FRAME_ODD_H
#define SKUA_DATAPLANE_NET_FRAME_ODD_H

#include "dataplane/net/frame.h"

#include <assert.h>

/* As frame_receive(), for any frame: what that takes by itself, this takes alike. */
bool frame_receive_odd(const struct frame_rules *rules, uint8_t *frame, uint32_t length,
		       uint32_t room, struct datagram *query, enum counter *reason);

/* Whether an address and port are listened on. destination: as in struct frame_listen, family's
 * octets of it; port: host order. */
bool frame_is_ours(const struct frame_rules *rules, const uint8_t *destination, unsigned family,
		   uint16_t port);

/* The first eight octets of a frame as a number: the destination, and the start of the source. */
#define LINK_ADDRESS	  UINT64_C(0x0000ffffffffffff)
#define GROUP_DESTINATION UINT64_C(0x0000000000000001)
#define GROUP_SOURCE	  UINT64_C(0x0001000000000000)
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "octets in front are low in a number");

#endif
