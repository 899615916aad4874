/* main.c: skua-control: gathers zones, compiles and publishes them for the dataplane. */
#include "control/config/options.h"
#include "runtime/log.h"
#include "control/loop/control.h"

#include <stdio.h>

static void print_help(void)
{
	fputs(
	    "Usage: skua-control [OPTION]... ZONE...\n"
	    "\n"
	    "Reads zones, checks and compiles them, and publishes them in shared memory, where a\n"
	    "running skua-dataplane answers from them. Follows changes of the files. Runs in the\n"
	    "foreground and logs to stderr. It may start before or after the dataplane, and be\n"
	    "stopped and started while the dataplane answers on.\n"
	    "\n"
	    "A ZONE is FILE, ORIGIN=FILE, or a directory (every *.zone in it), then ,view=NAME "
	    "and\n"
	    ",allow=ITEM if it is for some clients only.\n"
	    "\n"
	    "Options:\n",
	    stdout);
	options_print(stdout, PROGRAM_CONTROL);
	fputs("\n"
	      "Files:\n"
	      "  <runtime-dir>/channel, arena.*   what the dataplane answers from\n"
	      "  <runtime-dir>/control.sock       HTTP over a unix socket, for `skua status`\n"
	      "\n"
	      "Signals:\n"
	      "  HUP        read all zones (changed ones are noticed without it) and the files\n"
	      "             that settings name again; settings are read at the start only\n"
	      "  INT, TERM  stop; what is published stays, and the dataplane answers on\n"
	      "\n"
	      "Exit codes: 0 stopped by a signal; 1 the input or the host is wrong (the last line\n"
	      "says what to do); 2 wrong usage.\n"
	      "\n"
	      "Example:\n"
	      "  skua-control --runtime-dir /run/skua --http 127.0.0.1:8081 /etc/skua/zones\n"
	      "\n"
	      "See also: skua help, skua-dataplane --help\n",
	      stdout);
}

static int run(const struct config *config)
{
	enum log_level level = LOG_LEVEL_INFO;

	if (!config_is_set(config, KEY_zones)) {
		fputs("skua-control: no zone is given; name a zone file or a directory\n", stderr);
		return 2;
	}
	log_level_from_text(config_text(config, KEY_log_level), &level);
	log_set_level(level);
	return control_run(config);
}

int main(int argc, char **argv)
{
	struct config config;
	int status = 0;

	config_init(&config);
	switch (options_parse(argc, argv, PROGRAM_CONTROL, &config, stderr)) {
	case OPTIONS_OK:
		status = run(&config);
		break;
	case OPTIONS_HELP:
		print_help();
		break;
	case OPTIONS_VERSION:
		puts("skua-control " SKUA_VERSION);
		break;
	case OPTIONS_WRONG:
		status = 2;
		break;
	case OPTIONS_BAD:
		status = 1;
		break;
	}
	config_free(&config);
	return status;
}
