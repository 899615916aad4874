#include "dataplane/io/packet_io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 2u

static const struct packet_io_class *const class = &packet_io_dpdk;
static struct packet_io *io;
static char error[IO_ERROR_TEXT], text[4096];

/* What `action` writes to stderr, in text. */
static void listen_to(void (*action)(void))
{
	FILE *file = tmpfile();
	int keep = dup(STDERR_FILENO);
	size_t got;

	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	action();
	dup2(keep, STDERR_FILENO);
	close(keep);
	rewind(file);
	got = fread(text, 1, sizeof(text) - 1, file);
	text[got] = '\0';
	fclose(file);
}

static void has(const char *what)
{
	if (!strstr(text, what))
		fail_msg("no \"%s\" in: %s", what, text);
}

static void open_io(void)
{
	static const int node[WORKERS] = {-1, 7};
	struct io_config config = {
	    .argument = "--no-huge -m 64 --vdev=net_null0 --vdev=net_null1",
	    .workers = WORKERS,
	    .node = node,
	    .kernel = "off",
	};

	io = class->open(&config, error);
}

static void close_io(void)
{
	class->close(io);
}

/* Vdevs are on node 0 of a machine that has one. */
static void a_far_worker_is_told_of(void **state)
{
	(void)state;
	listen_to(open_io);
	if (!io)
		fail_msg("%s", error);
	has("a worker's core is on another NUMA node than its port");
	has("worker=1 node=7 port=net_null0 port_node=0");
	has("worker=1 node=7 port=net_null1 port_node=0");
	assert_null(strstr(text, "worker=0"));
}

static void ports_are_told_of(void **state)
{
	static struct io_port port[PORTS_MAX];

	(void)state;
	assert_int_equal(class->refresh(io), INTERFACE_UP);
	assert_int_equal(class->ports(io, port), 2);
	assert_string_equal(port[0].name, "net_null0");
	assert_string_equal(port[1].name, "net_null1");
	assert_int_equal(port[1].state, INTERFACE_UP);
	assert_int_equal(port[1].count[PORT_buffers], port[1].count[PORT_buffers_free]);
	assert_string_equal(class->describe(io, 1),
			    "dpdk net_null0+net_null1 queue 1 (net_null, RSS)");
}

/* net_null makes frames of zeros: nothing for us, each counted, and every buffer given back. */
static void frames_of_each_port_are_counted(void **state)
{
	static uint64_t counts[COUNTERS];
	static struct datagram burst[IO_BURST];
	struct io_queue *queue = class->queue(io, 0);
	uint64_t sum = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(class->rx_burst(queue, burst, IO_BURST, counts), 0);
	for (unsigned i = 0; i < COUNTERS; i++)
		sum += counts[i];
	assert_int_equal(sum, 100 * IO_BURST);
	class->tx_burst(queue, burst, 0, counts);
	listen_to(close_io);
	has("port closed port=net_null0 buffers=");
	has("port closed port=net_null1 buffers=");
	assert_null(strstr(text, "warning"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_far_worker_is_told_of),
	    cmocka_unit_test(ports_are_told_of),
	    cmocka_unit_test(frames_of_each_port_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
