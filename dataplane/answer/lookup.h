/* lookup.h: one name and type against one immutable image.
 *
 * Threads:  any; no locks, no allocation.
 * Requires: image from image_open(); asked->name is lower-case wire form.
 * Ensures:  *verdict is fully set; every node and RRset in it has been checked.
 * Lifetime: *verdict borrows the image until the worker's next quiescent point.
 * Source:   RFC 1034 4.3.2, RFC 4592 (wildcards), RFC 6672 3.2 (DNAME), RFC 4035 3.1.4.1 (DS),
 *           RFC 8020 (what lies below a name that does not exist), RFC 8482 (ANY). */
#ifndef SKUA_DATAPLANE_ANSWER_LOOKUP_H
#define SKUA_DATAPLANE_ANSWER_LOOKUP_H

#include "zones/image/reader.h"
#include "zones/name/name.h"

/* The name that is being looked up: the question, then each alias's target. */
struct asked {
	uint64_t hash;	/* name_hash() */
	uint32_t at;	/* where the reply holds it (maybe in pieces) */
	uint16_t type;	/* QTYPE */
	uint8_t length; /* octets of name */
	const uint8_t *name;
};

enum verdict_kind {
	VERDICT_REFUSED,    /* in no zone of ours */
	VERDICT_ANSWER,	    /* rrset at node */
	VERDICT_ALIAS,	    /* rrset at node is a CNAME */
	VERDICT_DNAME,	    /* rrset at node, strictly above the name, is a DNAME */
	VERDICT_ANY,	    /* all that node has */
	VERDICT_SIGNATURES, /* all RRSIGs that node has */
	VERDICT_NODATA,	    /* the name exists (perhaps by a wildcard), the type does not */
	VERDICT_NXDOMAIN,
	VERDICT_REFERRAL,   /* node is a zone cut at or above the name; rrset its NS */
	VERDICT_PROHIBITED, /* in a zone that is for other clients: compose.c finds out */
	VERDICT_DAMAGED,    /* the image contradicts itself */
};

struct verdict {
	enum verdict_kind kind;
	uint8_t apex_labels;	 /* of the zone that says so */
	uint8_t encloser_labels; /* of the closest encloser, when the name does not exist */
	bool exists;		 /* the name itself is a node */
	/* The name's node or its closest encloser's; of a DS at an apex, that of the name above in
	 * the zone that answers. Says whose zone it is. NULL: VERDICT_REFUSED. */
	const struct image_node *place;
	const struct image_node *node;	 /* who owns rrset; NODATA: the name's, or its wildcard's */
	const struct image_rrset *rrset; /* or NULL */
};

/* True if the name got its verdict from a wildcard (RFC 4592 3.3). */
static inline bool verdict_is_wildcard(const struct verdict *verdict)
{
	return !verdict->exists && verdict->kind != VERDICT_NXDOMAIN &&
	       verdict->kind != VERDICT_DNAME && verdict->kind != VERDICT_REFERRAL;
}

/* What staging.h has found out about the asked name. */
struct lookup_known {
	const struct image_node *exact;	   /* its node, or NULL: there is none */
	const struct image_node *encloser; /* then the closest encloser's, or NULL: there is none */
	const struct image_node *wildcard; /* and its wildcard's, or NULL: it has none */
	const struct image_node *apex;	   /* of exact's or encloser's zone; NULL: not looked for */
	uint8_t encloser_skip;		   /* labels of the asked name in front of the encloser's */
};

void lookup_verdict(const struct image *image, const struct asked *asked,
		    const struct lookup_known *known, struct verdict *verdict);

/* The apex of the zone that the verdict speaks for, or NULL: the image is damaged. */
const struct image_node *lookup_apex(const struct image *image, const struct asked *asked,
				     const struct lookup_known *known,
				     const struct verdict *verdict);

/* The node of the name's last `labels` labels, or NULL. */
const struct image_node *lookup_suffix(const struct image *image, const uint8_t *name,
				       size_t length, unsigned labels);

/* What answers for a name as additional data: its node, or the wildcard that covers it; NULL:
 * nothing does. Cuts are not looked at: below them lies glue. */
const struct image_node *lookup_additional(const struct image *image, const uint8_t *name,
					   size_t length);

#endif
