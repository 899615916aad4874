#include "control/config/config.h"

#include "control/config/access_text.h"
#include "control/config/address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct config_key_info keys[CONFIG_KEYS] = {
#define KEY(name, kind, program, low, high, argument, fallback, help)                              \
	{#name, KIND_##kind, PROGRAM_##program, low, high, argument, fallback, help},
#include "control/config/keys.def"
#undef KEY
};

const struct config_key_info *config_key_info(enum config_key key)
{
	return &keys[key];
}

bool config_is_list(enum config_key key)
{
	return keys[key].kind == KIND_ADDRESSES || keys[key].kind == KIND_ZONES ||
	       keys[key].kind == KIND_ACCESS || keys[key].kind == KIND_ITEMS;
}

enum config_key config_key_from_name(const char *name, size_t length)
{
	for (enum config_key key = 0; key < CONFIG_KEYS; key++)
		if (strlen(keys[key].name) == length && memcmp(keys[key].name, name, length) == 0)
			return key;
	return CONFIG_KEYS;
}

/* Levenshtein's distance; both texts shorter than 40. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[40];
	size_t columns = strlen(b);

	for (size_t j = 0; j <= columns; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < columns; j++) {
			unsigned replace = diagonal + (a[i] != b[j]);
			unsigned best = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;

			diagonal = row[j + 1];
			row[j + 1] = replace < best ? replace : best;
		}
	}
	return row[columns];
}

const char *config_nearest_name(const char *name)
{
	const char *nearest = NULL;
	unsigned best = 4; /* more than three slips is another word */

	if (strlen(name) >= 40)
		return NULL;
	for (enum config_key key = 0; key < CONFIG_KEYS; key++) {
		unsigned d = distance(name, keys[key].name);

		if (d < best && d < strlen(name)) {
			best = d;
			nearest = keys[key].name;
		}
	}
	return nearest;
}

void config_init(struct config *config)
{
	memset(config, 0, sizeof(*config));
}

static void value_clear(struct config_value *value)
{
	for (size_t i = 0; i < value->count; i++)
		free(value->text[i]);
	free(value->text);
	value->text = NULL;
	value->count = 0;
}

void config_free(struct config *config)
{
	for (enum config_key key = 0; key < CONFIG_KEYS; key++)
		value_clear(&config->value[key]);
}

static void value_append(struct config_value *value, const char *text)
{
	char **grown = realloc(value->text, (value->count + 1) * sizeof(*grown));
	char *copy = strdup(text);

	if (grown == NULL || copy == NULL)
		abort();
	value->text = grown;
	value->text[value->count++] = copy;
}

