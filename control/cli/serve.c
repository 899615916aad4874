#include "control/cli/commands.h"
#include "control/cli/help.h"
#include "control/cli/local_http.h"
#include "control/cli/runtime_files.h"
#include "control/cli/supervisor.h"
#include "control/config/options.h"
#include "runtime/runtime_dir.h"
#include "runtime/log.h"
#include "control/status/status.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Order of the programs. */
enum { CONTROL, DATAPLANE };

struct serving {
	struct config *config;
	char runtime_dir[PATH_MAX];
	struct local_get get; /* of /ready, while we wait for it */
};

/* Another instance may work in the same directory: then ours are about to refuse. */
static bool are_ours(const char *runtime_dir, const pid_t *pids)
{
	struct runtime_files files;
	bool ours;

	runtime_files_open(runtime_dir, &files);
	ours = files.channel != NULL && files.dataplane != NULL &&
	       atomic_load_explicit(&files.channel->control_pid, memory_order_relaxed) ==
		   (uint64_t)pids[CONTROL] &&
	       files.dataplane->pid == (uint32_t)pids[DATAPLANE];
	runtime_files_close(&files);
	return ours;
}

/* Asks control in steps, again and again, until it says yes. */
static bool look_ready(void *context, const pid_t *pids)
{
	struct serving *serving = context;
	const char *body;
	bool ready;

	if (serving->get.fd < 0 && !local_get_start(&serving->get, serving->runtime_dir, "/ready"))
		return false;
	if (local_get_step(&serving->get) == LOCAL_GET_MORE)
		return false;
	ready = local_get_status(&serving->get, &body) == 200;
	local_get_end(&serving->get);
	return ready && are_ours(serving->runtime_dir, pids);
}

static void print_listens(const char *runtime_dir)
{
	struct runtime_files files;
	char text[LISTEN_TEXT];

	runtime_files_open(runtime_dir, &files);
	for (uint32_t i = 0; files.dataplane != NULL && i < dataplane_listens(files.dataplane);
	     i++) {
		dataplane_listen(files.dataplane, i, text);
		printf(" %s", text);
	}
	runtime_files_close(&files);
}

static void tell_ready(void *context)
{
	struct serving *serving = context;
	const char *http = config_text(serving->config, KEY_http);

	printf("skua is ready: answers on");
	print_listens(serving->runtime_dir);
	if (strcmp(http, "off") != 0)
		printf(", http://%s", http);
	printf(", runtime directory %s\n", serving->runtime_dir);
	fflush(stdout);
}

/* A program in the directory that this one lies in. */
static void beside(const char *name, char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[length > 0 ? length : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	if (snprintf(path, PATH_MAX, "%s/%s", self, name) >= PATH_MAX)
		path[0] = '\0';
}

static int serve(struct serving *serving)
{
	char control[PATH_MAX], dataplane[PATH_MAX];
	char **control_argv = options_for(serving->config, PROGRAM_CONTROL);
	char **dataplane_argv = options_for(serving->config, PROGRAM_DATAPLANE);
	const struct supervised programs[] = {
	    [CONTROL] = {"skua-control", control, control_argv, true},
	    [DATAPLANE] = {"skua-dataplane", dataplane, dataplane_argv, false},
	};
	const struct supervisor_ready ready = {look_ready, tell_ready, serving};
	int status;

	beside("skua-control", control);
	beside("skua-dataplane", dataplane);
	status = supervisor_run(programs, 2, &ready);
	local_get_end(&serving->get);
	runtime_files_sweep(serving->runtime_dir);
	/* The supervisor put paths of ours into argv[0]. */
	options_free(control_argv);
	options_free(dataplane_argv);
	return status;
}

/* Both daemons must use the same directory, whatever each would choose by itself. */
static bool settle_runtime_dir(struct serving *serving)
{
	const char *given = config_text(serving->config, KEY_runtime_dir);
	char error[PATH_MAX + 256];

	if (given != NULL)
		snprintf(serving->runtime_dir, sizeof(serving->runtime_dir), "%s", given);
	else
		runtime_dir_default(serving->runtime_dir, sizeof(serving->runtime_dir));
	if (config_add(serving->config, KEY_runtime_dir, serving->runtime_dir, error,
		       sizeof(error)) &&
	    runtime_dir_make(serving->runtime_dir, error, sizeof(error)))
		return true;
	log_error("skua.serve", error);
	return false;
}

static int run(struct config *config)
{
	static struct serving serving;
	enum log_level level = LOG_LEVEL_INFO;

	if (!config_is_set(config, KEY_zones)) {
		fputs("skua serve: no zone is given; name a zone file or a directory\n", stderr);
		return EXIT_USAGE;
	}
	log_level_from_text(config_text(config, KEY_log_level), &level);
	log_set_level(level);
	serving = (struct serving){.config = config, .get = {.fd = -1}};
	return settle_runtime_dir(&serving) ? serve(&serving) : EXIT_WRONG;
}

int command_serve(int argc, char **argv)
{
	struct config config;
	int status = EXIT_GOOD;
	char name[] = "skua serve";

	argv[0] = name; /* as messages call it */
	config_init(&config);
	switch (options_parse(argc, argv, PROGRAM_BOTH, &config, stderr)) {
	case OPTIONS_OK:
		status = run(&config);
		break;
	case OPTIONS_HELP:
		help_topic("serve");
		break;
	case OPTIONS_VERSION:
		puts("skua " SKUA_VERSION);
		break;
	case OPTIONS_WRONG:
		status = EXIT_USAGE;
		break;
	case OPTIONS_BAD:
		status = EXIT_WRONG;
		break;
	}
	config_free(&config);
	return status;
}
