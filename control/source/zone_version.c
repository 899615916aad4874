/* zone_version.c: from a version of a zone file that was read to one that is in force. */
#include "control/source/zone_files_private.h"

#include "runtime/log.h"
#include "control/store/last_good.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void version_note_error(struct zone_file *file, const char *line)
{
	free(file->error);
	file->error = line != NULL ? strdup(line) : NULL;
}

/* The line itself has been logged. */
static void note_bad(struct zone_file *file, const char *line)
{
	version_note_error(file, line);
	file->failures++;
	if (file->state != ZONE_FILE_SAVED)
		file->state = file->has_apex ? ZONE_FILE_STALE : ZONE_FILE_BAD;
	log_error("control.zone", file->has_apex ? "keeps its last good version" : "is not served",
		  LOG_TEXT("file", file->source.path), LOG_UNSIGNED("errors", file->errors));
}

static bool hand_over(struct zone_file *file, struct zone *zone, char *error, size_t error_size)
{
	struct zone_files *files = file->owner;
	uint8_t apex[NAME_MAX_OCTETS];
	bool good;

	if (file->last.compared) {
		good = files->handler.change(files->context, file, &file->last.changes, error,
					     error_size);
		zone_changes_free(&file->last.changes);
		return good;
	}
	memcpy(apex, zone_apex(zone), name_length(zone_apex(zone), NAME_MAX_OCTETS));
	if (!files->handler.put(files->context, file, file->has_apex ? file->apex : NULL, zone,
				error, error_size))
		return false;
	memcpy(file->apex, apex, sizeof(apex));
	file->has_apex = true;
	return true;
}

void version_bring_in_force(struct zone_file *file)
{
	struct zone *zone = file->last.zone;
	char error[512];

	zone_reading_log(&file->last);
	file->last.zone = NULL;
	file->errors = file->last.errors;
	file->warnings = file->last.warnings;
	if (zone == NULL && !file->last.compared) {
		note_bad(file, file->last.first_error);
		return;
	}
	if (!hand_over(file, zone, error, sizeof(error))) {
		file->errors++;
		log_error("control.zone", error);
		note_bad(file, error);
		return;
	}
	file->state = ZONE_FILE_GOOD;
	file->loads++;
	file->unsaved = file->owner->state_dir != NULL;
	file->mark = zone_reading_mark(&file->last);
	version_note_error(file, NULL);
}

void version_bring_saved(struct zone_file *file)
{
	struct zone_files *files = file->owner;
	struct zone_source source = file->source;
	struct zone_reading saved;
	char path[PATH_MAX], error[512];

	if (!last_good_path(files->state_dir, file->source.path, path) || access(path, R_OK) != 0)
		return;
	source.path = path;
	zone_reading_do(&source, &saved);
	zone_reading_log(&saved);
	if (saved.zone != NULL) {
		memcpy(file->apex, zone_apex(saved.zone),
		       name_length(zone_apex(saved.zone), NAME_MAX_OCTETS));
		file->has_apex = files->handler.put(files->context, file, NULL, saved.zone, error,
						    sizeof(error));
		saved.zone = NULL;
		if (file->has_apex)
			file->state = ZONE_FILE_SAVED;
		else
			log_error("control.zone", error);
	}
	zone_reading_free(&saved);
	if (file->has_apex)
		log_warning("control.zone", "serves the last good version of an earlier run",
			    LOG_TEXT("file", file->source.path), LOG_TEXT("saved", path));
}
