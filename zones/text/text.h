/* text.h: master files (RFC 1035 5.1) to records.
 *
 * Understood: $ORIGIN, $TTL (RFC 2308 4), $INCLUDE (relative to the including file, at most
 * TEXT_INCLUDE_DEPTH deep, loops refused), $GENERATE (as BIND's), relative names, parentheses,
 * comments, quoted strings, escapes, TTL units, class and TTL in either order, LF and CRLF, a
 * UTF-8 byte order mark, every type that ldns knows, and RFC 3597 text for all types.
 * A record that is wrong is reported and left out; reading goes on with the next. A file that is
 * no text at all gives one error.
 * Missing TTL: $TTL, else the last TTL given, else the SOA's MINIMUM, else an error.
 * Memory:  a window on the file that grows only with one record's text, never the whole file.
 * Threads: any, one reader each; ldns is used only for text and wire of single fields.
 * Source:  RFC 1035 5.1, RFC 2308 4, RFC 3597, BIND 9's $GENERATE. */
#ifndef SKUA_ZONES_TEXT_TEXT_H
#define SKUA_ZONES_TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zones/text/diagnostics.h"
#include "zones/text/source.h"
#include "zones/zone/zone.h"

#define TEXT_INCLUDE_DEPTH    16u
#define TEXT_GENERATE_RECORDS 1000000u	 /* of one $GENERATE line */
#define TEXT_RECORD_OCTETS    (1u << 20) /* text of one record, comments included */

/* One record, borrowed for the call of the sink; so are the `more` that lie behind it in memory,
 * which are told of next, whatever else the file holds. */
struct text_record {
	const uint8_t *owner; /* absolute, case as in the file */
	size_t owner_length;
	uint16_t type;
	uint16_t class; /* always CLASS_IN: others are refused by the reader */
	uint32_t ttl;
	const uint8_t *rdata; /* wire form, whole, no compression, names absolute */
	uint16_t rdata_length;
	struct place place;
	uint32_t column; /* of the type */
	uint32_t more;
	uint64_t left; /* about how many octets follow in its file; 0: not known */
};
typedef void text_sink(void *context, const struct text_record *record);

/* Reads one file and what it includes. origin: the initial origin, or NULL.
 * Returns false if the file could not be opened or is no text; other errors are only in *all. */
bool text_read_file(const char *path, const uint8_t *origin, text_sink *sink, void *context,
		    struct diagnostics *all);

/* Reads text in memory, shown as `name` in messages; $INCLUDE is refused if include is false. */
bool text_read_memory(const char *name, const char *text, size_t length, bool include,
		      const uint8_t *origin, text_sink *sink, void *context,
		      struct diagnostics *all);

/* A file as a zone, for the caller to free. The apex is the given ORIGIN, else the owner of the
 * SOA, else the file name without ".zone". Records out of zone, too large RRsets (errors), mixed
 * TTLs and duplicates (warnings) are reported and handled as zone_add() says.
 * NULL, with an error reported, if the file could not be opened, is no text, holds no good record,
 * or no apex can be told. A zone that is returned is what could be read: look at all->errors before
 * serving it, and run zone_check(). */
struct zone *zone_read(const struct zone_source *source, struct diagnostics *all);

/* "NAPTR", "TYPE65280"; text has TEXT_TYPE_MAX octets. */
#define TEXT_TYPE_MAX 16u
const char *text_of_type(uint16_t type, char text[TEXT_TYPE_MAX]);
/* Mnemonic in any case, or TYPEnnn. False if there is no such type. */
bool type_from_text(const char *text, size_t length, uint16_t *type);

/* One record's rdata as master-file text, names absolute. At most `room` octets with the NUL;
 * false if it does not fit or the rdata is malformed. */
bool text_of_rdata(uint16_t type, const uint8_t *rdata, uint16_t length, char *text, size_t room);

/* One record's rdata from text such as `10 mail.example.`, for records that come from elsewhere
 * than files. rdata has 65,535 octets. False with a message (no place) in message. */
bool rdata_from_text(uint16_t type, const char *text, size_t text_length, const uint8_t *origin,
		     uint8_t *rdata, uint16_t *length, char *message, size_t room);

#endif
