/* directory_watch.h: told when anything in some directories changes, once for a burst of changes.
 *
 * Directories are watched, not files: editors and deployment tools replace a file by renaming
 * another over it. A directory that is missing is looked for once a second.
 * Threads: the loop's. */
#ifndef SKUA_CONTROL_SOURCE_DIRECTORY_WATCH_H
#define SKUA_CONTROL_SOURCE_DIRECTORY_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct directory_watch;

/* Quiet time after the last event, before changed() is called; milliseconds. */
#define DIRECTORY_WATCH_QUIET 20u
/* A burst that does not end is told of after so long. */
#define DIRECTORY_WATCH_MOST 500u

/* NULL with a line for the user. */
struct directory_watch *directory_watch_open(uv_loop_t *loop, void (*changed)(void *context),
					     void *context, char *error, size_t error_size);
/* Watches this directory from now on. Adding it again costs little, and finds one that was replaced
 * by another of the same name. */
void directory_watch_add(struct directory_watch *watch, const char *directory);
/* The same for the directory that this file lies in; and, if it is a symbolic link, for the one
 * that the link leads to: the link may be replaced, or what it leads to. */
void directory_watch_add_file(struct directory_watch *watch, const char *path);
/* "a/b" -> "a", "/b" -> "/", "b" -> ".". directory has PATH_MAX octets. */
void directory_of_file(const char *path, char *directory);
/* Calls changed() once more after so many milliseconds. */
void directory_watch_later(struct directory_watch *watch, uint64_t milliseconds);
void directory_watch_close(struct directory_watch *watch);

#endif
