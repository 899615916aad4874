/* commands.h: the subcommands of `skua`. Each gets its own argv (argv[0] is its name) and returns
 * the exit code: 0 good, 1 the input or the host is wrong, 2 wrong usage.
 * Threads: one. */
#ifndef SKUA_CONTROL_CLI_COMMANDS_H
#define SKUA_CONTROL_CLI_COMMANDS_H

int command_serve(int argc, char **argv);
int command_check(int argc, char **argv);
int command_compile(int argc, char **argv);
int command_status(int argc, char **argv);
int command_query(int argc, char **argv);
int command_top(int argc, char **argv);

enum exit_code { EXIT_GOOD = 0, EXIT_WRONG = 1, EXIT_USAGE = 2 };

#endif
