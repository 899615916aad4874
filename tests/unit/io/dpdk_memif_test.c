#include "dataplane/io/dpdk_memif.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[] = "/tmp/skua-memif-test-XXXXXX", path[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/memif.sock", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static int listening(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Whether the file is still there after a look with this device on the command line. */
static bool stays(const char *format)
{
	static struct dpdk_arguments arguments;
	char text[200], error[200];

	snprintf(text, sizeof(text), format, path);
	assert_true(dpdk_arguments_split(&arguments, "skua", text, error, sizeof(error)));
	dpdk_memif_remove_stale(&arguments);
	return access(path, F_OK) == 0;
}

static void a_left_socket_is_removed(void **state)
{
	(void)state;
	close(listening());
	assert_true(stays("--vdev=net_memif0,role=client,socket=%s"));
	assert_true(stays("--vdev=net_memif0,socket=%s"));
	assert_true(stays("--vdev=net_ring0,role=server,socket=%s"));
	assert_false(stays("--no-huge --vdev net_memif0,socket=%s,role=server,id=0"));
}

static void a_socket_in_use_stays(void **state)
{
	int fd = listening();

	(void)state;
	assert_true(stays("--vdev=net_memif0,role=server,socket=%s"));
	close(fd);
	assert_false(stays("--vdev=net_memif0,role=server,socket=%s"));
}

static void what_is_no_socket_stays(void **state)
{
	(void)state;
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_true(stays("--vdev=net_memif0,role=server,socket=%s"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_left_socket_is_removed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_socket_in_use_stays, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_no_socket_stays, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
