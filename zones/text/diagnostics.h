/* diagnostics.h: what is wrong with zone files, worded for the person who wrote them.
 *
 * Each finding becomes one line, `file:line:column: what, and what to do` (warnings say
 * `warning: ` before the what), and goes to the caller's show(). Everything is counted, but only
 * the first `limit` lines of each severity are shown, so that a file with 100,000 errors costs
 * neither memory nor a screen; diagnostics_finish() shows how many more there were.
 * Threads:   one at a time. Ownership: the caller owns the struct; lines are borrowed for the
 * call. Errors: out of memory aborts. */
#ifndef SKUA_ZONES_TEXT_DIAGNOSTICS_H
#define SKUA_ZONES_TEXT_DIAGNOSTICS_H

#include <stdint.h>

#include "zones/zone/zone.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

#define DIAGNOSTICS_LIMIT 100u

struct diagnostics {
	void (*show)(void *context, enum severity severity, const char *line);
	void *context;
	uint64_t limit; /* lines shown per severity; DIAGNOSTICS_LIMIT after init, free to change */
	bool unmarked;	/* warnings without `warning: `: show() has its own way to say it */
	uint64_t errors, warnings; /* all of them, shown or not */
	char **files;		   /* place.file is an index; files[0] stands for none */
	unsigned file_count;
	uint64_t finished_errors, finished_warnings; /* counts at the last finish */
};

/* show may be NULL: findings are then only counted. */
void diagnostics_init(struct diagnostics *all,
		      void (*show)(void *context, enum severity severity, const char *line),
		      void *context);
void diagnostics_free(struct diagnostics *all);

/* The number of a file name (the same for the same name), for struct place. Names past 65,534
 * share number 0. */
uint16_t diagnostics_file(struct diagnostics *all, const char *name);
/* Never NULL; "" for numbers that were not given out. Valid until diagnostics_free(). */
const char *diagnostics_file_name(const struct diagnostics *all, uint16_t file);

/* One finding. place.line 0: the whole file. column 0: the whole line. Line and column count from
 * 1; columns are octets. The text has no newline and no final period. */
void diagnostics_report(struct diagnostics *all, enum severity severity, struct place place,
			uint32_t column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Shows "99,900 more errors are not shown" if there were more than the limit since the start or
 * the last finish; the limit then counts anew. */
void diagnostics_finish(struct diagnostics *all);

/* A ready show(): context is a FILE *; one line each. */
void diagnostics_print(void *stream, enum severity severity, const char *line);

#endif
