/* The socket back end on the loopback interface, against plain sockets as clients. Nothing here
 * depends on time: a client blocks (with a limit, past which the test fails as hung) until the
 * reply is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/io/address.h"
#include "dataplane/io/packet_io.h"
#include "zones/abi/channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static const struct packet_io_class *const io_class = &packet_io_socket;

static struct listen_address address_of(const char *text, uint16_t port)
{
	struct listen_address listen = {0};
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
		memcpy(&listen.address, &in4, sizeof(in4));
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		memcpy(&listen.address, &in6, sizeof(in6));
	return listen;
}

/* A port that was free a moment ago for this address. */
static uint16_t free_port(const char *text)
{
	struct listen_address any = address_of(text, 0);
	socklen_t length = sizeof(any.address);
	int fd = socket(any.address.ss_family, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&any.address, address_length(&any.address)),
			 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any.address, &length), 0);
	close(fd);
	return address_port(&any.address);
}

static struct packet_io *open_on(const struct listen_address *listen, unsigned count,
				 unsigned workers)
{
	struct io_config config = {
	    .argument = "", .listen = listen, .listen_count = count, .workers = workers};
	char error[IO_ERROR_TEXT] = "";
	struct packet_io *io = io_class->open(&config, error);

	if (!io)
		fail_msg("%s", error);
	return io;
}

/* A client that is connected: it takes replies from the address that it asked, and no other. */
static int client_of(const struct listen_address *server)
{
	int fd = socket(server->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&server->address,
				 address_length(&server->address)),
			 0);
	return fd;
}

static void expect(int fd, const char *reply)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char got[8192];
	ssize_t length;

	assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
	length = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	assert_int_equal(length, strlen(reply));
	assert_memory_equal(got, reply, strlen(reply));
}

/* Until `wanted` datagrams came. */
static unsigned receive(struct io_queue *queue, struct datagram *burst, unsigned wanted,
			uint64_t counts[])
{
	unsigned n = 0;

	for (int tries = 0; tries < 200 && n == 0; tries++) {
		io_class->wait(queue, 100000);
		n = io_class->rx_burst(queue, burst, wanted, counts);
	}
	return n;
}

static void answer_with(struct datagram *d, const char *text)
{
	memcpy(d->payload, text, strlen(text));
	d->length = (uint32_t)strlen(text);
}

static void ask_and_answer(const char *listen_text, const char *ask_text)
{
	uint16_t port = free_port(listen_text);
	struct listen_address listen = address_of(listen_text, port);
	struct listen_address asked = address_of(ask_text, port);
	struct packet_io *io = open_on(&listen, 1, 1);
	struct io_queue *queue = io_class->queue(io, 0);
	struct datagram burst[IO_BURST] = {0};
	struct sockaddr_storage own = {0};
	socklen_t own_length = sizeof(own);
	uint64_t counts[COUNTERS] = {0};
	int client = client_of(&asked);

	assert_int_equal(getsockname(client, (struct sockaddr *)&own, &own_length), 0);
	assert_int_equal(send(client, "ping", 4, 0), 4);
	assert_int_equal(receive(queue, burst, IO_BURST, counts), 1);
	assert_int_equal(burst[0].length, 4);
	assert_memory_equal(burst[0].payload, "ping", 4);
	assert_true(burst[0].capacity >= 4096);
	assert_int_equal(burst[0].headers, 0);
	assert_int_equal(burst[0].port, address_port(&own));
	assert_int_equal(burst[0].family, own.ss_family == AF_INET ? 4 : 6);
	answer_with(&burst[0], "a longer pong");
	io_class->tx_burst(queue, burst, 1, counts);
	expect(client, "a longer pong");
	for (unsigned i = 0; i < COUNTERS; i++)
		assert_int_equal(counts[i], 0);
	close(client);
	io_class->close(io);
}

