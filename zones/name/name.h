/* name.h: domain names in wire form.
 *
 * A name is a sequence of labels (length octet, octets), ended by the root label (one zero octet);
 * at most 255 octets, labels of at most 63 (RFC 1035 3.1, RFC 2181 11). No compression pointers
 * here. Threads:  any. Ownership: nothing is allocated. Case: functions say when they want lower
 * case. */
#ifndef SKUA_ZONES_NAME_NAME_H
#define SKUA_ZONES_NAME_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_MAX_OCTETS 255u
#define NAME_MAX_LABELS 127u
#define NAME_MAX_TEXT	1025u /* every octet escaped as \DDD, dots, NUL */

/* Octets of the name at wire, or 0 if it is not a whole, legal, uncompressed name within
 * `available`. */
size_t name_length(const uint8_t *wire, size_t available);

/* Labels of a legal name, the root not counted. */
unsigned name_labels(const uint8_t *name);

/* The name without its first `skip` labels (skip <= name_labels): a pointer into it. */
const uint8_t *name_skip(const uint8_t *name, unsigned skip);

/* Copies `length` octets with A-Z made lower case; length octets are below 'A', so labels need no
 * walk. */
void name_lower(uint8_t *to, const uint8_t *from, size_t length);

/* Equal without regard to case. */
bool name_equal(const uint8_t *a, const uint8_t *b);

/* Canonical DNS order (RFC 4034 6.1) of two names in any case: <0, 0, >0. */
int name_compare(const uint8_t *a, const uint8_t *b);

/* True if `name` is `ancestor` or lies below it; case is ignored. */
bool name_is_at_or_below(const uint8_t *name, const uint8_t *ancestor);

/* Why a text is no name. */
enum name_error {
	NAME_OK,
	NAME_EMPTY_LABEL, /* "a..b", ".a" */
	NAME_LABEL_LONG,  /* a label of more than 63 octets */
	NAME_LONG,	  /* more than 255 octets */
	NAME_BAD_ESCAPE,  /* "\" at the end, "\1x", "\256" */
	NAME_NO_ORIGIN,	  /* relative, and origin is NULL */
	NAME_EMPTY,	  /* no text */
};
const char *
name_error_text(enum name_error error); /* "label longer than 63 octets", … never NULL */

/* Master-file text (RFC 1035 5.1: \X, \DDD, relative names, "@") to wire, case kept.
 * Requires: wire has NAME_MAX_OCTETS; origin is a legal name or NULL.
 * Ensures:  on NAME_OK *length is set; on any error *bad_at is the offset in text where it shows.
 */
enum name_error name_from_text(const char *text, size_t text_length, const uint8_t *origin,
			       uint8_t *wire, size_t *length, size_t *bad_at);

/* Wire to absolute master-file text with a trailing dot; NUL-terminated. text has NAME_MAX_TEXT.
 * Returns the length without the NUL. */
size_t name_to_text(const uint8_t *name, char *text);

#endif
