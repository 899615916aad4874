/* Which back end an --io option means, and what is said to one that means none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/io/packet_io.h"

#include <string.h>

static void test_found(void **state)
{
	(void)state;
	char error[IO_ERROR_TEXT];
	const char *argument = NULL;

	assert_ptr_equal(packet_io_find("socket", &argument, error), &packet_io_socket);
	assert_string_equal(argument, "");
#if HAVE_AF_XDP
	assert_ptr_equal(packet_io_find("af_xdp:eth0", &argument, error), &packet_io_af_xdp);
	assert_string_equal(argument, "eth0");
#endif
#if HAVE_DPDK
	assert_ptr_equal(packet_io_find("dpdk:--vdev=net_tap0 -a 00:05.0", &argument, error),
			 &packet_io_dpdk);
	assert_string_equal(argument, "--vdev=net_tap0 -a 00:05.0");
#endif
}

static void test_unknown(void **state)
{
	(void)state;
	const char *const unknown[] = {"",  "sock",  "sockets", "socke:t", "netmap:eth0",
				       ":", "SOCKET"};
	char error[IO_ERROR_TEXT];
	const char *argument;

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		error[0] = '\0';
		assert_null(packet_io_find(unknown[i], &argument, error));
		assert_non_null(strstr(error, "no such back end"));
		assert_non_null(strstr(error, "knows: socket"));
	}
}

static void test_long_option_fits_the_message(void **state)
{
	(void)state;
	char option[4000], error[IO_ERROR_TEXT];
	const char *argument;

	memset(option, 'x', sizeof(option) - 1);
	option[sizeof(option) - 1] = '\0';
	assert_null(packet_io_find(option, &argument, error));
	assert_true(strlen(error) < IO_ERROR_TEXT - 1);
	assert_non_null(strstr(error, "knows: socket"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_found),
	    cmocka_unit_test(test_unknown),
	    cmocka_unit_test(test_long_option_fits_the_message),
	};
	return cmocka_run_group_tests_name("packet_io", tests, NULL, NULL);
}