static bool host_has_ipv6(void)
{
	struct listen_address loopback = address_of("::1", 0);
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&loopback.address,
				   address_length(&loopback.address)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

static void test_asked_and_answered(void **state)
{
	(void)state;
	ask_and_answer("127.0.0.1", "127.0.0.1");
	if (host_has_ipv6())
		ask_and_answer("::1", "::1");
}

/* The client is connected to 127.0.0.77: a reply from 127.0.0.1 would never reach it. */
static void test_reply_leaves_from_the_address_that_was_asked(void **state)
{
	(void)state;
	ask_and_answer("0.0.0.0", "127.0.0.77");
	if (host_has_ipv6())
		ask_and_answer("::", "::1");
}

static void test_families_do_not_meet(void **state)
{
	(void)state;
	if (!host_has_ipv6())
		skip();
	uint16_t port = free_port("::");
	struct listen_address both[] = {address_of("::", port), address_of("0.0.0.0", port)};
	struct packet_io *io = open_on(both, 2, 2);

	io_class->close(io);
}

/* Both sockets of a queue in one burst; a reply goes back through its own; 0 length: no reply. */
static void test_burst_over_two_sockets(void **state)
{
	(void)state;
	uint16_t port = free_port("127.0.0.1");
	struct listen_address listen[] = {address_of("127.0.0.2", port),
					  address_of("127.0.0.3", port)};
	struct packet_io *io = open_on(listen, 2, 1);
	struct io_queue *queue = io_class->queue(io, 0);
	struct datagram burst[IO_BURST] = {0};
	uint64_t counts[COUNTERS] = {0};
	int client[2] = {client_of(&listen[0]), client_of(&listen[1])};

	for (int i = 0; i < 20; i++)
		assert_int_equal(send(client[i & 1], "yes", i == 4 ? 2 : 3, 0), i == 4 ? 2 : 3);
	for (unsigned got = 0, n; got < 20; got += n) {
		n = receive(queue, burst, IO_BURST, counts);
		assert_true(n > 0);
		for (unsigned i = 0; i < n; i++) {
			if (burst[i].length == 2)
				burst[i].length = 0;
			else
				answer_with(&burst[i], "fine");
		}
		io_class->tx_burst(queue, burst, n, counts);
	}
	for (int i = 0; i < 19; i++)
		expect(client[i < 9 ? 0 : 1], "fine");
	char none[4];
	assert_int_equal(recv(client[0], none, 4, MSG_DONTWAIT), -1);
	assert_int_equal(recv(client[1], none, 4, MSG_DONTWAIT), -1);
	close(client[0]);
	close(client[1]);
	io_class->close(io);
}

/* A client that closed its port makes the kernel report errors; the next one is served all the
 * same, in the same burst. */
static void test_closed_client_stops_nothing(void **state)
{
	(void)state;
	struct listen_address listen = address_of("127.0.0.1", free_port("127.0.0.1"));
	struct packet_io *io = open_on(&listen, 1, 1);
	struct io_queue *queue = io_class->queue(io, 0);
	struct datagram burst[IO_BURST] = {0};
	uint64_t counts[COUNTERS] = {0};

	for (int round = 0; round < 5; round++) {
		int gone = client_of(&listen), stays = client_of(&listen);

		assert_int_equal(send(gone, "a", 1, 0), 1);
		close(gone);
		assert_int_equal(send(stays, "b", 1, 0), 1);
		for (unsigned got = 0, n; got < 2; got += n) {
			n = receive(queue, burst, IO_BURST, counts);
			assert_true(n > 0);
			io_class->tx_burst(queue, burst, n, counts);
		}
		expect(stays, "b");
		close(stays);
	}
	io_class->close(io);
}

/* The first 4096 octets could be a whole query; a longer one is none. */
static void test_too_long_is_dropped(void **state)
{
	(void)state;
	struct listen_address listen = address_of("127.0.0.1", free_port("127.0.0.1"));
	struct packet_io *io = open_on(&listen, 1, 1);
	struct io_queue *queue = io_class->queue(io, 0);
	struct datagram burst[IO_BURST] = {0};
	uint64_t counts[COUNTERS] = {0};
	int client = client_of(&listen);
	uint8_t giant[9000] = {7};

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(send(client, giant, i == 0 ? 4097 : sizeof(giant), 0),
				 i == 0 ? 4097 : sizeof(giant));
		assert_int_equal(send(client, giant, 4096, 0), 4096);
		assert_int_equal(receive(queue, burst, IO_BURST, counts), 1);
		assert_int_equal(burst[0].length, 4096);
		assert_memory_equal(burst[0].payload, giant, 4096);
		assert_int_equal(counts[COUNT_drop_scattered], i + 1);
		burst[0].length = 0;
		io_class->tx_burst(queue, burst, 1, counts);
	}
	close(client);
	io_class->close(io);
}

