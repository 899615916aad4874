/* rdata_field.c: the fields that most types are made of. */
#include <arpa/inet.h>
#include <string.h>

#include "zones/name/name.h"
#include "zones/record/record.h"
#include "zones/text/rdata.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool number_from_text(const char *at, size_t length, uint32_t most, uint32_t *value)
{
	uint64_t number = 0;

	if (length == 0 || length > 10)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_digit(at[i]))
			return false;
		number = number * 10 + (uint64_t)(at[i] - '0');
	}
	*value = (uint32_t)number;
	return number <= most;
}

static uint32_t unit_seconds(char unit)
{
	switch (unit | 0x20) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 604800;
	default:
		return 0;
	}
}

bool period_from_text(const char *at, size_t length, uint32_t *seconds)
{
	const char *end = at + length;
	uint64_t sum = 0;

	if (length == 0 || !is_digit(*at))
		return false;
	while (at < end) {
		uint64_t number = 0;

		if (!is_digit(*at))
			return false;
		for (; at < end && is_digit(*at); at++) {
			number = number * 10 + (uint64_t)(*at - '0');
			if (number > INT32_MAX)
				return false;
		}
		if (at < end) {
			uint32_t unit = unit_seconds(*at++);

			if (unit == 0)
				return false;
			number *= unit;
		}
		sum += number;
		if (sum > INT32_MAX)
			return false;
	}
	*seconds = (uint32_t)sum;
	return true;
}

int octet_from_text(const char **at, const char *end)
{
	const char *from = *at;

	if (*from != '\\') {
		*at = from + 1;
		return (uint8_t)*from;
	}
	if (end - from < 2)
		return -1;
	if (!is_digit(from[1])) {
		*at = from + 2;
		return (uint8_t)from[1];
	}
	if (end - from < 4 || !is_digit(from[2]) || !is_digit(from[3]))
		return -1;
	int value = (from[1] - '0') * 100 + (from[2] - '0') * 10 + (from[3] - '0');
	*at = from + 4;
	return value <= 255 ? value : -1;
}

void field_name(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "a name");
	uint8_t wire[NAME_MAX_OCTETS];
	size_t length, bad_at;

	if (token == NULL)
		return;
	enum name_error error =
	    name_from_text(token->text, token->length, text->origin, wire, &length, &bad_at);
	if (error == NAME_OK) {
		rdata_put(text, wire, length);
		return;
	}
	char shown[RDATA_SHOWN];
	rdata_refuse(text, token, "%s in \"%s\", %s", name_error_text(error),
		     token_shown(token, shown),
		     error == NAME_NO_ORIGIN	? "end it with a dot or set $ORIGIN"
		     : error == NAME_BAD_ESCAPE ? "write \\DDD (000 to 255) or \\X"
						: "correct it");
	if (error != NAME_EMPTY)
		text->fault->column += (uint32_t)bad_at + token->quoted;
}

void field_number(struct rdata_text *text, unsigned octets)
{
	uint32_t most = octets == 4 ? UINT32_MAX : (1u << 8 * octets) - 1;
	const struct token *token = rdata_take(text, "a number");
	char shown[RDATA_SHOWN];
	uint32_t value;

	if (token == NULL)
		return;
	if (number_from_text(token->text, token->length, most, &value))
		rdata_put_number(text, value, octets);
	else
		rdata_refuse(text, token, "\"%s\" is no number of 0 to %u, write one",
			     token_shown(token, shown), most);
}

void field_period(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "a time in seconds");
	char shown[RDATA_SHOWN];
	uint32_t value;

	if (token == NULL)
		return;
	/* Plain numbers may use all 32 bits; with units 2^31 is enough. */
	if (number_from_text(token->text, token->length, UINT32_MAX, &value) ||
	    period_from_text(token->text, token->length, &value))
		rdata_put_number(text, value, 4);
	else
		rdata_refuse(text, token,
			     "\"%s\" is no time, write seconds or units such as 1h30m or 1W",
			     token_shown(token, shown));
}

/* A character string; counted: with a length octet in front, so of at most 255 octets. */
void field_string(struct rdata_text *text, bool counted)
{
	const struct token *token = rdata_take(text, "a string");

	if (token == NULL)
		return;
	size_t start = text->used;
	if (counted)
		rdata_put_number(text, 0, 1);
	const char *at = token->text, *end = at + token->length;
	while (at < end && !text->bad) {
		const char *from = at;
		int octet = octet_from_text(&at, end);

		if (octet < 0) {
			rdata_refuse(text, token,
				     "bad escape, write \\DDD (000 to 255) or \\X, and \\\\ "
				     "for a backslash");
			text->fault->column += (uint32_t)(from - token->text) + token->quoted;
			return;
		}
		rdata_put_number(text, (uint32_t)octet, 1);
	}
	if (!counted || text->bad)
		return;
	if (text->used - start > 256)
		rdata_refuse(text, token,
			     "string longer than 255 octets, split it into several strings");
	else
		text->rdata[start] = (uint8_t)(text->used - start - 1);
}

