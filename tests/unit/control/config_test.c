/* Settings: what is taken, what is refused and how that reads, and who is told what. */
#include "control/config/address.h"
#include "control/config/config_file.h"
#include "control/config/expand.h"
#include "control/config/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Loads a text as skua.yaml; returns the messages, with the file's name as FILE. To free(). */
static char *load(const char *text, struct config *config, bool *good)
{
	char path[] = "/tmp/skua-config-XXXXXX";
	int fd = mkstemp(path);
	char *messages = NULL;
	size_t length;
	FILE *out = open_memstream(&messages, &length);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	config_init(config);
	*good = config_file_load(path, config, out);
	fclose(out);
	unlink(path);
	for (char *at; (at = strstr(messages, path)) != NULL;) {
		memcpy(at, "FILE", 4);
		memmove(at + 4, at + strlen(path), strlen(at + strlen(path)) + 1);
	}
	return messages;
}

static void expect_good(const char *text, enum config_key key, const char *value)
{
	struct config config;
	bool good;
	char *messages = load(text, &config, &good);

	assert_string_equal(messages, "");
	assert_true(good);
	if (value != NULL)
		assert_string_equal(config_text(&config, key), value);
	else
		assert_false(config_is_set(&config, key));
	config_free(&config);
	free(messages);
}

static void expect_refusal(const char *text, const char *message)
{
	struct config config;
	bool good;
	char *messages = load(text, &config, &good);

	assert_false(good);
	assert_non_null(strstr(messages, message));
	config_free(&config);
	free(messages);
}

