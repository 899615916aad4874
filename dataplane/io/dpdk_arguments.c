#include "dataplane/io/dpdk_arguments.h"

#include <stdio.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static bool put(struct dpdk_arguments *out, char c)
{
	if (out->used == sizeof(out->text))
		return false;
	out->text[out->used++] = c;
	return true;
}

bool dpdk_arguments_add(struct dpdk_arguments *out, const char *argument)
{
	size_t length = strlen(argument) + 1;

	if (out->count == DPDK_ARGUMENTS_MAX || length > sizeof(out->text) - out->used)
		return false;
	out->argument[out->count++] = memcpy(out->text + out->used, argument, length);
	out->argument[out->count] = NULL;
	out->used += length;
	return true;
}

/* One argument from *at, which stands on its first character, to out->text. Returns false if there
 * is no room or a quote does not end; *quote is then that quote. */
static bool take_argument(struct dpdk_arguments *out, const char **at, char *quote)
{
	for (; **at != '\0' && (*quote || !is_blank(**at)); ++*at) {
		char c = **at;

		if (c == *quote) {
			*quote = '\0';
			continue;
		}
		if (!*quote && (c == '\'' || c == '"')) {
			*quote = c;
			continue;
		}
		if (*quote != '\'' && c == '\\' && (*at)[1] != '\0')
			c = *++*at;
		if (!put(out, c))
			return false;
	}
	return *quote == '\0' && put(out, '\0');
}

bool dpdk_arguments_split(struct dpdk_arguments *out, const char *program, const char *text,
			  char *error, size_t error_size)
{
	out->count = 0;
	out->used = 0;
	dpdk_arguments_add(out, program);
	for (;;) {
		char quote = '\0', *begin = out->text + out->used;

		while (is_blank(*text))
			text++;
		if (*text == '\0')
			return true;
		if (out->count == DPDK_ARGUMENTS_MAX || !take_argument(out, &text, &quote)) {
			snprintf(error, error_size, "--io dpdk: %s",
				 quote == '"'	 ? "a double quote has no end"
				 : quote != '\0' ? "a single quote has no end"
						 : "too many arguments, or too long");
			return false;
		}
		out->argument[out->count++] = begin;
		out->argument[out->count] = NULL;
	}
}

bool dpdk_arguments_has(const struct dpdk_arguments *arguments, const char *option)
{
	size_t length = strlen(option);
	bool is_long = strncmp(option, "--", 2) == 0;

	for (int i = 1; i < arguments->count; i++) {
		const char *argument = arguments->argument[i];

		if (strncmp(argument, option, length) == 0 &&
		    (!is_long || argument[length] == '\0' || argument[length] == '='))
			return true;
	}
	return false;
}
