/* last_good.h: the last good version of each zone file, kept where it survives a reboot, so that a
 * node boots although an edit broke a file.
 *
 * One text file for each zone file: <basename>.<hash of its absolute path>, whole and on disk
 * before it gets its name. Its first line holds a mark of what the zone file was then; the rest is
 * the records, absolute and with RFC 3597 data, so that reading gives back the very same records.
 * Threads: any, one at a time for each zone file. Ownership: nothing is kept in memory. */
#ifndef SKUA_CONTROL_STORE_LAST_GOOD_H
#define SKUA_CONTROL_STORE_LAST_GOOD_H

#include "zones/zone/zone.h"

#include <limits.h>

/* Makes the directory if it is missing, and removes what a kill left unfinished. False, with a line
 * for the user. */
bool last_good_open(const char *state_dir, char *error, size_t error_size);

/* mark: of the zone file and what it includes; nothing is written if the saved version has the same
 * (0: unknown, always written). False with errno. */
bool last_good_save(const char *state_dir, const char *zone_file, uint64_t mark,
		    const struct zone *zone);
/* Where the version of this zone file is, or would be. False: the path is too long. */
bool last_good_path(const char *state_dir, const char *zone_file, char path[PATH_MAX]);
/* The zone file was removed on purpose. */
void last_good_forget(const char *state_dir, const char *zone_file);

#endif
