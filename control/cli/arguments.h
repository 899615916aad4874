/* arguments.h: the few options that the commands about a running instance share.
 * Threads: one. Errors: worded on stderr. */
#ifndef SKUA_CONTROL_CLI_ARGUMENTS_H
#define SKUA_CONTROL_CLI_ARGUMENTS_H

#include <limits.h>
#include <stdbool.h>

struct arguments {
	char runtime_dir[PATH_MAX];
	unsigned flags;	 /* bit i: own.flag[i] was given */
	char **operands; /* inside argv */
	int operand_count;
};

/* A command's own options without a value; `name` NULL ends them. */
struct argument_flag {
	const char *name;
	char letter;
};

enum arguments_result {
	ARGUMENTS_OK,
	ARGUMENTS_DONE,	 /* --help was printed */
	ARGUMENTS_WRONG, /* wrong usage: exit 2 */
	ARGUMENTS_BAD,	 /* the configuration file: exit 1 */
};

/* argv[0]: the command's name. Takes --runtime-dir, --config, --help and the flags. */
enum arguments_result arguments_parse(int argc, char **argv, const struct argument_flag *flags,
				      struct arguments *arguments);
/* The exit code for a result that is not OK. */
int arguments_exit_code(enum arguments_result result);

#endif
