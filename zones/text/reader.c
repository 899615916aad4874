/* reader.c: files and memory, entry by entry. */
#include "zones/text/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* After so many a file is not read on: each costs a look at up to TEXT_RECORD_OCTETS again. */
#define UNCLOSED_MOST 10u

static void report_va(struct reader *reader, enum severity severity, uint32_t line, uint32_t column,
		      const char *format, va_list arguments)
{
	struct place place = {.file = reader->file, .line = line};
	char text[512];

	if (reader->generate != NULL) {
		place.line = reader->generate->line;
		column = reader->generate->column;
	}
	vsnprintf(text, sizeof(text), format, arguments);
	diagnostics_report(reader->all, severity, place, column, "%s%s",
			   reader->generate != NULL ? "generated record: " : "", text);
}

void reader_report(struct reader *reader, enum severity severity, uint32_t line, uint32_t column,
		   const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_va(reader, severity, line, column, format, arguments);
	va_end(arguments);
}

void reader_refuse(struct reader *reader, const struct token *token, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_va(reader, SEVERITY_ERROR, token->line, token->column, format, arguments);
	va_end(arguments);
}

static const char *name_advice(enum name_error error)
{
	switch (error) {
	case NAME_LABEL_LONG:
		return "shorten the label";
	case NAME_LONG:
		return "shorten it, or end it with a dot if it is absolute already";
	case NAME_BAD_ESCAPE:
		return "write \\DDD (000 to 255) or \\X";
	case NAME_NO_ORIGIN:
		return "end the name with a dot or set $ORIGIN";
	default:
		return "remove the dot that is too much";
	}
}

bool reader_name(struct reader *reader, const struct token *token, uint8_t *wire, size_t *length)
{
	const uint8_t *origin = reader->origin_length != 0 ? reader->origin : NULL;
	char shown[RDATA_SHOWN];
	size_t bad_at;

	enum name_error error =
	    name_from_text(token->text, token->length, origin, wire, length, &bad_at);
	if (error == NAME_OK)
		return true;
	reader_report(reader, SEVERITY_ERROR, token->line,
		      token->column + (uint32_t)bad_at + token->quoted, "%s in \"%s\", %s",
		      name_error_text(error), token_shown(token, shown), name_advice(error));
	return false;
}

static void take_entry(struct reader *reader, const struct entry *entry)
{
	const struct token *first = entry->tokens;

	switch (entry->fault) {
	case LEXER_NO_FAULT:
		if (first->length > 0 && first->text[0] == '$' && !first->quoted &&
		    !entry->leading_blank)
			reader_directive(reader, entry);
		else
			reader_record(reader, entry);
		break;
	case LEXER_OPEN_QUOTE:
		reader_report(reader, SEVERITY_ERROR, entry->fault_line, entry->fault_column,
			      "this quote is not closed on its line, add \" or escape it as \\\"");
		break;
	case LEXER_OPEN_PARENTHESIS:
		reader->unclosed++;
		reader_report(reader, SEVERITY_ERROR, entry->fault_line, entry->fault_column,
			      "this parenthesis is never closed, add )");
		break;
	case LEXER_CLOSE_PARENTHESIS:
		reader_report(reader, SEVERITY_ERROR, entry->fault_line, entry->fault_column,
			      "this parenthesis closes nothing, remove it or add ( before");
		break;
	}
}

/* An octet that no text has: one message for the file, whatever else is in it. */
static void refuse_octet(struct reader *reader, const char *from, uint32_t line, const char *bad)
{
	const char *line_start = from;

	for (const char *at = from; at < bad; at++) {
		if (*at == '\n') {
			line++;
			line_start = at + 1;
		}
	}
	reader_report(reader, SEVERITY_ERROR, line, (uint32_t)(bad - line_start) + 1,
		      "this is no text file (octet 0x%02x), give a zone as plain UTF-8 or ASCII",
		      (uint8_t)*bad);
}

/* One more window. False: the file can't be read on, and why is reported. */
static bool read_on(struct reader *reader, struct window *window, uint32_t line, bool *full)
{
	const char *bad = NULL;

	*full = false;
	switch (window_more(window, &bad)) {
	case WINDOW_READ:
		return true;
	case WINDOW_FULL:
		*full = true;
		return true;
	case WINDOW_NOT_TEXT:
		refuse_octet(reader, window->at, line, bad);
		return false;
	case WINDOW_FAILED:
		break;
	}
	reader_report(reader, SEVERITY_ERROR, line, 0, "can't read on: %s, check the disk",
		      strerror(errno));
	return false;
}

static bool skip_line(struct reader *reader, struct window *window, uint32_t *line)
{
	for (;;) {
		const char *newline = memchr(window->at, '\n', (size_t)(window->end - window->at));
		bool full;

		if (newline != NULL) {
			window->at = newline + 1;
			++*line;
			return true;
		}
		window->at = window->end;
		if (window->last)
			return true;
		if (!read_on(reader, window, *line, &full))
			return false;
	}
}

