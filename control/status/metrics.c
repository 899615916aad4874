#include "control/status/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP skua_%s %s\n# TYPE skua_%s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline escaped. */
static void label(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*text == '\\' || *text == '"')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void number(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	head(out, name, type, help);
	fprintf(out, "skua_%s %llu\n", name, (unsigned long long)value);
}

static void write_counters(FILE *out, const struct dataplane_file *file)
{
	for (enum counter counter = 0; counter < COUNTERS; counter++) {
		char name[64];

		snprintf(name, sizeof(name), "%s_total", status_counter_name(counter));
		head(out, name, "counter", status_counter_help(counter));
		for (unsigned worker = 0; file != NULL && worker < status_workers(file); worker++)
			fprintf(out, "skua_%s{worker=\"%u\"} %llu\n", name, worker,
				(unsigned long long)status_counter(file, worker, counter));
	}
}

static void write_worker_info(FILE *out, const struct dataplane_file *file)
{
	char io[sizeof(((struct worker_counters *)NULL)->io)];

	head(out, "worker_info", "gauge", "Back end and core of a worker; always 1");
	for (unsigned worker = 0; file != NULL && worker < status_workers(file); worker++) {
		status_text(file->worker[worker].io, sizeof(io), io);
		fprintf(out, "skua_worker_info{worker=\"%u\",core=\"%d\",io=\"", worker,
			file->worker[worker].core);
		label(out, io);
		fputs("\"} 1\n", out);
	}
	head(out, "worker_generation", "gauge",
	     "Generation that a worker has seen; 0 while it holds none");
	for (unsigned worker = 0; file != NULL && worker < status_workers(file); worker++) {
		uint64_t seen =
		    atomic_load_explicit(&file->line[worker].seen, memory_order_relaxed);

		fprintf(out, "skua_worker_generation{worker=\"%u\"} %llu\n", worker,
			(unsigned long long)(seen == WORKER_OFFLINE || seen == WORKER_ATTACHING
						 ? 0
						 : seen));
	}
}

/* A back end without an interface of its own has no sample. */
static void write_interface(FILE *out, const struct dataplane_file *file)
{
	head(out, "interface_up", "gauge",
	     "1 if the interface of the back end is there, up and has a link");
	if (file != NULL && status_interface(file) != INTERFACE_NONE)
		fprintf(out, "skua_interface_up %d\n", status_interface(file) == INTERFACE_UP);
}

static void port_sample(FILE *out, const char *metric, const struct dataplane_file *file,
			unsigned port, uint64_t value)
{
	char name[sizeof(file->port[0].name)];

	status_text(file->port[port].name, sizeof(name), name);
	fprintf(out, "skua_port_%s{port=\"", metric);
	label(out, name);
	fprintf(out, "\"} %llu\n", (unsigned long long)value);
}

/* A port without buffers is an interface of the kernel's: what it loses, the kernel counts. */
static void write_ports(FILE *out, const struct dataplane_file *file)
{
	static const struct {
		const char *name, *type, *help;
	} counters[] = {
#define PORT_COUNT(name, help) {#name "_total", "counter", help},
#define PORT_GAUGE(name, help) {#name, "gauge", help},
#include "zones/abi/port_counters.def"
	};
	unsigned ports = file != NULL ? status_ports(file) : 0;

	head(out, "port_up", "gauge", "1 if this port of the back end is there, and has a link");
	for (unsigned port = 0; port < ports; port++)
		port_sample(out, "up", file, port, status_port_state(file, port) == INTERFACE_UP);
	for (enum port_counter counter = 0; counter < PORT_COUNTERS; counter++) {
		char name[64];

		snprintf(name, sizeof(name), "port_%s", counters[counter].name);
		head(out, name, counters[counter].type, counters[counter].help);
		for (unsigned port = 0; port < ports; port++)
			if (status_port_counter(file, port, PORT_buffers) > 0)
				port_sample(out, counters[counter].name, file, port,
					    status_port_counter(file, port, counter));
	}
}