/* As `--config <(...)` or /dev/stdin gives it: it can be read only once. */
static void a_pipe_is_read_whole(void **state)
{
	char path[32], comment[1024];
	struct config config;
	int ends[2];

	(void)state;
	memset(comment, '#', sizeof(comment));
	comment[sizeof(comment) - 1] = '\n';
	assert_int_equal(pipe(ends), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(write(ends[1], comment, sizeof(comment)), sizeof(comment));
	assert_int_equal(write(ends[1], "workers: 7\n", 11), 11);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	config_init(&config);
	assert_true(config_file_load(path, &config, stderr));
	close(ends[0]);
	assert_string_equal(config_text(&config, KEY_workers), "7");
	config_free(&config);
}

static void what_has_no_end_is_refused(void **state)
{
	struct config config;
	char *messages = NULL;
	size_t length;
	FILE *out = open_memstream(&messages, &length);

	(void)state;
	config_init(&config);
	assert_false(config_file_load("/dev/zero", &config, out));
	fclose(out);
	assert_non_null(strstr(messages, "/dev/zero: can't read the configuration"));
	config_free(&config);
	free(messages);
}

static void file_values(void **state)
{
	(void)state;
	setenv("SKUA_TEST_A", "af_xdp", 1);
	unsetenv("SKUA_TEST_NONE");
	expect_good("", KEY_io, "socket");
	expect_good("# only a comment\n", KEY_workers, NULL);
	expect_good("io: af_xdp:eth0\n", KEY_io, "af_xdp:eth0");
	expect_good("io: ${SKUA_TEST_A}:eth0\n", KEY_io, "af_xdp:eth0");
	expect_good("io: ${SKUA_TEST_NONE:-socket}\n", KEY_io, "socket");
	expect_good("io: ${SKUA_TEST_A:-socket}\n", KEY_io, "af_xdp");
	expect_good("state_dir: /a/$$b/$c\n", KEY_state_dir, "/a/$b/$c");
	expect_good("workers: 4\n", KEY_workers, "4");
	expect_good("http: off\n", KEY_http, "off");
	expect_good("zones: /a\n", KEY_zones, "/a");
	expect_good("zones: [/a, /b]\n", KEY_zones, "/a");
	expect_good("zones:\n- {origin: x.test, file: /a}\n", KEY_zones, "x.test=/a");
}

static void file_refusals(void **state)
{
	(void)state;
	unsetenv("SKUA_TEST_NONE");
	expect_refusal("io: socket\nlistn: x\n",
		       "FILE:2:1: unknown key \"listn\"; did you mean \"listen\"?\n");
	expect_refusal("flux_capacitor: 1\n",
		       "FILE:1:1: unknown key \"flux_capacitor\"; `skua help config` lists");
	expect_refusal("io: socket\n  workers: 3\n", "FILE:1:5:");
	expect_refusal("io: a\nio: b\n", "FILE:2:1: duplicate key");
	expect_refusal("workers: many\n", "FILE:1:10: workers: \"many\" is no number\n");
	expect_refusal("workers: 0\n",
		       "FILE:1:10: workers: 0 is out of range; allowed are 1 to 62");
	expect_refusal("workers: [1]\n", "FILE:1:1: workers: wants a single value");
	expect_refusal("listen: [[a]]\n", "FILE:1:1: listen: wants a single value");
	expect_refusal("zones: [{file: [a]}]\n", "FILE:1:10: zones: wants a single value here");
	expect_refusal("workers: []\n", "FILE:1:1: workers: wants a single value");
	expect_refusal("workers: -1\n", "is no number");
	expect_refusal("workers: 3x\n", "is no number");
	expect_refusal("arena_size: 3T\n", "is no size");
	expect_refusal("arena_size: 99999999999G\n", "is no size");
	expect_refusal("additional: maybe\n",
		       "FILE:1:13: additional: \"maybe\" is neither true nor");
	expect_refusal("rotate: maybe\n", "FILE:1:9: rotate: \"maybe\" is none of on|off|fixed");
	expect_refusal("http: localhost:80\n", "is no address");
	expect_refusal("listen: [127.0.0.1:53, 127.0.0.1]\n", "FILE:1:24: listen: \"127.0.0.1\"");
	expect_refusal(
	    "rate_limit_exempt: [10.0.0.0/8, 10.0.0.1/8]\n",
	    "FILE:1:33: rate_limit_exempt: \"10.0.0.1/8\" has bits set behind its length");
	expect_refusal("log_level: loud\n", "is no level");
	expect_refusal("io: ${SKUA_TEST_NONE}\n",
		       "FILE:1:5: io: environment variable SKUA_TEST_NONE is not set");
	expect_refusal("io: ${SKUA\n", "FILE:1:5: io: \"${\" without \"}\"");
	expect_refusal("zones: [{file: a, orign: b}]\n", "FILE:1:19: zones: unknown key \"orign\"");
	expect_refusal("zones: [{origin: b}]\n", "zones: an entry needs \"file\"");
	expect_refusal("? [a]\n: b\n", "wants lines of the form");
	expect_refusal("- a\n- b\n", "wants lines of the form");
	expect_refusal("io: ''\n", "must not be empty");
}

/* Lists, views and zones as mappings become what the command line takes; order does not matter. */
static void file_access(void **state)
{
	(void)state;
	expect_good("acl:\n- {name: core, prefixes: [10.0.0.0/8, '!10.1.0.0/16'], file: /a}\n",
		    KEY_acl, "core=10.0.0.0/8,!10.1.0.0/16,@/a");
	expect_good("acl: [{prefixes: 2001:db8::/32, name: one}]\n", KEY_acl, "one=2001:db8::/32");
	expect_good("acl: ['core=10.0.0.0/8']\n", KEY_acl, "core=10.0.0.0/8");
	expect_good("views: [{name: p, clients: [core, 192.0.2.1], ecs: true}]\n"
		    "acl: [{name: core, prefixes: any}]\n",
		    KEY_views, "p=core,192.0.2.1,ecs");
	expect_good("views: [{name: p, clients: 192.0.2.1, ecs: false}]\n", KEY_views,
		    "p=192.0.2.1");
	expect_good("zones: [{origin: a.test, file: /z, view: p, allow: [core, 192.0.2.0/24]}]\n"
		    "views: [{name: p, clients: 192.0.2.1}]\n"
		    "acl: [{name: core, prefixes: none}]\n",
		    KEY_zones, "a.test=/z,view=p,allow=core,allow=192.0.2.0/24");
	expect_good("zones: [{file: /z, allow: any}]\n", KEY_zones, "/z,allow=any");
}

static void file_access_refusals(void **state)
{
	(void)state;
	expect_refusal("acl: [{name: core, prefixes: [10.0.0.0/8, 10.0.0.1/8]}]\n",
		       "FILE:1:43: acl: \"10.0.0.1/8\" has bits set behind its length");
	expect_refusal("acl: [{name: core, prefixes: [10.0.0.0/8, cor]}]\n",
		       "FILE:1:43: acl: there is no list \"cor\"; define it under acl");
	expect_refusal("acl: [{prefixes: [10.0.0.0/8]}]\n", "acl: an entry needs \"name\"");
	expect_refusal("acl: [{name: 1a, prefixes: any}]\n", "FILE:1:14: acl: \"1a\" is no name");
	expect_refusal("acl: [{name: any, prefixes: none}]\n", "has a meaning of its own");
	expect_refusal(
	    "acl: [{name: a, prefix: none}]\n",
	    "FILE:1:17: acl: unknown key \"prefix\"; there are \"name\", \"prefixes\", ");
	expect_refusal("acl: [{name: a, file: 'b,c'}]\n", "must not hold a comma");
	expect_refusal("acl: [core]\n", "FILE:1:7: acl: \"core\" does not begin with a name and");
	expect_refusal("acl: ['core=']\n", "is empty; write an address");
	expect_refusal("views: [{name: p, clients: any, ecs: perhaps}]\n",
		       "FILE:1:38: views: \"perhaps\" is neither true nor false");
	expect_refusal("zones:\n- {file: /z, view: q}\n",
		       "FILE:2:20: zones: there is no view \"q\"; define it under views");
	expect_refusal("zones:\n- {file: /z, allow: q}\n",
		       "FILE:2:21: zones: there is no list \"q\"; define it under acl");
	expect_refusal("zones: ['/z,allow=10/8']\n", "zones: \"10/8\" is no address or prefix");
	expect_refusal("zones: ['/z,view=']\n", "zones: \"\" is no name of a view");
}

/* Every problem, not only the first. */
static void file_tells_all(void **state)
{
	static const char text[] = "listn: x\nworkers: many\nio: socket\nrotate: 7\n";
	struct config config;
	bool good;
	char *messages = load(text, &config, &good);
	unsigned lines = 0;

	(void)state;
	for (const char *at = messages; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 3);
	assert_string_equal(config_text(&config, KEY_io), "socket");
	config_free(&config);
	free(messages);
}

static void file_missing(void **state)
{
	struct config config;
	char *messages = NULL;
	size_t length;
	FILE *out = open_memstream(&messages, &length);

	(void)state;
	config_init(&config);
	assert_false(config_file_load("/nonexistent/skua.yaml", &config, out));
	assert_false(config_file_load("/tmp", &config, out));
	fclose(out);
	assert_non_null(strstr(messages, "/nonexistent/skua.yaml: can't read"));
	assert_non_null(strstr(messages, "/tmp: can't read"));
	free(messages);
}

static void numbers(void **state)
{
	struct config config;
	char error[256];

	(void)state;
	config_init(&config);
	assert_int_equal(config_number(&config, KEY_arena_size), 16ull << 30);
	assert_true(config_add(&config, KEY_arena_size, "8M", error, sizeof(error)));
	assert_int_equal(config_number(&config, KEY_arena_size), 8u << 20);
	assert_true(config_add(&config, KEY_arena_size, "4194304", error, sizeof(error)));
	assert_int_equal(config_number(&config, KEY_arena_size), 4194304);
	assert_true(config_flag(&config, KEY_additional));
	assert_true(config_add(&config, KEY_additional, "No", error, sizeof(error)));
	assert_false(config_flag(&config, KEY_additional));
	config_free(&config);
}

static void choices(void **state)
{
	static const struct {
		const char *text;
		unsigned choice;
	} good[] = {{"on", 0}, {"true", 0}, {"Yes", 0},	 {"off", 1},
		    {"0", 1},  {"no", 1},   {"fixed", 2}};
	struct config config;
	char error[256];

	(void)state;
	config_init(&config);
	assert_int_equal(config_choice(&config, KEY_rotate), 0);
	assert_int_equal(config_choice(&config, KEY_any), 0);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(config_add(&config, KEY_rotate, good[i].text, error, sizeof(error)));
		assert_int_equal(config_choice(&config, KEY_rotate), good[i].choice);
	}
	assert_false(config_add(&config, KEY_rotate, "on|off", error, sizeof(error)));
	assert_false(config_add(&config, KEY_any, "true", error, sizeof(error)));
	assert_string_equal(error, "any: \"true\" is none of one|all|hinfo");
	assert_true(config_add(&config, KEY_any, "hinfo", error, sizeof(error)));
	assert_int_equal(config_choice(&config, KEY_any), 2);
	config_free(&config);
}

