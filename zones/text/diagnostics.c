/* diagnostics.c: see diagnostics.h. */
#include "zones/text/diagnostics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_OCTETS  1024u
#define FILES_MOST   65535u
#define COUNT_OCTETS 32u

void diagnostics_init(struct diagnostics *all,
		      void (*show)(void *context, enum severity severity, const char *line),
		      void *context)
{
	*all = (struct diagnostics){.show = show, .context = context, .limit = DIAGNOSTICS_LIMIT};
	diagnostics_file(all, "");
}

void diagnostics_free(struct diagnostics *all)
{
	for (unsigned i = 0; i < all->file_count; i++)
		free(all->files[i]);
	free(all->files);
	*all = (struct diagnostics){0};
}

uint16_t diagnostics_file(struct diagnostics *all, const char *name)
{
	/* From the end: the same file asks again and again. */
	for (unsigned i = all->file_count; i > 0; i--) {
		if (strcmp(all->files[i - 1], name) == 0)
			return (uint16_t)(i - 1);
	}
	if (all->file_count >= FILES_MOST)
		return 0;
	all->files = realloc(all->files, (all->file_count + 1) * sizeof(char *));
	if (all->files == NULL)
		abort();
	all->files[all->file_count] = strdup(name);
	if (all->files[all->file_count] == NULL)
		abort();
	return (uint16_t)all->file_count++;
}

const char *diagnostics_file_name(const struct diagnostics *all, uint16_t file)
{
	return file < all->file_count ? all->files[file] : "";
}

/* "file:line:column: ", as much of it as is known. */
static size_t print_place(const struct diagnostics *all, struct place place, uint32_t column,
			  char *line)
{
	const char *file = diagnostics_file_name(all, place.file);
	int length = 0;

	if (*file == '\0')
		return 0;
	if (place.line == 0)
		length = snprintf(line, LINE_OCTETS, "%s: ", file);
	else if (column == 0)
		length = snprintf(line, LINE_OCTETS, "%s:%" PRIu32 ": ", file, place.line);
	else
		length = snprintf(line, LINE_OCTETS, "%s:%" PRIu32 ":%" PRIu32 ": ", file,
				  place.line, column);
	return length < (int)LINE_OCTETS ? (size_t)length : LINE_OCTETS - 1;
}

void diagnostics_report(struct diagnostics *all, enum severity severity, struct place place,
			uint32_t column, const char *format, ...)
{
	bool is_error = severity == SEVERITY_ERROR;
	uint64_t count = is_error ? ++all->errors - all->finished_errors
				  : ++all->warnings - all->finished_warnings;
	char line[2 * LINE_OCTETS];
	va_list arguments;

	if (all->show == NULL || count > all->limit)
		return;
	size_t used = print_place(all, place, column, line);
	used += (size_t)snprintf(line + used, sizeof(line) - used, "%s",
				 is_error || all->unmarked ? "" : "warning: ");
	va_start(arguments, format);
	vsnprintf(line + used, sizeof(line) - used, format, arguments);
	va_end(arguments);
	all->show(all->context, severity, line);
}

/* 99900 as "99,900". */
static const char *grouped(uint64_t number, char text[COUNT_OCTETS])
{
	char *at = text + COUNT_OCTETS - 1;
	unsigned digits = 0;

	*at = '\0';
	do {
		if (digits > 0 && digits % 3 == 0)
			*--at = ',';
		*--at = (char)('0' + number % 10);
		number /= 10;
		digits++;
	} while (number > 0);
	return at;
}

static void show_rest(const struct diagnostics *all, enum severity severity, uint64_t count)
{
	char number[COUNT_OCTETS], line[LINE_OCTETS];
	const char *what = severity == SEVERITY_ERROR ? "error" : "warning";

	if (all->show == NULL || count <= all->limit)
		return;
	count -= all->limit;
	snprintf(line, sizeof(line), "%s more %s%s not shown; correct those above first",
		 grouped(count, number), what, count == 1 ? " is" : "s are");
	all->show(all->context, severity, line);
}

void diagnostics_finish(struct diagnostics *all)
{
	show_rest(all, SEVERITY_ERROR, all->errors - all->finished_errors);
	show_rest(all, SEVERITY_WARNING, all->warnings - all->finished_warnings);
	all->finished_errors = all->errors;
	all->finished_warnings = all->warnings;
}

void diagnostics_print(void *stream, enum severity severity, const char *line)
{
	(void)severity;
	fprintf(stream, "%s\n", line);
}
