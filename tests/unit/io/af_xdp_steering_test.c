/* af_xdp_steering_test: which frames come to the back end, and which go on to the kernel. */
#include "tests/unit/io/af_xdp_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/io/interface.h"
#include "dataplane/net/checksum.h"
#include "zones/abi/channel.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_queries_are_answered(void **state)
{
	(void)state;
	struct pair_frame f;

	if (pair_why_not)
		skip();
	pair_open(PAIR_OURS, NULL, 0);
	assert_string_equal(pair_class->describe(pair_io, 0), "af_xdp ax0 queue 0 (native, copy)");
	assert_null(pair_class->queue(pair_io, 1));
	f = pair_query4("198.18.0.1", 53, -1);
	pair_expect_answer(&f, 14);
	f = pair_query4("198.18.0.1", 53, 100);
	pair_expect_answer(&f, 18);
	f = pair_query6("2001:db8:18::1", 53);
	pair_expect_answer(&f, 14);
}

static void test_all_else_is_the_kernels(void **state)
{
	(void)state;
	struct pair_frame f;

	if (pair_why_not)
		skip();
	pair_open(PAIR_OURS, NULL, 0);
	f = pair_query4("198.18.0.1", 54, -1);
	pair_expect_passed(&f, COUNT_pass_not_ours);
	f = pair_query4("198.18.0.3", 53, -1); /* not ours */
	pair_expect_passed(&f, COUNT_pass_not_ours);
	f = pair_query6("2001:db8:18::3", 53);
	pair_expect_passed(&f, COUNT_pass_not_ours);
	f = pair_query4("198.18.0.1", 53, -1);
	f.octets[14 + 9] = 6; /* TCP */
	pair_expect_passed(&f, COUNT_pass_not_udp);
	f = pair_query4("198.18.0.1", 53, -1);
	f.octets[14 + 6] = 0x20; /* more fragments */
	pair_expect_passed(&f, COUNT_pass_fragment);
	f = pair_query4("198.18.0.1", 53, -1);
	f.octets[14] = 0x46; /* options */
	pair_expect_passed(&f, COUNT_pass_ip_options);
	f = pair_query6("2001:db8:18::1", 53);
	f.octets[14 + 6] = 60; /* destination options */
	pair_expect_passed(&f, COUNT_pass_extension);
	f = pair_query4("198.18.0.1", 53, -1);
	memset(f.octets, 0xff, 6); /* broadcast */
	pair_expect_passed(&f, COUNT_pass_group);
	f = pair_query4("198.18.0.1", 53, 7);
	pair_put16(f.octets + 16, 0x8100); /* two tags */
	pair_expect_passed(&f, COUNT_pass_vlan);
	f = pair_query4("198.18.0.1", 53, -1);
	pair_put16(f.octets + 12, 0x0806);
	pair_expect_passed(&f, COUNT_pass_not_ip);
	f = pair_query4("198.18.0.1", 53, -1);
	f.length = 14 + 20 + 7; /* cut within the UDP header */
	pair_expect_passed(&f, COUNT_pass_udp_length);
}

/* A datagram to another port reaches the kernel's socket while we serve. */
static void test_kernel_sockets_live_on(void **state)
{
	(void)state;
	struct listen_address own = pair_address("198.18.0.1", 5354);
	struct pollfd ready = {.events = POLLIN};
	struct pair_frame f;
	char got[512];

	if (pair_why_not)
		skip();
	pair_open(PAIR_OURS, NULL, 0);
	ready.fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(
	    bind(ready.fd, (struct sockaddr *)&own.address, sizeof(struct sockaddr_in)), 0);
	f = pair_query4("198.18.0.1", 5354, -1);
	pair_transmit(&f);
	assert_int_equal(poll(&ready, 1, PAIR_PATIENCE_MS), 1);
	assert_int_equal(recv(ready.fd, got, sizeof(got), 0), PAIR_QUESTION);
	close(ready.fd);
}

static void test_bad_frames_are_counted(void **state)
{
	(void)state;
	struct pair_frame f;

	if (pair_why_not)
		skip();
	pair_open(PAIR_OURS, NULL, 0);
	f = pair_query4("198.18.0.1", 53, -1);
	f.octets[f.length - 1] ^= 1;
	pair_expect_drop(&f, COUNT_drop_checksum);
	f = pair_query4("198.18.0.1", 53, -1);
	f.octets[14 + 8] ^= 1; /* hop limit: the header's checksum is wrong */
	pair_expect_drop(&f, COUNT_drop_ip_checksum);
	f = pair_query6("2001:db8:18::1", 53);
	pair_put16(f.octets + 14 + 44, 4);
	pair_expect_drop(&f, COUNT_drop_udp_length);
	f = pair_query4("198.18.0.1", 53, -1);
	memset(f.octets + 14 + 12, 0, 4);
	pair_put16(f.octets + 24, 0);
	pair_put16(f.octets + 24, (uint16_t)~checksum_sum(f.octets + 14, 20));
	pair_expect_drop(&f, COUNT_drop_source);
}