static void write_replicas(FILE *out, const struct status *status)
{
	head(out, "replica_arena_bytes", "gauge", "Memory that backs a replica of the image");
	for (unsigned i = 0; i < status->replica_count; i++)
		fprintf(out, "skua_replica_arena_bytes{replica=\"%u\",node=\"%d\"} %llu\n", i,
			status->replica[i].node, (unsigned long long)status->replica[i].backed);
	head(out, "replica_elsewhere_bytes", "gauge",
	     "Of that, memory of other NUMA nodes, since its own had none left");
	for (unsigned i = 0; i < status->replica_count; i++)
		fprintf(out, "skua_replica_elsewhere_bytes{replica=\"%u\",node=\"%d\"} %llu\n", i,
			status->replica[i].node, (unsigned long long)status->replica[i].elsewhere);
}

static void write_stuck(FILE *out, const struct status *status)
{
	const struct dataplane_file *file = status->dataplane;

	head(out, "worker_stuck", "gauge", "1 if a worker has stood still for two seconds or more");
	for (unsigned worker = 0; file != NULL && worker < status_workers(file); worker++)
		fprintf(out, "skua_worker_stuck{worker=\"%u\"} %u\n", worker,
			(unsigned)(status->stuck >> worker & 1));
}

static void write_dataplane(FILE *out, const struct status *status)
{
	const struct dataplane_file *file = status->dataplane;

	number(out, "dataplane_up", "gauge", "1 while the dataplane runs", file != NULL);
	head(out, "dataplane_start_time_seconds", "gauge", "When the dataplane started");
	if (file != NULL)
		fprintf(out, "skua_dataplane_start_time_seconds %.3f\n",
			(double)file->started / 1e9);
	write_interface(out, file);
	write_ports(out, file);
	write_worker_info(out, file);
	write_stuck(out, status);
	write_counters(out, file);
}

enum zone_value { ZONE_GOOD, ZONE_SERIAL, ZONE_RECORDS, ZONE_NAMES, ZONE_FAILURES };

static uint64_t zone_value(const struct status_zone *zone, enum zone_value value)
{
	switch (value) {
	case ZONE_GOOD:
		return strcmp(zone->state, "good") == 0;
	case ZONE_SERIAL:
		return zone->serial;
	case ZONE_RECORDS:
		return zone->records;
	case ZONE_NAMES:
		return zone->names;
	default:
		return zone->failures;
	}
}

static bool is_bad(const struct status_zone *zone)
{
	return strcmp(zone->state, "bad") == 0;
}

/* A zone may be served in several views, from several files. */
static bool same_zone(const struct status_zone *a, const struct status_zone *b)
{
	const char *view_a = a->view != NULL ? a->view : "";
	const char *view_b = b->view != NULL ? b->view : "";

	return strcmp(a->name, b->name) == 0 && strcmp(view_a, view_b) == 0;
}

/* A file that never was good only speaks for its zone if no other file does: a metric may have each
 * label once. */
static bool speaks_for_zone(const struct status *status, size_t index)
{
	const struct status_zone *zone = &status->zones[index];

	if (!is_bad(zone))
		return true;
	for (size_t i = 0; i < status->zone_count; i++)
		if (i != index && (i < index || !is_bad(&status->zones[i])) &&
		    same_zone(&status->zones[i], zone))
			return false;
	return zone->name[0] != '\0';
}

