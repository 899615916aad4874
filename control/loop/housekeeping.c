#include "runtime/log.h"
#include "control/loop/control.h"

/* Milliseconds: while memory waits for readers, and otherwise. */
#define SOON  5u
#define LATER 100u

static void watch_dataplane(struct control *control)
{
	const struct dataplane_file *file = publish_dataplane(control->publisher);
	uint32_t pid = file == NULL ? 0 : file->pid;

	if (pid == control->dataplane_pid)
		return;
	if (control->dataplane_pid != 0)
		log_warning("control.dataplane", "the dataplane is gone",
			    LOG_UNSIGNED("pid", control->dataplane_pid));
	if (pid != 0)
		log_info("control.dataplane", "the dataplane is there", LOG_UNSIGNED("pid", pid),
			 LOG_UNSIGNED("workers", status_workers(file)));
	control->dataplane_pid = pid;
}

static void on_timer(uv_timer_t *timer)
{
	struct control *control = timer->data;

	publish_reclaim(control->publisher);
	watch_dataplane(control);
	control_housekeeping_start(control);
}

void control_housekeeping_start(struct control *control)
{
	struct image_usage usage = image_usage(publish_writer(control->publisher));

	if (control->loading || control->stopping)
		return;
	uv_timer_start(&control->housekeeping, on_timer, usage.retired > 0 ? SOON : LATER, 0);
}
