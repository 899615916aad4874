/* The forms of a status: every counter is in the metrics once, labels are escaped, and a dataplane
 * file that lies is not believed. */
#include "control/status/metrics.h"
#include "control/status/status_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct dataplane_file file;

static struct status example(void)
{
	struct status status = {.control_pid = 7, .generation = 12, .published = 11};
	static struct status_zone zones[2];

	memset(&file, 0, sizeof(file));
	file.pid = 8;
	file.worker_count = 2;
	file.listening = 1 << 16 | 1;
	strcpy(file.listen[1][0], "192.0.2.1:53");
	for (unsigned i = 0; i < 2; i++) {
		strcpy(file.worker[i].io, "socket");
		file.worker[i].core = i == 0 ? 3 : -1;
		for (unsigned c = 0; c < COUNTERS; c++)
			file.worker[i].count[c] = 1000 * (i + 1) + c;
	}
	file.line[0].seen = 12;
	file.line[1].seen = WORKER_OFFLINE;
	strcpy(zones[0].name, "example.");
	zones[0].file = "a\"b\\c";
	zones[0].state = "good";
	zones[0].serial = 5;
	strcpy(zones[1].name, "b.");
	zones[1].file = "b";
	zones[1].view = "partner";
	zones[1].allow = "core";
	zones[1].state = "stale";
	zones[1].error = "b:1:2: wrong \xff";
	status.zones = zones;
	status.zone_count = 2;
	status.dataplane = &file;
	return status;
}

static char *metrics(const struct status *status)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	metrics_write(out, status);
	fclose(out);
	return text;
}

static void has(const char *text, const char *line)
{
	if (strstr(text, line) == NULL)
		fail_msg("not in the metrics: %s", line);
}

static void metrics_hold_every_counter(void **state)
{
	struct status status = example();
	char *text = metrics(&status);

	(void)state;
	for (enum counter c = 0; c < COUNTERS; c++) {
		const char *name = status_counter_name(c);
		char line[128];

		snprintf(line, sizeof(line), "\n# TYPE skua_%s_total counter\n", name);
		has(text, line);
		snprintf(line, sizeof(line), "\nskua_%s_total{worker=\"0\"} %u\n", name, 1000 + c);
		has(text, line);
		snprintf(line, sizeof(line), "\nskua_%s_total{worker=\"1\"} %u\n", name, 2000 + c);
		has(text, line);
	}
	free(text);
}

static void metrics_show_what_is_broken(void **state)
{
	struct status status = example();
	char *text;

	(void)state;
	text = metrics(&status);
	has(text, "\nskua_worker_stuck{worker=\"1\"} 0\n");
	assert_null(strstr(text, "\nskua_interface_up "));
	free(text);
	status.stuck = 2;
	file.interface = INTERFACE_GONE;
	text = metrics(&status);
	has(text, "\nskua_worker_stuck{worker=\"0\"} 0\n");
	has(text, "\nskua_worker_stuck{worker=\"1\"} 1\n");
	has(text, "\nskua_interface_up 0\n");
	free(text);
	file.interface = INTERFACE_UP;
	text = metrics(&status);
	has(text, "\nskua_interface_up 1\n");
	free(text);
	strcpy(file.port[0].name, "0000:03:00.0");
	strcpy(file.port[1].name, "a\"b");
	file.port_count = 2;
	file.port[0].interface = INTERFACE_UP;
	file.port[1].interface = 77;
	file.port[1].count[PORT_no_buffer] = 5;
	file.port[1].count[PORT_buffers] = 64;
	text = metrics(&status);
	has(text, "\nskua_port_up{port=\"0000:03:00.0\"} 1\n");
	has(text, "\nskua_port_up{port=\"a\\\"b\"} 0\n");
	has(text, "\nskua_port_no_buffer_total{port=\"a\\\"b\"} 5\n");
	has(text, "\nskua_port_buffers_free{port=\"a\\\"b\"} 0\n");
	free(text);
	file.port_count = 0;
	file.interface = 77;
	text = metrics(&status);
	assert_null(strstr(text, "\nskua_interface_up "));
	free(text);
}

static void ports_tell_their_states(void **state)
{
	static const char *const text[] = {"none",     "up",	  "down", "gone",
					   "replaced", "missing", "none"};
	const unsigned count = sizeof(text) / sizeof(text[0]);
	struct status status = example();
	json_t *json, *ports;
	char *samples;

	(void)state;
	file.port_count = count;
	for (unsigned i = 0; i < count; i++) {
		file.port[i].name[0] = (char)('a' + i);
		file.port[i].interface = i;
	}
	json = status_to_json(&status);
	ports = json_object_get(json_object_get(json, "dataplane"), "ports");
	assert_int_equal(json_array_size(ports), count);
	for (unsigned i = 0; i < count; i++)
		assert_string_equal(
		    json_string_value(json_object_get(json_array_get(ports, i), "state")), text[i]);
	json_decref(json);
	samples = metrics(&status);
	has(samples, "\nskua_port_up{port=\"b\"} 1\n");
	has(samples, "\nskua_port_up{port=\"f\"} 0\n");
	free(samples);
}