static void test_listening_addresses(void **state)
{
	(void)state;
	struct listen_address listen[] = {pair_address("198.18.0.77", 5353),
					  pair_address("0.0.0.0", 5301), pair_address("::", 53)};
	struct pair_frame f;

	if (pair_why_not)
		skip();
	pair_open(PAIR_OURS, listen, 3);
	f = pair_query4("198.18.0.77", 5353, -1); /* anycast: not the interface's own */
	pair_expect_answer(&f, 14);
	f = pair_query4("198.18.0.1", 5301, -1);
	pair_expect_answer(&f, 14);
	f = pair_query6("2001:db8:18::1", 53);
	pair_expect_answer(&f, 14);
	/* And those beside it are the kernel's. */
	listen[0] = pair_address("198.18.0.1", 53);
	pair_open(PAIR_OURS, listen, 1);
	f = pair_query4("198.18.0.1", 5353, -1);
	pair_expect_passed(&f, COUNT_pass_not_ours);
	f = pair_query6("2001:db8:18::1", 53);
	pair_expect_passed(&f, COUNT_pass_not_ours);
}

static void test_addresses_are_followed(void **state)
{
	(void)state;
	struct pair_frame f;

	if (pair_why_not)
		skip();
	pair_open(PAIR_OURS, NULL, 0);
	f = pair_query4("198.18.0.9", 53, -1);
	pair_expect_passed(&f, COUNT_pass_not_ours);
	pair_run("ip addr add 198.18.0.9/24 dev " PAIR_OURS);
	pair_class->refresh(pair_io);
	pair_expect_answer(&f, 14);
	pair_run("ip addr del 198.18.0.9/24 dev " PAIR_OURS);
	pair_class->refresh(pair_io);
	pair_expect_passed(&f, COUNT_pass_not_ours);
}

static void test_who_strips_tags(void **state)
{
	(void)state;

	if (pair_why_not)
		skip();
	pair_run("ethtool -K " PAIR_OURS " rxvlan on");
	assert_true(interface_strips_tags(PAIR_OURS));
	pair_run("ethtool -K " PAIR_OURS " rxvlan off");
	assert_false(interface_strips_tags(PAIR_OURS));
}

/* The address of a VLAN interface on top comes as a tagged frame, if the card leaves the tag in. */
static void test_addresses_of_vlan_interfaces(void **state)
{
	(void)state;
	struct pair_frame f;

	if (pair_why_not)
		skip();
	if (system("ip link add link " PAIR_OURS " name ax0.100 type vlan id 100 2>/dev/null") !=
	    0) {
		print_message(
		    "this kernel makes no VLAN interfaces: only their absence is tested\n");
		pair_open(PAIR_OURS, NULL, 0);
		f = pair_query4("198.18.9.1", 53, 100);
		pair_expect_passed(&f, COUNT_pass_not_ours);
		return;
	}
	pair_run("ip addr add 198.18.9.1/24 dev ax0.100 && ip link set ax0.100 up");
	pair_open(PAIR_OURS, NULL, 0);
	f = pair_query4("198.18.9.1", 53, 100);
	pair_run("ethtool -K " PAIR_OURS " rxvlan on");
	pair_class->refresh(pair_io);
	pair_expect_passed(&f, COUNT_pass_not_ours);
	pair_run("ethtool -K " PAIR_OURS " rxvlan off");
	pair_class->refresh(pair_io);
	pair_expect_answer(&f, 18);
	pair_run("ip link del ax0.100");
	pair_class->refresh(pair_io);
	pair_expect_passed(&f, COUNT_pass_not_ours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_queries_are_answered, pair_close_after),
	    cmocka_unit_test_teardown(test_all_else_is_the_kernels, pair_close_after),
	    cmocka_unit_test_teardown(test_kernel_sockets_live_on, pair_close_after),
	    cmocka_unit_test_teardown(test_bad_frames_are_counted, pair_close_after),
	    cmocka_unit_test_teardown(test_listening_addresses, pair_close_after),
	    cmocka_unit_test_teardown(test_addresses_are_followed, pair_close_after),
	    cmocka_unit_test(test_who_strips_tags),
	    cmocka_unit_test_teardown(test_addresses_of_vlan_interfaces, pair_close_after),
	};

	return cmocka_run_group_tests_name("af_xdp_steering", tests, pair_set_up, NULL);
}
