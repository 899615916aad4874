#include "control/loop/control.h"

#include "runtime/runtime_dir.h"
#include "runtime/log.h"
#include "control/store/last_good.h"

#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_TEXT 1024

static bool open_http(struct control *control, char error[ERROR_TEXT])
{
	const char *text = config_text(control->config, KEY_http);
	struct address address;

	if (strcmp(text, "off") == 0 || !address_from_text(text, &address))
		return true;
	control->http_tcp =
	    http_server_tcp(&control->loop, &address, control_page, control, error, ERROR_TEXT);
	return control->http_tcp != NULL;
}

/* One needs no word. */
static void log_replicas(const struct publisher *publisher)
{
	struct publish_replica replica[IMAGE_REPLICAS_MAX];
	unsigned count = publish_replicas(publisher, replica);
	const char *warning = publish_warning(publisher);

	for (unsigned i = 0; count > 1 && i < count; i++)
		log_info("control.publish", "a replica of the image", LOG_UNSIGNED("replica", i),
			 LOG_NUMBER("node", replica[i].node));
	if (warning != NULL)
		log_warning("control.publish", warning);
}

static bool open_publisher(struct control *control, char error[ERROR_TEXT])
{
	const char *huge_pages = config_text(control->config, KEY_huge_pages);
	struct publish_config config = {
	    .runtime_dir = control->runtime_dir,
	    .huge_pages_dir = strcmp(huge_pages, "off") == 0 ? NULL : huge_pages,
	    .capacity = config_number(control->config, KEY_arena_size) & ~(uint64_t)4095,
	    .replicas = (unsigned)config_number(control->config, KEY_replicas),
	};

	control->publisher = publish_open(&config, error, ERROR_TEXT);
	if (control->publisher == NULL)
		return false;
	log_replicas(control->publisher);
	return true;
}

static uint64_t commit(void *context, char *error, size_t error_size)
{
	return publish_commit(context, error, error_size);
}

static void stage_policy(struct control *control, const struct policy *policy)
{
	zone_store_stage_policy(control->store, &policy->settings, &policy->image, policy->clients);
}

static bool open_store(struct control *control, char error[ERROR_TEXT])
{
	struct policy *policy = &control->policy;

	if (!policy_make(control->config, policy, error, ERROR_TEXT))
		return false;
	control->store = zone_store_new(publish_writer(control->publisher), &policy->settings,
					commit, control->publisher);
	stage_policy(control, policy);
	return true;
}

/* What the files behind the settings say may have changed. */
static void renew_policy(struct control *control)
{
	struct policy policy;
	char error[ERROR_TEXT];

	if (!policy_make(control->config, &policy, error, sizeof(error))) {
		log_error("control.policy", error, LOG_TEXT("kept", "what was in force"));
		return;
	}
	if (policy_equal(&policy, &control->policy)) {
		policy_done(&policy);
		return;
	}
	stage_policy(control, &policy);
	if (!control_apply(control, error, sizeof(error))) {
		log_error("control.policy", error);
		stage_policy(control, &control->policy);
		policy_done(&policy);
		return;
	}
	policy_done(&control->policy);
	control->policy = policy;
}

static bool find_files(struct control *control, char error[ERROR_TEXT])
{
	const struct config_value *zones = &control->config->value[KEY_zones];
	const char *state_dir = config_text(control->config, KEY_state_dir);
	bool good = true;

	control->zones = audience_zones(control->config, error, ERROR_TEXT);
	if (control->zones == NULL)
		return false;
	control->files = zone_files_new(&control->loop, &control_zone_handler, control);
	if (state_dir != NULL) {
		if (!last_good_open(state_dir, error, ERROR_TEXT))
			return false;
		zone_files_keep(control->files, state_dir);
	}
	for (size_t i = 0; i < zones->count; i++)
		good &= zone_files_add(control->files, control->zones[i].text.zone,
				       control->zones[i].terms);
	if (!good)
		snprintf(error, ERROR_TEXT, "not all zones that were named are there; see above");
	return good;
}

/* Cores are for answering: those that we may use, less the workers of a dataplane that runs on. */
static unsigned load_threads(const struct control *control)
{
	const struct dataplane_file *file = publish_dataplane(control->publisher);
	unsigned given = (unsigned)config_number(control->config, KEY_load_threads);
	unsigned workers = file != NULL ? file->worker_count : 0;
	unsigned cores = 1;
	cpu_set_t set;

	if (given != 0)
		return given;
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cores = (unsigned)CPU_COUNT(&set);
	return cores > workers ? cores - workers : 1;
}

