/* lexer.c: see lexer.h. */
#include "zones/text/lexer.h"

#include <stdlib.h>

/* What ends a plain token. */
static const bool is_special[256] = {
    ['\t'] = true, ['\n'] = true, ['\f'] = true, ['\r'] = true, [' '] = true,
    ['"'] = true,  ['('] = true,  [')'] = true,	 [';'] = true,	['\\'] = true,
};

struct scan {
	const char *at, *end;
	const char *line_start;
	uint32_t line;
	unsigned depth; /* open parentheses */
	bool last;
	bool glued; /* no blank since the last token */
	bool cut;   /* the text ended before the entry did */
	struct entry *entry;
};

static uint32_t column_of(const struct scan *scan, const char *at)
{
	return (uint32_t)(at - scan->line_start) + 1;
}

static void set_fault(struct scan *scan, enum lexer_fault fault, uint32_t line, uint32_t column)
{
	if (scan->entry->fault != LEXER_NO_FAULT)
		return;
	scan->entry->fault = fault;
	scan->entry->fault_line = line;
	scan->entry->fault_column = column;
}

static struct token *new_token(struct scan *scan, const char *text)
{
	struct entry *entry = scan->entry;

	if (entry->count == entry->capacity) {
		entry->capacity = entry->capacity != 0 ? 2 * entry->capacity : 32;
		entry->tokens = realloc(entry->tokens, entry->capacity * sizeof(struct token));
		if (entry->tokens == NULL)
			abort();
	}
	struct token *token = &entry->tokens[entry->count++];
	token->text = text;
	token->line = scan->line;
	token->column = column_of(scan, text);
	token->quoted = false;
	token->glued = scan->glued;
	scan->glued = true;
	return token;
}

/* A backslash takes the octet behind it along, but never a line's end. */
static const char *after_escape(const char *at, const char *end)
{
	at++;
	return at < end && *at != '\n' ? at + 1 : at;
}

static void take_plain(struct scan *scan)
{
	const char *at = scan->at, *end = scan->end;
	struct token *token = new_token(scan, at);

	for (;;) {
		while (at < end && !is_special[(uint8_t)*at])
			at++;
		if (at == end || *at != '\\')
			break;
		at = after_escape(at, end);
	}
	token->length = (uint32_t)(at - scan->at);
	scan->at = at;
}

static void take_quoted(struct scan *scan)
{
	const char *at = scan->at + 1, *end = scan->end;
	struct token *token = new_token(scan, at);

	token->quoted = true;
	token->column--;
	while (at < end && *at != '"' && *at != '\n')
		at = *at == '\\' ? after_escape(at, end) : at + 1;
	token->length = (uint32_t)(at - token->text);
	if (at < end && *at == '"')
		at++;
	else if (at < end || scan->last)
		set_fault(scan, LEXER_OPEN_QUOTE, token->line, token->column);
	scan->at = at;
}

static void skip_comment(struct scan *scan)
{
	while (scan->at < scan->end && *scan->at != '\n')
		scan->at++;
}

static void open_parenthesis(struct scan *scan)
{
	if (scan->depth++ == 0) {
		scan->entry->open_line = scan->line;
		scan->entry->open_column = column_of(scan, scan->at);
		scan->entry->open_end = NULL;
	}
}

static void close_parenthesis(struct scan *scan)
{
	if (scan->depth == 0)
		set_fault(scan, LEXER_CLOSE_PARENTHESIS, scan->line, column_of(scan, scan->at));
	else
		scan->depth--;
}

/* True if this newline ends the entry. */
static bool take_newline(struct scan *scan)
{
	scan->at++;
	scan->line++;
	scan->line_start = scan->at;
	if (scan->depth == 0)
		return true;
	if (scan->entry->open_end == NULL)
		scan->entry->open_end = scan->at;
	return false;
}

/* Takes tokens up to the end of the entry, or of the text. */
static void scan_entry(struct scan *scan)
{
	while (scan->at < scan->end) {
		switch (*scan->at) {
		case '\n':
			if (take_newline(scan))
				return;
			scan->glued = false;
			break;
		case ' ':
		case '\t':
		case '\r':
		case '\f':
			scan->at++;
			scan->glued = false;
			break;
		case ';':
			skip_comment(scan);
			break;
		case '(':
			open_parenthesis(scan);
			scan->at++;
			scan->glued = false;
			break;
		case ')':
			close_parenthesis(scan);
			scan->at++;
			scan->glued = false;
			break;
		case '"':
			take_quoted(scan);
			break;
		default:
			take_plain(scan);
		}
	}
	scan->cut = true;
}

static void begin_entry(struct scan *scan)
{
	scan->entry->count = 0;
	scan->entry->fault = LEXER_NO_FAULT;
	scan->entry->leading_blank =
	    scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t');
	scan->line_start = scan->at;
	scan->depth = 0;
	scan->glued = false;
}

/* The text ended inside the entry, and nothing follows: without open parentheses that is a
 * missing final newline, and fine. */
static void end_of_text(struct scan *scan)
{
	struct entry *entry = scan->entry;

	if (scan->depth == 0)
		return;
	entry->fault = LEXER_NO_FAULT; /* the older fault says more */
	set_fault(scan, LEXER_OPEN_PARENTHESIS, entry->open_line, entry->open_column);
	if (entry->open_end != NULL) {
		scan->at = entry->open_end;
		scan->line = entry->open_line + 1;
	}
}

enum lexer_result lexer_next(const char **at, const char *end, bool last, uint32_t *line,
			     struct entry *entry)
{
	struct scan scan = {.at = *at, .end = end, .line = *line, .last = last, .entry = entry};

	while (scan.at < end) {
		begin_entry(&scan);
		scan_entry(&scan);
		if (scan.cut && !last) {
			if (scan.depth == 0)
				entry->open_end = NULL;
			return LEXER_MORE; /* *at stays where this entry starts */
		}
		if (scan.cut)
			end_of_text(&scan);
		*at = scan.at;
		*line = scan.line;
		if (entry->count > 0 || entry->fault != LEXER_NO_FAULT)
			return LEXER_ENTRY;
	}
	return last ? LEXER_END : LEXER_MORE;
}

void entry_free(struct entry *entry)
{
	free(entry->tokens);
	*entry = (struct entry){0};
}
