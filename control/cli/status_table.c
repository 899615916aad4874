#include "control/cli/status_table.h"

#include <stdbool.h>
#include <string.h>

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static long long number_of(json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void print_uptime(FILE *out, double seconds)
{
	static const struct {
		double seconds;
		const char *unit;
	} units[] = {{86400, "days"}, {3600, "hours"}, {60, "minutes"}, {1, "seconds"}};

	for (size_t i = 0; i < 4; i++) {
		if (seconds < units[i].seconds * 2 && i < 3)
			continue;
		fprintf(out, "%.0f %s", seconds / units[i].seconds, units[i].unit);
		return;
	}
}

/* Of one that is all there is; else how many of them are up, and print_ports() which. */
static void print_interface(FILE *out, json_t *program)
{
	json_t *ports = json_object_get(program, "ports"), *port;
	const char *interface = text_of(program, "interface");
	size_t index, up = 0;

	if (*interface == '\0' || strcmp(interface, "none") == 0)
		return;
	json_array_foreach(ports, index, port) up += strcmp(text_of(port, "state"), "up") == 0;
	if (json_array_size(ports) > 1)
		fprintf(out, ", %zu of %zu interfaces up", up, json_array_size(ports));
	else
		fprintf(out, ", interface %s", interface);
}

static void print_ports(FILE *out, json_t *program)
{
	json_t *ports = json_object_get(program, "ports"), *port;
	size_t index;

	if (json_array_size(ports) < 2)
		return;
	fprintf(out, "%-10s ", "interfaces");
	json_array_foreach(ports, index, port) fprintf(
	    out, "%s%s %s", index == 0 ? "" : ", ", text_of(port, "name"), text_of(port, "state"));
	fputc('\n', out);
}

static void print_program(FILE *out, const char *name, json_t *program)
{
	size_t index;
	json_t *listen;

	fprintf(out, "%-10s ", name);
	if (!json_is_true(json_object_get(program, "running"))) {
		fputs("not running\n", out);
		return;
	}
	fprintf(out, "running, pid %lld, for ", number_of(program, "pid"));
	print_uptime(out, json_number_value(json_object_get(program, "uptime_seconds")));
	print_interface(out, program);
	if (*text_of(program, "version") != '\0')
		fprintf(out, ", version %s", text_of(program, "version"));
	json_array_foreach(json_object_get(program, "listen"), index, listen)
	    fprintf(out, "%s%s", index == 0 ? ", answers on " : " ", json_string_value(listen));
	fputc('\n', out);
}

static void print_ready(FILE *out, json_t *status)
{
	size_t index;
	json_t *reason;

	fprintf(out, "%-10s %s", "ready",
		json_is_true(json_object_get(status, "ready")) ? "yes" : "no");
	json_array_foreach(json_object_get(status, "reasons"), index, reason)
	    fprintf(out, "%s%s", index == 0 ? ": " : "; ", json_string_value(reason));
	fputc('\n', out);
}

static void print_mib(FILE *out, const char *before, long long octets)
{
	fprintf(out, "%s%.1f MiB", before, (double)octets / (1 << 20));
}

/* What the image takes, each replica by itself. */
static void print_image(FILE *out, json_t *image)
{
	json_t *replicas = json_object_get(image, "replicas"), *replica;
	size_t count = json_array_size(replicas), index;

	if (count == 0)
		return;
	fprintf(out, "%-10s %lld names", "image", number_of(image, "names"));
	print_mib(out, ", ", number_of(image, "live_bytes"));
	fputs(" in use", out);
	if (count > 1)
		fprintf(out, ", %zu replicas", count);
	json_array_foreach(replicas, index, replica)
	{
		print_mib(out,
			  count == 1   ? " of "
			  : index == 0 ? ": "
				       : ", ",
			  number_of(replica, "arena_bytes"));
		if (json_is_integer(json_object_get(replica, "node")))
			fprintf(out, " on node %lld", number_of(replica, "node"));
		if (number_of(replica, "elsewhere_bytes") > 0)
			print_mib(out, ", but of these elsewhere ",
				  number_of(replica, "elsewhere_bytes"));
	}
	fputc('\n', out);
}

/* Of the longest text under this key, within limits. */
static int column_width(json_t *rows, const char *key, size_t least)
{
	size_t index, width = least;
	json_t *row;

	json_array_foreach(rows, index, row)
	{
		if (strlen(text_of(row, key)) > width)
			width = strlen(text_of(row, key));
	}
	return width < 60 ? (int)width : 60;
}

/* To whom the zone is served, if not to all. */
static void print_terms(FILE *out, json_t *zone)
{
	if (*text_of(zone, "view") != '\0')
		fprintf(out, ", view %s", text_of(zone, "view"));
	if (*text_of(zone, "allow") != '\0')
		fprintf(out, ", allow %s", text_of(zone, "allow"));
	fputc('\n', out);
}

static void print_zones(FILE *out, json_t *zones)
{
	int width = column_width(zones, "name", 4);
	size_t index;
	json_t *zone;

	if (json_array_size(zones) == 0)
		return;
	fprintf(out, "\n%-*s %10s %9s %9s %-9s  %s\n", width, "ZONE", "SERIAL", "RECORDS", "NAMES",
		"STATE", "FILE");
	json_array_foreach(zones, index, zone)
	{
		fprintf(out, "%-*s %10lld %9lld %9lld %-9s  %s", width, text_of(zone, "name"),
			number_of(zone, "serial"), number_of(zone, "records"),
			number_of(zone, "names"), text_of(zone, "state"), text_of(zone, "file"));
		print_terms(out, zone);
		if (*text_of(zone, "error") != '\0')
			fprintf(out, "  %s\n", text_of(zone, "error"));
	}
}

static void print_drops(FILE *out, json_t *drops)
{
	const char *reason;
	json_t *count;
	bool any = false;

	json_object_foreach(drops, reason, count)
	{
		fprintf(out, "%s%s=%lld", any ? " " : "", reason,
			(long long)json_integer_value(count));
		any = true;
	}
	fputs(any ? "\n" : "-\n", out);
}

static void print_worker(FILE *out, json_t *worker, int width)
{
	json_t *core = json_object_get(worker, "core");
	json_t *seen = json_object_get(worker, "seen");
	char core_text[24] = "-", seen_text[24] = "-";

	if (json_is_integer(core))
		snprintf(core_text, sizeof(core_text), "%lld", (long long)json_integer_value(core));
	if (json_is_integer(seen))
		snprintf(seen_text, sizeof(seen_text), "%lld", (long long)json_integer_value(seen));
	else if (json_is_string(seen))
		snprintf(seen_text, sizeof(seen_text), "%.20s", json_string_value(seen));
	if (json_is_true(json_object_get(worker, "stuck")))
		strcpy(seen_text, "stuck");
	fprintf(out, "%6lld %-*s %4s %14lld %14lld %10s  ", number_of(worker, "index"), width,
		text_of(worker, "io"), core_text, number_of(worker, "queries"),
		number_of(worker, "answers"), seen_text);
	print_drops(out, json_object_get(worker, "drops"));
}

static void print_workers(FILE *out, json_t *workers)
{
	int width = column_width(workers, "io", 8);
	size_t index;
	json_t *worker;

	if (json_array_size(workers) == 0)
		return;
	fprintf(out, "\n%6s %-*s %4s %14s %14s %10s  %s\n", "WORKER", width, "BACK END", "CORE",
		"QUERIES", "ANSWERS", "SEEN", "DROPS");
	json_array_foreach(workers, index, worker) print_worker(out, worker, width);
}

void status_table_print(FILE *out, json_t *status)
{
	print_program(out, "control", json_object_get(status, "control"));
	print_program(out, "dataplane", json_object_get(status, "dataplane"));
	print_ports(out, json_object_get(status, "dataplane"));
	print_ready(out, status);
	fprintf(out, "%-10s %lld\n", "generation", number_of(status, "generation"));
	print_image(out, json_object_get(status, "image"));
	print_zones(out, json_object_get(status, "zones"));
	print_workers(out, json_object_get(status, "workers"));
}