static bool load(struct control *control, char error[ERROR_TEXT])
{
	unsigned threads = load_threads(control);
	size_t good;

	control->loading = true;
	good = zone_files_read_first(control->files, threads);
	zone_store_set_threads(control->store, threads);
	control->loading = false;
	if (good == 0) {
		snprintf(error, ERROR_TEXT,
			 "no zone can be served; correct the errors above and start again");
		return false;
	}
	if (!control_apply(control, error, ERROR_TEXT))
		return false;
	malloc_trim(0); /* what reading needed is not needed any more */
	return true;
}

/* All that can fail because the host or the input is wrong, in the order of its cost. */
static bool start(struct control *control, char error[ERROR_TEXT])
{
	if (!runtime_dir_make(control->runtime_dir, error, ERROR_TEXT) ||
	    !open_http(control, error) || !find_files(control, error) ||
	    !open_publisher(control, error))
		return false;
	if (!open_store(control, error) || !load(control, error))
		return false;
	control->http_unix = http_server_unix(&control->loop, control->runtime_dir, CONTROL_SOCKET,
					      control_page, control, error, ERROR_TEXT);
	return control->http_unix != NULL && zone_files_watch(control->files, error, ERROR_TEXT);
}

static void close_handle(uv_handle_t *handle, void *unused)
{
	(void)unused;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* Handles with owners are closed by them; what is left, here. Published memory stays as it is. */
static void stop(struct control *control)
{
	control->stopping = true;
	readiness_close(control->readiness);
	http_server_close(control->http_unix);
	http_server_close(control->http_tcp);
	if (control->files != NULL)
		zone_files_close(control->files);
	uv_close((uv_handle_t *)&control->housekeeping, NULL);
	for (size_t i = 0; i < sizeof(control->signals) / sizeof(control->signals[0]); i++)
		uv_close((uv_handle_t *)&control->signals[i], NULL);
	uv_run(&control->loop, UV_RUN_DEFAULT);
	uv_walk(&control->loop, close_handle, NULL);
	uv_run(&control->loop, UV_RUN_DEFAULT);
	if (control->files != NULL)
		zone_files_free(control->files);
	if (control->store != NULL)
		zone_store_free(control->store);
	if (control->publisher != NULL)
		publish_close(control->publisher);
	policy_done(&control->policy);
	audience_zones_free(control->zones, control->config->value[KEY_zones].count);
	uv_loop_close(&control->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct control *control = handle->data;

	if (number == SIGHUP) {
		log_info("control.main", "reading all zones again", LOG_TEXT("signal", "HUP"));
		renew_policy(control);
		zone_files_reload(control->files);
		return;
	}
	log_info("control.main", "stopping", LOG_TEXT("signal", sigabbrev_np(number)));
	uv_stop(&control->loop);
}

static void open_loop(struct control *control)
{
	static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};

	/* Cores are for answering: a thread reads what has changed, and one saves what is in force,
	 * which waits for the disk. The first load has threads of its own. */
	setenv("UV_THREADPOOL_SIZE", "2", 0);
	signal(SIGPIPE, SIG_IGN);
	if (uv_loop_init(&control->loop) != 0)
		abort();
	uv_timer_init(&control->loop, &control->housekeeping);
	control->housekeeping.data = control;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uv_signal_init(&control->loop, &control->signals[i]);
		control->signals[i].data = control;
		uv_signal_start(&control->signals[i], on_signal, numbers[i]);
	}
}

static void choose_runtime_dir(struct control *control)
{
	const char *given = config_text(control->config, KEY_runtime_dir);

	if (given != NULL)
		snprintf(control->runtime_dir, sizeof(control->runtime_dir), "%s", given);
	else
		runtime_dir_default(control->runtime_dir, sizeof(control->runtime_dir));
}

int control_run(const struct config *config)
{
	static struct control instance;
	struct control *control = &instance;
	char error[ERROR_TEXT] = "";
	int status = 0;

	memset(control, 0, sizeof(*control));
	control->config = config;
	control->started = status_now();
	choose_runtime_dir(control);
	open_loop(control);
	control->readiness = readiness_new(&control->loop, control_readiness_target, control);
	if (start(control, error)) {
		control_housekeeping_start(control);
		uv_run(&control->loop, UV_RUN_DEFAULT);
	} else {
		log_error("control.main", error);
		status = 1;
	}
	stop(control);
	return status;
}