static bool number_from_text(const char *text, bool size, uint64_t *number)
{
	char *end;
	unsigned shift = 0;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	if (size && *end != '\0') {
		const char *units = "kmg";
		const char *unit = strchr(units, *end | 0x20);

		if (unit == NULL)
			return false;
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (*end != '\0' || *number > UINT64_MAX >> shift)
		return false;
	*number <<= shift;
	return true;
}

int config_flag_from_text(const char *text)
{
	static const char *const words[2][4] = {{"false", "no", "off", "0"},
						{"true", "yes", "on", "1"}};

	for (int flag = 0; flag < 2; flag++)
		for (int i = 0; i < 4; i++)
			if (strcasecmp(text, words[flag][i]) == 0)
				return flag;
	return -1;
}

/* Which of the words between bars `text` is; -1: none. */
static int find_word(const char *words, const char *text)
{
	size_t length = strlen(text);

	for (int index = 0; *words != '\0'; index++) {
		size_t octets = strcspn(words, "|");

		if (octets == length && strncasecmp(words, text, length) == 0)
			return index;
		words += octets + (words[octets] == '|');
	}
	return -1;
}

static int choice_from_text(const struct config_key_info *info, const char *text)
{
	int choice = find_word(info->argument, text);
	int flag = config_flag_from_text(text);

	if (choice < 0 && flag >= 0)
		choice = find_word(info->argument, flag ? "on" : "off");
	return choice;
}

static bool check_choice(const struct config_key_info *info, const char *text, char *error,
			 size_t error_size)
{
	if (choice_from_text(info, text) >= 0)
		return true;
	snprintf(error, error_size, "%s: \"%s\" is none of %s", info->name, text, info->argument);
	return false;
}

static bool check_number(const struct config_key_info *info, const char *text, char *error,
			 size_t error_size)
{
	bool size = info->kind == KIND_SIZE;
	uint64_t number;

	if (!number_from_text(text, size, &number)) {
		snprintf(error, error_size, "%s: \"%s\" is no %s", info->name, text,
			 size ? "size; write octets, or a number with K, M or G" : "number");
		return false;
	}
	if (number >= info->low && number <= info->high)
		return true;
	snprintf(error, error_size, "%s: %s is out of range; allowed are %llu to %llu", info->name,
		 text, (unsigned long long)info->low, (unsigned long long)info->high);
	return false;
}

static bool is_number(const struct config_key_info *info, const char *text)
{
	return info->kind == KIND_NUMBER || info->kind == KIND_SIZE ||
	       (info->kind == KIND_NUMBER_OR_AUTO && strcmp(text, "auto") != 0);
}

static bool is_level(const char *text)
{
	return strcmp(text, "error") == 0 || strcmp(text, "warning") == 0 ||
	       strcmp(text, "info") == 0 || strcmp(text, "debug") == 0;
}

static bool is_address(const char *text)
{
	struct address address;

	return address_from_text(text, &address);
}

static const char *refusal(const struct config_key_info *info, const char *text)
{
	if (text[0] == '\0')
		return "must not be empty";
	switch (info->kind) {
	case KIND_FLAG:
		return config_flag_from_text(text) < 0 ? "is neither true nor false" : NULL;
	case KIND_LEVEL:
		return is_level(text) ? NULL : "is no level; use error, warning, info or debug";
	case KIND_ADDRESS_OR_OFF:
		return strcmp(text, "off") == 0 || is_address(text)
			   ? NULL
			   : "is no address; write ADDR:PORT, [ADDR6]:PORT, or off";
	case KIND_ADDRESSES:
		return is_address(text) ? NULL : "is no address; write ADDR:PORT or [ADDR6]:PORT";
	default:
		return NULL;
	}
}

/* Names of lists and views are not looked up: what defines them may come later. */
static bool check_access(const struct config_key_info *info, const char *text, char *error,
			 size_t error_size)
{
	struct zone_text zone;
	char why[512];
	bool good;

	if (info->kind == KIND_ACCESS) {
		good = access_text_check(text, why, sizeof(why));
	} else if (info->kind == KIND_ITEMS) {
		good = access_items_check(text, why, sizeof(why));
	} else {
		good = zone_text_read(text, &zone, why, sizeof(why));
		zone_text_free(&zone);
	}
	if (!good)
		snprintf(error, error_size, "%s: %s", info->name, why);
	return good;
}

bool config_add(struct config *config, enum config_key key, const char *text, char *error,
		size_t error_size)
{
	const struct config_key_info *info = &keys[key];
	const char *why = refusal(info, text);

	if (why != NULL) {
		snprintf(error, error_size, "%s: \"%s\" %s", info->name, text, why);
		return false;
	}
	if (info->kind == KIND_CHOICE && !check_choice(info, text, error, error_size))
		return false;
	if (is_number(info, text) && !check_number(info, text, error, error_size))
		return false;
	if ((info->kind == KIND_ACCESS || info->kind == KIND_ITEMS || info->kind == KIND_ZONES) &&
	    !check_access(info, text, error, error_size))
		return false;
	if (!config_is_list(key))
		value_clear(&config->value[key]);
	value_append(&config->value[key], text);
	return true;
}

void config_overlay(struct config *base, const struct config *over)
{
	for (enum config_key key = 0; key < CONFIG_KEYS; key++) {
		const struct config_value *value = &over->value[key];

		if (value->count == 0)
			continue;
		value_clear(&base->value[key]);
		for (size_t i = 0; i < value->count; i++)
			value_append(&base->value[key], value->text[i]);
	}
}

bool config_is_set(const struct config *config, enum config_key key)
{
	return config->value[key].count > 0;
}

const char *config_text(const struct config *config, enum config_key key)
{
	return config_is_set(config, key) ? config->value[key].text[0] : keys[key].fallback;
}

uint64_t config_number(const struct config *config, enum config_key key)
{
	const char *text = config_text(config, key);
	uint64_t number = 0;

	if (text != NULL)
		number_from_text(text, keys[key].kind == KIND_SIZE, &number);
	return number;
}

bool config_flag(const struct config *config, enum config_key key)
{
	const char *text = config_text(config, key);

	return text != NULL && config_flag_from_text(text) == 1;
}

unsigned config_choice(const struct config *config, enum config_key key)
{
	const char *text = config_text(config, key);
	int choice = text != NULL ? choice_from_text(&keys[key], text) : 0;

	return choice < 0 ? 0 : (unsigned)choice;
}
