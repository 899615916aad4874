/* prefix_file.h: a file of prefixes: an address or a prefix on each line, with "!" before it if it
 * is taken out; "#" begins a comment, empty lines are skipped.
 * Threads: any. */
#ifndef SKUA_CONTROL_POLICY_PREFIX_FILE_H
#define SKUA_CONTROL_POLICY_PREFIX_FILE_H

#include "zones/prefix/prefix.h"

typedef void (*prefix_taker)(void *context, const struct prefix *prefix, bool taken_out);

/* False, with file:line:column: what, and what to do; some may have been taken then. */
bool prefix_file_read(const char *path, prefix_taker take, void *context, char *error,
		      size_t error_size);

#endif
