/* rdata_special.c: fields that only a few types have. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "zones/record/record.h"
#include "zones/text/rdata.h"
#include "zones/text/text.h"

/* Type bitmaps (RFC 4034 4.1.2) from all types that are left; ldns sets a bit for type 0 where it
 * does not know a word. */
void field_bitmap(struct rdata_text *text)
{
	uint8_t bits[256][32];
	uint8_t used[256] = {0}; /* octets of each window */
	char shown[RDATA_SHOWN];

	for (; text->at < text->end && !text->bad; text->at++) {
		const struct token *token = text->at;
		uint16_t type;

		if (!type_from_text(token->text, token->length, &type) || type == 0) {
			rdata_refuse(text, token,
				     "\"%s\" is no record type, write a known one or TYPEnnn",
				     token_shown(token, shown));
			return;
		}
		unsigned window = type >> 8, octet = (type & 0xff) >> 3;
		if (used[window] == 0)
			memset(bits[window], 0, sizeof(bits[window]));
		bits[window][octet] |= (uint8_t)(0x80 >> (type & 7));
		if (used[window] < octet + 1)
			used[window] = (uint8_t)(octet + 1);
		text->before = token;
	}
	for (unsigned window = 0; window < 256; window++) {
		if (used[window] == 0)
			continue;
		rdata_put_number(text, window, 1);
		rdata_put_number(text, used[window], 1);
		rdata_put(text, bits[window], used[window]);
	}
}

/* [!]afi:address/prefix (RFC 3123 5); ldns lets prefixes pass that the family does not have. */
static bool apl_from_text(const char *item, uint8_t *wire, size_t *length)
{
	bool negated = *item == '!';
	char address[INET6_ADDRSTRLEN];
	uint32_t prefix;

	item += negated;
	const char *slash = strchr(item, '/');
	bool is_ipv4 = strncmp(item, "1:", 2) == 0;
	if (slash == NULL || (!is_ipv4 && strncmp(item, "2:", 2) != 0) ||
	    (size_t)(slash - item - 2) >= sizeof(address))
		return false;
	memcpy(address, item + 2, (size_t)(slash - item - 2));
	address[slash - item - 2] = '\0';
	size_t octets = is_ipv4 ? 4 : 16;
	if (inet_pton(is_ipv4 ? AF_INET : AF_INET6, address, wire + 4) != 1 ||
	    !number_from_text(slash + 1, strlen(slash + 1), (uint32_t)octets * 8, &prefix))
		return false;
	while (octets > 0 && wire[4 + octets - 1] == 0)
		octets--; /* trailing zero octets are left out */
	put_u16(wire, is_ipv4 ? 1 : 2);
	wire[2] = (uint8_t)prefix;
	wire[3] = (uint8_t)(octets | (negated ? 0x80 : 0));
	*length = 4 + octets;
	return true;
}

void field_apl(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "an address prefix");
	char copy[64] = "", shown[RDATA_SHOWN];
	uint8_t wire[20];
	size_t length;

	if (token == NULL)
		return;
	if (token->length < sizeof(copy))
		memcpy(copy, token->text, token->length);
	if (apl_from_text(copy, wire, &length))
		rdata_put(text, wire, length);
	else
		rdata_refuse(text, token,
			     "\"%s\" is no prefix, write one such as 1:192.0.2.0/24 or "
			     "!2:2001:db8::/32",
			     token_shown(token, shown));
}

static bool word_copy(const struct token *token, char copy[64])
{
	if (token->length == 0 || token->length >= 64)
		return false;
	memcpy(copy, token->text, token->length);
	copy[token->length] = '\0';
	return true;
}

static bool protocol_from_text(const struct token *token, uint32_t *number)
{
	if (token_is(token, "tcp"))
		*number = 6;
	else if (token_is(token, "udp"))
		*number = 17;
	else
		return number_from_text(token->text, token->length, 255, number);
	return true;
}

