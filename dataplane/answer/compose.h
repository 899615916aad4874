/* compose.h: from a question and what the image holds to the records of a reply.
 *
 * A response looks up one name at a time. After each the caller is told whether there is a next one
 * (an alias led on), so that a burst can look up the next names of all its responses together.
 * Threads:  any; no locks, no allocation.
 * Source:   RFC 1034 4.3.2, RFC 2308 2, RFC 4035 3.1, RFC 4592, RFC 6672 3, RFC 8482, RFC 9471. */
#ifndef SKUA_DATAPLANE_ANSWER_COMPOSE_H
#define SKUA_DATAPLANE_ANSWER_COMPOSE_H

#include "dataplane/answer/additional.h"
#include "dataplane/answer/answer.h"
#include "dataplane/answer/client.h"
#include "dataplane/answer/lookup.h"
#include "dataplane/answer/proof.h"
#include "dataplane/answer/query.h"
#include "dataplane/answer/reply.h"
#include "dataplane/answer/staging.h"

/* Why there is an error (RFC 8914). */
enum extended_error {
#define EXTENDED_ERROR(name, code, help) EXTENDED_ERROR_##name = (code),
#include "dataplane/answer/extended_error.def"
#undef EXTENDED_ERROR
};

#define OPTIONS_OCTETS 194u /* most of the options of a reply, without an extended error */

/* Aliases followed for one question; then the reply is sent with what it has. BIND follows as many;
 * NSD and Knot too stop without an error, at other lengths. */
#define LINKS_MAX 16u

/* A name in the chain that a wildcard answered for; proven when the answer section is whole. */
struct expansion {
	const struct image *image; /* where the name was looked up */
	uint32_t at;		   /* where the reply holds the name */
	uint8_t apex_labels;
	uint8_t encloser_labels;
};

/* A DNAME that is in the answer section: a chain may meet it again, an RRset comes once. */
struct redirection {
	const struct image_node *node;
	uint32_t rdata_at; /* where the reply holds its target */
};

struct response {
	struct datagram *datagram;
	struct asked asked;
	const struct image *image; /* where asked is looked up: the client's */
	struct reply reply;
	unsigned links;	     /* aliases followed so far */
	unsigned expansions; /* from wildcards, among them */
	unsigned redirections;
	uint16_t options_length; /* of `options`; this and what follows is cleared as one */
	bool wildcard;		 /* something came from a wildcard */
	bool referral;
	/* For the end of the reply (option_reply.h). */
	bool cookie_valid;	/* the client has shown that it is where it says (RFC 7873) */
	bool cookie_invalid;	/* it has a server cookie, and that is not good */
	uint8_t extended_error; /* enum extended_error; 0: none */
	bool spoofable;		/* over UDP: the source may be forged, unless cookie_valid */
	uint32_t limit;		/* of the whole message */
	/* For the rate limits (rate_limit.h). */
	uint8_t rate; /* enum policy_rate */
	bool summed;  /* records_sum is that of the records */
	uint16_t records_sum;
	uint64_t rate_subject; /* hash of the name, cut or zone that it is counted for */
	uint64_t rate_key;
	struct staging staging;
	struct client client;
	struct query query;
	uint8_t name[NAME_MAX_OCTETS + 1]; /* that asked.name leads to, in lower case */
	uint64_t visited[LINKS_MAX];	   /* hashes of the names that aliases led away from */
	struct expansion expansion[LINKS_MAX + 1];
	struct redirection redirection[LINKS_MAX + 1];
	uint8_t options[OPTIONS_OCTETS]; /* of the reply's OPT record; options_length of them */
};

/* What all responses of a burst share. */
struct composer {
	const struct image *image; /* of the response that is being worked on */
	struct answer_state *state;
	enum transport transport;
	uint64_t *counts;
	bool rate_limited;	      /* responses must say what they are counted as */
	struct additional additional; /* scratch */
	struct proof proof;	      /* scratch */
};

/* Requires: response->query is good, its class is IN or ANY; asked and reply are set up; staging is
 * done with asked. Returns true if asked is now the next name to look up. */
bool compose_step(struct composer *composer, struct response *response);

#endif
