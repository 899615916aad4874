#include "control/source/zone_reading.h"

#include "runtime/clock.h"
#include "runtime/log.h"
#include "zones/check/check.h"
#include "zones/name/name.h"
#include "zones/text/text.h"

#include <stdlib.h>
#include <string.h>

static void show(void *context, enum severity severity, const char *line)
{
	struct zone_reading *reading = context;
	struct zone_reading_line *lines =
	    realloc(reading->lines, (reading->line_count + 1) * sizeof(*lines));
	char *text = strdup(line);

	if (lines == NULL || text == NULL)
		abort();
	reading->lines = lines;
	lines[reading->line_count++] =
	    (struct zone_reading_line){.is_error = severity == SEVERITY_ERROR, .text = text};
	if (severity == SEVERITY_ERROR && reading->first_error == NULL)
		reading->first_error = strdup(line);
}

static void lines_free(struct zone_reading *reading)
{
	for (size_t i = 0; i < reading->line_count; i++)
		free(reading->lines[i].text);
	free(reading->lines);
	reading->lines = NULL;
	reading->line_count = 0;
}

void zone_reading_log(struct zone_reading *reading)
{
	for (size_t i = 0; i < reading->line_count; i++) {
		if (reading->lines[i].is_error)
			log_error("control.zone", reading->lines[i].text);
		else
			log_warning("control.zone", reading->lines[i].text);
	}
	lines_free(reading);
}

static void note_files(struct zone_reading *reading, const char *path,
		       const struct diagnostics *all, uint64_t started)
{
	reading->files = calloc(all->file_count + 1, sizeof(*reading->files));
	if (reading->files == NULL)
		abort();
	reading->files[reading->file_count++].path = strdup(path);
	for (unsigned i = 1; i < all->file_count; i++)
		if (strcmp(all->files[i], path) != 0)
			reading->files[reading->file_count++].path = strdup(all->files[i]);
	for (size_t i = 0; i < reading->file_count; i++) {
		if (reading->files[i].path == NULL)
			abort();
		reading->files[i].stamp = file_stamp_take(reading->files[i].path, started);
	}
}

void zone_reading_do(const struct zone_source *source, struct zone_reading *reading)
{
	struct diagnostics all;
	uint64_t started = file_stamp_now();
	struct file_stamp before = file_stamp_take(source->path, started);

	memset(reading, 0, sizeof(*reading));
	diagnostics_init(&all, show, reading);
	all.limit = ZONE_READING_LINES;
	all.unmarked = true; /* the log has a field for it */
	reading->zone = zone_read(source, &all);
	if (reading->zone != NULL) {
		zone_check(reading->zone, &all);
		zone_check_signatures(reading->zone, clock_realtime() / CLOCK_SECOND, &all);
	}
	diagnostics_finish(&all);
	if (all.errors > 0 && reading->zone != NULL) {
		zone_free(reading->zone);
		reading->zone = NULL;
	}
	reading->errors = all.errors;
	reading->warnings = all.warnings;
	note_files(reading, source->path, &all, started);
	/* Replaced meanwhile, perhaps by a file that is older than this reading (a symbolic link
	 * that was turned round): its stamp says nothing about what we read. */
	if (file_stamp_differs(&before, source->path))
		reading->files[0].stamp.fresh = true;
	diagnostics_free(&all);
}

void zone_reading_compare(struct zone_reading *reading, const struct zone *in_force)
{
	const struct zone *zone = reading->zone;

	if (zone == NULL || in_force == NULL || !name_equal(zone_apex(zone), zone_apex(in_force)))
		return;
	reading->compared = zone_changes_between(&reading->changes, in_force, zone,
						 (size_t)zone_counts(zone).names / 4 + 1);
	if (!reading->compared) {
		zone_changes_free(&reading->changes);
		return;
	}
	zone_free(reading->zone);
	reading->zone = NULL;
}

void zone_reading_free(struct zone_reading *reading)
{
	zone_free(reading->zone);
	zone_changes_free(&reading->changes);
	free(reading->first_error);
	lines_free(reading);
	for (size_t i = 0; i < reading->file_count; i++)
		free(reading->files[i].path);
	free(reading->files);
	memset(reading, 0, sizeof(*reading));
}

static uint64_t mix(uint64_t mark, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		mark = (mark ^ (value >> 8 * i & 255)) * 0x100000001b3ull;
	return mark;
}

/* Without device and inode: a reboot or a copy that keeps times may change them. */
uint64_t zone_reading_mark(const struct zone_reading *reading)
{
	uint64_t mark = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < reading->file_count; i++) {
		const struct file_stamp *stamp = &reading->files[i].stamp;

		if (stamp->fresh || !stamp->exists)
			return 0;
		mark = mix(mix(mark, stamp->size), stamp->modified);
		for (const char *at = reading->files[i].path; *at != '\0'; at++)
			mark = mix(mark, (uint8_t)*at);
	}
	return mark;
}

bool zone_reading_is_old(const struct zone_reading *reading)
{
	for (size_t i = 0; i < reading->file_count; i++)
		if (file_stamp_differs(&reading->files[i].stamp, reading->files[i].path))
			return true;
	return false;
}

bool zone_reading_is_fresh(const struct zone_reading *reading)
{
	for (size_t i = 0; i < reading->file_count; i++)
		if (reading->files[i].stamp.fresh)
			return true;
	return false;
}

bool zone_reading_is_changing(const struct zone_reading *reading, const char *path)
{
	uint64_t now = file_stamp_now();

	for (size_t i = 0; i < reading->file_count; i++)
		if (file_stamp_take(reading->files[i].path, now).fresh)
			return true;
	return file_stamp_take(path, now).fresh;
}
