/* log.h: one line on stderr for each thing worth telling an operator.
 *
 *   2026-11-20T21:10:00.123Z info control.zone loaded zone=example. serial=5 records=12
 *
 * Time is UTC. A value is put into quotes if it is empty or holds anything but printable ASCII
 * without space, '"', '\' and '='; inside quotes, '"' and '\' get a '\', other octets that can't be
 * printed become \xHH. So a line stays one line whatever a zone file or a client put into it.
 *
 * Threads:   any. A line is one write(), so lines of threads and processes do not mix.
 * Ownership: everything is borrowed for the call. Nothing is allocated.
 * Errors:    none: what can't be written is lost; a line of more than LOG_LINE_MAX is cut.
 * No secret belongs here. */
#ifndef SKUA_RUNTIME_LOG_H
#define SKUA_RUNTIME_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 2048u /* octets, the newline included */

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
};

/* "debug", "info", "warning", "error"; false for any other text, and *level stays. */
bool log_level_from_text(const char *text, enum log_level *level);

/* Lines below this level are not written; info until set. Call it before the first thread starts.
 */
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);

/* One key=value. text != NULL wins; a NULL text given to LOG_TEXT shows as "". */
struct log_field {
	const char *key; /* NULL ends a list */
	const char *text;
	int64_t number;
	bool is_unsigned; /* number is to be read as uint64_t */
};
#define LOG_TEXT(k, v)	 ((struct log_field){.key = (k), .text = log_text_or_empty(v)})
#define LOG_NUMBER(k, v) ((struct log_field){.key = (k), .number = (int64_t)(v)})
#define LOG_UNSIGNED(k, v)                                                                         \
	((struct log_field){.key = (k), .number = (int64_t)(v), .is_unsigned = true})

static inline const char *log_text_or_empty(const char *text)
{
	return text ? text : "";
}

/* part: "control.zone"; message: what happened, in words, no final full stop; fields: ended by a
 * field without a key. */
void log_write(enum log_level level, const char *part, const char *message,
	       const struct log_field *fields);

/* log_info("control.zone", "loaded", LOG_TEXT("zone", apex), LOG_UNSIGNED("serial", serial)); */
/* The first field is only there so that a comma may follow it; it is skipped. */
#define log_line(level, part, message, ...)                                                        \
	log_write(level, part, message,                                                            \
		  ((const struct log_field[]){{.key = ""}, ##__VA_ARGS__, {.key = NULL}}) + 1)
#define log_debug(part, ...)   log_line(LOG_LEVEL_DEBUG, part, __VA_ARGS__)
#define log_info(part, ...)    log_line(LOG_LEVEL_INFO, part, __VA_ARGS__)
#define log_warning(part, ...) log_line(LOG_LEVEL_WARNING, part, __VA_ARGS__)
#define log_error(part, ...)   log_line(LOG_LEVEL_ERROR, part, __VA_ARGS__)

#endif
