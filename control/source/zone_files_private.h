/* zone_files_private.h: the state of the record source "zone files", shared by the files that make
 * it. Threads: the loop's. */
#ifndef SKUA_CONTROL_SOURCE_ZONE_FILES_PRIVATE_H
#define SKUA_CONTROL_SOURCE_ZONE_FILES_PRIVATE_H

#include "control/source/directory_watch.h"
#include "control/source/zone_files.h"

/* An argument that is a directory. */
struct zone_directory {
	char *path;
	struct zone_terms terms;
	bool missing;
};

struct zone_files {
	uv_loop_t *loop;
	struct zone_files_handler handler;
	void *context;
	struct directory_watch *watch;
	struct zone_file **list; /* by path, then by view */
	size_t count;
	struct zone_directory *directories; /* arguments */
	size_t directory_count;
	const char *state_dir; /* NULL: nothing is kept */
	uint64_t scan;
	bool saving; /* a thread saves a version */
	bool closing;
	uint64_t closed; /* when, by uv_hrtime() */
};

/* zone_version.c */

/* What the file shows as its error from now on; NULL: none. */
void version_note_error(struct zone_file *file, const char *line);
/* Hands the version that was read last over, or notes why not. */
void version_bring_in_force(struct zone_file *file);
/* The file is bad at start: what an earlier run saved of it is better than nothing. */
void version_bring_saved(struct zone_file *file);

#endif
