#include "runtime/log.h"
#include "control/loop/control.h"

/* Milliseconds: while memory waits for readers, and otherwise. */
#define SOON  5u
#define LATER 100u

/* The dataplane watches its workers, too; but not while it is stopped as a whole. */
static void watch_workers(struct control *control, const struct dataplane_file *file)
{
	uint64_t loops[WORKERS_MAX], stuck, changed;
	unsigned count = file == NULL ? 0 : status_workers(file);

	for (unsigned i = 0; i < count; i++)
		loops[i] = atomic_load_explicit(&file->line[i].loops, memory_order_relaxed);
	stuck = watchdog_look(&control->watchdog, uv_hrtime() / 1000000, loops, count);
	changed = stuck ^ control->stuck;
	for (unsigned i = 0; i < count; i++) {
		if (changed >> i & stuck >> i & 1)
			log_error("control.dataplane", "a worker stands still",
				  LOG_UNSIGNED("pid", control->dataplane_pid),
				  LOG_UNSIGNED("worker", i));
		else if (changed >> i & 1)
			log_warning("control.dataplane", "a worker moves again",
				    LOG_UNSIGNED("worker", i));
	}
	control->stuck = stuck;
}

static void watch_dataplane(struct control *control)
{
	const struct dataplane_file *file = publish_dataplane(control->publisher);
	uint32_t pid = file == NULL ? 0 : file->pid;

	if (pid == control->dataplane_pid) {
		watch_workers(control, file);
		return;
	}
	control->watchdog = (struct watchdog){0};
	control->stuck = 0;
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
