#include "runtime/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_text[] = {"debug", "info", "warning", "error"};
static enum log_level lowest = LOG_LEVEL_INFO;

/* A line being made: always leaves room for the newline. */
struct line {
	char text[LOG_LINE_MAX];
	size_t length;
};

bool log_level_from_text(const char *text, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(level_text) / sizeof(level_text[0]); i++) {
		if (strcmp(text, level_text[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_set_level(enum log_level level)
{
	lowest = level;
}

bool log_is_on(enum log_level level)
{
	return level >= lowest;
}

static void put(struct line *line, const char *text, size_t length)
{
	size_t room = sizeof(line->text) - 1 - line->length;

	if (length > room)
		length = room;
	memcpy(line->text + line->length, text, length);
	line->length += length;
}

static void put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* quoted: inside "…", where '"' and '\' have a meaning of their own. */
static void put_octet(struct line *line, unsigned char octet, bool quoted)
{
	char hex[5];

	if (octet < 0x20 || octet > 0x7e) {
		snprintf(hex, sizeof(hex), "\\x%02x", octet);
		put(line, hex, 4);
	} else if (quoted && (octet == '"' || octet == '\\')) {
		put(line, (const char[]){'\\', (char)octet}, 2);
	} else {
		put(line, (const char *)&octet, 1);
	}
}

static bool needs_quotes(const char *text)
{
	if (*text == '\0')
		return true;
	for (const char *at = text; *at != '\0'; at++) {
		if (*at <= ' ' || *at > '~' || *at == '"' || *at == '\\' || *at == '=')
			return true;
	}
	return false;
}

static void put_value(struct line *line, const char *text)
{
	bool quoted = needs_quotes(text);

	if (quoted)
		put(line, "\"", 1);
	for (const char *at = text; *at != '\0'; at++)
		put_octet(line, (unsigned char)*at, quoted);
	if (quoted)
		put(line, "\"", 1);
}

static void put_field(struct line *line, const struct log_field *field)
{
	char number[24];

	put(line, " ", 1);
	put_text(line, field->key);
	put(line, "=", 1);
	if (field->text) {
		put_value(line, field->text);
		return;
	}
	if (field->is_unsigned)
		snprintf(number, sizeof(number), "%llu", (unsigned long long)field->number);
	else
		snprintf(number, sizeof(number), "%lld", (long long)field->number);
	put_text(line, number);
}

static void put_time(struct line *line)
{
	struct timespec now;
	struct tm utc;
	char text[32];
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + length, sizeof(text) - length, ".%03uZ ",
		 (unsigned)(now.tv_nsec / 1000000) % 1000u);
	put_text(line, text);
}

void log_write(enum log_level level, const char *part, const char *message,
	       const struct log_field *fields)
{
	struct line line;
	int kept = errno; /* so that a caller may log first and look at errno then */

	if (!log_is_on(level))
		return;
	line.length = 0;
	put_time(&line);
	put_text(&line, level_text[level]);
	put(&line, " ", 1);
	put_text(&line, part);
	put(&line, " ", 1);
	for (const char *at = message; *at != '\0'; at++)
		put_octet(&line, (unsigned char)*at, false);
	for (; fields && fields->key; fields++)
		put_field(&line, fields);
	line.text[line.length++] = '\n';
	while (write(STDERR_FILENO, line.text, line.length) < 0 && errno == EINTR)
		;
	errno = kept;
}
