/* config_file.h: skua.yaml -> config. Every problem in the file is reported, not only the first.
 * Threads: one. Library: libfyaml, whose lines and columns stand in the messages. */
#ifndef SKUA_CONTROL_CONFIG_CONFIG_FILE_H
#define SKUA_CONTROL_CONFIG_CONFIG_FILE_H

#include "control/config/config.h"

#include <stdio.h>

/* Sets in *config what the file sets. Problems are written to `messages`, one line each:
 * file:line:column: what, and what to do. Returns true if there were none. */
bool config_file_load(const char *path, struct config *config, FILE *messages);

#endif
