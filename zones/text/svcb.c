/* svcb.c: SvcParams of SVCB and HTTPS records (RFC 9460 2.1, appendix A). Read here since ldns
 * loses escapes inside alpn, and lets keys come twice and ports be empty. */
#include <stdlib.h>
#include <string.h>

#include "zones/record/record.h"
#include "zones/text/rdata.h"

enum {
	KEY_MANDATORY = 0,
	KEY_ALPN = 1,
	KEY_NO_DEFAULT_ALPN = 2,
	KEY_PORT = 3,
	KEY_IPV4HINT = 4,
	KEY_ECH = 5,
	KEY_IPV6HINT = 6,
	KEY_DOHPATH = 7,
	KEY_OHTTP = 8,
};

static const char *const key_names[] = {"mandatory", "alpn",	 "no-default-alpn",
					"port",	     "ipv4hint", "ech",
					"ipv6hint",  "dohpath",	 "ohttp"};

struct parameter {
	uint16_t key;
	bool has_value;
	const struct token *token; /* where it stands */
	struct token value;	   /* escapes as written */
};

static bool key_from_text(const char *at, size_t length, uint16_t *key)
{
	uint32_t number;

	for (uint16_t i = 0; i < sizeof(key_names) / sizeof(key_names[0]); i++) {
		if (strlen(key_names[i]) == length && memcmp(key_names[i], at, length) == 0) {
			*key = i;
			return true;
		}
	}
	if (length < 4 || memcmp(at, "key", 3) != 0 || (at[3] == '0' && length > 4) ||
	    !number_from_text(at + 3, length - 3, 65534, &number))
		return false;
	*key = (uint16_t)number;
	return true;
}

/* One parameter: key, key=value, or key= glued to a quoted token. */
static void take_parameter(struct rdata_text *text, struct parameter *parameter)
{
	const struct token *token = rdata_take(text, "a parameter");
	char shown[RDATA_SHOWN];

	if (token == NULL)
		return;
	const char *equals = memchr(token->text, '=', token->length);
	size_t length = equals != NULL ? (size_t)(equals - token->text) : token->length;
	parameter->token = token;
	if (token->quoted || !key_from_text(token->text, length, &parameter->key)) {
		rdata_refuse(text, token,
			     "\"%s\" is no parameter, write a known key such as alpn=h2, or "
			     "keyNNN=value",
			     token_shown(token, shown));
		return;
	}
	parameter->has_value = equals != NULL;
	parameter->value = *token;
	parameter->value.length = 0;
	if (equals == NULL)
		return;
	parameter->value.text = equals + 1;
	parameter->value.length = token->length - (uint32_t)length - 1;
	parameter->value.column += (uint32_t)length + 1;
	if (parameter->value.length == 0 && text->at < text->end && text->at->quoted &&
	    text->at->glued)
		parameter->value = *text->at++;
}

/* The value with RFC 1035 escapes undone, into octets of at least value.length. */
static bool plain_value(struct rdata_text *text, const struct parameter *parameter, char *octets,
			size_t *length)
{
	const char *at = parameter->value.text, *end = at + parameter->value.length;

	*length = 0;
	while (at < end) {
		int octet = octet_from_text(&at, end);

		if (octet < 0) {
			rdata_refuse(text, parameter->token,
				     "bad escape in the value, write \\DDD or \\X");
			return false;
		}
		octets[(*length)++] = (char)octet;
	}
	return true;
}

/* One item of a list: up to a comma that no backslash hides (RFC 9460 appendix A.1). */
static void put_protocol(struct rdata_text *text, const struct parameter *parameter,
			 const char **at, const char *end)
{
	size_t start = text->used;

	rdata_put_number(text, 0, 1);
	while (*at < end && **at != ',' && !text->bad) {
		if (**at == '\\' && end - *at > 1)
			(*at)++;
		rdata_put(text, (*at)++, 1);
	}
	if (text->bad)
		return;
	size_t length = text->used - start - 1;
	if (length == 0 || length > 255)
		rdata_refuse(text, parameter->token,
			     "a protocol in alpn has 1 to 255 octets, correct the list");
	else
		text->rdata[start] = (uint8_t)length;
}

static void put_key(struct rdata_text *text, const struct parameter *parameter, const char *at,
		    size_t length)
{
	uint16_t key;

	if (key_from_text(at, length, &key) && key != KEY_MANDATORY)
		rdata_put_number(text, key, 2);
	else
		rdata_refuse(text, parameter->token,
			     "mandatory lists other keys of this record, correct it");
}

static int by_number(const void *a, const void *b)
{
	const uint8_t *first = a, *second = b;

	return get_u16(first) - get_u16(second);
}

