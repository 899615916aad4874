/* generate.c: BIND's $GENERATE range owner [TTL] [class] type rdata.
 *
 * In owner and rdata `$` stands for the number, ${offset,width,base} for the number plus offset,
 * padded with zeros to width, in base d, o, x, X (decimal, octal, hexadecimal), or n, N (nibbles
 * in reverse, dots between: for ip6.arpa). `\$` and `$$` are a dollar. rdata that is one quoted
 * word is what stands between the quotes, so `MX "10 mail$"` works as in BIND.
 * Each record is written out as text and read like any other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zones/text/reader.h"

struct range {
	uint32_t start, stop, step;
};

/* Text that grows to a bound; full says that it was too small. */
struct line {
	char text[4096];
	size_t used;
	bool full;
};

static void put(struct line *line, const char *text, size_t length)
{
	if (length > sizeof(line->text) - line->used) {
		line->full = true;
		return;
	}
	memcpy(line->text + line->used, text, length);
	line->used += length;
}

static bool take_number(const char **at, const char *end, uint32_t *value)
{
	const char *start = *at;

	while (*at < end && **at >= '0' && **at <= '9')
		++*at;
	return number_from_text(start, (size_t)(*at - start), INT32_MAX, value);
}

/* start-stop or start-stop/step */
static bool take_range(const struct token *token, struct range *range)
{
	const char *at = token->text, *end = at + token->length;

	range->step = 1;
	if (!take_number(&at, end, &range->start) || at == end || *at++ != '-' ||
	    !take_number(&at, end, &range->stop))
		return false;
	if (at < end && (*at++ != '/' || !take_number(&at, end, &range->step)))
		return false;
	return at == end && range->start <= range->stop && range->step > 0;
}

struct modifier {
	int64_t offset;
	uint32_t width;
	char base;
};

/* What stands between ${ and }; *at moves behind }. */
static bool take_modifier(const char **at, const char *end, struct modifier *modifier)
{
	bool negative = *at < end && **at == '-';
	uint32_t offset;

	*modifier = (struct modifier){.base = 'd'};
	if (*at < end && (**at == '-' || **at == '+'))
		++*at;
	if (!take_number(at, end, &offset))
		return false;
	modifier->offset = negative ? -(int64_t)offset : (int64_t)offset;
	if (*at < end && **at == ',') {
		++*at;
		if (!take_number(at, end, &modifier->width) || modifier->width > 255)
			return false;
	}
	if (*at < end && **at == ',') {
		++*at;
		if (*at == end || memchr("doxXnN", **at, 6) == NULL)
			return false;
		modifier->base = *(*at)++;
	}
	return *at < end && *(*at)++ == '}';
}

/* Nibbles from the lowest on, a dot behind each but the last. The width counts digits and dots,
 * and an even one leaves a dot at the end, as in BIND. */
static void put_nibbles(struct line *line, uint64_t value, const struct modifier *modifier)
{
	const char *digits = modifier->base == 'n' ? "0123456789abcdef" : "0123456789ABCDEF";
	uint32_t printed = 0;

	do {
		put(line, &digits[value & 15], 1);
		value >>= 4;
		printed++;
		if (value != 0 || printed < modifier->width) {
			put(line, ".", 1);
			printed++;
		}
	} while (value != 0 || printed < modifier->width);
}

static void put_value(struct line *line, int64_t value, const struct modifier *modifier)
{
	char number[300];
	int width = (int)modifier->width;

	if (value < 0) {
		line->full = true; /* reported as a value that does not fit */
		return;
	}
	switch (modifier->base) {
	case 'o':
		snprintf(number, sizeof(number), "%0*llo", width, (unsigned long long)value);
		break;
	case 'x':
		snprintf(number, sizeof(number), "%0*llx", width, (unsigned long long)value);
		break;
	case 'X':
		snprintf(number, sizeof(number), "%0*llX", width, (unsigned long long)value);
		break;
	case 'd':
		snprintf(number, sizeof(number), "%0*llu", width, (unsigned long long)value);
		break;
	default:
		put_nibbles(line, (uint64_t)value, modifier);
		return;
	}
	put(line, number, strlen(number));
}

