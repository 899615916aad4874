#include "control/status/status_json.h"

#include <stdlib.h>

#define NUMBER(value) json_integer((json_int_t)(value))

static double seconds_since(uint64_t nanoseconds)
{
	uint64_t now = status_now();

	return nanoseconds == 0 || nanoseconds > now ? 0.0 : (double)(now - nanoseconds) / 1e9;
}

/* Milliseconds are enough, and read better. */
static json_t *uptime(uint64_t started)
{
	return json_real((double)(uint64_t)(seconds_since(started) * 1000.0) / 1000.0);
}

static json_t *control_json(const struct status *status)
{
	json_t *control = json_object();

	json_object_set_new(control, "running", json_boolean(status->control_pid != 0));
	if (status->control_pid == 0)
		return control;
	json_object_set_new(control, "pid", NUMBER(status->control_pid));
	json_object_set_new(control, "version", json_string(SKUA_VERSION));
	json_object_set_new(control, "uptime_seconds", uptime(status->control_started));
	return control;
}

static json_t *listen_json(const struct dataplane_file *file)
{
	json_t *list = json_array();
	char text[LISTEN_TEXT];

	for (uint32_t i = 0; i < dataplane_listens(file); i++) {
		dataplane_listen(file, i, text);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *ports_json(const struct dataplane_file *file)
{
	static const char *const names[] = {
#define PORT_COUNT(name, help) #name,
#include "zones/abi/port_counters.def"
	};
	json_t *list = json_array();
	char text[sizeof(file->port[0].name)];

	for (unsigned port = 0; port < status_ports(file); port++) {
		json_t *item = json_object();

		status_text(file->port[port].name, sizeof(text), text);
		json_object_set_new(item, "name", json_string(text));
		json_object_set_new(
		    item, "state",
		    json_string(status_interface_text(status_port_state(file, port))));
		for (enum port_counter counter = 0; counter < PORT_COUNTERS; counter++)
			json_object_set_new(item, names[counter],
					    NUMBER(status_port_counter(file, port, counter)));
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *dataplane_json(const struct dataplane_file *file)
{
	json_t *dataplane = json_object();

	json_object_set_new(dataplane, "running", json_boolean(file != NULL));
	if (file == NULL)
		return dataplane;
	json_object_set_new(dataplane, "pid", NUMBER(file->pid));
	json_object_set_new(dataplane, "uptime_seconds", uptime(file->started));
	json_object_set_new(dataplane, "listen", listen_json(file));
	json_object_set_new(dataplane, "interface",
			    json_string(status_interface_text(status_interface(file))));
	json_object_set_new(dataplane, "ports", ports_json(file));
	return dataplane;
}

/* A path, or a line about a file, can hold any octets; JSON can't. */
static json_t *text_json(const char *line)
{
	json_t *text = line == NULL ? json_null() : json_string(line);

	return text != NULL ? text : json_string("(not UTF-8)");
}

static json_t *zones_json(const struct status *status)
{
	json_t *list = json_array();

	for (size_t i = 0; i < status->zone_count; i++) {
		const struct status_zone *zone = &status->zones[i];
		json_t *item = json_object();

		json_object_set_new(item, "name", json_string(zone->name));
		json_object_set_new(item, "serial", NUMBER(zone->serial));
		json_object_set_new(item, "records", NUMBER(zone->records));
		json_object_set_new(item, "names", NUMBER(zone->names));
		json_object_set_new(item, "file", text_json(zone->file));
		json_object_set_new(item, "view", text_json(zone->view));
		json_object_set_new(item, "allow", text_json(zone->allow));
		json_object_set_new(item, "state", json_string(zone->state));
		json_object_set_new(item, "error", text_json(zone->error));
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *seen_json(uint64_t seen)
{
	if (seen == WORKER_OFFLINE)
		return json_string("asleep");
	if (seen == WORKER_ATTACHING)
		return json_string("attaching");
	return seen == 0 ? json_null() : NUMBER(seen);
}

static json_t *drops_json(const struct dataplane_file *file, unsigned worker)
{
	json_t *drops = json_object();

	for (enum counter counter = 0; counter < COUNTERS; counter++) {
		uint64_t count = status_counter(file, worker, counter);

		if (status_counter_is_drop(counter) && count > 0)
			json_object_set_new(drops, status_counter_name(counter) + 5, NUMBER(count));
	}
	return drops;
}

static json_t *number_or_null(int64_t number)
{
	return number < 0 ? json_null() : NUMBER(number);
}

static json_t *worker_json(const struct status *status, unsigned worker)
{
	const struct dataplane_file *file = status->dataplane;
	json_t *item = json_object();
	char io[sizeof(file->worker[0].io)];

	status_text(file->worker[worker].io, sizeof(io), io);
	json_object_set_new(item, "index", NUMBER(worker));
	json_object_set_new(item, "io", json_string(io));
	json_object_set_new(item, "core", number_or_null(file->worker[worker].core));
	json_object_set_new(item, "node", number_or_null(file->worker[worker].node));
	json_object_set_new(
	    item, "replica",
	    NUMBER(atomic_load_explicit(&file->line[worker].replica, memory_order_relaxed)));
	json_object_set_new(item, "queries",
			    NUMBER(status_counter(file, worker, COUNT_queries_udp) +
				   status_counter(file, worker, COUNT_queries_tcp)));
	json_object_set_new(item, "answers", NUMBER(status_counter(file, worker, COUNT_answers)));
	json_object_set_new(
	    item, "seen",
	    seen_json(atomic_load_explicit(&file->line[worker].seen, memory_order_relaxed)));
	json_object_set_new(item, "stuck", json_boolean(status->stuck >> worker & 1));
	json_object_set_new(item, "drops", drops_json(file, worker));
	return item;
}

static json_t *workers_json(const struct status *status)
{
	const struct dataplane_file *file = status->dataplane;
	json_t *list = json_array();

	for (unsigned worker = 0; file != NULL && worker < status_workers(file); worker++)
		json_array_append_new(list, worker_json(status, worker));
	return list;
}

static json_t *replicas_json(const struct status *status)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < status->replica_count; i++) {
		json_t *item = json_object();

		json_object_set_new(item, "node", number_or_null(status->replica[i].node));
		json_object_set_new(item, "arena_bytes", NUMBER(status->replica[i].backed));
		json_object_set_new(item, "elsewhere_bytes", NUMBER(status->replica[i].elsewhere));
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *image_json(const struct status *status)
{
	json_t *image = json_object();

	json_object_set_new(image, "names", NUMBER(status->usage.names));
	json_object_set_new(image, "arena_bytes", NUMBER(status_arena_octets(status)));
	json_object_set_new(image, "live_bytes", NUMBER(status->usage.live));
	json_object_set_new(image, "retired_bytes", NUMBER(status->usage.retired));
	json_object_set_new(image, "replicas", replicas_json(status));
	json_object_set_new(image, "publish_seconds", json_real(status->publish_seconds));
	return image;
}

json_t *status_to_json(const struct status *status)
{
	json_t *all = json_object();

	json_object_set_new(all, "control", control_json(status));
	json_object_set_new(all, "dataplane", dataplane_json(status->dataplane));
	json_object_set_new(all, "generation", NUMBER(status->generation));
	if (status->control_pid != 0) {
		json_object_set_new(all, "image", image_json(status));
		json_object_set_new(all, "zones", zones_json(status));
	}
	json_object_set_new(all, "workers", workers_json(status));
	return all;
}