/* A port's number, or its name in the system's list. */
static bool service_from_text(const struct token *token, uint32_t protocol, uint32_t *port)
{
	char name[64], buffer[1024];
	struct servent entry, *found = NULL;

	if (number_from_text(token->text, token->length, UINT16_MAX, port))
		return true;
	if (!word_copy(token, name) ||
	    getservbyname_r(name, protocol == 17 ? "udp" : "tcp", &entry, buffer, sizeof(buffer),
			    &found) != 0 ||
	    found == NULL)
		return false;
	*port = ntohs((uint16_t)found->s_port);
	return true;
}

/* Protocol, then a bitmap of ports (RFC 1035 3.4.2); the address is a field before. ldns takes
 * unknown words as protocol 0 or as no port. */
void field_wks(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "a protocol");
	uint8_t bits[8192] = {0};
	char shown[RDATA_SHOWN];
	uint32_t protocol, port;
	size_t used = 0;

	if (token == NULL)
		return;
	if (!protocol_from_text(token, &protocol)) {
		rdata_refuse(text, token, "\"%s\" is no protocol, write tcp, udp or a number",
			     token_shown(token, shown));
		return;
	}
	for (; text->at < text->end; text->at++) {
		if (!service_from_text(text->at, protocol, &port)) {
			rdata_refuse(text, text->at, "\"%s\" is no service, write a port number",
				     token_shown(text->at, shown));
			return;
		}
		bits[port / 8] |= (uint8_t)(0x80 >> port % 8);
		if (used < port / 8 + 1)
			used = port / 8 + 1;
	}
	rdata_put_number(text, protocol, 1);
	rdata_put(text, bits, used);
}

/* Hexadecimal with dots anywhere (RFC 1706 5), on which ldns crashes; ATMA also has E.164 digits
 * behind a plus, and a format octet in front. */
void field_nsap(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "an address");
	bool is_atma = text->type == 34;
	char digits[600];
	size_t used = 0;

	if (token == NULL)
		return;
	if (is_atma && token->length > 1 && token->text[0] == '+') {
		rdata_put_number(text, 1, 1);
		for (uint32_t i = 1; i < token->length; i++) {
			if (token->text[i] < '0' || token->text[i] > '9')
				rdata_refuse(text, token, "write only digits after +");
			rdata_put(text, token->text + i, 1);
		}
		return;
	}
	if (is_atma)
		rdata_put_number(text, 0, 1);
	uint32_t start = 0;
	if (!is_atma) {
		if (token->length < 3 || token->text[0] != '0' || (token->text[1] | 0x20) != 'x') {
			rdata_refuse(text, token, "an NSAP address starts with 0x, add it");
			return;
		}
		start = 2;
	}
	for (uint32_t i = start; i < token->length && used < sizeof(digits); i++) {
		if (token->text[i] != '.')
			digits[used++] = token->text[i];
	}
	const struct token bare = {
	    .text = digits, .length = (uint32_t)used, .line = token->line, .column = token->column};
	if (used == 0 || used == sizeof(digits))
		rdata_refuse(text, token, "no address of 1 to 255 octets, correct it");
	else
		token_hex(text, &bare);
}

static void put_gateway(struct rdata_text *text, unsigned kind)
{
	switch (kind) {
	case 0: {
		const struct token *token = rdata_take(text, "a dot (there is no gateway)");

		if (token != NULL && !token_is(token, "."))
			rdata_refuse(text, token, "gateway type 0 has no gateway, write a dot");
		break;
	}
	case 1:
		field_ipv4(text);
		break;
	case 2:
		field_ipv6(text);
		break;
	default:
		field_name(text);
	}
}

/* Precedence, gateway type, algorithm, gateway, key (RFC 4025 3.1). ldns leaves a gateway's name
 * relative, and refuses algorithm 0, which has no key. */
void field_ipseckey(struct rdata_text *text)
{
	size_t start = text->used;

	for (int i = 0; i < 3; i++)
		field_number(text, 1);
	if (text->bad)
		return;
	if (text->rdata[start + 1] > 3) {
		rdata_refuse(text, text->before - 1, "gateway type is 0, 1, 2 or 3, correct it");
		return;
	}
	put_gateway(text, text->rdata[start + 1]);
	if (!text->bad && (text->at < text->end || text->rdata[start + 2] != 0))
		field_base64(text);
}

