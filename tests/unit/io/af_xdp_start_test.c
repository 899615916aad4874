/* af_xdp_start_test: what the back end gets of an interface, what it refuses, and what a killed one
 * leaves. */
#include "tests/unit/io/af_xdp_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/io/interface.h"
#include "zones/abi/channel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_every_queue_has_a_worker(void **state)
{
	(void)state;
	char error[IO_ERROR_TEXT];

	if (pair_why_not)
		skip();
	pair_run("ip link add axq0 numrxqueues 3 numtxqueues 3 type veth peer name axq1 "
		 "numrxqueues 3 "
		 "numtxqueues 3 && ip link set axq0 up && ip link set axq1 up");
	assert_int_equal(interface_queues("axq0"), 3);
	pair_io = pair_try_open("axq0", 2, NULL, 0, error);
	if (!pair_io)
		fail_msg("%s", error);
	assert_string_equal(pair_class->describe(pair_io, 0),
			    "af_xdp axq0 queue 0,2 (native, copy)");
	assert_string_equal(pair_class->describe(pair_io, 1), "af_xdp axq0 queue 1 (native, copy)");
	pair_close();
	pair_refused("axq0", 4, "4 workers, but axq0 has only 3 receive queues");
	pair_run("ip link del axq0");
}

static void test_generic_mode_is_said(void **state)
{
	(void)state;

	if (pair_why_not)
		skip();
	pair_open("lo", NULL, 0);
	assert_string_equal(pair_class->describe(pair_io, 0), "af_xdp lo queue 0 (generic, copy)");
}

static void test_refusals_say_what_to_do(void **state)
{
	(void)state;

	if (pair_why_not)
		skip();
	pair_refused("ax7", 1, "no such interface; this host has: lo, ");
	pair_refused("", 1, "name an interface, as in af_xdp:eth0; this host has: lo, ");
	pair_refused("a-name-that-is-far-too-long-for-an-interface", 1, "no such interface");
	pair_open(PAIR_OURS, NULL, 0);
	pair_refused(PAIR_OURS, 1, "another Skua serves ax0");
}

static void test_foreign_program_is_left_alone(void **state)
{
	(void)state;
	uint32_t id = 0;
	int program;

	if (pair_why_not)
		skip();
	program = pair_other_program();
	assert_true(program >= 0);
	for (int generic = 0; generic < 2; generic++) {
		uint32_t mode = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;

		assert_int_equal(
		    bpf_xdp_attach((int)if_nametoindex(PAIR_OURS), program, mode, NULL), 0);
		pair_refused(PAIR_OURS, 1, "XDP program \"somebody\"");
		pair_refused(PAIR_OURS, 1, generic ? "xdpgeneric off" : "xdpdrv off");
		assert_int_equal(bpf_xdp_query_id((int)if_nametoindex(PAIR_OURS), (int)mode, &id),
				 0);
		assert_int_not_equal(id, 0);
		assert_int_equal(bpf_xdp_detach((int)if_nametoindex(PAIR_OURS), mode, NULL), 0);
	}
	close(program);
}

/* A process that holds the interface is killed at some moment; the next one starts at once. */
static void test_killed_processes_leave_nothing(void **state)
{
	(void)state;
	struct pair_frame f;

	if (pair_why_not)
		skip();
	f = pair_query4("198.18.0.1", 53, -1);
	for (int round = 0; round < 20; round++) {
		int ready[2];
		char octet;
		pid_t child;

		assert_int_equal(pipe(ready), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct datagram burst[IO_BURST];
			uint64_t counts[COUNTERS] = {0};
			char error[IO_ERROR_TEXT];

			pair_io = pair_try_open(PAIR_OURS, 1, NULL, 0, error);
			if (!pair_io || write(ready[1], "r", 1) != 1)
				_exit(1);
			for (;;) {
				struct io_queue *queue = pair_class->queue(pair_io, 0);

				pair_answer(queue, burst, pair_receive(queue, burst, counts),
					    counts);
			}
		}
		close(ready[1]);
		assert_int_equal(read(ready[0], &octet, 1), 1);
		close(ready[0]);
		for (int i = 0; i < 5 * round; i++)
			pair_transmit(&f);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
	pair_open(PAIR_OURS, NULL, 0);
	while (recv(pair_peer, f.octets, sizeof(f.octets), MSG_DONTWAIT) > 0)
		;
	f = pair_query4("198.18.0.1", 53, -1);
	pair_expect_answer(&f, 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_every_queue_has_a_worker, pair_close_after),
	    cmocka_unit_test_teardown(test_generic_mode_is_said, pair_close_after),
	    cmocka_unit_test_teardown(test_refusals_say_what_to_do, pair_close_after),
	    cmocka_unit_test_teardown(test_foreign_program_is_left_alone, pair_close_after),
	    cmocka_unit_test_teardown(test_killed_processes_leave_nothing, pair_close_after),
	};

	return cmocka_run_group_tests_name("af_xdp_start", tests, pair_set_up, NULL);
}
