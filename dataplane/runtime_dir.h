/* runtime_dir.h: where control and dataplane of one instance meet.
 *
 * Threads: the main thread, before any other starts. */
#ifndef SKUA_DATAPLANE_RUNTIME_DIR_H
#define SKUA_DATAPLANE_RUNTIME_DIR_H

#include <stdbool.h>
#include <stddef.h>

/* The default that all Skua programs share: /run/skua if root and /run is a tmpfs (arenas must not
 * lie on a disk), else $XDG_RUNTIME_DIR/skua, else /dev/shm/skua-<uid>. */
void runtime_dir_default(char *path, size_t size);

/* Makes the directory (its parent must exist) unless it is there, so that either program may start
 * first. False with a line for the user; an existing one of another user is refused in the
 * world-writable /dev/shm, since anybody may have put it there. */
bool runtime_dir_make(const char *path, char *error, size_t size);

#endif
