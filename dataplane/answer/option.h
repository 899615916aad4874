/* option.h: the EDNS options of a query.
 *
 * Threads:  any; no allocation.
 * Requires: octets[length] readable.
 * Source:   RFC 6891 6.1.2 and, by option, option.def. Of several options with one code the first
 *           counts and is the only one that is looked at (RFC 7873 4 says so for cookies; the
 *           others allow one). */
#ifndef SKUA_DATAPLANE_ANSWER_OPTION_H
#define SKUA_DATAPLANE_ANSWER_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_code {
#define OPTION(name, code, help) OPTION_##name = (code),
#include "dataplane/answer/option.def"
#undef OPTION
};

#define OPTION_HEADER 4u /* code and length */

#define COOKIE_CLIENT_OCTETS 8u
#define COOKIE_OCTETS	     24u /* client cookie, and a server cookie of version 1 (RFC 9018 4) */

/* A query's cookies. length: of the option; only the first COOKIE_OCTETS are kept. */
struct query_cookie {
	uint8_t length; /* 8, or 16 to 40 */
	uint8_t octets[COOKIE_OCTETS];
};

/* RFC 7871 6: on whose behalf a resolver asks. */
struct query_subnet {
	uint8_t family; /* 4 or 6 */
	uint8_t source; /* bits of the address that are told; those behind are zero */
	uint8_t scope;	/* bits that the answer depends on: 0, unless who used them says more before
			   the reply is finished */
	uint8_t address[16]; /* network order; IPv4 in the first 4 */
};

/* Bits of query_options.asks. */
enum option_asked {
	ASKED_NSID = 1,
	ASKED_SUBNET = 2,
	ASKED_COOKIE = 4,
	ASKED_KEEPALIVE = 8,
	ASKED_TIMEOUT =
	    16, /* KEEPALIVE with a value, which is the server's to give (RFC 7828 3.2.1) */
};

struct asked_options {
	uint8_t asked;		    /* enum option_asked; 0: what follows is not set */
	struct query_cookie cookie; /* if ASKED_COOKIE */
	struct query_subnet subnet; /* if ASKED_SUBNET */
};

enum option_verdict {
	OPTIONS_GOOD,
	OPTIONS_BROKEN,	  /* they do not add up to `length` */
	OPTIONS_MALFORMED /* one that we know is not as its RFC says */
};

/* Sets bits of options->asked, and what they speak of. */
enum option_verdict options_read(const uint8_t *octets, size_t length,
				 struct asked_options *options);

#endif
