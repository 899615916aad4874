/* options.h: the command line of skua-control and `skua serve` -> config.
 *
 * Every key of keys.def is an option; what is not an option is a ZONE. --config FILE is loaded
 * first, and the command line overrides it.
 * Threads: one. Errors: written to `messages`, one line each. */
#ifndef SKUA_CONTROL_CONFIG_OPTIONS_H
#define SKUA_CONTROL_CONFIG_OPTIONS_H

#include "control/config/config.h"

#include <stdio.h>

enum options_result {
	OPTIONS_OK,
	OPTIONS_HELP,	 /* --help or -h was given */
	OPTIONS_VERSION, /* --version or -V was given */
	OPTIONS_WRONG,	 /* wrong usage: exit 2 */
	OPTIONS_BAD,	 /* the configuration file is bad: exit 1 */
};

/* argv[0] names the program in messages. programs: whose options are accepted (a mask of enum
 * config_program). */
enum options_result options_parse(int argc, char **argv, unsigned programs, struct config *config,
				  FILE *messages);

/* The options that tell one program its part of *config, as a NULL-ended argv with room for argv[0]
 * in front; freed by options_free(). Only what was set is passed on, zones last. */
char **options_for(const struct config *config, enum config_program program);
void options_free(char **argv);

/* Lines of --help about the options of these programs. */
void options_print(FILE *out, unsigned programs);
/* Lines about the keys of skua.yaml. */
void options_print_keys(FILE *out);

#endif
