#include "control/config/options.h"

#include "control/config/config_file.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define OPTION_NAME 24

static void option_name(enum config_key key, char name[OPTION_NAME])
{
	snprintf(name, OPTION_NAME, "%s", config_key_info(key)->name);
	for (char *at = name; *at != '\0'; at++)
		if (*at == '_')
			*at = '-';
}

static bool is_option(enum config_key key, unsigned programs)
{
	return key != KEY_zones && (config_key_info(key)->program & programs) != 0;
}

/* getopt's table: the keys as OPTION_KEYS + key, and what only the command line knows. */
#define OPTION_KEYS 256
struct option_table {
	char name[CONFIG_KEYS][OPTION_NAME];
	struct option option[CONFIG_KEYS + 4];
};

static void table_fill(struct option_table *table, unsigned programs)
{
	struct option *at = table->option;

	for (enum config_key key = 0; key < CONFIG_KEYS; key++) {
		if (!is_option(key, programs))
			continue;
		option_name(key, table->name[key]);
		*at++ = (struct option){table->name[key], required_argument, NULL,
					OPTION_KEYS + (int)key};
	}
	*at++ = (struct option){"config", required_argument, NULL, 'c'};
	*at++ = (struct option){"help", no_argument, NULL, 'h'};
	*at++ = (struct option){"version", no_argument, NULL, 'V'};
	*at = (struct option){NULL, 0, NULL, 0};
}

static bool take(struct config *config, enum config_key key, const char *text, const char *program,
		 FILE *messages)
{
	char error[512];

	if (config_add(config, key, text, error, sizeof(error)))
		return true;
	fprintf(messages, "%s: %s\n", program, error);
	return false;
}

static enum options_result wrong(const char *program, const char *what, const char *which,
				 FILE *messages)
{
	fprintf(messages, "%s: %s %s; see --help\n", program, what, which);
	return OPTIONS_WRONG;
}

/* Of what getopt_long() returned: one with a value. */
static enum config_key key_of(int option)
{
	if (option == 1) /* no option: an operand in its place */
		return KEY_zones;
	return option == 'r' ? KEY_runtime_dir : (enum config_key)(option - OPTION_KEYS);
}

static enum options_result parse_arguments(int argc, char **argv, const struct option *table,
					   struct config *config, const char **file, FILE *messages)
{
	int option;

	optind = 0; /* glibc: start afresh, whoever parsed before */
	opterr = 0;
	while ((option = getopt_long(argc, argv, "-:r:c:hV", table, NULL)) != -1) {
		if (option == 'h')
			return OPTIONS_HELP;
		if (option == 'V')
			return OPTIONS_VERSION;
		if (option == ':')
			return wrong(argv[0], "a value is missing after", argv[optind - 1],
				     messages);
		if (option == '?')
			return wrong(argv[0], "unknown option", argv[optind - 1], messages);
		if (option == 'c') {
			*file = optarg;
			continue;
		}
		if (!take(config, key_of(option), optarg, argv[0], messages))
			return OPTIONS_WRONG;
	}
	for (; optind < argc; optind++)
		if (!take(config, KEY_zones, argv[optind], argv[0], messages))
			return OPTIONS_WRONG;
	return OPTIONS_OK;
}

enum options_result options_parse(int argc, char **argv, unsigned programs, struct config *config,
				  FILE *messages)
{
	struct option_table table = {0};
	struct config given;
	const char *file = NULL;
	enum options_result result;

	table_fill(&table, programs);
	config_init(&given);
	result = parse_arguments(argc, argv, table.option, &given, &file, messages);
	if (result == OPTIONS_OK && file != NULL && !config_file_load(file, config, messages))
		result = OPTIONS_BAD;
	config_overlay(config, &given);
	config_free(&given);
	return result;
}

static char *join(const char *a, const char *b, const char *c, const char *d)
{
	char *text;

	if (asprintf(&text, "%s%s%s%s", a, b, c, d) < 0)
		abort();
	return text;
}

char **options_for(const struct config *config, enum config_program program)
{
	size_t count = 0;
	char **argv;

	for (enum config_key key = 0; key < CONFIG_KEYS; key++)
		count += config->value[key].count;
	argv = calloc(count + 3, sizeof(*argv));
	if (argv == NULL)
		abort();
	count = 1;
	for (enum config_key key = 0; key < CONFIG_KEYS; key++) {
		char name[OPTION_NAME];

		if (!is_option(key, program))
			continue;
		option_name(key, name);
		for (size_t i = 0; i < config->value[key].count; i++)
			argv[count++] = join("--", name, "=", config->value[key].text[i]);
	}
	if ((program & PROGRAM_CONTROL) == 0)
		return argv;
	argv[count++] = join("--", "", "", ""); /* a zone's file may start with '-' */
	for (size_t i = 0; i < config->value[KEY_zones].count; i++)
		argv[count++] = join(config->value[KEY_zones].text[i], "", "", "");
	return argv;
}

void options_free(char **argv)
{
	for (char **at = argv + 1; *at != NULL; at++)
		free(*at);
	free(argv);
}

static void print_one(FILE *out, const char *name, const struct config_key_info *info)
{
	fprintf(out, "  %s %s\n        %s", name, info->argument, info->help);
	if (info->fallback != NULL)
		fprintf(out, " [%s]", info->fallback);
	fputc('\n', out);
}

void options_print(FILE *out, unsigned programs)
{
	for (enum config_key key = 0; key < CONFIG_KEYS; key++) {
		char name[OPTION_NAME], dashed[OPTION_NAME + 6];

		if (!is_option(key, programs))
			continue;
		option_name(key, name);
		snprintf(dashed, sizeof(dashed), "%s--%s", key == KEY_runtime_dir ? "-r, " : "",
			 name);
		print_one(out, dashed, config_key_info(key));
	}
	fputs("  -c, --config FILE\n        Read settings from a skua.yaml; the command line "
	      "overrides it\n"
	      "  -h, --help\n        Print this and exit\n"
	      "  -V, --version\n        Print the version and exit\n",
	      out);
}

void options_print_keys(FILE *out)
{
	for (enum config_key key = 0; key < CONFIG_KEYS; key++) {
		char name[OPTION_NAME + 1];

		snprintf(name, sizeof(name), "%s:", config_key_info(key)->name);
		print_one(out, name, config_key_info(key));
	}
}
