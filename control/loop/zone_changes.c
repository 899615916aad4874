#include "runtime/log.h"
#include "control/loop/control.h"

#include <stdio.h>
#include <string.h>

static void log_published(const struct control *control, const struct store_change *change)
{
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%.6f", control->publish_seconds);
	log_info("control.publish", "published", LOG_UNSIGNED("generation", change->generation),
		 LOG_UNSIGNED("changed", change->changed), LOG_TEXT("seconds", seconds));
	if (change->too_large > 0)
		log_error("control.publish",
			  "names without some of their signatures or records, which do not fit; "
			  "`skua check` says which",
			  LOG_UNSIGNED("names", change->too_large));
}

bool control_apply(struct control *control, char *error, size_t error_size)
{
	uint64_t began = uv_hrtime();
	struct store_change change;

	if (!zone_store_apply(control->store, &change, error, error_size)) {
		publish_no_memory(control->publisher, error, error_size);
		return false;
	}
	if (change.generation == 0)
		return true;
	control->published++;
	control->publish_seconds = (double)(uv_hrtime() - began) / 1e9;
	log_published(control, &change);
	control_housekeeping_start(control);
	return true;
}

static const char *file_of(const struct control *control, unsigned view, const uint8_t *apex)
{
	for (size_t i = 0; i < zone_files_count(control->files); i++) {
		const struct zone_file *file = zone_files_at(control->files, i);

		if (file->has_apex && file->terms.view == view && name_equal(file->apex, apex))
			return file->source.path;
	}
	return "another file";
}

static const char *view_text(const struct zone_file *file)
{
	return file->terms.view_name != NULL ? file->terms.view_name : "all";
}

static void log_loaded(const struct zone *zone, const struct zone_file *file)
{
	char text[NAME_MAX_TEXT];
	struct zone_counts counts = zone_counts(zone);

	name_to_text(zone_apex(zone), text);
	log_info("control.zone", "loaded", LOG_TEXT("zone", text),
		 LOG_TEXT("view", view_text(file)), LOG_UNSIGNED("serial", zone_serial(zone)),
		 LOG_UNSIGNED("records", counts.records), LOG_UNSIGNED("names", counts.names),
		 LOG_TEXT("file", file->source.path));
}

static bool is_taken(const struct control *control, const struct zone_file *file,
		     const uint8_t *previous, const struct zone *zone, char *error,
		     size_t error_size)
{
	const uint8_t *apex = zone_apex(zone);
	unsigned view = file->terms.view;
	char text[NAME_MAX_TEXT];

	if (previous != NULL && name_equal(previous, apex))
		return false;
	if (zone_set_find(zone_store_zones(control->store, view), apex) == NULL)
		return false;
	name_to_text(apex, text);
	snprintf(error, error_size, "%s: zone %.255s is served from %s; keep only one of the two",
		 file->source.path, text, file_of(control, view, apex));
	return true;
}

static bool put(void *context, const struct zone_file *file, const uint8_t *previous,
		struct zone *zone, char *error, size_t error_size)
{
	struct control *control = context;

	if (is_taken(control, file, previous, zone, error, error_size)) {
		zone_free(zone);
		return false;
	}
	log_loaded(zone, file);
	if (previous != NULL && !name_equal(previous, zone_apex(zone)))
		zone_store_stage_removal(control->store, file->terms.view, previous);
	if (!zone_store_stage(control->store, file->terms, zone)) {
		snprintf(error, error_size, "%s: there are %u zones already, which is the most",
			 file->source.path, ZONE_SET_MAX);
		return false;
	}
	return control->loading || control_apply(control, error, error_size);
}

static const struct zone *zone_of(void *context, const struct zone_file *file)
{
	const struct control *control = context;

	return zone_set_find(zone_store_zones(control->store, file->terms.view), file->apex);
}

static bool change(void *context, const struct zone_file *file, const struct zone_changes *changes,
		   char *error, size_t error_size)
{
	struct control *control = context;
	size_t refused;

	if (zone_store_stage_changes(control->store, file->terms.view, file->apex, changes,
				     &refused) != STORE_STAGED) {
		snprintf(error, error_size, "%s: its records can't all be changed",
			 file->source.path);
		return false;
	}
	log_loaded(zone_of(context, file), file);
	return control_apply(control, error, error_size);
}

static bool take(void *context, const struct zone_file *file)
{
	struct control *control = context;
	char text[NAME_MAX_TEXT], error[512];
	bool good;

	name_to_text(file->apex, text);
	zone_store_stage_removal(control->store, file->terms.view, file->apex);
	good = control_apply(control, error, sizeof(error));
	if (good)
		log_info("control.zone", "removed", LOG_TEXT("zone", text),
			 LOG_TEXT("view", view_text(file)), LOG_TEXT("file", file->source.path));
	else
		log_error("control.zone", "can't remove", LOG_TEXT("zone", text),
			  LOG_TEXT("reason", error));
	return good;
}

const struct zone_files_handler control_zone_handler = {

    .put = put, .change = change, .zone_of = zone_of, .take = take};
