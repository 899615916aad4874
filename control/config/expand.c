#include "control/config/expand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands between the braces: NAME or NAME:-DEFAULT. */
static const char *variable_value(const char *inside, size_t length, size_t *value_length,
				  char *error, size_t error_size)
{
	const char *bar = memmem(inside, length, ":-", 2);
	size_t name_length = bar != NULL ? (size_t)(bar - inside) : length;
	char *name = strndup(inside, name_length);
	const char *value;

	if (name == NULL)
		abort();
	value = getenv(name);
	if (value != NULL && (value[0] != '\0' || bar == NULL)) {
		*value_length = strlen(value);
	} else if (bar != NULL) {
		value = bar + 2;
		*value_length = length - name_length - 2;
	} else {
		snprintf(error, error_size,
			 "environment variable %s is not set; set it, or give a default: "
			 "${%s:-DEFAULT}",
			 name, name);
	}
	free(name);
	return value;
}

static void put(FILE *out, const char *text, size_t length)
{
	if (fwrite(text, 1, length, out) != length)
		abort(); /* a memory stream fails only when memory is out */
}

/* Writes what one "${…}" stands for; returns what follows it, or NULL. */
static const char *expand_one(const char *at, FILE *out, char *error, size_t error_size)
{
	const char *close = strchr(at, '}');
	const char *value;
	size_t length;

	if (close == NULL) {
		snprintf(error, error_size, "\"${\" without \"}\"; write \"$$\" for a plain \"$\"");
		return NULL;
	}
	value = variable_value(at + 2, (size_t)(close - at - 2), &length, error, error_size);
	if (value == NULL)
		return NULL;
	put(out, value, length);
	return close + 1;
}

char *expand_variables(const char *text, char *error, size_t error_size)
{
	char *result = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&result, &size);

	if (out == NULL)
		abort();
	while (text != NULL && *text != '\0') {
		size_t plain = strcspn(text, "$");

		put(out, text, plain);
		text += plain;
		if (text[0] == '$' && text[1] == '{') {
			text = expand_one(text, out, error, error_size);
		} else if (text[0] == '$') {
			put(out, "$", 1);
			text += text[1] == '$' ? 2 : 1;
		}
	}
	if (fclose(out) != 0)
		abort();
	if (text != NULL)
		return result;
	free(result);
	return NULL;
}
