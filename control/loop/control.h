/* control.h: skua-control from start to stop: one event loop that joins the parts.
 *
 *   zone files --(read in a thread)--> store --(names that differ)--> image --> channel
 *   HTTP, signals and timers beside it; nothing in the loop waits for anything.
 *
 * Threads: one, and libuv's pool for reading zones. */
#ifndef SKUA_CONTROL_LOOP_CONTROL_H
#define SKUA_CONTROL_LOOP_CONTROL_H

#include "control/config/config.h"
#include "control/http/readiness.h"
#include "control/http/server.h"
#include "control/policy/audience.h"
#include "control/policy/policy.h"
#include "control/publish/publish.h"
#include "control/source/zone_files.h"
#include "control/status/status.h"
#include "control/store/zone_store.h"
#include "runtime/watchdog.h"

#include <limits.h>

struct control {
	const struct config *config;
	uv_loop_t loop;
	char runtime_dir[PATH_MAX];
	struct publisher *publisher;
	struct zone_store *store;
	struct policy policy;	     /* as last staged */
	struct audience_zone *zones; /* as many as the key has values */
	struct zone_files *files;
	struct readiness *readiness;
	struct http_server *http_tcp, *http_unix;
	uv_signal_t signals[3];
	uv_timer_t housekeeping;
	bool loading; /* first load: zones are staged, and come in force together */
	bool stopping;
	uint64_t started; /* CLOCK_REALTIME, nanoseconds */
	uint64_t published;
	double publish_seconds;
	uint32_t dataplane_pid;	  /* of the one that ran when last looked; 0: none */
	struct watchdog watchdog; /* of its workers */
	uint64_t stuck;		  /* bit per worker that stands still */
};

/* Runs until a signal asks to stop. Returns the exit code; what is wrong has been logged. */
int control_run(const struct config *config);

/* zone_changes.c: from files to the image. */
extern const struct zone_files_handler control_zone_handler; /* its context: struct control */
/* All that is staged comes in force. False, with a line for the user: all is as before. */
bool control_apply(struct control *control, char *error, size_t error_size);

/* housekeeping.c: frees what all readers have left, and notices a dataplane that dies or returns.
 */
void control_housekeeping_start(struct control *control);

/* report.c: the moment's status. status_free() it; it borrows from control until the loop goes on.
 */
void control_report(struct control *control, struct status *status);
/* What a readiness probe should ask. context: struct control. */
struct readiness_target control_readiness_target(void *context);

/* pages.c: what HTTP answers. context: struct control. */
void control_page(void *context, struct http_request *request, const char *method,
		  const char *path);

#endif
