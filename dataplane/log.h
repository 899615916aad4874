/* log.h: one line on stderr for each thing worth telling an operator, in the format of all Skua
 * programs.
 *
 *   2026-11-20T21:10:00.123Z info dataplane.main answering generation=7
 *
 * A value with anything but printable ASCII, or with space, quote, backslash or '=', is quoted and
 * escaped, so that a line stays one line.
 * Threads:   any; a line is one write(). Never called on the answer path.
 * Ownership: everything is borrowed for the call; nothing is allocated.
 * Errors:    none; a line of more than LOG_LINE_MAX octets is cut. */
#ifndef SKUA_DATAPLANE_LOG_H
#define SKUA_DATAPLANE_LOG_H

#include <stdbool.h>

#define LOG_LINE_MAX 2048u

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
};

/* "debug", "info", "warning", "error"; false for any other text, and *level stays. */
bool log_level_from_text(const char *text, enum log_level *level);
/* Lines below this level are not written; info until set. Call it before the first thread. */
void log_set_level(enum log_level level);

/* Behind the message: pairs of key and value, both const char *, ended by NULL. */
void log_write(enum log_level level, const char *part, const char *message, ...)
    __attribute__((sentinel));

#endif
