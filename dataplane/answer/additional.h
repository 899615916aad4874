/* additional.h: what a client will ask next, added while there is room.
 *
 *   NS           A and AAAA of the servers; below the cut of a referral they are owed (RFC
 * 9471 3.1) MX, SRV      A and AAAA of the targets (RFC 1035 3.3.9, RFC 2782) NAPTR        flag
 * "s": SRV of the replacement, and A and AAAA behind it; flag "a": A and AAAA; any other flag, or
 * none: nothing (RFC 3403 4.1, RFC 3958 2.2): a chain of NAPTRs is the client's to walk SVCB, HTTPS
 * A and AAAA of the target, and what it has of the same type (RFC 9460 4.1); of the owner if the
 * target is "." in ServiceMode (2.5.2)
 *
 * Each RRset comes once in a message. What does not fit is left out, RRset by RRset, signatures
 * first (RFC 4035 3.1.1), and sets no TC; only missing glue that is owed does (RFC 9471 3.1).
 * Threads: any; no allocation. Bounded: ADDITIONAL_LEADS_MAX names are followed. */
#ifndef SKUA_DATAPLANE_ANSWER_ADDITIONAL_H
#define SKUA_DATAPLANE_ANSWER_ADDITIONAL_H

#include "dataplane/answer/client.h"
#include "dataplane/answer/reply.h"

#define ADDITIONAL_RRSETS_MAX  192u /* in a message, those of answer and authority included */
#define ADDITIONAL_SOURCES_MAX 64u
#define ADDITIONAL_LEADS_MAX   256u

/* An RRset in the message whose records name others. */
struct additional_source {
	const struct image_node *node;
	const struct image_rrset *rrset;
	uint32_t tail_at;  /* reply.tail_at after it was put */
	uint32_t owner_at; /* where the message holds its owner; 0: in pieces */
	uint32_t owner_length;
	uint64_t owner_hash;
};

struct additional {
	unsigned placed_count;
	unsigned source_count;
	unsigned leads;				/* names followed so far */
	uint64_t placed[ADDITIONAL_RRSETS_MAX]; /* owner's hash and type, mixed */
	struct additional_source source[ADDITIONAL_SOURCES_MAX];
};

static inline void additional_begin(struct additional *list)
{
	list->placed_count = 0;
	list->source_count = 0;
	list->leads = 0;
}

/* After each reply_put() of an RRset that may lead on, or must not come twice.
 * owner: that it was put with; owner_hash: its name_hash(). */
void additional_note(struct additional *list, const struct reply *reply,
		     const struct image_node *node, const struct image_rrset *rrset,
		     const struct owner *owner, uint64_t owner_hash);

struct additional_rules {
	bool optional;		      /* settings.additional */
	bool signatures;	      /* DO */
	uint32_t rotation;	      /* of A and AAAA sets */
	const struct image_node *cut; /* of a referral, or NULL */
};

/* Adds what the noted RRsets lead to, where the client may look it up. */
void additional_put(const struct client *client, struct reply *reply, struct additional *list,
		    const struct additional_rules *rules);

#endif
