/* zone_files.h: the record source "zone files": FILE, ORIGIN=FILE and directories of *.zone.
 *
 * Files are read by a thread of libuv's pool, so that a large one holds nobody up; what comes out
 * is handed to the handler in the loop. Of a file that is read again the thread works out what is
 * different from the zone in force: if that is little, only changes are handed over, so that the
 * loop is held as long as they take, whatever the size of the zone. A file that can't be read or
 * has errors keeps its last good version. New *.zone files in a directory argument are taken in,
 * and removed ones taken out; a file that was named by itself stays, whatever happens to it.
 * Threads:   the loop's. Ownership: a zone that is handed over is the handler's. */
#ifndef SKUA_CONTROL_SOURCE_ZONE_FILES_H
#define SKUA_CONTROL_SOURCE_ZONE_FILES_H

#include "control/source/zone_reading.h"
#include "control/store/zone_terms.h"

#include <uv.h>

enum zone_file_state {
	ZONE_FILE_UNREAD,
	ZONE_FILE_GOOD,
	ZONE_FILE_STALE, /* the newest version is bad; the one before is in force */
	ZONE_FILE_BAD,	 /* no version has been good yet */
	ZONE_FILE_SAVED, /* the same; what was saved by an earlier run is in force */
};
const char *zone_file_state_text(enum zone_file_state state);

/* One file that should be a zone. */
struct zone_file {
	struct zone_source source;
	struct zone_terms terms;
	bool named; /* an argument by itself, not found in a directory */
	enum zone_file_state state;
	bool has_apex; /* a version of it is in force, under this apex */
	uint8_t apex[NAME_MAX_OCTETS];
	char *error;		   /* first error of the newest version; NULL if it is good */
	uint64_t errors, warnings; /* of the newest version */
	uint64_t failures;	   /* versions that were bad, since the start */
	uint64_t loads;		   /* versions that were good, since the start */
	struct zone_reading last;  /* of the newest version; without its zone */
	/* the rest is the source's own */
	struct zone_files *owner;
	bool busy; /* a thread reads the file, or saves the version in force */
	bool again, gone;
	bool unsaved;  /* the version in force is to be kept for the next start */
	uint64_t mark; /* of that version: zone_reading_mark() */
	uint64_t scan;
	uv_work_t work;
	struct zone_reading next;
	const struct zone *in_force; /* while a thread reads the file; or NULL */
	const struct zone *kept;     /* while a thread saves it */
	int save_error;		     /* of errno, or 0 */
};

struct zone_files_handler {
	/* A version of the file to bring in force, in place of the zone `previous` (NULL: none).
	 * The zone is the handler's now. False, with a line for the user, if that can't be. */
	bool (*put)(void *context, const struct zone_file *file, const uint8_t *previous,
		    struct zone *zone, char *error, size_t error_size);
	/* The same, of a version that differs little from the zone in force: what makes that zone
	 * one of the version's records. Borrowed. Records that did not change keep the places in
	 * files that they had; of what is in force nobody asks for those. */
	bool (*change)(void *context, const struct zone_file *file,
		       const struct zone_changes *changes, char *error, size_t error_size);
	/* The zone that is in force for the file. It must stay as it is until put(), change() or
	 * take() is called for this file: a thread may read it. */
	const struct zone *(*zone_of)(void *context, const struct zone_file *file);
	/* The file is gone from its directory. False: the zone is still in force; tried again. */
	bool (*take)(void *context, const struct zone_file *file);
};

struct zone_files;

struct zone_files *zone_files_new(uv_loop_t *loop, const struct zone_files_handler *handler,
				  void *context);
/* Keeps the last good version of each file in this directory from now on, and starts from there
 * where a file is bad (last_good.h). Versions are saved by a thread, one after the other, when they
 * are in force; those of zone_files_read_first() after zone_files_watch(). Borrowed. Call it before
 * reading. */
void zone_files_keep(struct zone_files *files, const char *state_dir);
/* A file may be served in several views. terms: of all files that the argument stands for. False if
 * it stands for no file; that has been logged. */
bool zone_files_add(struct zone_files *files, const char *argument, struct zone_terms terms);
/* Reads all, now, by so many threads, and hands them over one after the other in this one. Returns
 * how many came in force. */
size_t zone_files_read_first(struct zone_files *files, unsigned threads);
/* From now on follows what changes. False, with a line for the user. */
bool zone_files_watch(struct zone_files *files, char *error, size_t error_size);
/* Reads all files again (SIGHUP), changed or not. */
void zone_files_reload(struct zone_files *files);

size_t zone_files_count(const struct zone_files *files);
const struct zone_file *zone_files_at(const struct zone_files *files, size_t index);

/* Ends watching; readings under way end by themselves while the loop runs on. Call it once, run the
 * loop until it is idle, then zone_files_free(). */
void zone_files_close(struct zone_files *files);
void zone_files_free(struct zone_files *files);

#endif
