#include "control/cli/arguments.h"

#include "control/cli/commands.h"
#include "control/cli/help.h"
#include "control/config/config_file.h"
#include "runtime/runtime_dir.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define FLAGS_MOST 8

static void set_runtime_dir(struct arguments *arguments, const char *path)
{
	snprintf(arguments->runtime_dir, sizeof(arguments->runtime_dir), "%s", path);
}

static bool runtime_dir_from_config(struct arguments *arguments, const char *file)
{
	struct config config;
	bool good;

	config_init(&config);
	good = config_file_load(file, &config, stderr);
	if (good && config_is_set(&config, KEY_runtime_dir))
		set_runtime_dir(arguments, config_text(&config, KEY_runtime_dir));
	config_free(&config);
	return good;
}

static unsigned table_fill(const struct argument_flag *flags, struct option *table, char *letters)
{
	unsigned count = 0;

	strcpy(letters, "-:r:c:h"); /* '-': operands come back in order, as option 1 */
	for (; flags[count].name != NULL && count < FLAGS_MOST; count++) {
		size_t end = strlen(letters);

		table[count] =
		    (struct option){flags[count].name, no_argument, NULL, flags[count].letter};
		letters[end] = flags[count].letter;
		letters[end + 1] = '\0';
	}
	table[count++] = (struct option){"runtime-dir", required_argument, NULL, 'r'};
	table[count++] = (struct option){"config", required_argument, NULL, 'c'};
	table[count++] = (struct option){"help", no_argument, NULL, 'h'};
	table[count] = (struct option){NULL, 0, NULL, 0};
	return count;
}

static enum arguments_result wrong(const char *command, const char *what, const char *which)
{
	fprintf(stderr, "skua %s: %s %s; see `skua help %s`\n", command, what, which, command);
	return ARGUMENTS_WRONG;
}

enum arguments_result arguments_parse(int argc, char **argv, const struct argument_flag *flags,
				      struct arguments *arguments)
{
	struct option table[FLAGS_MOST + 4];
	char letters[FLAGS_MOST + 16];
	int option;

	memset(arguments, 0, sizeof(*arguments));
	runtime_dir_default(arguments->runtime_dir, sizeof(arguments->runtime_dir));
	table_fill(flags, table, letters);
	optind = 0;
	opterr = 0;
	arguments->operands = argv + 1; /* filled from the front: never past what was read */
	while ((option = getopt_long(argc, argv, letters, table, NULL)) != -1) {
		if (option == 'h')
			return help_topic(argv[0]) ? ARGUMENTS_DONE : ARGUMENTS_WRONG;
		if (option == ':')
			return wrong(argv[0], "a value is missing after", argv[optind - 1]);
		if (option == '?')
			return wrong(argv[0], "unknown option", argv[optind - 1]);
		if (option == 'r')
			set_runtime_dir(arguments, optarg);
		else if (option == 'c' && !runtime_dir_from_config(arguments, optarg))
			return ARGUMENTS_BAD;
		else if (option == 1)
			arguments->operands[arguments->operand_count++] = optarg;
		for (unsigned i = 0; flags[i].name != NULL; i++)
			if (option == flags[i].letter)
				arguments->flags |= 1u << i;
	}
	for (; optind < argc; optind++)
		arguments->operands[arguments->operand_count++] = argv[optind];
	return ARGUMENTS_OK;
}

int arguments_exit_code(enum arguments_result result)
{
	static const int code[] = {EXIT_GOOD, EXIT_GOOD, EXIT_USAGE, EXIT_WRONG};

	return code[result];
}
