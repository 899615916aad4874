/* lexer.h: master file text cut into entries (a record or a directive each) and tokens
 * (RFC 1035 5.1): blanks, parentheses, comments, quotes and escapes are this file's business.
 * Threads: any. Ownership: tokens point into the text that was given. */
#ifndef SKUA_ZONES_TEXT_LEXER_H
#define SKUA_ZONES_TEXT_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct token {
	const char *text; /* escapes as written; without the quotes */
	uint32_t length;
	uint32_t line;
	uint32_t column; /* from 1, in octets */
	bool quoted;
	bool glued; /* nothing stands between it and the token before: key="value" */
};

enum lexer_fault {
	LEXER_NO_FAULT,
	LEXER_OPEN_QUOTE,	 /* the line ends inside quotes; the place is the quote */
	LEXER_OPEN_PARENTHESIS,	 /* the text ends; the place is the outermost one left open */
	LEXER_CLOSE_PARENTHESIS, /* it closes nothing */
};

struct entry {
	struct token *tokens; /* owned by the entry, reused from one to the next */
	unsigned count;
	unsigned capacity;
	bool leading_blank; /* the first line starts with a blank: the owner is inherited */
	enum lexer_fault fault;
	uint32_t fault_line, fault_column;
	uint32_t open_line, open_column; /* of the outermost open parenthesis */
	const char *open_end;		 /* where the line after it starts; NULL: none is open */
};

enum lexer_result {
	LEXER_ENTRY, /* *at and *line are behind the entry; look at fault before the tokens */
	LEXER_MORE,  /* the text ends inside an entry; *at is where it starts */
	LEXER_END,   /* nothing but blanks and comments was left; all is taken */
};

/* The next entry that has tokens or a fault. last: nothing follows end.
 * After LEXER_OPEN_PARENTHESIS *at is at the line behind the parenthesis, so that the records
 * there are not lost. */
enum lexer_result lexer_next(const char **at, const char *end, bool last, uint32_t *line,
			     struct entry *entry);
void entry_free(struct entry *entry);

#endif
