/* expand.h: ${VARIABLE} and ${VARIABLE:-default} in a setting's value, from the environment.
 * "$$" stands for one "$"; a "$" before anything else stays as it is.
 * Threads: any that do not change the environment. Pure but for getenv(). */
#ifndef SKUA_CONTROL_CONFIG_EXPAND_H
#define SKUA_CONTROL_CONFIG_EXPAND_H

#include <stddef.h>

/* Returns the value, for the caller to free(); NULL with *error set: a variable that is not set and
 * has no default, or a brace that is not closed. */
char *expand_variables(const char *text, char *error, size_t error_size);

#endif
