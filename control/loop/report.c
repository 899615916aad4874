#include "control/loop/control.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void report_zone(const struct control *control, const struct zone_file *file,
			struct status_zone *out)
{
	const struct zone *zone = NULL;

	out->file = file->source.path;
	out->view = file->terms.view_name;
	out->allow = file->terms.allow;
	out->state = zone_file_state_text(file->state);
	out->error = file->error;
	out->failures = file->failures;
	out->loads = file->loads;
	if (file->has_apex)
		zone =
		    zone_set_find(zone_store_zones(control->store, file->terms.view), file->apex);
	if (file->has_apex || file->source.origin_length > 0)
		name_to_text(file->has_apex ? file->apex : file->source.origin, out->name);
	if (zone == NULL)
		return;
	struct zone_counts counts = zone_counts(zone);

	out->serial = zone_serial(zone);
	out->records = counts.records;
	out->names = counts.names;
}

static void report_zones(const struct control *control, struct status *status)
{
	size_t count = zone_files_count(control->files);

	status->zones = calloc(count + 1, sizeof(*status->zones));
	if (status->zones == NULL)
		abort();
	status->zone_count = count;
	for (size_t i = 0; i < count; i++) {
		report_zone(control, zone_files_at(control->files, i), &status->zones[i]);
		status->reloads += status->zones[i].loads + status->zones[i].failures;
		status->reload_failures += status->zones[i].failures;
	}
}

void control_report(struct control *control, struct status *status)
{
	const struct image_writer *writer = publish_writer(control->publisher);

	memset(status, 0, sizeof(*status));
	status->control_pid = (uint64_t)getpid();
	status->control_started = control->started;
	status->generation = control->published == 0 ? 0 : image_generation(writer);
	status->published = control->published;
	status->publish_seconds = control->publish_seconds;
	status->usage = image_usage(writer);
	status->replica_count = publish_replicas(control->publisher, status->replica);
	report_zones(control, status);
	status->dataplane = publish_dataplane(control->publisher);
	status->stuck = control->stuck;
}

/* The zone to ask for: one that anyone may ask, if there is one. */
static const struct zone_file *zone_to_probe(const struct control *control)
{
	const struct zone_file *any = NULL;

	for (size_t i = 0; i < zone_files_count(control->files); i++) {
		const struct zone_file *file = zone_files_at(control->files, i);

		if (!file->has_apex)
			continue;
		any = file;
		if (file->terms.view == 0 && file->terms.acl == IMAGE_ANYONE)
			break;
	}
	return any;
}

struct readiness_target control_readiness_target(void *context)
{
	struct control *control = context;
	const struct zone_file *file = zone_to_probe(control);

	return (struct readiness_target){
	    .dataplane = publish_dataplane(control->publisher),
	    .generation =
		control->published == 0 ? 0 : image_generation(publish_writer(control->publisher)),
	    .zone = file == NULL ? NULL : file->apex,
	    .for_others = control->policy.clients != NULL,
	    .stuck = control->stuck,
	};
}