/* Sends n queries until they come in one burst: a busy kernel may deliver them apart. */
static void receive_together(struct io_queue *queue, int client, struct datagram *burst, unsigned n,
			     uint64_t counts[])
{
	for (;;) {
		unsigned got = 0, here = 0;

		for (unsigned i = 0; i < n; i++)
			assert_int_equal(send(client, "q", 1, 0), 1);
		for (; got < n; got += here) {
			here = receive(queue, burst, n - got, counts);
			if (here == n)
				return;
			for (unsigned i = 0; i < here; i++)
				burst[i].length = 0;
			io_class->tx_burst(queue, burst, here, counts);
		}
	}
}

/* A reply that no datagram can carry fails alone; those around it leave. */
static void test_one_unsendable_reply_in_a_burst(void **state)
{
	(void)state;
	struct listen_address listen = address_of("127.0.0.1", free_port("127.0.0.1"));
	struct packet_io *io = open_on(&listen, 1, 1);
	struct io_queue *queue = io_class->queue(io, 0);
	struct datagram burst[IO_BURST] = {0};
	uint64_t counts[COUNTERS] = {0};
	int client = client_of(&listen);
	uint8_t *giant = calloc(1, 70000);

	assert_non_null(giant);
	receive_together(queue, client, burst, 3, counts);
	answer_with(&burst[0], "first");
	burst[1].payload = giant;
	burst[1].length = 70000;
	answer_with(&burst[2], "third");
	io_class->tx_burst(queue, burst, 3, counts);
	expect(client, "first");
	expect(client, "third");
	assert_int_equal(counts[COUNT_drop_no_room], 1);
	free(giant);
	close(client);
	io_class->close(io);
}

