#include "control/cli/arguments.h"
#include "control/cli/commands.h"
#include "runtime/clock.h"
#include "zones/check/check.h"
#include "zones/name/name.h"
#include "zones/text/text.h"
#include "zones/zone/zone_set.h"

#include <stdio.h>

static void print_summary(const struct zone *zone, const char *path)
{
	struct zone_counts counts = zone_counts(zone);
	char name[NAME_MAX_TEXT];

	name_to_text(zone_apex(zone), name);
	printf("%s: zone %s serial %u, %llu records, %llu names: good\n", path, name,
	       zone_serial(zone), (unsigned long long)counts.records,
	       (unsigned long long)counts.names);
}

static void check_one(const struct zone_source *source, struct zone_set *zones,
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
					   0, "another file has the same zone; keep only one");
	}
	diagnostics_finish(all);
	if (zone == NULL)
		return;
	if (all->errors == errors)
		print_summary(zone, source->path);
	/* Only the apex is needed from here on. */
	if (zone_set_find(zones, zone_apex(zone)) == NULL)
		zone_set_put(zones, zone_new(zone_apex(zone)));
	zone_free(zone);
}

static bool check_all(int count, char **arguments, struct diagnostics *all)
{
	struct zone_sources sources = {0};
	struct zone_set *zones = zone_set_new();

	for (int i = 0; i < count; i++)
		zone_sources_add(&sources, arguments[i], all);
	for (size_t i = 0; i < sources.count; i++)
		check_one(&sources.list[i], zones, all);
	zone_set_free(zones);
	zone_sources_free(&sources);
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