static enum options_result parse(struct config *config, unsigned programs, const char **arguments)
{
	int count = 0;
	FILE *null = fopen("/dev/null", "w");
	enum options_result result;

	while (arguments[count] != NULL)
		count++;
	config_init(config);
	result = options_parse(count, (char **)(uintptr_t)arguments, programs, config, null);
	fclose(null);
	return result;
}

static void options_taken(void **state)
{
	const char *arguments[] = {
	    "skua",	 "a.zone", "--listen",	 "127.0.0.1:1", "b.test=c", "--listen=[::1]:2",
	    "--workers", "3",	   "--udp-size", "1400",	"-r",	    "/a/b",
	    "--",	 "-odd",   NULL};
	struct config config;

	(void)state;
	assert_int_equal(parse(&config, PROGRAM_BOTH, arguments), OPTIONS_OK);
	assert_int_equal(config.value[KEY_zones].count, 3);
	assert_string_equal(config.value[KEY_zones].text[0], "a.zone");
	assert_string_equal(config.value[KEY_zones].text[1], "b.test=c");
	assert_string_equal(config.value[KEY_zones].text[2], "-odd");
	assert_int_equal(config.value[KEY_listen].count, 2);
	assert_string_equal(config.value[KEY_listen].text[1], "[::1]:2");
	assert_int_equal(config_number(&config, KEY_udp_size), 1400);
	assert_string_equal(config_text(&config, KEY_runtime_dir), "/a/b");
	config_free(&config);
}

