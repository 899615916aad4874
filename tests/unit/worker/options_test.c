#include "dataplane/options.h"

#include "dataplane/listen.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARSE(...)                                                                                 \
	parse((char *[]){(char *)(uintptr_t) "skua-dataplane", __VA_ARGS__ __VA_OPT__(, ) NULL})
#define TEXT(text) ((char *)(uintptr_t)(text))

static struct options options;
static char error[IO_ERROR_TEXT];

static enum options_result parse(char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	error[0] = '\0';
	return options_parse(argc, argv, &options, error);
}

static void without_options_it_listens_on_loopback(void **state)
{
	const struct sockaddr_in *first = (const struct sockaddr_in *)&options.listen[0].address;

	(void)state;
	assert_int_equal(PARSE(), OPTIONS_RUN);
	assert_string_equal(options.io, "socket");
	assert_int_equal(options.workers, 0);
	assert_int_equal(options.watchdog, 10);
	assert_false(options.has_cores);
	assert_in_range(options.listen_count, 1, 2);
	assert_int_equal(first->sin_family, AF_INET);
	assert_int_equal(ntohs(first->sin_port), 5300);
	assert_int_equal(first->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_true(strlen(options.runtime_dir) > 0);
	assert_null(options.user);
	assert_true(options.seccomp);
	assert_false(options.trust_checksums);
	assert_false(options.steers_by_card);
	assert_string_equal(options.kernel, "auto");
	assert_int_equal(options.kernel_core, -1);
}

static void every_option_is_taken(void **state)
{
	(void)state;
	assert_int_equal(
	    PARSE(TEXT("--listen"), TEXT("192.0.2.1:53"), TEXT("--listen=[::1]:54"), TEXT("--io"),
		  TEXT("dpdk:-a 0000:03:00.0"), TEXT("--workers"), TEXT("62"), TEXT("--cores"),
		  TEXT("1-2"), TEXT("--runtime-dir"), TEXT("/x/y"), TEXT("--log-level"),
		  TEXT("debug"), TEXT("--tcp-clients"), TEXT("5"), TEXT("--tcp-per-client"),
		  TEXT("6"), TEXT("--tcp-idle"), TEXT("7"), TEXT("--idle"), TEXT("Poll"),
		  TEXT("--watchdog"), TEXT("0"), TEXT("--user"), TEXT("dns"), TEXT("--seccomp"),
		  TEXT("off"), TEXT("--checksums"), TEXT("trust"), TEXT("--kernel"), TEXT("up0"),
		  TEXT("--kernel-core"), TEXT("3"), TEXT("--steering"), TEXT("card")),
	    OPTIONS_RUN);
	assert_int_equal(options.listen_count, 2);
	assert_string_equal(options.io, "dpdk:-a 0000:03:00.0");
	assert_int_equal(options.workers, 62);
	assert_true(options.has_cores);
	assert_int_equal(options.cores.count, 2);
	assert_string_equal(options.runtime_dir, "/x/y");
	assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(options.tcp_clients, 5);
	assert_int_equal(options.tcp_per_client, 6);
	assert_int_equal(options.tcp_idle, 7);
	assert_int_equal(options.idle, IDLE_POLL);
	assert_int_equal(options.watchdog, 0);
	assert_string_equal(options.user, "dns");
	assert_false(options.seccomp);
	assert_true(options.trust_checksums);
	assert_true(options.steers_by_card);
	assert_string_equal(options.kernel, "up0");
	assert_int_equal(options.kernel_core, 3);
}

static void help_and_version_are_enough(void **state)
{
	(void)state;
	assert_int_equal(PARSE(TEXT("-h")), OPTIONS_DONE);
	assert_int_equal(PARSE(TEXT("--help")), OPTIONS_DONE);
	assert_int_equal(PARSE(TEXT("-V")), OPTIONS_DONE);
	assert_int_equal(PARSE(TEXT("-v")), OPTIONS_BAD);
}

static void a_back_end_with_addresses_of_its_own_gets_none(void **state)
{
	(void)state;
	assert_int_equal(PARSE(TEXT("--io"), TEXT("dpdk:--no-huge")), OPTIONS_RUN);
	assert_int_equal(options.listen_count, 0);
}

static void wrong_usage_is_named(void **state)
{
	static const struct {
		const char *option, *value, *names;
	} bad[] = {
	    {"--workers", "0", "--workers 0"},
	    {"--workers", "63", "1 to 62"},
	    {"--kernel", "a/b", "a/b can't be the name"},
	    {"--kernel", "k0,", "can't be the name"},
	    {"--kernel", "..", ".. can't"},
	    {"--kernel", "k0,k1,k0", "k0 is named twice"},
	    {"--kernel", "sixteen-long-one", "at most 15"},
	    {"--kernel", "k0", "leave it out with --io socket"},
	    {"--kernel", "k%d", "can't be the name"},
	    {"--kernel-core", "x", "0 to 1023"},
	    {"--workers", "x", "--workers x"},
	    {"--workers", "1x", "--workers 1x"},
	    {"--workers", "99999999999", "1 to 62"},
	    {"--cores", "3-1", "--cores 3-1"},
	    {"--listen", "localhost:53", "localhost"},
	    {"--log-level", "loud", "loud"},
	    {"--idle", "asleep", "asleep"},
	    {"--watchdog", "", "0 to 3600"},
	    {"--runtime-dir", "", "--runtime-dir"},
	    {"--nonsense", "1", "--nonsense"},
	    {"stray", "1", "stray"},
	    {"--tcp-idle", "-1", "--tcp-idle"},
	    {"--seccomp", "maybe", "on or off"},
	    {"--checksums", "off", "verify or trust"},
	    {"--steering", "x", "software or card"},
	    {"--workers", NULL, "wants a value"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *argv[] = {TEXT("skua-dataplane"), TEXT(bad[i].option), TEXT(bad[i].value),
				NULL};

		assert_int_equal(parse(argv), OPTIONS_BAD);
		if (!strstr(error, bad[i].names))
			fail_msg("%s %s: %s", bad[i].option, bad[i].value, error);
	}
}

static void too_many_addresses_are_refused(void **state)
{
	char *argv[LISTENS_MAX + 3] = {TEXT("skua-dataplane")};
	char listen[LISTENS_MAX + 2][40];

	(void)state;
	for (unsigned i = 1; i <= LISTENS_MAX + 1; i++) {
		snprintf(listen[i], sizeof(listen[i]), "--listen=192.0.2.1:%u", i);
		argv[i] = listen[i];
	}
	argv[LISTENS_MAX + 1] = NULL;
	assert_int_equal(parse(argv), OPTIONS_RUN);
	argv[LISTENS_MAX + 1] = listen[LISTENS_MAX + 1];
	assert_int_equal(parse(argv), OPTIONS_BAD);
	assert_non_null(strstr(error, "at most"));
}

static void an_address_given_twice_is_refused(void **state)
{
	(void)state;
	assert_int_equal(PARSE(TEXT("--listen"), TEXT("192.0.2.1:53"), TEXT("--listen"),
			       TEXT("[::1]:53"), TEXT("--listen"), TEXT("192.0.2.1")),
			 OPTIONS_BAD);
	assert_non_null(strstr(error, "--listen 192.0.2.1: given twice"));
}

static void addresses_have_a_port_or_53(void **state)
{
	static const struct {
		const char *text;
		int family, port;
	} good[] = {
	    {"192.0.2.1:5300", AF_INET, 5300},
	    {"192.0.2.1", AF_INET, 53},
	    {"0.0.0.0:65535", AF_INET, 65535},
	    {"[2001:db8::1]:1", AF_INET6, 1},
	    {"[2001:db8::1]", AF_INET6, 53},
	    {"2001:db8::1", AF_INET6, 53},
	    {"::", AF_INET6, 53},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct listen_address listen;
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&listen.address;

		/* sin_port and sin6_port lie at the same place. */
		assert_true(listen_parse(good[i].text, &listen, error));
		assert_int_equal(listen.address.ss_family, good[i].family);
		assert_int_equal(ntohs(v4->sin_port), good[i].port);
	}
}

static void bad_addresses_are_refused(void **state)
{
	static const char *const bad[] = {
	    "",
	    ":53",
	    "192.0.2.1:",
	    "192.0.2.1:0",
	    "192.0.2.1:65536",
	    "192.0.2.1:5x",
	    "192.0.2.1:+53",
	    "192.0.2.1: 5",
	    "192.0.2.256:53",
	    "[2001:db8::1",
	    "[]:53",
	    "[2001:db8::1]53",
	    "[::1]:",
	    "host:53",
	    "53",
	    "[192.0.2.1:53]",
	    "192.0.2.1:000053",
	};
	struct listen_address listen;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (listen_parse(bad[i], &listen, error))
			fail_msg("taken: %s", bad[i]);
		assert_non_null(strstr(error, "ADDR:PORT"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_options_it_listens_on_loopback),
	    cmocka_unit_test(every_option_is_taken),
	    cmocka_unit_test(a_back_end_with_addresses_of_its_own_gets_none),
	    cmocka_unit_test(help_and_version_are_enough),
	    cmocka_unit_test(wrong_usage_is_named),
	    cmocka_unit_test(too_many_addresses_are_refused),
	    cmocka_unit_test(an_address_given_twice_is_refused),
	    cmocka_unit_test(addresses_have_a_port_or_53),
	    cmocka_unit_test(bad_addresses_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
