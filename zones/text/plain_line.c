/* plain_line.c: `name [TTL] [IN] A address` on lines of their own, as most lines of the largest
 * zone files are, in one pass over their octets. Whatever is not exactly that is left to the lexer,
 * which must come to the same record; so nothing is reported here, and nothing changed before all
 * of a line is read. Several are read before the first is told of, so that who takes them can look
 * ahead. */
#include <string.h>

#include "zones/record/record.h"
#include "zones/text/reader.h"

/* Octets of a label that stand for themselves, in any place. */
static const bool is_plain[256] = {
    ['*'] = true,	  ['-'] = true,		['_'] = true,
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};

struct plain_line {
	const char *at; /* before the line feed, which ends every loop here */
	const char *start;
	size_t own; /* octets of `name` in use */
	bool is_absolute, has_ttl, has_class;
	uint32_t ttl, column;
	uint8_t name[NAME_MAX_OCTETS + 1];
	uint8_t address[4];
};

/* The owner, up to the blank behind it, with the root label if it is absolute. */
static bool take_name(struct plain_line *line)
{
	const char *at = line->at;
	uint8_t *to = line->name;
	const uint8_t *end = line->name + NAME_MAX_OCTETS - 1;

	do {
		uint8_t *label = to++;

		while (is_plain[(uint8_t)*at] && to < end)
			*to++ = (uint8_t)*at++;
		if (to == label + 1 || to - label > 64 || to == end)
			return false;
		*label = (uint8_t)(to - label - 1);
	} while (*at == '.' && is_plain[(uint8_t) * ++at]);
	line->is_absolute = at[-1] == '.';
	if (line->is_absolute)
		*to++ = 0;
	line->own = (size_t)(to - line->name);
	line->at = at;
	return true;
}

static bool skip_blanks(struct plain_line *line)
{
	const char *from = line->at;

	while (*line->at == ' ' || *line->at == '\t')
		line->at++;
	return line->at > from;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Seconds without units; no more digits than surely fit. */
static bool take_ttl(struct plain_line *line)
{
	const char *from = line->at;

	line->ttl = 0;
	while (is_digit(*line->at) && line->at - from < 9)
		line->ttl = line->ttl * 10 + (uint32_t)(*line->at++ - '0');
	line->has_ttl = true;
	return skip_blanks(line);
}

static bool take_class(struct plain_line *line)
{
	if ((line->at[1] | 0x20) != 'n')
		return false;
	line->at += 2;
	line->has_class = true;
	return skip_blanks(line);
}

static bool take_address(struct plain_line *line)
{
	const char *at = line->at;

	for (unsigned part = 0; part < 4; part++) {
		const char *from = at;
		unsigned value = 0;

		while (is_digit(*at) && at - from < 4)
			value = value * 10 + (unsigned)(*at++ - '0');
		if (at == from || at - from > 3 || value > 255)
			return false;
		line->address[part] = (uint8_t)value;
		if (part < 3 && *at++ != '.')
			return false;
	}
	line->at = at;
	return true;
}

static bool take_line(struct plain_line *line)
{
	if (!take_name(line) || !skip_blanks(line))
		return false;
	while ((*line->at | 0x20) != 'a') {
		bool good = !line->has_ttl && is_digit(*line->at)	    ? take_ttl(line)
			    : !line->has_class && (*line->at | 0x20) == 'i' ? take_class(line)
									    : false;

		if (!good)
			return false;
	}
	line->column = (uint32_t)(line->at - line->start) + 1;
	line->at++;
	if (!skip_blanks(line) || !take_address(line))
		return false;
	while (*line->at == ' ' || *line->at == '\t' || *line->at == '\r')
		line->at++;
	return *line->at == '\n';
}

/* What the name needs behind it to be whole, if that fits. */
static bool settle_name(const struct reader *reader, struct plain_line *line)
{
	size_t more = line->is_absolute ? 0 : reader->origin_length;

	if ((more == 0 && !line->is_absolute) || line->own + more > NAME_MAX_OCTETS)
		return false;
	memcpy(line->name + line->own, reader->origin, more);
	line->own += more;
	return true;
}

static bool take_plain(const struct reader *reader, struct window *window, struct plain_line *line)
{
	if (window->at == window->end || !is_plain[(uint8_t)*window->at] ||
	    memchr(window->at, '\n', (size_t)(window->end - window->at)) == NULL)
		return false;
	line->at = line->start = window->at;
	line->has_ttl = line->has_class = false;
	if (!take_line(line) || (!line->has_ttl && !reader->has_default) ||
	    !settle_name(reader, line))
		return false;
	window->at = line->at + 1;
	return true;
}

/* What later entries owe to this one. */
static void remember(struct reader *reader, const struct plain_line *line)
{
	memcpy(reader->owner, line->name, line->own);
	reader->owner_length = line->own;
	reader->owner_is_bad = false;
}

bool reader_plain_lines(struct reader *reader, struct window *window, uint32_t *number)
{
	struct text_record record[READER_PLAIN_LINES];
	struct plain_line line[READER_PLAIN_LINES];
	unsigned lines = 0;

	while (lines < READER_PLAIN_LINES && take_plain(reader, window, &line[lines])) {
		const struct plain_line *read = &line[lines];

		if (read->has_ttl) {
			reader->has_last = true;
			reader->last_ttl = read->ttl;
		}
		record[lines++] = (struct text_record){
		    .owner = read->name,
		    .owner_length = read->own,
		    .type = TYPE_A,
		    .class = CLASS_IN,
		    .ttl = read->has_ttl ? read->ttl : reader->default_ttl,
		    .rdata = read->address,
		    .rdata_length = sizeof(read->address),
		    .place = {.file = reader->file, .line = (*number)++},
		    .column = read->column,
		    .left = window_left(window),
		};
	}
	if (lines == 0)
		return false;
	remember(reader, &line[lines - 1]);
	for (unsigned i = 0; i < lines; i++) {
		record[i].more = lines - 1 - i;
		reader->sink(reader->context, &record[i]);
	}
	return true;
}