static void options_refused(void **state)
{
	static const struct {
		const char *arguments[4];
		unsigned programs;
		enum options_result result;
	} cases[] = {
	    {{"skua", "--bogus", NULL}, PROGRAM_BOTH, OPTIONS_WRONG},
	    {{"skua", "--workers", NULL}, PROGRAM_BOTH, OPTIONS_WRONG},
	    {{"skua", "--workers", "x", NULL}, PROGRAM_BOTH, OPTIONS_WRONG},
	    {{"skua", "--workers", "3", NULL}, PROGRAM_CONTROL, OPTIONS_WRONG},
	    {{"skua", "--http", "off", NULL}, PROGRAM_DATAPLANE, OPTIONS_WRONG},
	    {{"skua", "--config", "/nonexistent", NULL}, PROGRAM_BOTH, OPTIONS_BAD},
	    {{"skua", "--help", NULL}, PROGRAM_BOTH, OPTIONS_HELP},
	    {{"skua", "-V", NULL}, PROGRAM_BOTH, OPTIONS_VERSION},
	};
	struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *arguments[4];

		memcpy(arguments, cases[i].arguments, sizeof(arguments));
		assert_int_equal(parse(&config, cases[i].programs, arguments), cases[i].result);
		config_free(&config);
	}
}