/* Algorithm, HIT, key, rendezvous servers (RFC 8005 6). */
void field_hip(struct rdata_text *text)
{
	static const uint8_t lengths[4];
	size_t start = text->used;
	uint32_t algorithm;

	const struct token *token = rdata_take(text, "an algorithm");
	if (token == NULL)
		return;
	if (!number_from_text(token->text, token->length, 255, &algorithm)) {
		rdata_refuse(text, token, "the algorithm is a number of 0 to 255, write one");
		return;
	}
	rdata_put(text, lengths, 4);
	token = rdata_take(text, "a HIT in hexadecimal");
	if (token == NULL)
		return;
	token_hex(text, token);
	size_t key = text->used;
	token = rdata_take(text, "a key in base64");
	if (token == NULL)
		return;
	token_base64(text, token);
	if (text->bad)
		return;
	if (key - start - 4 > 255 || key == start + 4 || text->used == key) {
		rdata_refuse(text, token,
			     "HIT (at most 255 octets) and key may not be empty or "
			     "longer, correct them");
		return;
	}
	text->rdata[start] = (uint8_t)(key - start - 4);
	text->rdata[start + 1] = (uint8_t)algorithm;
	put_u16(text->rdata + start + 2, (uint16_t)(text->used - key));
	while (text->at < text->end && !text->bad)
		field_name(text);
}

static bool two_digits(const char *at, int least, int most, int *value)
{
	*value = (at[0] - '0') * 10 + at[1] - '0';
	return *value >= least && *value <= most;
}

/* YYYYMMDDHHmmSS, or seconds since 1970 (RFC 4034 3.2). The year may lie past 2106: the field
 * wraps around by design (3.1.5). */
static bool time_from_text(const char *at, size_t length, uint32_t *seconds)
{
	struct tm tm = {0};

	if (length != 14)
		return number_from_text(at, length, UINT32_MAX, seconds);
	for (size_t i = 0; i < length; i++) {
		if (at[i] < '0' || at[i] > '9')
			return false;
	}
	int century, year;
	if (!two_digits(at, 19, 99, &century) || !two_digits(at + 2, 0, 99, &year) ||
	    !two_digits(at + 4, 1, 12, &tm.tm_mon) || !two_digits(at + 6, 1, 31, &tm.tm_mday) ||
	    !two_digits(at + 8, 0, 23, &tm.tm_hour) || !two_digits(at + 10, 0, 59, &tm.tm_min) ||
	    !two_digits(at + 12, 0, 60, &tm.tm_sec))
		return false;
	tm.tm_year = century * 100 + year - 1900;
	tm.tm_mon--;
	int day = tm.tm_mday;
	*seconds = (uint32_t)timegm(&tm);
	return tm.tm_mday == day; /* timegm moves 31 April to May */
}

void field_time(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "a time");
	char shown[RDATA_SHOWN];
	uint32_t seconds;

	if (token == NULL)
		return;
	if (time_from_text(token->text, token->length, &seconds))
		rdata_put_number(text, seconds, 4);
	else
		rdata_refuse(text, token,
			     "\"%s\" is no time, write YYYYMMDDHHmmSS or seconds since 1970",
			     token_shown(token, shown));
}

/* A CAA property tag: 1 to 255 ASCII letters and digits (RFC 8659 4.1). */
void field_tag(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "a property tag");

	if (token == NULL)
		return;
	bool good = token->length >= 1 && token->length <= 255;
	for (uint32_t i = 0; good && i < token->length; i++) {
		char c = token->text[i];
		good = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
	}
	if (!good) {
		rdata_refuse(text, token,
			     "a property tag is 1 to 255 letters and digits, such as issue");
		return;
	}
	rdata_put_number(text, token->length, 1);
	rdata_put(text, token->text, token->length);
}
