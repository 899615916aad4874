/* name.c: see name.h. */
#include "zones/name/name.h"

#include "zones/name/lower.h"

#include <assert.h>
#include <string.h>

size_t name_length(const uint8_t *wire, size_t available)
{
	size_t limit = available < NAME_MAX_OCTETS ? available : NAME_MAX_OCTETS;
	size_t at = 0;

	while (at < limit) {
		uint8_t label = wire[at];

		if (label == 0)
			return at + 1;
		if (label > 63)
			return 0; /* a compression pointer, or an extended label type */
		at += 1u + label;
	}
	return 0;
}

/* Length of a name that is known to be legal. */
static size_t legal_length(const uint8_t *name)
{
	const uint8_t *at = name;

	while (*at != 0)
		at += 1 + *at;
	return (size_t)(at - name) + 1;
}

unsigned name_labels(const uint8_t *name)
{
	unsigned count = 0;

	for (; *name != 0; name += 1 + *name)
		count++;
	return count;
}

const uint8_t *name_skip(const uint8_t *name, unsigned skip)
{
	for (; skip > 0; skip--)
		name += 1 + *name;
	return name;
}

static uint8_t lower1(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? octet | 0x20 : octet;
}

static void lower_octets(uint8_t *to, const uint8_t *from)
{
	uint64_t word = lower_word(hash_load64(from));

	memcpy(to, &word, 8);
}

/* What is left overlaps what is done: doing it twice changes nothing, in place or not. */
void name_lower(uint8_t *to, const uint8_t *from, size_t length)
{
	if (length < 8) {
		for (size_t at = 0; at < length; at++)
			to[at] = lower1(from[at]);
		return;
	}
	if (length < 16) {
		lower_octets(to, from);
		lower_octets(to + length - 8, from + length - 8);
		return;
	}
	for (size_t at = 0; at + 16 <= length; at += 16)
		lower_pair(to + at, from + at);
	lower_pair(to + length - 16, from + length - 16);
}

static bool labels_equal(const uint8_t *a, const uint8_t *b, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (a[i] != b[i] && lower1(a[i]) != lower1(b[i]))
			return false;
	}
	return true;
}

bool name_equal(const uint8_t *a, const uint8_t *b)
{
	for (; *a == *b; a += 1 + *a, b += 1 + *b) {
		if (*a == 0)
			return true;
		if (!labels_equal(a + 1, b + 1, *a))
			return false;
	}
	return false;
}

/* RFC 4034 6.1: as if both were left-justified octet strings; the absence of an octet sorts
 * before a zero octet. */
static int label_compare(const uint8_t *a, const uint8_t *b)
{
	size_t shorter = *a < *b ? *a : *b;

	for (size_t i = 1; i <= shorter; i++) {
		int difference = lower1(a[i]) - lower1(b[i]);

		if (difference != 0)
			return difference;
	}
	return *a - *b;
}

static unsigned label_offsets(const uint8_t *name, uint8_t offsets[static NAME_MAX_LABELS])
{
	unsigned count = 0;

	for (const uint8_t *at = name; *at != 0; at += 1 + *at)
		offsets[count++] = (uint8_t)(at - name);
	return count;
}

int name_compare(const uint8_t *a, const uint8_t *b)
{
	uint8_t a_at[NAME_MAX_LABELS], b_at[NAME_MAX_LABELS];
	unsigned a_left = label_offsets(a, a_at);
	unsigned b_left = label_offsets(b, b_at);

	while (a_left > 0 && b_left > 0) {
		int difference = label_compare(a + a_at[--a_left], b + b_at[--b_left]);

		if (difference != 0)
			return difference;
	}
	return (int)a_left - (int)b_left;
}

bool name_is_at_or_below(const uint8_t *name, const uint8_t *ancestor)
{
	unsigned own = name_labels(name), above = name_labels(ancestor);

	return own >= above && name_equal(name_skip(name, own - above), ancestor);
}

