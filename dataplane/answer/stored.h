/* stored.h: answers that are copied as they were compiled: the fast paths.
 *
 * Each looks at what staging.h has found for the asked name, and either does what compose_step()
 * would, or changes nothing of the reply and says no: whatever is out of the ordinary (a cut, a
 * class that is not IN, proofs, no room) is left to that.
 *
 * Threads:  any; no allocation.
 * Requires: response->staging has found the asked name's node, or that there is none.
 * Source:   as compose.h. */
#ifndef SKUA_DATAPLANE_ANSWER_STORED_H
#define SKUA_DATAPLANE_ANSWER_STORED_H

#include "dataplane/answer/compose.h"

/* Names that we answer for ourselves, and nobody else: in a zone, at no cut and below none. */
static inline bool stored_is_ours(const struct image_node *node)
{
	return node->apex_labels != IMAGE_NONE && node->cut_labels == IMAGE_NONE;
}

/* An RRset that leads nowhere: its node's, or that of the wildcard that covers the asked name. The
 * reply has all its records, and is to be finished. */
bool stored_answer(const struct composer *composer, struct response *response);

/* A CNAME (RFC 1034 4.3.2 step 3a): asked is its target, to be looked up. */
bool stored_alias(const struct composer *composer, struct response *response);

/* NXDOMAIN, and NODATA at a node of the asked name, of a zone without proofs: the SOA (RFC 2308 3).
 * The reply has all its records, and is to be finished. Requires: known.apex has been looked for.
 */
bool stored_denial(const struct composer *composer, struct response *response);

/* The zone's SOA for negative answers if that is all that is to be said to a client, or NULL. */
const struct image_rrset *stored_soa(const struct image *image, const struct image_node *apex,
				     bool dnssec_ok);

/* Copies it to where it stands behind a question of so many octets of name, at or below the apex;
 * *sum is that of what it is then. False: the image is damaged. Requires: to has soa->length
 * octets. */
bool stored_soa_copy(uint8_t *to, const struct image_node *apex, const struct image_rrset *soa,
		     uint32_t asked_length, uint16_t *sum);

#endif