static void test_workers_share_the_clients(void **state)
{
	(void)state;
	struct listen_address listen = address_of("127.0.0.1", free_port("127.0.0.1"));
	struct packet_io *io = open_on(&listen, 1, 3);
	struct datagram burst[IO_BURST] = {0};
	uint64_t counts[COUNTERS] = {0};
	unsigned served[3] = {0}, total = 0;
	int client[200];

	assert_null(io_class->queue(io, 3));
	for (unsigned i = 0; i < 200; i++) {
		client[i] = client_of(&listen);
		assert_int_equal(send(client[i], "q", 1, 0), 1);
	}
	for (unsigned turn = 0; total < 200; turn++) {
		struct io_queue *queue = io_class->queue(io, turn % 3);
		unsigned n = io_class->rx_burst(queue, burst, IO_BURST, counts);

		io_class->tx_burst(queue, burst, n, counts);
		served[turn % 3] += n;
		total += n;
		assert_true(turn < 1000000);
	}
	for (unsigned i = 0; i < 200; i++) {
		expect(client[i], "q");
		close(client[i]);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_true(served[i] > 0);
	io_class->close(io);
}

static void refused(const struct listen_address *listen, unsigned count, const char *argument,
		    const char *words)
{
	struct io_config config = {
	    .argument = argument, .listen = listen, .listen_count = count, .workers = 2};
	char error[IO_ERROR_TEXT] = "";

	assert_null(io_class->open(&config, error));
	if (!strstr(error, words))
		fail_msg("\"%s\" does not say \"%s\"", error, words);
}

static void test_refusals_say_what_to_do(void **state)
{
	(void)state;
	struct listen_address listen = address_of("127.0.0.1", free_port("127.0.0.1"));
	struct packet_io *io = open_on(&listen, 1, 1);
	char text[ADDRESS_TEXT];

	address_text(&listen.address, text);
	refused(&listen, 1, "", text); /* taken, although the holder would share */
	refused(&listen, 1, "", "stop it");
	io_class->close(io);
	listen = address_of("192.0.2.123", 5300);
	refused(&listen, 1, "", "192.0.2.123:5300");
	refused(&listen, 1, "", "no interface of this host");
	refused(NULL, 0, "", "--listen");
	listen = address_of("127.0.0.1", 5300);
	refused(&listen, 1, "eth0", "takes no argument");
}

static bool run(const char *command)
{
	return system(command) == 0;
}

/* Counts what is there. */
static unsigned drain(int fd)
{
	static char octets[65536];
	unsigned count = 0;

	while (recv(fd, octets, sizeof(octets), MSG_DONTWAIT) >= 0)
		count++;
	return count;
}

/* A loopback that lets hardly anything through keeps replies in the socket's buffer: those that it
 * has no room for are dropped and counted, and all others come once it flows again. */
static void test_a_full_buffer_loses_single_replies(void **state)
{
	enum { QUERIES = 6000, LARGE = 4000, BUFFER = 32 << 20 };
	struct listen_address listen = address_of("127.0.0.1", 5300);
	struct datagram burst[IO_BURST] = {0};
	uint64_t counts[COUNTERS] = {0};
	unsigned n, taken = 0, got = 0;
	struct packet_io *io;
	int client, size = BUFFER;

	(void)state;
	if (unshare(CLONE_NEWNET) != 0 || !run("ip link set lo up") ||
	    !run("tc qdisc add dev lo root tbf rate 1gbit burst 1m limit 100m 2>/dev/null"))
		skip();
	io = open_on(&listen, 1, 1);
	client = client_of(&listen);
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)), 0);
	for (unsigned i = 0; i < QUERIES; i++)
		assert_int_equal(send(client, "ping", 4, 0), 4);
	while (!run("tc -s qdisc show dev lo | grep -q 'backlog 0b 0p'"))
		usleep(1000);
	assert_true(run("tc qdisc change dev lo root tbf rate 8kbit burst 5k limit 100m"));
	while ((n = io_class->rx_burst(io_class->queue(io, 0), burst, IO_BURST, counts)) > 0) {
		for (unsigned i = 0; i < n; i++)
			burst[i].length = LARGE;
		io_class->tx_burst(io_class->queue(io, 0), burst, n, counts);
		taken += n;
	}
	assert_in_range(counts[COUNT_drop_tx_full], 1, taken - 1);
	assert_true(run("tc qdisc change dev lo root tbf rate 1gbit burst 1m limit 100m"));
	for (int tries = 0; tries < 20000 && got < taken - counts[COUNT_drop_tx_full]; tries++) {
		usleep(1000);
		got += drain(client);
	}
	assert_int_equal(got, taken - counts[COUNT_drop_tx_full]);
	close(client);
	io_class->close(io);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_asked_and_answered),
	    cmocka_unit_test(test_reply_leaves_from_the_address_that_was_asked),
	    cmocka_unit_test(test_families_do_not_meet),
	    cmocka_unit_test(test_burst_over_two_sockets),
	    cmocka_unit_test(test_closed_client_stops_nothing),
	    cmocka_unit_test(test_too_long_is_dropped),
	    cmocka_unit_test(test_one_unsendable_reply_in_a_burst),
	    cmocka_unit_test(test_workers_share_the_clients),
	    cmocka_unit_test(test_refusals_say_what_to_do),
	    cmocka_unit_test(test_a_full_buffer_loses_single_replies),
	};
	return cmocka_run_group_tests_name("socket", tests, NULL, NULL);
}
