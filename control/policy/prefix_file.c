#include "control/policy/prefix_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACE " \t\r\n"

/* Cuts the line down to what stands on it; returns where that begins. */
static char *trim(char *line)
{
	line[strcspn(line, "#")] = '\0';
	line += strspn(line, SPACE);
	line[strcspn(line, SPACE)] = '\0';
	return line;
}

/* True if nothing but a comment follows the word. */
static bool is_alone(const char *behind)
{
	behind += strspn(behind, SPACE);
	return *behind == '\0' || *behind == '#';
}

/* Returns why the line is none, or NULL; *at is where. */
static const char *read_line(char *line, prefix_taker take, void *context, const char **at)
{
	size_t start = strspn(line, SPACE);
	bool alone = is_alone(line + start + strcspn(line + start, SPACE "#"));
	char *text = trim(line);
	bool taken_out = *text == '!';
	struct prefix prefix;

	*at = text;
	if (*text == '\0')
		return NULL;
	if (!alone)
		return "is followed by something else; write one prefix on each line";
	const char *why = prefix_from_text(text + taken_out, &prefix);
	if (why == NULL)
		take(context, &prefix, taken_out);
	return why;
}

bool prefix_file_read(const char *path, prefix_taker take, void *context, char *error,
		      size_t error_size)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0, number = 1;
	bool good = true;

	if (file == NULL) {
		snprintf(error, error_size, "%s: can't be read: %s", path, strerror(errno));
		return false;
	}
	for (; good && getline(&line, &room, file) >= 0; number++) {
		const char *at;
		const char *why = read_line(line, take, context, &at);

		if (why == NULL)
			continue;
		snprintf(error, error_size, "%s:%zu:%zu: \"%s\" %s", path, number,
			 (size_t)(at - line) + 1, at, why);
		good = false;
	}
	if (good && ferror(file)) {
		snprintf(error, error_size, "%s: can't be read: %s", path, strerror(errno));
		good = false;
	}
	free(line);
	fclose(file);
	return good;
}