static void metrics_hold_zones(void **state)
{
	struct status status = example();
	char *text = metrics(&status);

	(void)state;
	has(text, "\nskua_zone_good{zone=\"example.\"} 1\n");
	has(text, "\nskua_zone_good{zone=\"b.\",view=\"partner\"} 0\n");
	has(text, "\nskua_zone_serial{zone=\"example.\"} 5\n");
	has(text, "\nskua_zone_file_good{file=\"a\\\"b\\\\c\"} 1\n");
	has(text, "\nskua_zone_file_good{file=\"b\"} 0\n");
	has(text, "\nskua_generation 12\n");
	has(text, "\nskua_dataplane_up 1\n");
	has(text, "\nskua_worker_generation{worker=\"1\"} 0\n");
	free(text);
}

/* Two files claim the zone: it has its metrics once, from the one that is in force. */
static void metrics_name_a_zone_once(void **state)
{
	struct status status = example();
	char *text;

	(void)state;
	strcpy(status.zones[1].name, "example.");
	status.zones[1].state = "bad";
	text = metrics(&status);
	has(text, "\nskua_zone_good{zone=\"example.\"} 1\n");
	assert_null(strstr(text, "skua_zone_good{zone=\"example.\"} 0\n"));
	has(text, "\nskua_zone_file_good{file=\"b\"} 0\n");
	free(text);
}

/* HELP, TYPE, then samples of that name, each metric once: what the format asks for. */
static void metrics_are_well_formed(void **state)
{
	struct status status = example();
	char *text = metrics(&status);
	char current[80] = "", seen[16384] = "";

	(void)state;
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		char name[80], tagged[90];

		if (sscanf(line, "# HELP %79s", name) == 1) {
			snprintf(tagged, sizeof(tagged), " %s ", name);
			assert_null(strstr(seen, tagged));
			strcat(seen, tagged);
			strcpy(current, name);
		} else if (sscanf(line, "# TYPE %79s", name) == 1) {
			assert_string_equal(name, current);
		} else {
			assert_int_equal(strncmp(line, current, strlen(current)), 0);
			assert_non_null(strchr(" {", line[strlen(current)]));
		}
	}
	free(text);
}

static void metrics_without_dataplane(void **state)
{
	struct status status = example();
	char *text;

	(void)state;
	status.dataplane = NULL;
	text = metrics(&status);
	has(text, "\nskua_dataplane_up 0\n");
	assert_null(strstr(text, "worker="));
	free(text);
}

static void a_lying_file_is_cut(void **state)
{
	struct status status = example();
	char *text;
	json_t *json;

	(void)state;
	file.worker_count = UINT32_MAX;
	file.listening = UINT32_MAX;
	memset(file.worker[0].io, 'x', sizeof(file.worker[0].io));
	memset(file.listen, 0xff, sizeof(file.listen));
	text = metrics(&status);
	has(text, "skua_received_total{worker=\"63\"}");
	assert_null(strstr(text, "worker=\"64\""));
	free(text);
	json = status_to_json(&status);
	assert_int_equal(json_array_size(json_object_get(json, "workers")), WORKERS_MAX);
	assert_int_equal(
	    json_array_size(json_object_get(json_object_get(json, "dataplane"), "listen")), 0);
	json_decref(json);
}

static void json_form(void **state)
{
	struct status status = example();
	json_t *json = status_to_json(&status);
	json_t *worker = json_array_get(json_object_get(json, "workers"), 0);
	json_t *zone = json_array_get(json_object_get(json, "zones"), 1);
	json_t *drops = json_object_get(worker, "drops");

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(json, "generation")), 12);
	assert_int_equal(json_integer_value(json_object_get(worker, "core")), 3);
	assert_int_equal(json_integer_value(json_object_get(worker, "seen")), 12);
	assert_int_equal(json_integer_value(json_object_get(drops, "short")),
			 1000 + COUNT_drop_short);
	assert_null(json_object_get(drops, "answers"));
	assert_string_equal(json_string_value(json_object_get(zone, "state")), "stale");
	assert_true(json_is_string(json_object_get(zone, "error"))); /* though it is not UTF-8 */
	json_decref(json);
}

static void json_without_control(void **state)
{
	struct status status = example();
	json_t *json;

	(void)state;
	status.control_pid = 0;
	json = status_to_json(&status);
	assert_true(json_is_false(json_object_get(json_object_get(json, "control"), "running")));
	assert_null(json_object_get(json, "zones"));
	assert_int_equal(json_array_size(json_object_get(json, "workers")), 2);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(metrics_hold_every_counter),
	    cmocka_unit_test(metrics_show_what_is_broken),
	    cmocka_unit_test(ports_tell_their_states),
	    cmocka_unit_test(metrics_hold_zones),
	    cmocka_unit_test(metrics_are_well_formed),
	    cmocka_unit_test(metrics_name_a_zone_once),
	    cmocka_unit_test(metrics_without_dataplane),
	    cmocka_unit_test(a_lying_file_is_cut),
	    cmocka_unit_test(json_form),
	    cmocka_unit_test(json_without_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