/* A record that does not fit into the largest window: go on behind its first line. */
static bool skip_giant(struct reader *reader, struct window *window, uint32_t *line,
		       const struct entry *entry)
{
	if (entry->open_end == NULL) {
		reader_report(reader, SEVERITY_ERROR, *line, 0,
			      "a line of more than %u octets, split it", TEXT_RECORD_OCTETS);
		return skip_line(reader, window, line);
	}
	reader->unclosed++;
	reader_report(reader, SEVERITY_ERROR, entry->open_line, entry->open_column,
		      "this parenthesis is not closed within %u octets, add )", TEXT_RECORD_OCTETS);
	window->at = entry->open_end;
	*line = entry->open_line + 1;
	return true;
}

static bool read_entries(struct reader *reader, struct window *window, struct entry *entry)
{
	uint32_t line = 1;
	bool full;

	while (reader->unclosed < UNCLOSED_MOST) {
		if (reader_plain_lines(reader, window, &line))
			continue;
		switch (lexer_next(&window->at, window->end, window->last, &line, entry)) {
		case LEXER_ENTRY:
			take_entry(reader, entry);
			break;
		case LEXER_END:
			return true;
		case LEXER_MORE:
			if (!read_on(reader, window, line, &full) ||
			    (full && !skip_giant(reader, window, &line, entry)))
				return false;
			break;
		}
	}
	reader_report(reader, SEVERITY_ERROR, line, 0,
		      "too many parentheses are left open, the rest of the file is not read");
	return true;
}

static void skip_byte_order_mark(struct window *window)
{
	if (window->end - window->at >= 3 && memcmp(window->at, "\xef\xbb\xbf", 3) == 0)
		window->at += 3;
}

bool reader_read(struct reader *reader, struct window *window)
{
	struct entry entry = {0};
	unsigned unclosed = reader->unclosed;
	bool full;

	reader->unclosed = 0;
	bool is_text = read_on(reader, window, 1, &full);
	if (is_text) {
		skip_byte_order_mark(window);
		is_text = read_entries(reader, window, &entry);
	}
	reader->unclosed = unclosed;
	entry_free(&entry);
	return is_text;
}

static void refuse_file(struct reader *reader, const char *path, const struct token *where,
			const char *why, const char *advice)
{
	if (where != NULL)
		reader_refuse(reader, where, "can't include \"%s\": %s, %s", path, why, advice);
	else
		diagnostics_report(reader->all, SEVERITY_ERROR,
				   (struct place){.file = diagnostics_file(reader->all, path)}, 0,
				   "%s, %s", why, advice);
}

/* A descriptor of a regular file, or -1 and a report. */
static int open_file(struct reader *reader, const char *path, const struct token *where,
		     struct stat *about)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0) {
		refuse_file(reader, path, where, strerror(errno),
			    "check the name and the permissions");
		return -1;
	}
	if (fstat(fd, about) == 0 && S_ISREG(about->st_mode))
		return fd;
	refuse_file(reader, path, where, "not a regular file", "give a file of zone text");
	close(fd);
	return -1;
}

static bool is_being_read(const struct frame *frame, const struct stat *about)
{
	for (; frame != NULL; frame = frame->parent) {
		if (frame->device == about->st_dev && frame->inode == about->st_ino)
			return true;
	}
	return false;
}

bool reader_read_file(struct reader *reader, const char *path, const struct token *where)
{
	const struct frame *parent = reader->frame;
	uint16_t parent_file = reader->file;
	struct window window;
	struct stat about;

	int fd = open_file(reader, path, where, &about);
	if (fd < 0)
		return false;
	if (is_being_read(parent, &about)) {
		refuse_file(reader, path, where, "it includes itself", "break the loop");
		close(fd);
		return false;
	}
	const struct frame frame = {.parent = parent,
				    .path = path,
				    .device = about.st_dev,
				    .inode = about.st_ino,
				    .depth = parent != NULL ? parent->depth + 1 : 0};
	reader->frame = &frame;
	reader->file = diagnostics_file(reader->all, path);
	window_open_file(&window, fd, (uint64_t)about.st_size);
	bool is_text = reader_read(reader, &window);
	window_close(&window);
	reader->frame = parent;
	reader->file = parent_file;
	return is_text;
}

static struct reader *reader_new(const uint8_t *origin, text_sink *sink, void *context,
				 struct diagnostics *all)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL)
		abort();
	reader->all = all;
	reader->sink = sink;
	reader->context = context;
	if (origin != NULL) {
		reader->origin_length = name_length(origin, NAME_MAX_OCTETS);
		memcpy(reader->origin, origin, reader->origin_length);
	}
	return reader;
}

bool text_read_file(const char *path, const uint8_t *origin, text_sink *sink, void *context,
		    struct diagnostics *all)
{
	struct reader *reader = reader_new(origin, sink, context, all);

	reader->may_include = true;
	bool is_text = reader_read_file(reader, path, NULL);
	free(reader);
	return is_text;
}

bool text_read_memory(const char *name, const char *text, size_t length, bool include,
		      const uint8_t *origin, text_sink *sink, void *context,
		      struct diagnostics *all)
{
	struct reader *reader = reader_new(origin, sink, context, all);
	const struct frame frame = {.path = name};
	const char *bad = window_control_octet(text, text + length);
	struct window window;

	reader->may_include = include;
	reader->frame = &frame;
	reader->file = diagnostics_file(all, name);
	if (bad != NULL) {
		refuse_octet(reader, text, 1, bad);
	} else {
		window_open_memory(&window, text, length);
		reader_read(reader, &window);
		window_close(&window);
	}
	free(reader);
	return bad == NULL;
}
