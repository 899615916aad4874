/* help.h: what --help prints, for each subcommand.
 * Threads: one. */
#ifndef SKUA_CONTROL_CLI_HELP_H
#define SKUA_CONTROL_CLI_HELP_H

#include <stdbool.h>

/* The overview. */
void help_overview(void);
/* Of one subcommand, or of "config". False: there is no such. */
bool help_topic(const char *topic);

#endif
