/* runtime_dir.h: where the instance's shared files lie when nobody says.
 * /run/skua for root if /run is in memory, else $XDG_RUNTIME_DIR/skua, else /dev/shm/skua-UID.
 * Threads: any that do not change the environment. */
#ifndef SKUA_CONTROL_CONFIG_RUNTIME_DIR_H
#define SKUA_CONTROL_CONFIG_RUNTIME_DIR_H

#include <stdbool.h>
#include <stddef.h>

void runtime_dir_default(char *path, size_t size);
/* Makes the directory (mode 0755) if it is missing. False, with a line for the user: it can't be
 * made, is no directory, or can't be written to. */
bool runtime_dir_make(const char *path, char *error, size_t error_size);

#endif