const char *name_error_text(enum name_error error)
{
	switch (error) {
	case NAME_OK:
		return "no error";
	case NAME_EMPTY_LABEL:
		return "empty label";
	case NAME_LABEL_LONG:
		return "label longer than 63 octets";
	case NAME_LONG:
		return "name longer than 255 octets";
	case NAME_BAD_ESCAPE:
		return "bad escape";
	case NAME_NO_ORIGIN:
		return "relative name without an origin";
	case NAME_EMPTY:
		return "empty name";
	}
	return "bad name";
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The octet that the escape at text[*at] == '\\' stands for; *at moves past it. -1: no escape. */
static int take_escape(const char *text, size_t length, size_t *at)
{
	const char *digits = text + *at + 1;
	size_t left = length - *at - 1;

	if (left == 0)
		return -1;
	if (!is_digit(digits[0])) {
		*at += 2;
		return (uint8_t)digits[0];
	}
	if (left < 3 || !is_digit(digits[1]) || !is_digit(digits[2]))
		return -1;
	int value = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
	*at += 4;
	return value <= 255 ? value : -1;
}

/* One label from text[*at] up to a dot or the end, to wire (length octet first). 253 octets are
 * the most that a label and what stood before it may reach: the root label must still fit. */
static enum name_error take_label(const char *text, size_t length, size_t *at, uint8_t *wire,
				  size_t *used)
{
	size_t start = *used, out = start + 1, in = *at;

	while (in < length && text[in] != '.') {
		int octet = (uint8_t)text[in];

		if (octet == '\\') {
			size_t escape = in;

			octet = take_escape(text, length, &in);
			if (octet < 0) {
				*at = escape;
				return NAME_BAD_ESCAPE;
			}
		} else {
			in++;
		}
		if (out - start > 63)
			return NAME_LABEL_LONG;
		if (out >= NAME_MAX_OCTETS - 1)
			return NAME_LONG;
		wire[out++] = (uint8_t)octet;
	}
	if (out == start + 1)
		return NAME_EMPTY_LABEL;
	wire[start] = (uint8_t)(out - start - 1);
	*used = out;
	*at = in;
	return NAME_OK;
}

static enum name_error append_origin(const uint8_t *origin, uint8_t *wire, size_t used,
				     size_t *length)
{
	if (origin == NULL)
		return NAME_NO_ORIGIN;
	size_t more = legal_length(origin);
	if (used + more > NAME_MAX_OCTETS)
		return NAME_LONG;
	memcpy(wire + used, origin, more);
	*length = used + more;
	return NAME_OK;
}

enum name_error name_from_text(const char *text, size_t text_length, const uint8_t *origin,
			       uint8_t *wire, size_t *length, size_t *bad_at)
{
	size_t at = 0, used = 0;

	*bad_at = 0;
	if (text_length == 0)
		return NAME_EMPTY;
	if (text_length == 1 && text[0] == '@')
		return append_origin(origin, wire, 0, length);
	if (text_length == 1 && text[0] == '.') {
		wire[0] = 0;
		*length = 1;
		return NAME_OK;
	}
	while (at < text_length) {
		enum name_error error;

		if (used >= NAME_MAX_OCTETS - 1) {
			*bad_at = at;
			return NAME_LONG;
		}
		*bad_at = at; /* a label's fault shows at its start, an escape's at the escape */
		error = take_label(text, text_length, &at, wire, &used);
		if (error != NAME_OK) {
			if (error == NAME_BAD_ESCAPE)
				*bad_at = at;
			return error;
		}
		if (at == text_length)
			return append_origin(origin, wire, used, length);
		at++; /* the dot */
	}
	wire[used] = 0;
	*length = used + 1;
	return NAME_OK;
}

/* Octets that mean something in a master file are escaped by a backslash, unprintable ones by
 * their decimal value. */
static char *put_octet(char *to, uint8_t octet)
{
	if (octet <= ' ' || octet >= 127) {
		*to++ = '\\';
		*to++ = (char)('0' + octet / 100);
		*to++ = (char)('0' + octet / 10 % 10);
		*to++ = (char)('0' + octet % 10);
		return to;
	}
	if (memchr(".\\\"();@$", octet, 8) != NULL)
		*to++ = '\\';
	*to++ = (char)octet;
	return to;
}

size_t name_to_text(const uint8_t *name, char *text)
{
	char *to = text;

	if (*name == 0)
		*to++ = '.';
	for (; *name != 0; name += 1 + *name) {
		for (unsigned i = 1; i <= *name; i++)
			to = put_octet(to, name[i]);
		*to++ = '.';
	}
	*to = '\0';
	assert((size_t)(to - text) < NAME_MAX_TEXT);
	return (size_t)(to - text);
}
