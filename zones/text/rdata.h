/* rdata.h: one record's rdata from tokens, field by field.
 *
 * ldns says which fields a type has, and reads those that are rare; names, numbers, strings,
 * addresses, base64, hexadecimal, type bitmaps, APL, WKS, NSAP, IPSECKEY, HIP, LOC, CERT and
 * SvcParams are read here, because ldns takes wrong text for them without a word, gets escapes
 * wrong, does not know the origin, or crashes (docs of each function below). Threads: any.
 * Ownership: the caller owns everything; nothing outlives the call. */
#ifndef SKUA_ZONES_TEXT_RDATA_H
#define SKUA_ZONES_TEXT_RDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zones/text/lexer.h"

#define RDATA_MAX_OCTETS 65535u

struct rdata_fault {
	uint32_t line, column;
	char text[256]; /* what, and what to do */
};

/* Tokens on their way to octets, with a sticky fault: after the first, everything is refused. */
struct rdata_text {
	const struct token *at, *end; /* tokens not taken yet */
	const struct token *before;   /* the last one taken, or the type's: where a lack shows */
	const uint8_t *origin;	      /* or NULL */
	uint16_t type;
	uint8_t *rdata; /* RDATA_MAX_OCTETS */
	size_t used;
	bool bad;
	struct rdata_fault *fault;
};

/* Requires: rdata has RDATA_MAX_OCTETS; type_token is where to point if there are no tokens.
 * Ensures:  true and *length, or false and *fault. Sound rdata only (rdata_is_sound()). */
bool rdata_read(uint16_t type, const struct token *type_token, const struct token *tokens,
		unsigned count, const uint8_t *origin, uint8_t *rdata, uint16_t *length,
		struct rdata_fault *fault);

/* --- for the files that read the fields --- */

void rdata_refuse(struct rdata_text *text, const struct token *token, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The next token, or NULL and a fault that says what is lacking. */
const struct token *rdata_take(struct rdata_text *text, const char *what);
void rdata_put(struct rdata_text *text, const void *octets, size_t length);
void rdata_put_number(struct rdata_text *text, uint32_t value, unsigned octets);
/* The token for a message: printable, at most 40 octets. shown has RDATA_SHOWN. */
#define RDATA_SHOWN 48u
const char *token_shown(const struct token *token, char shown[RDATA_SHOWN]);
bool token_is(const struct token *token, const char *word); /* without case */
/* A decimal number up to `most`; false if it is none. */
bool number_from_text(const char *at, size_t length, uint32_t most, uint32_t *value);
/* The octet at *at, which moves on, with RFC 1035 escapes; -1 for a bad escape. */
int octet_from_text(const char **at, const char *end);

/* rdata_field.c: one field each. */
void field_name(struct rdata_text *text);
void field_number(struct rdata_text *text, unsigned octets);
void field_period(struct rdata_text *text); /* a number of seconds, units allowed */
void field_string(struct rdata_text *text, bool counted);
void field_ipv4(struct rdata_text *text);
void field_ipv6(struct rdata_text *text);
void field_hex(struct rdata_text *text);    /* all tokens that are left */
void field_base64(struct rdata_text *text); /* all tokens that are left */
/* One token of hexadecimal or base64. */
void token_hex(struct rdata_text *text, const struct token *token);
void token_base64(struct rdata_text *text, const struct token *token);
void token_ipv4(struct rdata_text *text, const char *at, size_t length, const struct token *token);
void token_ipv6(struct rdata_text *text, const char *at, size_t length, const struct token *token);

/* rdata_special.c: fields that a few types have. */
void field_bitmap(struct rdata_text *text);
void field_apl(struct rdata_text *text);
void field_wks(struct rdata_text *text);
void field_nsap(struct rdata_text *text);
void field_ipseckey(struct rdata_text *text);
void field_hip(struct rdata_text *text);
void field_time(struct rdata_text *text);
void field_tag(struct rdata_text *text);

/* location.c: LOC (RFC 1876). */
void field_location(struct rdata_text *text);

/* svcb.c: SvcParams (RFC 9460). */
void field_svcparams(struct rdata_text *text);

/* A time to live or another period: 3600, 1h30m, 1W. False if it is none, or past 2^31 - 1. */
bool period_from_text(const char *at, size_t length, uint32_t *seconds);

#endif
