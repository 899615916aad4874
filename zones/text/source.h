/* source.h: what an operator names on a command line, as a list of zone files.
 *
 * A ZONE argument is FILE, ORIGIN=FILE, or a directory (every *.zone in it, sorted by name).
 * A file whose name holds a '=' is taken as FILE if it exists.
 * Threads:   one at a time. Ownership: the list owns its strings. */
#ifndef SKUA_ZONES_TEXT_SOURCE_H
#define SKUA_ZONES_TEXT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zones/name/name.h"
#include "zones/text/diagnostics.h"

struct zone_source {
	char *path;
	bool has_origin;		 /* origin was given: it is the apex, too */
	uint8_t origin[NAME_MAX_OCTETS]; /* given, or the file name without ".zone"; the initial
					    origin of the file */
	uint8_t origin_length;		 /* 0: the file name is no name, and there is no origin */
};

struct zone_sources {
	struct zone_source *list; /* in order of the arguments */
	size_t count;
};

/* Appends what the argument stands for. On a missing or unreadable file or directory, a directory
 * without *.zone, something that is no regular file, or a bad ORIGIN it reports an error in *all,
 * and returns false. sources starts as {0}. */
bool zone_sources_add(struct zone_sources *sources, const char *argument, struct diagnostics *all);
void zone_sources_free(struct zone_sources *sources);

#endif
