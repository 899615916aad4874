/* location.c: LOC: d [m [s]] N|S d [m [s]] E|W altitude [size [horizontal [vertical]]]
 * (RFC 1876 3). Read here since ldns takes latitudes past the pole, and words for metres. */
#include <string.h>

#include "zones/text/rdata.h"

#define EQUATOR (1u << 31)

/* digits[.digits] as a whole number of 10^-places; digits past the places are dropped. */
static bool take_decimal(const char **at, const char *end, unsigned places, int64_t *value)
{
	const char *start = *at;
	unsigned left = places;

	*value = 0;
	for (; *at < end && **at >= '0' && **at <= '9' && *value < 100000000; ++*at)
		*value = *value * 10 + (**at - '0');
	if (*at == start)
		return false;
	if (*at < end && **at == '.') {
		for (++*at; *at < end && **at >= '0' && **at <= '9'; ++*at) {
			if (left > 0) {
				*value = *value * 10 + (**at - '0');
				left--;
			}
		}
	}
	for (; left > 0; left--)
		*value *= 10;
	return true;
}

static bool is_decimal(const struct token *token, unsigned places, int64_t most, int64_t *value)
{
	const char *at = token->text, *end = at + token->length;

	return take_decimal(&at, end, places, value) && at == end && *value <= most;
}

/* [-]metres[m], in centimetres. */
static bool is_metres(const struct token *token, int64_t least, int64_t most, int64_t *value)
{
	const char *at = token->text, *end = at + token->length;
	bool negative = at < end && *at == '-';

	at += negative;
	if (!take_decimal(&at, end, 2, value))
		return false;
	if (at < end && (*at | 0x20) == 'm')
		at++;
	if (negative)
		*value = -*value;
	return at == end && *value >= least && *value <= most;
}

/* Degrees, minutes, seconds up to the word for the hemisphere, as thousandths of arc seconds. */
static bool take_angle(struct rdata_text *text, int64_t degrees, const char *positive,
		       const char *negative, uint32_t *angle)
{
	static const int64_t units[3] = {3600000, 60000, 1};
	const int64_t most[3] = {degrees, 59, 59999};
	int64_t sum = 0, value;

	for (unsigned i = 0; text->at < text->end; i++) {
		const struct token *token = text->at;
		bool is_positive = token_is(token, positive);

		if (i > 0 && (is_positive || token_is(token, negative))) {
			text->before = text->at++;
			*angle = (uint32_t)(is_positive ? EQUATOR + sum : EQUATOR - sum);
			return sum <= degrees * units[0];
		}
		if (i == 3 || !is_decimal(token, i == 2 ? 3 : 0, most[i], &value))
			return false;
		sum += value * units[i];
		text->before = text->at++;
	}
	return false;
}

/* Centimetres as one digit and a power of ten. */
static uint8_t precision(int64_t centimetres)
{
	uint8_t exponent = 0;

	for (; centimetres >= 10; centimetres /= 10)
		exponent++;
	return (uint8_t)(centimetres << 4 | exponent);
}

void field_location(struct rdata_text *text)
{
	uint8_t sizes[4] = {0, 0x12, 0x16, 0x13}; /* version; 1 m, 10 km, 10 m */
	uint32_t latitude, longitude;
	int64_t altitude, size;

	if (text->bad)
		return;
	bool good = take_angle(text, 90, "N", "S", &latitude) &&
		    take_angle(text, 180, "E", "W", &longitude) && text->at < text->end &&
		    is_metres(text->at, -10000000, 4284967295, &altitude);
	if (good)
		text->before = text->at++;
	for (int i = 1; good && i < 4 && text->at < text->end; i++) {
		good = is_metres(text->at, 0, 9000000000, &size);
		if (good) {
			sizes[i] = precision(size);
			text->before = text->at++;
		}
	}
	if (!good) {
		rdata_refuse(text, text->at < text->end ? text->at : text->before,
			     "no position, write one such as 52 22 23.0 N 4 53 32.0 E 2m");
		return;
	}
	rdata_put(text, sizes, sizeof(sizes));
	rdata_put_number(text, latitude, 4);
	rdata_put_number(text, longitude, 4);
	rdata_put_number(text, (uint32_t)(altitude + 10000000), 4);
}
