#include "control/cli/arguments.h"
#include "control/cli/commands.h"
#include "control/config/access_text.h"
#include "control/store/zone_store.h"
#include "runtime/clock.h"
#include "zones/check/check.h"
#include "zones/name/name.h"
#include "zones/text/text.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define CAPACITY (16ull << 30)

/* The image while it is being made. */
struct output {
	const char *path;
	char *partial; /* its name until all is well */
	int fd;
	uint8_t *base;
	struct image_writer *writer;
	image_ref root;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool grow(void *context, uint64_t octets)
{
	struct output *output = context;

	if (ftruncate(output->fd, (off_t)octets) == 0)
		return true;
	fprintf(stderr, "skua compile: %s: %s\n", output->path, strerror(errno));
	return false;
}

static uint64_t commit(void *context, char *error, size_t error_size)
{
	struct output *output = context;

	output->root = image_commit(output->writer);
	if (output->root != 0)
		return image_generation(output->writer);
	snprintf(error, error_size, "%s: no room for the image", output->path);
	return 0;
}

static bool output_open(struct output *output, const char *path)
{
	uint64_t key[2];

	output->path = path;
	if (getrandom(key, sizeof(key), 0) != sizeof(key) ||
	    asprintf(&output->partial, "%s.partial", path) < 0)
		abort();
	output->fd = open(output->partial, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (output->fd < 0) {
		fprintf(stderr, "skua compile: %s: %s\n", output->partial, strerror(errno));
		return false;
	}
	output->base =
	    mmap(NULL, CAPACITY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, output->fd, 0);
	if (output->base == MAP_FAILED) {
		output->base = NULL;
		fprintf(stderr, "skua compile: can't map %s: %s\n", path, strerror(errno));
		return false;
	}
	output->writer = image_writer_new(output->base, CAPACITY, 1, key, 2, grow, output);
	return output->writer != NULL;
}

static bool output_close(struct output *output, bool good)
{
	if (output->writer != NULL)
		image_writer_free(output->writer);
	if (output->base != NULL)
		munmap(output->base, CAPACITY);
	/* As large as readers map it, like control's: sparse behind what is used. */
	if (good && ftruncate(output->fd, (off_t)CAPACITY) != 0) {
		fprintf(stderr, "skua compile: %s: %s\n", output->path, strerror(errno));
		good = false;
	}
	if (output->fd >= 0)
		close(output->fd);
	if (good && rename(output->partial, output->path) != 0) {
		fprintf(stderr, "skua compile: %s: %s\n", output->path, strerror(errno));
		good = false;
	}
	if (!good && output->fd >= 0)
		unlink(output->partial);
	free(output->partial);
	return good;
}

/* file: of each zone that is staged, by its index in the store's set. */
static bool stage_one(const struct zone_source *source, struct zone_store *store, const char **file,
		      struct diagnostics *all)
{
	const struct zone_set *zones = zone_store_zones(store, 0);
	uint64_t errors = all->errors;
	struct zone *zone = zone_read(source, all);

	if (zone != NULL) {
		zone_check(zone, all);
		zone_check_signatures(zone, clock_realtime() / CLOCK_SECOND, all);
	}
	if (zone != NULL && zone_set_find(zones, zone_apex(zone)) != NULL)
		diagnostics_report(all, SEVERITY_ERROR,
				   (struct place){diagnostics_file(all, source->path), 0}, 0,
				   "%s has the same zone; keep only one of the two",
				   file[zone_set_index(zones, zone_apex(zone))]);
	diagnostics_finish(all);
	if (zone == NULL || all->errors > errors) {
		zone_free(zone);
		return false;
	}
	if (!zone_store_stage(store, (struct zone_terms){0}, zone))
		return false;
	file[zone_set_index(zones, zone_apex(zone))] = source->path;
	return true;
}

/* A file holds no settings: what depends on who asks needs an instance. */
static bool is_for_all(const char *argument)
{
	struct zone_text text;
	char why[512];
	bool good = zone_text_read(argument, &text, why, sizeof(why));

	good = good && text.view == NULL && text.allow == NULL;
	zone_text_free(&text);
	if (!good)
		fprintf(stderr,
			"skua compile: %s: views and access lists need an instance; leave "
			"them out here\n",
			argument);
	return good;
}

static bool stage_all(int count, char **arguments, struct zone_store *store)
{
	struct zone_sources sources = {0};
	const char **file = calloc(ZONE_SET_MAX, sizeof(*file));
	struct diagnostics all;
	bool good = true;

	if (file == NULL)
		abort();
	diagnostics_init(&all, diagnostics_print, stderr);
	for (int i = 0; i < count; i++)
		good &= is_for_all(arguments[i]) && zone_sources_add(&sources, arguments[i], &all);
	for (size_t i = 0; i < sources.count; i++)
		good &= stage_one(&sources.list[i], store, file, &all);
	free(file);
	zone_sources_free(&sources);
	diagnostics_free(&all);
	return good;
}

static bool make_image(struct output *output, int count, char **arguments)
{
	static const struct image_settings settings = {
	    .udp_size = 1232, .additional = 1, .rotate = 1};
	struct zone_store *store = zone_store_new(output->writer, &settings, commit, output);
	double began = now(), read_done, compiled;
	struct store_change change;
	struct image_usage usage;
	char error[512];
	bool good = stage_all(count, arguments, store);

	read_done = now();
	if (good && !zone_store_apply(store, &change, error, sizeof(error))) {
		fprintf(stderr, "skua compile: %s\n", error);
		good = false;
	}
	compiled = now();
	usage = image_usage(output->writer);
	if (good)
		printf("%s: %zu zones, %llu names, %llu octets, root at unit %u, read in %.3f s, "
		       "compiled in %.3f s\n",
		       output->path, zone_set_count(zone_store_zones(store, 0)),
		       (unsigned long long)usage.names, (unsigned long long)usage.live,
		       output->root, read_done - began, compiled - read_done);
	zone_store_free(store);
	return good;
}

/* Takes -o FILE out of argv: the other options are those of all commands. */
static const char *take_output(int *argc, char **argv)
{
	const char *output = NULL;
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		if ((strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--output") == 0) &&
		    i + 1 < *argc)
			output = argv[++i];
		else if (strncmp(argv[i], "--output=", 9) == 0)
			output = argv[i] + 9;
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	argv[kept] = NULL;
	return output;
}

int command_compile(int argc, char **argv)
{
	static const struct argument_flag flags[] = {{NULL, 0}};
	const char *path = take_output(&argc, argv);
	struct arguments arguments;
	enum arguments_result parsed = arguments_parse(argc, argv, flags, &arguments);
	struct output output = {.fd = -1};
	bool good;

	if (parsed != ARGUMENTS_OK)
		return arguments_exit_code(parsed);
	if (path == NULL || arguments.operand_count == 0) {
		fputs("skua compile: wants zones and -o FILE; see `skua help compile`\n", stderr);
		return EXIT_USAGE;
	}
	good = output_open(&output, path) &&
	       make_image(&output, arguments.operand_count, arguments.operands);
	return output_close(&output, good) ? EXIT_GOOD : EXIT_WRONG;
}
