/* first_reading.h: all zone files read at once at the start, by several threads where there are
 * cores.
 *
 * Threads: the caller's, and those that it starts and joins. The order in which files are read says
 * nothing: what was found is kept in each reading, and logged later in the order of the list.
 * Memory:  a window of text for each thread, beside the zones. */
#ifndef SKUA_CONTROL_SOURCE_FIRST_READING_H
#define SKUA_CONTROL_SOURCE_FIRST_READING_H

#include "control/source/zone_files.h"

/* Ensures: list[i]->last of each is what zone_reading_do() made of it. threads: at least 1. */
void first_reading(struct zone_file **list, size_t count, unsigned threads);

#endif