/* The command line overrides the file, a list as a whole. */
static void options_override(void **state)
{
	char path[] = "/tmp/skua-config-XXXXXX";
	int fd = mkstemp(path);
	const char *arguments[] = {"skua", "x", "-c", path, "--http", "off", NULL};
	const char text[] = "zones: [a, b]\nhttp: 127.0.0.1:9\nworkers: 2\n";
	struct config config;

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(parse(&config, PROGRAM_BOTH, arguments), OPTIONS_OK);
	unlink(path);
	assert_int_equal(config.value[KEY_zones].count, 1);
	assert_string_equal(config_text(&config, KEY_zones), "x");
	assert_string_equal(config_text(&config, KEY_http), "off");
	assert_string_equal(config_text(&config, KEY_workers), "2");
	config_free(&config);
}

/* What one program is told, it understands, and means the same. */
static void options_pass_on(void **state)
{
	const char *arguments[] = {"skua", "--workers=2", "--http=off", "--runtime-dir=/r",
				   "-a",   NULL};
	const char *given[] = {"skua", "--workers=2", "--http=off", "--runtime-dir=/r",
			       "--",   "-zone",	      NULL};
	struct config config, again;
	char **passed;

	(void)state;
	assert_int_equal(parse(&config, PROGRAM_BOTH, arguments), OPTIONS_WRONG);
	config_free(&config);
	assert_int_equal(parse(&config, PROGRAM_BOTH, given), OPTIONS_OK);
	passed = options_for(&config, PROGRAM_DATAPLANE);
	assert_string_equal(passed[1], "--workers=2");
	assert_string_equal(passed[2], "--runtime-dir=/r");
	assert_null(passed[3]);
	options_free(passed);
	passed = options_for(&config, PROGRAM_CONTROL);
	passed[0] = (char *)(uintptr_t) "skua-control";
	assert_int_equal(parse(&again, PROGRAM_CONTROL, (const char **)(uintptr_t)passed),
			 OPTIONS_OK);
	assert_string_equal(config_text(&again, KEY_http), "off");
	assert_string_equal(config_text(&again, KEY_runtime_dir), "/r");
	assert_string_equal(config_text(&again, KEY_zones), "-zone");
	options_free(passed);
	config_free(&config);
	config_free(&again);
}

static void addresses(void **state)
{
	static const char *const good[] = {"127.0.0.1:53", "0.0.0.0:0", "[::1]:5300",
					   "[2001:db8::1]:65535"};
	static const char *const bad[] = {
	    "",		  "127.0.0.1", ":53",		"127.0.0.1:", "::1:53",
	    "[::1]",	  "[::1:53",   "1.2.3.4:65536", "a.b:53",     "[1.2.3.4]:1",
	    "1.2.3.4:+5", "1.2.3:5",   "1.2.3.4: 5"};
	struct address address;
	char text[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(address_from_text(good[i], &address));
		address_to_text(&address, text);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(address_from_text(bad[i], &address));
	assert_true(address_from_text("[::]:53", &address));
	address_make_reachable(&address);
	address_to_text(&address, text);
	assert_string_equal(text, "[::1]:53");
	assert_true(address_from_text("0.0.0.0:53", &address));
	address_make_reachable(&address);
	address_to_text(&address, text);
	assert_string_equal(text, "127.0.0.1:53");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(file_access),
	    cmocka_unit_test(file_access_refusals),
	    cmocka_unit_test(file_values),
	    cmocka_unit_test(file_refusals),
	    cmocka_unit_test(file_tells_all),
	    cmocka_unit_test(file_missing),
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(choices),
	    cmocka_unit_test(options_taken),
	    cmocka_unit_test(options_refused),
	    cmocka_unit_test(options_override),
	    cmocka_unit_test(options_pass_on),
	    cmocka_unit_test(addresses),
	    cmocka_unit_test(a_pipe_is_read_whole),
	    cmocka_unit_test(what_has_no_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
