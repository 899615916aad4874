/* rotation.h: by how many records an A or AAAA set is turned. No other type ever is: NAPTR and SRV
 * say their order themselves (3GPP TS 29.303).
 * Threads: any. */
#ifndef SKUA_DATAPLANE_ANSWER_ROTATION_H
#define SKUA_DATAPLANE_ANSWER_ROTATION_H

#include "dataplane/answer/answer.h"
#include "zones/name/hash.h"

/* By the client's IPv4 address or IPv6 /64, whose hosts change the rest at will. The key is the
 * same on every node and after every start, or a client would meet another order there; it needs no
 * secrecy, since who picks his address by it picks his own order only. */
static inline uint32_t rotation_of_client(const struct datagram *client)
{
	static const uint64_t key[2] = {0x6f746174696f6e31ull, 0x736b7561726f7461ull};

	return (uint32_t)name_hash(key, client->source, client->family == 4 ? 4 : 8);
}

static inline uint32_t rotation_next(const struct image *image, struct answer_state *state,
				     const struct datagram *client)
{
	switch (image->settings.rotate) {
	case IMAGE_ROTATE_OFF:
		return 0;
	case IMAGE_ROTATE_FIXED:
		return rotation_of_client(client);
	default:
		return (uint32_t)state->rotation++;
	}
}

#endif