/* Comma-separated items of the keys that have a list. */
static void put_list(struct rdata_text *text, const struct parameter *parameter, const char *at,
		     const char *end)
{
	size_t start = text->used;

	for (;;) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *item_end = comma != NULL ? comma : end;
		size_t length = (size_t)(item_end - at);

		switch (parameter->key) {
		case KEY_ALPN:
			put_protocol(text, parameter, &at, end);
			item_end = at;
			break;
		case KEY_IPV4HINT:
			token_ipv4(text, at, length, parameter->token);
			break;
		case KEY_IPV6HINT:
			token_ipv6(text, at, length, parameter->token);
			break;
		default:
			put_key(text, parameter, at, length);
		}
		if (item_end == end || text->bad)
			break;
		at = item_end + 1;
	}
	if (parameter->key == KEY_MANDATORY && !text->bad) /* in rising order: 9460 8 */
		qsort(text->rdata + start, (text->used - start) / 2, 2, by_number);
}

static void put_value(struct rdata_text *text, const struct parameter *parameter, const char *at,
		      size_t length)
{
	uint32_t port;

	switch (parameter->key) {
	case KEY_MANDATORY:
	case KEY_ALPN:
	case KEY_IPV4HINT:
	case KEY_IPV6HINT:
		put_list(text, parameter, at, at + length);
		break;
	case KEY_NO_DEFAULT_ALPN:
	case KEY_OHTTP:
		if (length != 0)
			rdata_refuse(text, parameter->token, "this key has no value, remove it");
		break;
	case KEY_PORT:
		if (number_from_text(at, length, UINT16_MAX, &port))
			rdata_put_number(text, port, 2);
		else
			rdata_refuse(text, parameter->token,
				     "port wants a number of 0 to 65535, write port=443");
		break;
	case KEY_ECH:
		token_base64(text, &(struct token){.text = at,
						   .length = (uint32_t)length,
						   .line = parameter->value.line,
						   .column = parameter->value.column});
		break;
	default:
		rdata_put(text, at, length);
	}
}

static void put_parameter(struct rdata_text *text, const struct parameter *parameter, char *octets)
{
	bool may_lack = parameter->key == KEY_NO_DEFAULT_ALPN || parameter->key > KEY_DOHPATH;
	size_t length;

	if (parameter->value.length == 0 && !may_lack) {
		rdata_refuse(text, parameter->token, "this key wants a value, write KEY=VALUE");
		return;
	}
	if (!plain_value(text, parameter, octets, &length))
		return;
	rdata_put_number(text, parameter->key, 2);
	size_t start = text->used;
	rdata_put_number(text, 0, 2);
	put_value(text, parameter, octets, length);
	if (text->bad)
		return;
	if (text->used - start - 2 > UINT16_MAX)
		rdata_refuse(text, parameter->token, "value too long, shorten it");
	else
		put_u16(text->rdata + start, (uint16_t)(text->used - start - 2));
}

static int by_key(const void *a, const void *b)
{
	const struct parameter *first = a, *second = b;

	return first->key - second->key;
}

static bool has_key(const struct parameter *list, size_t count, uint16_t key)
{
	return bsearch(&(struct parameter){.key = key}, list, count, sizeof(*list), by_key) != NULL;
}

/* Every key that mandatory names is there, once (RFC 9460 8). */
static void check_mandatory(struct rdata_text *text, const struct parameter *list, size_t count,
			    size_t start)
{
	if (text->bad || count == 0 || list[0].key != KEY_MANDATORY)
		return;
	size_t octets = get_u16(text->rdata + start + 2);
	const uint8_t *keys = text->rdata + start + 4;
	for (size_t i = 0; i < octets; i += 2) {
		bool twice = i > 0 && get_u16(keys + i) == get_u16(keys + i - 2);

		if (twice || !has_key(list, count, get_u16(keys + i)))
			rdata_refuse(text, list[0].token,
				     "mandatory names a key twice, or one that this record does "
				     "not have, correct it");
	}
}

void field_svcparams(struct rdata_text *text)
{
	size_t most = (size_t)(text->end - text->at), count = 0, longest = 1;
	struct parameter *list = calloc(most + 1, sizeof(*list));

	if (list == NULL)
		abort();
	while (text->at < text->end && !text->bad) {
		take_parameter(text, &list[count]);
		if (list[count].value.length > longest)
			longest = list[count].value.length;
		count++;
	}
	char *octets = malloc(longest);
	if (octets == NULL)
		abort();
	qsort(list, count, sizeof(*list), by_key);
	size_t start = text->used;
	for (size_t i = 0; i < count && !text->bad; i++) {
		if (i > 0 && list[i].key == list[i - 1].key)
			rdata_refuse(text, list[i].token, "this key comes twice, remove one");
		put_parameter(text, &list[i], octets);
	}
	check_mandatory(text, list, count, start);
	free(octets);
	free(list);
}
