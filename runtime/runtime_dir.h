/* runtime_dir.h: where the programs of one instance meet; the one place that knows, for all of
 * them.
 *
 * Threads: any that do not change the environment. Errors: one line for the user. */
#ifndef SKUA_RUNTIME_RUNTIME_DIR_H
#define SKUA_RUNTIME_RUNTIME_DIR_H

#include <stdbool.h>
#include <stddef.h>

/* When nobody says: /run/skua for root if /run is in memory (arenas must not lie on a disk), else
 * $XDG_RUNTIME_DIR/skua if that is an absolute path, else /dev/shm/skua-UID. */
void runtime_dir_default(char *path, size_t size);

/* Makes the directory (mode 0750; its parent must exist) if it is missing, so that either program
 * may start first. False: it can't be made, is no directory, can't be written to, or belongs to
 * another user (but root) where anybody may have put it. */
bool runtime_dir_make(const char *path, char *error, size_t error_size);

/* A file that was made for the directory gets the directory's group, which is how a dataplane that
 * is another user reads it. Where that is not allowed it stays as it is: whoever can't read it says
 * so. */
void runtime_dir_group(int directory_fd, int file_fd);

#endif
