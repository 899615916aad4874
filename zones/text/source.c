/* source.c: see source.h. */
#include "zones/text/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void refuse(struct diagnostics *all, const char *path, const char *why, const char *advice)
{
	diagnostics_report(all, SEVERITY_ERROR, (struct place){.file = diagnostics_file(all, path)},
			   0, "%s, %s", why, advice);
}

static void *checked(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

static void origin_of_path(struct zone_source *source)
{
	const char *slash = strrchr(source->path, '/');
	const char *base = slash != NULL ? slash + 1 : source->path;
	size_t length = strlen(base), wire_length, bad_at;

	if (length > 5 && strcmp(base + length - 5, ".zone") == 0)
		length -= 5;
	if (name_from_text(base, length, (const uint8_t *)"", source->origin, &wire_length,
			   &bad_at) == NAME_OK)
		source->origin_length = (uint8_t)wire_length;
}

/* Takes path over. */
static bool add_file(struct zone_sources *sources, char *path, const struct zone_source *origin,
		     struct diagnostics *all)
{
	struct stat about;

	if (stat(path, &about) != 0) {
		refuse(all, path, strerror(errno), "check the name");
	} else if (!S_ISREG(about.st_mode)) {
		refuse(all, path, "not a regular file", "give a file of zone text");
	} else if (access(path, R_OK) != 0) {
		refuse(all, path, strerror(errno), "make the file readable");
	} else {
		sources->list =
		    checked(realloc(sources->list, (sources->count + 1) * sizeof(*sources->list)));
		struct zone_source *source = &sources->list[sources->count++];
		*source = *origin;
		source->path = path;
		if (!source->has_origin)
			origin_of_path(source);
		return true;
	}
	free(path);
	return false;
}

static int is_zone_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       strcmp(entry->d_name + length - 5, ".zone") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool add_directory(struct zone_sources *sources, const char *directory,
			  struct diagnostics *all)
{
	const struct zone_source no_origin = {0};
	bool slash = *directory != '\0' && directory[strlen(directory) - 1] == '/';
	struct dirent **entries;
	bool good = true;

	int count = scandir(directory, &entries, is_zone_file, by_name);
	if (count < 0) {
		refuse(all, directory, strerror(errno), "make the directory readable");
		return false;
	}
	if (count == 0) {
		refuse(all, directory, "no *.zone file in this directory",
		       "put zones there, or name a file");
		good = false;
	}
	for (int i = 0; i < count; i++) {
		char *path = NULL;

		if (asprintf(&path, "%s%s%s", directory, slash ? "" : "/", entries[i]->d_name) < 0)
			abort();
		good = add_file(sources, path, &no_origin, all) && good;
		free(entries[i]);
	}
	free(entries);
	return good;
}

static bool add_path(struct zone_sources *sources, const char *path, struct diagnostics *all)
{
	const struct zone_source no_origin = {0};
	struct stat about;

	if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
		return add_directory(sources, path, all);
	return add_file(sources, checked(strdup(path)), &no_origin, all);
}

bool zone_sources_add(struct zone_sources *sources, const char *argument, struct diagnostics *all)
{
	struct zone_source given = {.has_origin = true};
	const char *equals = strchr(argument, '=');
	size_t length, bad_at;

	if (*argument == '\0') {
		diagnostics_report(all, SEVERITY_ERROR, (struct place){0}, 0,
				   "an empty ZONE argument, give FILE, ORIGIN=FILE or a directory");
		return false;
	}
	if (equals == NULL || access(argument, F_OK) == 0)
		return add_path(sources, argument, all);
	if (equals[1] == '\0') {
		diagnostics_report(
		    all, SEVERITY_ERROR, (struct place){0}, 0,
		    "%s: no FILE behind the ORIGIN of this argument, write ORIGIN=FILE", argument);
		return false;
	}
	enum name_error error = name_from_text(argument, (size_t)(equals - argument),
					       (const uint8_t *)"", given.origin, &length, &bad_at);
	if (error != NAME_OK) {
		diagnostics_report(all, SEVERITY_ERROR, (struct place){0}, 0,
				   "%s: %s in the ORIGIN of this argument, write ORIGIN=FILE",
				   argument, name_error_text(error));
		return false;
	}
	given.origin_length = (uint8_t)length;
	return add_file(sources, checked(strdup(equals + 1)), &given, all);
}

void zone_sources_free(struct zone_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		free(sources->list[i].path);
	free(sources->list);
	*sources = (struct zone_sources){0};
}