/* One token with its dollars replaced. False: a modifier is wrong. */
static bool put_replaced(struct line *line, const struct token *token, uint32_t value)
{
	const char *at = token->text, *end = at + token->length;

	while (at < end) {
		struct modifier modifier = {.base = 'd'};

		if (*at == '\\' && end - at > 1) {
			put(line, at, 2);
			at += 2;
			continue;
		}
		if (*at != '$') {
			put(line, at++, 1);
			continue;
		}
		at++;
		if (at < end && *at == '$') {
			put(line, at++, 1);
			continue;
		}
		if (at < end && *at == '{') {
			at++;
			if (!take_modifier(&at, end, &modifier))
				return false;
		}
		put_value(line, (int64_t)value + modifier.offset, &modifier);
	}
	return true;
}

static bool is_rdata(const struct token *token)
{
	uint16_t type;

	return !token->quoted && type_from_text(token->text, token->length, &type);
}

/* Index of the first token behind the type, or 0 if there is no type. */
static unsigned rdata_index(const struct entry *entry)
{
	for (unsigned i = 3; i < entry->count && i < 6; i++) {
		if (is_rdata(&entry->tokens[i]))
			return i + 1;
	}
	return 0;
}

static bool write_record(struct line *line, const struct entry *entry, unsigned rdata,
			 uint32_t value)
{
	bool unwrap = entry->count == rdata + 1 && entry->tokens[rdata].quoted;

	line->used = 0;
	line->full = false;
	for (unsigned i = 2; i < entry->count; i++) {
		const struct token *token = &entry->tokens[i];
		bool quote = token->quoted && !unwrap;

		if (i > 2 && !token->glued)
			put(line, " ", 1);
		if (quote)
			put(line, "\"", 1);
		if (!put_replaced(line, token, value))
			return false;
		if (quote)
			put(line, "\"", 1);
	}
	put(line, "\n", 1);
	return true;
}

static void read_line(struct reader *reader, const struct line *line)
{
	const char *at = line->text, *end = at + line->used;
	struct entry entry = {0};
	uint32_t number = 1;

	while (lexer_next(&at, end, true, &number, &entry) == LEXER_ENTRY) {
		if (entry.fault == LEXER_NO_FAULT && !entry.leading_blank)
			reader_record(reader, &entry);
		else
			reader_refuse(reader, reader->generate,
				      "quotes, parentheses or owner are wrong, correct them");
	}
	entry_free(&entry);
}

static void generate_all(struct reader *reader, const struct entry *entry,
			 const struct range *range, unsigned rdata)
{
	bool good = true;
	struct line line = {.full = false};

	reader->generate = entry->tokens;
	for (uint64_t value = range->start; good && value <= range->stop; value += range->step) {
		good = write_record(&line, entry, rdata, (uint32_t)value) && !line.full;
		if (good)
			read_line(reader, &line);
	}
	reader->generate = NULL;
	if (line.full)
		reader_refuse(reader, entry->tokens,
			      "a value below 0, or a record of more than %zu octets, correct range "
			      "or offset",
			      sizeof(line.text));
	else if (!good)
		reader_refuse(reader, entry->tokens,
			      "bad ${offset,width,base}, base is one of d o x X n N");
}

void reader_generate(struct reader *reader, const struct entry *entry)
{
	unsigned rdata = rdata_index(entry);
	char shown[RDATA_SHOWN];
	struct range range;

	if (entry->count < 5 || rdata == 0 || rdata >= entry->count) {
		reader_refuse(reader, entry->tokens,
			      "write $GENERATE START-STOP[/STEP] OWNER [TTL] [CLASS] TYPE DATA");
		return;
	}
	if (!take_range(&entry->tokens[1], &range)) {
		reader_refuse(reader, &entry->tokens[1],
			      "\"%s\" is no range, write START-STOP or START-STOP/STEP with START "
			      "not above STOP",
			      token_shown(&entry->tokens[1], shown));
		return;
	}
	if ((range.stop - range.start) / range.step >= TEXT_GENERATE_RECORDS) {
		reader_refuse(reader, &entry->tokens[1],
			      "more than %u records from one line, split the range",
			      TEXT_GENERATE_RECORDS);
		return;
	}
	generate_all(reader, entry, &range, rdata);
}
