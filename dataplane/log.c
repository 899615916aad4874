#include "dataplane/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_text[] = {"debug", "info", "warning", "error"};
static enum log_level lowest = LOG_LEVEL_INFO;

struct line {
	char text[LOG_LINE_MAX];
	size_t length; /* below sizeof(text): the newline always has room */
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

static void put(struct line *line, const char *text, size_t length)
{
	size_t room = sizeof(line->text) - 1 - line->length;

	if (length > room)
		length = room;
	memcpy(line->text + line->length, text, length);
	line->length += length;
}

static bool is_plain(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text > '~' || strchr("\"\\=", *text))
			return false;
	}
	return true;
}

static void put_quoted(struct line *line, const char *text)
{
	char hex[5];

	put(line, "\"", 1);
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~') {
			snprintf(hex, sizeof(hex), "\\x%02x", (unsigned char)*text);
			put(line, hex, 4);
			continue;
		}
		if (*text == '"' || *text == '\\')
			put(line, "\\", 1);
		put(line, text, 1);
	}
	put(line, "\"", 1);
}

static void put_time(struct line *line)
{
	struct timespec now;
	struct tm utc;
	char text[40];
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + length, sizeof(text) - length, ".%03uZ ",
		 (unsigned)(now.tv_nsec / 1000000) % 1000u);
	put(line, text, strlen(text));
}

static void put_fields(struct line *line, va_list fields)
{
	const char *key, *value;

	while ((key = va_arg(fields, const char *))) {
		value = va_arg(fields, const char *);
		put(line, " ", 1);
		put(line, key, strlen(key));
		put(line, "=", 1);
		if (is_plain(value))
			put(line, value, strlen(value));
		else
			put_quoted(line, value);
	}
}

void log_write(enum log_level level, const char *part, const char *message, ...)
{
	struct line line = {.length = 0};
	va_list fields;

	if (level < lowest)
		return;
	put_time(&line);
	put(&line, level_text[level], strlen(level_text[level]));
	put(&line, " ", 1);
	put(&line, part, strlen(part));
	put(&line, " ", 1);
	put(&line, message, strlen(message));
	va_start(fields, message);
	put_fields(&line, fields);
	va_end(fields);
	line.text[line.length++] = '\n';
	while (write(STDERR_FILENO, line.text, line.length) < 0 && errno == EINTR)
		;
}
