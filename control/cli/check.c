#include "control/cli/arguments.h"
#include "control/cli/commands.h"
#include "control/config/access_text.h"
#include "runtime/clock.h"
#include "zones/check/check.h"
#include "zones/name/name.h"
#include "zones/text/text.h"
#include "zones/zone/zone_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_summary(const struct zone *zone, const char *path)
{
	struct zone_counts counts = zone_counts(zone);
	char name[NAME_MAX_TEXT];

	name_to_text(zone_apex(zone), name);
	printf("%s: zone %s serial %u, %llu records, %llu names: good\n", path, name,
	       zone_serial(zone), (unsigned long long)counts.records,
	       (unsigned long long)counts.names);
}

/* file: of each zone of the set, by its index there. */
static void check_one(const struct zone_source *source, struct zone_set *zones, const char **file,
		      struct diagnostics *all)
{
	uint64_t errors = all->errors;
	struct zone *zone = zone_read(source, all);

	if (zone != NULL) {
		zone_check(zone, all);
		zone_check_signatures(zone, clock_realtime() / CLOCK_SECOND, all);
		if (zone_set_find(zones, zone_apex(zone)) != NULL)
			diagnostics_report(all, SEVERITY_ERROR,
					   (struct place){diagnostics_file(all, source->path), 0},
					   0, "%s has the same zone; keep only one of the two",
					   file[zone_set_index(zones, zone_apex(zone))]);
	}
	diagnostics_finish(all);
	if (zone == NULL)
		return;
	if (all->errors == errors)
		print_summary(zone, source->path);
	/* Only the apex is needed from here on. */
	if (zone_set_find(zones, zone_apex(zone)) == NULL) {
		zone_set_put(zones, zone_new(zone_apex(zone)));
		file[zone_set_index(zones, zone_apex(zone))] = source->path;
	}
	zone_free(zone);
}

/* The arguments of one view: a zone may stand in several. */
static void check_view(const struct zone_text *texts, int count, int first, struct diagnostics *all)
{
	const char *view = texts[first].view;
	struct zone_sources sources = {0};
	struct zone_set *zones = zone_set_new();
	const char **file = calloc(ZONE_SET_MAX, sizeof(*file));

	if (file == NULL)
		abort();

	for (int i = first; i < count; i++)
		if ((view == NULL) == (texts[i].view == NULL) &&
		    (view == NULL || strcmp(view, texts[i].view) == 0))
			zone_sources_add(&sources, texts[i].zone, all);
	for (size_t i = 0; i < sources.count; i++)
		check_one(&sources.list[i], zones, file, all);
	free(file);
	zone_set_free(zones);
	zone_sources_free(&sources);
}

static bool is_first_of_view(const struct zone_text *texts, int at)
{
	for (int i = 0; i < at; i++)
		if ((texts[i].view == NULL && texts[at].view == NULL) ||
		    (texts[i].view != NULL && texts[at].view != NULL &&
		     strcmp(texts[i].view, texts[at].view) == 0))
			return false;
	return true;
}

static bool check_all(int count, char **arguments, struct diagnostics *all)
{
	struct zone_text *texts = calloc((size_t)count, sizeof(*texts));
	char why[512];

	if (texts == NULL)
		abort();
	for (int i = 0; i < count; i++)
		if (!zone_text_read(arguments[i], &texts[i], why, sizeof(why)))
			diagnostics_report(all, SEVERITY_ERROR, (struct place){0}, 0, "%s: %s",
					   arguments[i], why);
	for (int i = 0; i < count; i++)
		if (is_first_of_view(texts, i))
			check_view(texts, count, i, all);
	for (int i = 0; i < count; i++)
		zone_text_free(&texts[i]);
	free(texts);
	return all->errors == 0;
}

int command_check(int argc, char **argv)
{
	static const struct argument_flag flags[] = {{"strict", 's'}, {"all", 'a'}, {NULL, 0}};
	struct arguments arguments;
	enum arguments_result parsed = arguments_parse(argc, argv, flags, &arguments);
	struct diagnostics all;
	bool good;

	if (parsed != ARGUMENTS_OK)
		return arguments_exit_code(parsed);
	if (arguments.operand_count == 0) {
		fputs("skua check: name a zone file or a directory\n", stderr);
		return EXIT_USAGE;
	}
	diagnostics_init(&all, diagnostics_print, stdout);
	if (arguments.flags & 2u)
		all.limit = UINT64_MAX;
	good = check_all(arguments.operand_count, arguments.operands, &all);
	if (all.errors + all.warnings > 0)
		printf("%llu errors, %llu warnings\n", (unsigned long long)all.errors,
		       (unsigned long long)all.warnings);
	good = good && ((arguments.flags & 1u) == 0 || all.warnings == 0);
	diagnostics_free(&all);
	return good ? EXIT_GOOD : EXIT_WRONG;
}
