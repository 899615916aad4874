/* status_table.h: the JSON of a status as tables for a terminal.
 * Threads: any. */
#ifndef SKUA_CONTROL_CLI_STATUS_TABLE_H
#define SKUA_CONTROL_CLI_STATUS_TABLE_H

#include <jansson.h>
#include <stdio.h>

/* Values that are missing or of another type show as 0 or "". */
void status_table_print(FILE *out, json_t *status);

#endif
