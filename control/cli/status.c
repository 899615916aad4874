#include "control/cli/arguments.h"
#include "control/cli/commands.h"
#include "control/cli/local_http.h"
#include "control/cli/runtime_files.h"
#include "control/cli/status_table.h"
#include "control/status/status_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* /ready takes a second when nobody answers. */
#define ANSWER_WITHIN 3000

static json_t *get_json(const char *runtime_dir, const char *path)
{
	unsigned status;
	char *body = local_get(runtime_dir, path, ANSWER_WITHIN, &status);
	json_t *json = body == NULL ? NULL : json_loads(body, 0, NULL);

	free(body);
	return json;
}

/* The lock says that it lives, the channel which process it is. */
static void add_silent_control(json_t *status, const struct channel *channel)
{
	json_t *control = json_object_get(status, "control");
	uint64_t pid = atomic_load_explicit(&channel->control_pid, memory_order_relaxed);

	json_object_set_new(control, "running", json_true());
	json_object_set_new(control, "pid", json_integer((json_int_t)pid));
}

/* What the files tell when control can't be asked. */
static json_t *status_from_files(const char *runtime_dir, const char **reason)
{
	struct runtime_files files;
	struct status status = {0};
	json_t *json;

	runtime_files_open(runtime_dir, &files);
	status.dataplane = files.dataplane;
	if (files.channel != NULL)
		status.generation =
		    atomic_load_explicit(&files.channel->generation, memory_order_relaxed);
	json = status_to_json(&status);
	if (files.control_runs && files.channel != NULL)
		add_silent_control(json, files.channel);
	*reason = files.mismatch != NULL ? files.mismatch
		  : files.control_runs	 ? "control does not answer (still loading its zones?)"
		  : files.dataplane != NULL
		      ? "control is not running; the dataplane answers with what it has"
		      : "control and dataplane are not running";
	runtime_files_close(&files);
	return json;
}

static json_t *collect(const char *runtime_dir)
{
	json_t *status = get_json(runtime_dir, "/status");
	const char *reason = "control does not answer whether queries are answered";
	json_t *ready = NULL;

	if (status == NULL)
		status = status_from_files(runtime_dir, &reason);
	else
		ready = get_json(runtime_dir, "/ready");
	if (ready == NULL)
		ready = json_pack("{s:b,s:[s]}", "ready", 0, "reasons", reason);
	json_object_update(status, ready);
	json_decref(ready);
	return status;
}

int command_status(int argc, char **argv)
{
	static const struct argument_flag flags[] = {{"json", 'j'}, {NULL, 0}};
	struct arguments arguments;
	enum arguments_result parsed = arguments_parse(argc, argv, flags, &arguments);
	json_t *status;
	bool ready;

	if (parsed != ARGUMENTS_OK)
		return arguments_exit_code(parsed);
	if (arguments.operand_count > 0) {
		fprintf(stderr, "skua status: what is \"%s\"? See `skua help status`\n",
			arguments.operands[0]);
		return EXIT_USAGE;
	}
	status = collect(arguments.runtime_dir);
	ready = json_is_true(json_object_get(status, "ready"));
	if (arguments.flags & 1u) {
		json_dumpf(status, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		printf("%-10s %s\n", "instance", arguments.runtime_dir);
		status_table_print(stdout, status);
	}
	json_decref(status);
	return ready ? EXIT_GOOD : EXIT_WRONG;
}