static void write_zones(FILE *out, const struct status *status)
{
	static const struct {
		const char *name, *type, *help;
	} metric[] = {
	    [ZONE_GOOD] = {"zone_good", "gauge",
			   "1 if the newest version of the zone's file is in force"},
	    [ZONE_SERIAL] = {"zone_serial", "gauge", "Serial of the version in force"},
	    [ZONE_RECORDS] = {"zone_records", "gauge", "Records of the version in force"},
	    [ZONE_NAMES] = {"zone_names", "gauge", "Names with records in the version in force"},
	    [ZONE_FAILURES] = {"zone_load_failures_total", "counter",
			       "Versions of the zone's file that were refused"},
	};

	for (enum zone_value value = ZONE_GOOD; value <= ZONE_FAILURES; value++) {
		head(out, metric[value].name, metric[value].type, metric[value].help);
		for (size_t i = 0; i < status->zone_count; i++) {
			if (!speaks_for_zone(status, i))
				continue;
			fprintf(out, "skua_%s{zone=\"", metric[value].name);
			label(out, status->zones[i].name);
			if (status->zones[i].view != NULL)
				fprintf(out, "\",view=\"%s", status->zones[i].view);
			fprintf(out, "\"} %llu\n",
				(unsigned long long)zone_value(&status->zones[i], value));
		}
	}
}

static void write_files(FILE *out, const struct status *status)
{
	head(out, "zone_file_good", "gauge", "1 if the newest version of the file is in force");
	for (size_t i = 0; i < status->zone_count; i++) {
		fputs("skua_zone_file_good{file=\"", out);
		label(out, status->zones[i].file);
		fprintf(out, "\"} %llu\n",
			(unsigned long long)zone_value(&status->zones[i], ZONE_GOOD));
	}
}

static void write_image(FILE *out, const struct status *status)
{
	number(out, "generation", "gauge", "Newest generation that is published",
	       status->generation);
	number(out, "publications_total", "counter", "Generations published since control started",
	       status->published);
	head(out, "publish_duration_seconds", "gauge",
	     "The last publication, from comparing the zones to being visible");
	fprintf(out, "skua_publish_duration_seconds %.6f\n", status->publish_seconds);
	number(out, "reloads_total", "counter", "Zone versions read since control started",
	       status->reloads);
	number(out, "reload_failures_total", "counter",
	       "Zone versions refused since control started", status->reload_failures);
	number(out, "arena_bytes", "gauge", "Memory that backs the image, all replicas together",
	       status_arena_octets(status));
	number(out, "live_bytes", "gauge", "Octets that the newest generation reaches",
	       status->usage.live);
	number(out, "retired_bytes", "gauge", "Octets that wait for the last reader to move on",
	       status->usage.retired);
	number(out, "image_names", "gauge", "Names in the image, empty non-terminals included",
	       status->usage.names);
	write_replicas(out, status);
}

static uint64_t resident_octets(void)
{
	unsigned long long total = 0, resident = 0;
	FILE *in = fopen("/proc/self/statm", "re");

	if (in == NULL)
		return 0;
	if (fscanf(in, "%llu %llu", &total, &resident) != 2)
		resident = 0;
	fclose(in);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Names that Prometheus client libraries give these, without skua_. */
static void write_process(FILE *out, const struct status *status)
{
	fprintf(out,
		"# HELP process_resident_memory_bytes Resident memory of control\n"
		"# TYPE process_resident_memory_bytes gauge\n"
		"process_resident_memory_bytes %llu\n"
		"# HELP process_cpu_seconds_total CPU time of control\n"
		"# TYPE process_cpu_seconds_total counter\n"
		"process_cpu_seconds_total %.3f\n"
		"# HELP process_start_time_seconds When control started\n"
		"# TYPE process_start_time_seconds gauge\n"
		"process_start_time_seconds %.3f\n",
		(unsigned long long)resident_octets(), cpu_seconds(),
		(double)status->control_started / 1e9);
}

void metrics_write(FILE *out, const struct status *status)
{
	head(out, "build_info", "gauge", "Version of control; always 1");
	fprintf(out, "skua_build_info{version=\"%s\"} 1\n", SKUA_VERSION);
	write_image(out, status);
	write_zones(out, status);
	write_files(out, status);
	write_dataplane(out, status);
	write_process(out, status);
}
