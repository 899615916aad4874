/* zone_reading.h: one zone file read and checked, with what was found and what it was made of.
 *
 * Threads:   any, one reading each; nothing is shared.
 * Ownership: the reading owns all in it; whoever takes the zone sets it to NULL. */
#ifndef SKUA_CONTROL_SOURCE_ZONE_READING_H
#define SKUA_CONTROL_SOURCE_ZONE_READING_H

#include "control/source/file_stamp.h"
#include "zones/text/source.h"
#include "zones/zone/change.h"

/* A finding, worded. */
struct zone_reading_line {
	bool is_error;
	char *text;
};

struct zone_reading {
	struct zone *zone; /* NULL: the file must not be served, or `compared` */
	/* Instead of the zone, what makes the zone in force one of the same records. */
	bool compared;
	struct zone_changes changes;
	uint64_t errors, warnings;
	char *first_error; /* file:line:column: what, and what to do; NULL without errors */
	struct {
		char *path;
		struct file_stamp stamp;
	} * files; /* the file itself, then what it includes */
	size_t file_count;
	struct zone_reading_line *lines; /* what is not logged yet, in order */
	size_t line_count;
};

/* At most so many lines of each severity are logged of one file; `skua check` shows more. */
#define ZONE_READING_LINES 20u

void zone_reading_do(const struct zone_source *source, struct zone_reading *reading);
/* Logs what was found, once. */
void zone_reading_log(struct zone_reading *reading);
/* Puts changes in place of the zone, if it has the apex of the zone in force and they are few: less
 * than a quarter of its names. in_force: or NULL; nobody changes it meanwhile. */
void zone_reading_compare(struct zone_reading *reading, const struct zone *in_force);
void zone_reading_free(struct zone_reading *reading);

/* Tells versions of its files apart, also after a reboot; 0: they may still be changing. */
uint64_t zone_reading_mark(const struct zone_reading *reading);
/* True if one of its files has changed since. */
bool zone_reading_is_old(const struct zone_reading *reading);
/* True if one of its files changed so shortly before that it is to be read again. */
bool zone_reading_is_fresh(const struct zone_reading *reading);
/* True if one of its files, or the file of this path, changed just now: somebody may be writing. */
bool zone_reading_is_changing(const struct zone_reading *reading, const char *path);

#endif