/* Four decimal numbers of 0 to 255, no more than three digits each. */
static bool ipv4_from_text(const char *at, size_t length, uint8_t address[4])
{
	const char *end = at + length;

	for (unsigned part = 0; part < 4; part++) {
		unsigned value = 0, digits = 0;

		for (; at < end && is_digit(*at) && digits < 4; at++, digits++)
			value = value * 10 + (unsigned)(*at - '0');
		if (digits == 0 || digits > 3 || value > 255)
			return false;
		address[part] = (uint8_t)value;
		if (part < 3 && (at == end || *at++ != '.'))
			return false;
	}
	return at == end;
}

void token_ipv4(struct rdata_text *text, const char *at, size_t length, const struct token *token)
{
	char shown[RDATA_SHOWN];
	uint8_t address[4];

	if (ipv4_from_text(at, length, address))
		rdata_put(text, address, sizeof(address));
	else
		rdata_refuse(text, token,
			     "\"%s\" is no IPv4 address, write four numbers of 0 to 255 such as "
			     "192.0.2.1",
			     token_shown(token, shown));
}

void token_ipv6(struct rdata_text *text, const char *at, size_t length, const struct token *token)
{
	char copy[INET6_ADDRSTRLEN] = "", shown[RDATA_SHOWN];
	uint8_t address[16];

	if (length < sizeof(copy))
		memcpy(copy, at, length);
	if (inet_pton(AF_INET6, copy, address) == 1)
		rdata_put(text, address, sizeof(address));
	else
		rdata_refuse(text, token,
			     "\"%s\" is no IPv6 address, write one such as 2001:db8::1",
			     token_shown(token, shown));
}

void field_ipv4(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "an IPv4 address");

	if (token != NULL)
		token_ipv4(text, token->text, token->length, token);
}

void field_ipv6(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "an IPv6 address");

	if (token != NULL)
		token_ipv6(text, token->text, token->length, token);
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits may be split between tokens anywhere; *half keeps one that waits for its other half. */
static void put_hex(struct rdata_text *text, const struct token *token, int *half)
{
	for (uint32_t i = 0; i < token->length && !text->bad; i++) {
		int digit = hex_digit(token->text[i]);

		if (digit < 0) {
			rdata_refuse(text, token, "no hexadecimal digit, write only 0-9 and a-f");
			text->fault->column += i;
		} else if (*half < 0) {
			*half = digit;
		} else {
			rdata_put_number(text, (uint32_t)(*half << 4 | digit), 1);
			*half = -1;
		}
	}
}

static void end_hex(struct rdata_text *text, const struct token *token, int half)
{
	if (half >= 0)
		rdata_refuse(text, token, "odd number of hexadecimal digits, one is missing");
}

void token_hex(struct rdata_text *text, const struct token *token)
{
	int half = -1;

	put_hex(text, token, &half);
	end_hex(text, token, half);
}

void field_hex(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "hexadecimal digits");
	int half = -1;

	for (; token != NULL; token = text->at < text->end ? text->at++ : NULL) {
		put_hex(text, token, &half);
		text->before = token;
	}
	end_hex(text, text->before, half);
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

struct base64 {
	uint32_t bits;
	unsigned digits; /* in this group of four, padding included */
	unsigned padding;
};

static void put_base64(struct rdata_text *text, const struct token *token, struct base64 *group)
{
	for (uint32_t i = 0; i < token->length && !text->bad; i++) {
		int digit = base64_digit(token->text[i]);
		bool pads = token->text[i] == '=' && group->digits >= 2;

		if (pads)
			group->padding++;
		if ((digit < 0 && !pads) || (digit >= 0 && group->padding > 0)) {
			rdata_refuse(text, token,
				     "no base64 here, write only A-Z a-z 0-9 + / "
				     "and = at the end");
			text->fault->column += i;
			return;
		}
		group->bits = group->bits << 6 | (pads ? 0 : (uint32_t)digit);
		if (++group->digits == 4) {
			const uint8_t octets[3] = {(uint8_t)(group->bits >> 16),
						   (uint8_t)(group->bits >> 8),
						   (uint8_t)group->bits};

			rdata_put(text, octets, 3 - group->padding);
			group->digits = 0;
		}
	}
}

static void end_base64(struct rdata_text *text, const struct token *token,
		       const struct base64 *group)
{
	if (group->digits != 0)
		rdata_refuse(text, token,
			     "base64 is cut off, its length must be a multiple of 4 with = as "
			     "padding");
}

void token_base64(struct rdata_text *text, const struct token *token)
{
	struct base64 group = {0};

	put_base64(text, token, &group);
	end_base64(text, token, &group);
}

void field_base64(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "base64 text");
	struct base64 group = {0};

	for (; token != NULL; token = text->at < text->end ? text->at++ : NULL) {
		put_base64(text, token, &group);
		text->before = token;
	}
	end_base64(text, text->before, &group);
}
