/* main.c: skua: what an operator types. */
#include "control/cli/commands.h"
#include "control/cli/help.h"

#include <stdio.h>
#include <string.h>

static int command_help(int argc, char **argv)
{
	if (argc < 2) {
		help_overview();
		return EXIT_GOOD;
	}
	if (help_topic(argv[1]))
		return EXIT_GOOD;
	fprintf(stderr, "skua help: there is no command \"%s\"; `skua help` lists all\n", argv[1]);
	return EXIT_USAGE;
}

static int command_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("skua " SKUA_VERSION);
	return EXIT_GOOD;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", command_serve},	  {"check", command_check},	  {"compile", command_compile},
    {"status", command_status},	  {"query", command_query},	  {"top", command_top},
    {"help", command_help},	  {"--help", command_help},	  {"-h", command_help},
    {"version", command_version}, {"--version", command_version}, {"-V", command_version},
};

int main(int argc, char **argv)
{
	if (argc < 2) {
		help_overview();
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "skua: there is no command \"%s\"; `skua help` lists all\n", argv[1]);
	return EXIT_USAGE;
}
