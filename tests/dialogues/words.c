/* words.c: see words.h. */
#include "tests/dialogues/words.h"

#include "dataplane/answer/option.h"
#include "zones/record/record.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	uint16_t code;
} option_names[] = {
#define OPTION(name, code, help) {#name, code},
#include "dataplane/answer/option.def"
#undef OPTION
};

bool octets_from_hex(const char *text, uint8_t *octets, size_t most, size_t *length)
{
	unsigned octet;

	for (; *text != '\0'; text += isspace((unsigned char)*text) ? 1 : 2) {
		if (isspace((unsigned char)*text))
			continue;
		if (*length == most || !isxdigit((unsigned char)text[1]) ||
		    sscanf(text, "%2x", &octet) != 1)
			return false;
		octets[(*length)++] = (uint8_t)octet;
	}
	return true;
}

/* False: neither a name nor a number. */
static bool option_code(const char *text, size_t length, uint16_t *code)
{
	char *end;

	for (size_t i = 0; i < sizeof(option_names) / sizeof(option_names[0]); i++) {
		if (strlen(option_names[i].name) == length &&
		    strncasecmp(option_names[i].name, text, length) == 0) {
			*code = option_names[i].code;
			return true;
		}
	}
	*code = (uint16_t)strtoul(text, &end, 10);
	return length > 0 && end == text + length;
}

bool option_from_word(const char *word, uint8_t *options, size_t most, size_t *length)
{
	size_t name = strcspn(word, ": ");
	size_t start = *length;
	uint16_t code;

	if (!option_code(word, name, &code) || most - start < 4)
		return false;
	*length += 4;
	word += name + (word[name] == ':');
	if (!octets_from_hex(word, options, most, length))
		return false;
	put_u16(options + start, code);
	put_u16(options + start + 2, (uint16_t)(*length - start - 4));
	return true;
}

bool address_from_word(const char *word, uint8_t source[16], uint16_t *family)
{
	*family = strchr(word, ':') == NULL ? 4 : 6;
	return inet_pton(*family == 4 ? AF_INET : AF_INET6, word, source) == 1;
}

static bool set_text(const char *text, struct policy_text *to)
{
	to->length = (uint8_t)strlen(text);
	memcpy(to->octets, text, to->length);
	return true;
}

static bool set_word(const char *text, const char *const words[3], uint8_t *to)
{
	for (uint8_t i = 0; i < 3; i++) {
		if (strcmp(words[i], text) == 0) {
			*to = i;
			return true;
		}
	}
	return false;
}

static bool add_secret(const char *text, struct policy_cookies *cookies)
{
	size_t length = 0;

	return cookies->count < POLICY_SECRETS &&
	       octets_from_hex(text, cookies->secret[cookies->count++], POLICY_SECRET_OCTETS,
			       &length) &&
	       length == POLICY_SECRET_OCTETS;
}

bool setting_from_word(const char *word, struct image_settings *settings,
		       struct image_policy *policy, struct answer_state *state)
{
	static const char *const rotate[] = {"off", "on", "fixed"};
	static const char *const any[] = {"one", "all", "hinfo"};
	static const char *const flag[] = {"off", "on", "on"};
	const char *value = strchr(word, '=');
	size_t name = value == NULL ? 0 : (size_t)(value++ - word);

#define IS(text) (name == sizeof(text) - 1 && strncmp(word, text, name) == 0)
	if (IS("additional"))
		return set_word(value, flag, &settings->additional);
	if (IS("rotate"))
		return set_word(value, rotate, &settings->rotate);
	if (IS("udp"))
		return sscanf(value, "%hu", &settings->udp_size) == 1;
	if (IS("any"))
		return set_word(value, any, &policy->any);
	if (IS("version"))
		return set_text(value, &policy->version);
	if (IS("identity"))
		return set_text(value, &policy->identity);
	if (IS("nsid"))
		return set_text(value, &policy->nsid);
	if (IS("secret"))
		return add_secret(value, &policy->cookies);
	if (IS("errors"))
		return set_word(value, flag, &policy->extended_errors);
	if (IS("idle"))
		return sscanf(value, "%hu", &state->tcp_idle) == 1;
	if (IS("now"))
		state->now = strtoull(value, NULL, 10) * 1000000000u;
	return IS("now");
#undef IS
}

enum counter counter_from_word(const char *word)
{
	static const char *const names[COUNTERS] = {
#define COUNT(name, help) #name,
#include "zones/abi/counters.def"
#undef COUNT
	};
	unsigned i = 0;

	while (i < COUNTERS && strcmp(names[i], word) != 0)
		i++;
	return (enum counter)i;
}
