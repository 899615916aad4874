/* reader.h: what a master file means so far, between one entry and the next.
 * Threads: one reader, one thread. */
#ifndef SKUA_ZONES_TEXT_READER_H
#define SKUA_ZONES_TEXT_READER_H

#include <sys/types.h>

#include "zones/name/name.h"
#include "zones/text/lexer.h"
#include "zones/text/rdata.h"
#include "zones/text/text.h"
#include "zones/text/window.h"

/* A file that is being read, and the one that included it. */
struct frame {
	const struct frame *parent;
	const char *path;
	dev_t device;
	ino_t inode;
	unsigned depth;
};

struct reader {
	struct diagnostics *all;
	text_sink *sink;
	void *context;
	bool may_include;

	const struct frame *frame;
	uint16_t file;
	unsigned unclosed; /* parentheses left open in this file */

	uint8_t origin[NAME_MAX_OCTETS];
	size_t origin_length; /* 0: none */
	uint8_t owner[NAME_MAX_OCTETS];
	size_t owner_length; /* 0: none, or unknown since the last one was wrong */
	bool owner_is_bad;

	bool has_default, has_last, has_minimum;
	uint32_t default_ttl; /* $TTL */
	uint32_t last_ttl;    /* given with a record */
	uint32_t minimum;     /* of the SOA */

	const struct token *generate; /* the directive that the text comes from, or NULL */
	uint8_t rdata[RDATA_MAX_OCTETS];
};

/* A finding at a line and column of the file that is being read. */
void reader_report(struct reader *reader, enum severity severity, uint32_t line, uint32_t column,
		   const char *format, ...) __attribute__((format(printf, 5, 6)));
void reader_refuse(struct reader *reader, const struct token *token, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A name relative to the origin; reported if it is none. wire has NAME_MAX_OCTETS. */
bool reader_name(struct reader *reader, const struct token *token, uint8_t *wire, size_t *length);

/* Reads all entries of a window. False if it is no text. */
bool reader_read(struct reader *reader, struct window *window);
/* Opens and reads a file. where: the token that names it, or NULL for the first file. */
bool reader_read_file(struct reader *reader, const char *path, const struct token *where);

/* directive.c: an entry that starts with $. */
void reader_directive(struct reader *reader, const struct entry *entry);
/* generate.c: $GENERATE. */
void reader_generate(struct reader *reader, const struct entry *entry);
/* plain_line.c: takes the next lines, at most READER_PLAIN_LINES, as far as each is all of an A
 * record in its plainest form. False: nothing has changed, the lexer is to read what comes. line:
 * the number of the first, counted on. */
#define READER_PLAIN_LINES 16u
bool reader_plain_lines(struct reader *reader, struct window *window, uint32_t *line);
/* record_read.c: an entry that is a record. */
void reader_record(struct reader *reader, const struct entry *entry);

#endif
