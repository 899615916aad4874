/* client.h: who asks, and what of the image that client may see.
 *
 * Threads:  any; no locks, no allocation.
 * Requires: image from image_open(), with view 0.
 * Ensures:  no read outside the image, whatever its tables say.
 * Lifetime: a client borrows the image until the worker's next quiescent point.
 * Cost:     nothing but a test where nothing depends on who asks; else one search of the source
 *           address, and for a client with a view one probe more for each name (client_image()).
 *           Where only rate limits depend on it, the search waits for client_is_exempt().
 * Source:   RFC 7871 (EDNS client subnet), RFC 4035 3.1.4.1 (DS lies in the zone above). */
#ifndef SKUA_DATAPLANE_ANSWER_CLIENT_H
#define SKUA_DATAPLANE_ANSWER_CLIENT_H

#include "zones/image/reader.h"

#include <stdbool.h>

struct client {
	const struct image *common; /* with the zones of all */
	uint64_t rules;		    /* access rules that it passes; bit n - 1 is rule n */
	uint8_t flags;		    /* enum image_client_flag; not set without IMAGE_CLIENTS_SEE */
	unsigned view;		    /* 0: it sees only the zones of all */
	const struct image_view *names; /* of the view; NULL: none */
	struct image own;		/* with the zones of the view; not set if that is 0 */
};

/* family: 4 or 6; source: as in struct datagram. IPv4-mapped addresses count as IPv4. */
void client_of(const struct image *image, unsigned family, const uint8_t *source,
	       struct client *client);

/* The address that a resolver forwards for its client (RFC 7871 7.2.1), bits behind the source
 * prefix zero; it chooses the view if that view wants so, and nothing else: access rules and limits
 * go by the source. address: 4 or 16 octets. Returns the SCOPE PREFIX-LENGTH of the reply; 0: no
 * view asks for it. */
uint8_t client_see_subnet(struct client *client, unsigned family, const uint8_t *address);

/* True if the name is a view's business: see client_image(). */
bool client_has_own(const struct client *client, const uint8_t *name, size_t length, uint16_t type);

/* Where a lower-case name is to be looked up: what lies at or below an apex of the client's view in
 * the view's zones, everything else in those of all. DS of an apex lies with the zone above it,
 * wherever that is. length: octets of name. */
static inline const struct image *client_image(const struct client *client, const uint8_t *name,
					       size_t length, uint16_t type)
{
	return client->names != NULL && client_has_own(client, name, length, type) ? &client->own
										   : client->common;
}

bool client_passes(const struct client *client, uint16_t zone_index);

/* True if no rate limit is for the client. family, source: as for client_of(). */
bool client_is_exempt(const struct client *client, unsigned family, const uint8_t *source);

/* False if the node's zone is for others. */
static inline bool client_may_see(const struct client *client, const struct image_node *node)
{
	return !(node->flags & IMAGE_NODE_ACL) || client_passes(client, node->zone_index);
}

#endif
