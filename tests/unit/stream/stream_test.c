/* The TCP service over real loopback sockets, with doubles for answering and adoption.
 *
 * Nothing here passes or fails by how long something took: what must come is waited for, with a
 * limit that only ends a hung test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/stream/stream.h"
#include "dataplane/stream/framing.h"
#include "tests/unit/stream/double.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define HUNG 60000 /* milliseconds */

static struct listen_address loopback(int family, uint16_t port)
{
	struct listen_address listen = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&listen.address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&listen.address;

	if (family == AF_INET6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		v6->sin6_addr = in6addr_loopback;
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	return listen;
}

/* A port that was free a moment ago. */
static uint16_t free_port(int family)
{
	struct listen_address any = loopback(family, 0);
	socklen_t size = sizeof(any.address);
	int fd = socket(family, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&any.address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any.address, &size), 0);
	close(fd);
	return ntohs(((struct sockaddr_in *)&any.address)->sin_port);
}

struct service {
	struct stream *stream;
	struct listen_address listen[2];
};

static struct service start(struct stream_config config)
{
	struct service service;
	char error[IO_ERROR_TEXT] = "";
	uint16_t port = free_port(AF_INET);

	memset(&double_file, 0, sizeof(double_file));
	double_misuses = double_batches = double_largest_batch = 0;
	service.listen[0] = loopback(AF_INET, port);
	service.listen[1] = loopback(AF_INET6, port);
	config.listen = service.listen;
	config.listen_count = config.listen_count ? config.listen_count : 1;
	config.core = -1;
	config.worker = 3;
	service.stream = stream_open(&config, error);
	if (!service.stream)
		fail_msg("%s", error);
	assert_true(stream_start(service.stream, NULL, error));
	return service;
}

static void stop(struct service *service)
{
	stream_close(service->stream);
	assert_int_equal(double_misuses, 0);
}

static int client_of(const struct service *service, unsigned which)
{
	const struct sockaddr_storage *address = &service->listen[which].address;
	int fd = socket(address->ss_family, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)address,
				 address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								: sizeof(struct sockaddr_in)),
			 0);
	return fd;
}

static uint64_t count_of(enum counter counter)
{
	return atomic_load_explicit(&double_file.worker[3].count[counter], memory_order_relaxed);
}

static void await_count(enum counter counter, uint64_t least)
{
	for (int waited = 0; count_of(counter) < least; waited++) {
		assert_true(waited < HUNG);
		usleep(1000);
	}
}

static void send_all(int fd, const void *octets, size_t length)
{
	const uint8_t *at = octets;

	while (length > 0) {
		ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
		assert_true(sent > 0);
		at += sent;
		length -= (size_t)sent;
	}
}

/* False at the end of the stream, in whatever way it ended. */
static bool receive_all(int fd, void *octets, size_t length)
{
	uint8_t *at = octets;

	while (length > 0) {
		struct pollfd ready = {fd, POLLIN, 0};
		assert_int_equal(poll(&ready, 1, HUNG), 1);
		ssize_t got = recv(fd, at, length, 0);
		if (got <= 0)
			return false;
		at += got;
		length -= (size_t)got;
	}
	return true;
}

static bool at_end(int fd)
{
	uint8_t octet;

	return !receive_all(fd, &octet, 1);
}

/* A framed query of `length` octets with this id; returns the octets with the prefix. */
static size_t make_query(uint8_t *to, uint16_t id, size_t length)
{
	memset(to, 0, length + 2);
	to[0] = (uint8_t)(length >> 8);
	to[1] = (uint8_t)length;
	to[2] = (uint8_t)(id >> 8);
	to[3] = (uint8_t)id;
	for (size_t i = 14; i < length + 2; i++)
		to[i] = (uint8_t)(id + i);
	return length + 2;
}

static size_t make_big(uint8_t *to, uint16_t id, uint32_t reply)
{
	size_t size = make_query(to, id, 24);

	memcpy(to + 14, "BIG!", 4);
	to[18] = (uint8_t)(reply >> 24);
	to[19] = (uint8_t)(reply >> 16);
	to[20] = (uint8_t)(reply >> 8);
	to[21] = (uint8_t)reply;
	to[22] = (uint8_t)id;
	return size;
}

/* Receives one reply and checks that it is that of make_query(id, length). */
static void expect_reply(int fd, uint16_t id, size_t length)
{
	static _Thread_local uint8_t expected[FRAMING_MOST], got[FRAMING_MOST];
	size_t size = make_query(expected, id, length);

	expected[4] |= 0x80;
	assert_true(receive_all(fd, got, size));
	assert_memory_equal(got, expected, size);
}

static void expect_big(int fd, uint16_t id, uint32_t length)
{
	static uint8_t got[FRAMING_MOST];

	assert_true(receive_all(fd, got, 2));
	assert_int_equal(got[0] << 8 | got[1], length);
	assert_true(receive_all(fd, got, length));
	assert_int_equal(got[0] << 8 | got[1], id);
	for (uint32_t i = 21; i < length; i++)
		assert_int_equal(got[i], (uint8_t)id);
}

static void one_query_on_ipv4_and_ipv6(void **state)
{
	struct listen_address probe = loopback(AF_INET6, 0);
	int test = socket(AF_INET6, SOCK_STREAM, 0);
	bool ipv6 = test >= 0 &&
		    bind(test, (struct sockaddr *)&probe.address, sizeof(struct sockaddr_in6)) == 0;
	struct service service = start((struct stream_config){.listen_count = ipv6 ? 2 : 1});
	uint8_t query[100];

	(void)state;
	close(test);
	for (unsigned which = 0; which < (ipv6 ? 2u : 1u); which++) {
		int fd = client_of(&service, which);
		send_all(fd, query, make_query(query, 0x1234, 50));
		expect_reply(fd, 0x1234, 50);
		send_all(fd, query, make_query(query, 0x1235, 12));
		expect_reply(fd, 0x1235, 12);
		close(fd);
	}
	stop(&service);
	assert_int_equal(count_of(COUNT_queries_tcp), ipv6 ? 4 : 2);
}

static void octet_by_octet(void **state)
{
	struct service service = start((struct stream_config){0});
	int fd = client_of(&service, 0);
	uint8_t queries[300];
	size_t size = make_query(queries, 1, 40);

	(void)state;
	size += make_query(queries + size, 2, 41);
	for (size_t i = 0; i < size; i++) {
		send_all(fd, queries + i, 1);
		if (i % 7 == 0)
			usleep(2000);
	}
	expect_reply(fd, 1, 40);
	expect_reply(fd, 2, 41);
	close(fd);
	stop(&service);
}

static void many_queries_in_one_segment(void **state)
{
	static uint8_t queries[1 << 20];
	struct service service = start((struct stream_config){0});
	int fd = client_of(&service, 0);
	size_t size = 0;

	(void)state;
	for (uint16_t id = 0; id < 3000; id++)
		size += make_query(queries + size, id, 12 + id % 60u);
	send_all(fd, queries, size);
	for (uint16_t id = 0; id < 3000; id++)
		expect_reply(fd, id, 12 + id % 60u);
	close(fd);
	stop(&service);
	assert_int_equal(count_of(COUNT_queries_tcp), 3000);
	assert_true(double_largest_batch > 1);
	assert_true(double_largest_batch <= 64);
}

static void largest_message_both_ways(void **state)
{
	static uint8_t query[FRAMING_MOST];
	struct service service = start((struct stream_config){0});
	int fd = client_of(&service, 0);

	(void)state;
	send_all(fd, query, make_query(query, 77, 65535));
	expect_reply(fd, 77, 65535);
	send_all(fd, query, make_big(query, 78, 65535));
	expect_big(fd, 78, 65535);
	close(fd);
	stop(&service);
}

/* 400 replies of 65,535 octets are more than any socket buffer takes: the client sends all its
 * queries before it reads anything. */
static void replies_wait_for_a_client_that_reads_late(void **state)
{
	enum { REPLIES = 400 };
	static uint8_t queries[REPLIES * 26];
	struct service service = start((struct stream_config){0});
	int fd = client_of(&service, 0), other = client_of(&service, 0);
	uint8_t query[64];
	size_t size = 0;

	(void)state;
	for (uint16_t id = 0; id < REPLIES; id++)
		size += make_big(queries + size, id, 65535);
	send_all(fd, queries, size);
	await_count(COUNT_queries_tcp, 1);
	/* Meanwhile another connection is answered as ever. */
	for (uint16_t id = 0; id < 50; id++) {
		send_all(other, query, make_query(query, id, 30));
		expect_reply(other, id, 30);
	}
	/* Back-pressure: it has not answered what the client does not take. */
	assert_true(count_of(COUNT_queries_tcp) < REPLIES / 2 + 50);
	for (uint16_t id = 0; id < REPLIES; id++)
		expect_big(fd, id, 65535);
	close(fd);
	close(other);
	stop(&service);
}

static void half_closed_client_gets_all_replies(void **state)
{
	static uint8_t queries[1 << 16];
	struct service service = start((struct stream_config){0});
	int fd = client_of(&service, 0);
	size_t size = 0;

	(void)state;
	for (uint16_t id = 0; id < 500; id++)
		size += make_query(queries + size, id, 20);
	size += make_big(queries + size, 500, 65000);
	send_all(fd, queries, size);
	shutdown(fd, SHUT_WR);
	for (uint16_t id = 0; id < 500; id++)
		expect_reply(fd, id, 20);
	expect_big(fd, 500, 65000);
	assert_true(at_end(fd));
	close(fd);
	stop(&service);
}

static void garbage_closes_but_earlier_replies_come(void **state)
{
	const uint8_t garbage[][3] = {{0, 0, 0}, {0, 11, 0}, {0, 1, 0}};
	struct service service = start((struct stream_config){0});
	uint8_t query[64];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		int fd = client_of(&service, 0);
		size_t size = make_query(query, (uint16_t)i, 33);
		memcpy(query + size, garbage[i], 2);
		send_all(fd, query, size + 2);
		expect_reply(fd, (uint16_t)i, 33);
		assert_true(at_end(fd));
		close(fd);
	}
	stop(&service);
	assert_int_equal(count_of(COUNT_tcp_framing), 3);
}

static void no_reply_is_no_reply(void **state)
{
	struct service service = start((struct stream_config){0});
	int fd = client_of(&service, 0);
	uint8_t query[200];
	size_t size = make_query(query, 1, 30);

	(void)state;
	memcpy(query + 14, "MUTE", 4);
	size += make_query(query + size, 2, 30);
	size += make_query(query + size, 3, 30);
	query[size - 32 + 4] |= 0x80; /* the third is a response */
	size += make_query(query + size, 4, 30);
	send_all(fd, query, size);
	expect_reply(fd, 2, 30);
	expect_reply(fd, 4, 30);
	close(fd);
	stop(&service);
}

static void limits_close_at_once(void **state)
{
	struct service service = start((struct stream_config){.clients = 20, .per_client = 5});
	int fd[8];
	uint8_t query[64];

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		fd[i] = client_of(&service, 0);
	await_count(COUNT_tcp_accepted, 5);
	fd[5] = client_of(&service, 0);
	assert_true(at_end(fd[5]));
	for (unsigned i = 0; i < 5; i++) {
		send_all(fd[i], query, make_query(query, (uint16_t)i, 25));
		expect_reply(fd[i], (uint16_t)i, 25);
	}
	/* A place that becomes free can be had again. */
	shutdown(fd[0], SHUT_WR);
	assert_true(at_end(fd[0]));
	fd[6] = client_of(&service, 0);
	send_all(fd[6], query, make_query(query, 9, 25));
	expect_reply(fd[6], 9, 25);
	for (unsigned i = 0; i < 7; i++)
		close(fd[i]);
	stop(&service);
	assert_int_equal(count_of(COUNT_tcp_refused), 1);
	assert_int_equal(count_of(COUNT_tcp_accepted), 6);
}

static void slow_ones_are_closed(void **state)
{
	struct service service = start((struct stream_config){.idle = 1});
	int silent = client_of(&service, 0), half = client_of(&service, 0);
	int deaf = client_of(&service, 0);
	static uint8_t query[400 * 26];
	size_t size = 0;

	(void)state;
	send_all(half, query, make_query(query, 1, 40) - 1);
	for (uint16_t id = 0; id < 400; id++)
		size += make_big(query + size, id, 65535);
	send_all(deaf, query, size);
	assert_true(at_end(silent));
	assert_true(at_end(half));
	await_count(COUNT_tcp_timed_out, 3);
	close(silent);
	close(half);
	close(deaf);
	stop(&service);
}

/* A message must be whole within the time from its first octet: dripping does not help. */
static void dripping_does_not_keep_a_connection(void **state)
{
	struct service service = start((struct stream_config){.idle = 1});
	int fd = client_of(&service, 0);
	uint8_t query[300];
	size_t size = make_query(query, 1, 290), at = 0;

	(void)state;
	while (at < size && count_of(COUNT_tcp_timed_out) == 0) {
		if (send(fd, query + at, 1, MSG_NOSIGNAL) != 1)
			break;
		at++;
		usleep(20000);
	}
	await_count(COUNT_tcp_timed_out, 1);
	assert_true(at < size);
	close(fd);
	stop(&service);
	assert_int_equal(count_of(COUNT_queries_tcp), 0);
}

struct crowd {
	const struct service *service;
	unsigned seed;
};

static void *crowd_client(void *argument)
{
	struct crowd *crowd = argument;
	uint8_t queries[40 * 80];

	for (int round = 0; round < 20; round++) {
		int fd = client_of(crowd->service, 0);
		size_t size = 0, at = 0;
		uint16_t first = (uint16_t)rand_r(&crowd->seed);
		for (uint16_t i = 0; i < 40; i++)
			size += make_query(queries + size, (uint16_t)(first + i), 12 + i);
		while (at < size) {
			size_t piece = 1 + (size_t)rand_r(&crowd->seed) % 500;
			piece = piece > size - at ? size - at : piece;
			send_all(fd, queries + at, piece);
			at += piece;
		}
		for (uint16_t i = 0; i < 40; i++)
			expect_reply(fd, (uint16_t)(first + i), 12 + i);
		close(fd);
	}
	return NULL;
}

static void a_crowd(void **state)
{
	struct service service = start((struct stream_config){.per_client = 1000});
	struct crowd crowd[16];
	pthread_t thread[16];

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		crowd[i] = (struct crowd){&service, i + 1};
		assert_int_equal(pthread_create(&thread[i], NULL, crowd_client, &crowd[i]), 0);
	}
	for (unsigned i = 0; i < 16; i++)
		pthread_join(thread[i], NULL);
	stop(&service);
	assert_int_equal(count_of(COUNT_queries_tcp), 16 * 20 * 40);
	assert_int_equal(count_of(COUNT_tcp_framing), 0);
}

static void out_of_descriptors(void **state)
{
	struct service service = start((struct stream_config){.per_client = 1000});
	struct rlimit kept, low;
	uint8_t query[64];
	int first = client_of(&service, 0), second, third;

	(void)state;
	await_count(COUNT_tcp_accepted, 1);
	second = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
	low = kept;
	low.rlim_cur = (rlim_t)second + 1; /* this process can open nothing more */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(connect(second, (struct sockaddr *)&service.listen[0].address,
				 sizeof(struct sockaddr_in)),
			 0);
	assert_true(at_end(second));
	send_all(first, query, make_query(query, 5, 30));
	expect_reply(first, 5, 30);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &kept), 0);
	third = client_of(&service, 0);
	send_all(third, query, make_query(query, 6, 30));
	expect_reply(third, 6, 30);
	close(first);
	close(second);
	close(third);
	stop(&service);
	assert_true(count_of(COUNT_tcp_refused) >= 1);
}

static void alive_without_work(void **state)
{
	struct service service = start((struct stream_config){0});

	(void)state;
	for (int waited = 0; atomic_load(&double_file.line[3].loops) < 5; waited++) {
		assert_true(waited < HUNG);
		usleep(1000);
	}
	stop(&service);
}

static void open_says_what_is_wrong(void **state)
{
	struct service service = start((struct stream_config){0});
	struct listen_address elsewhere = loopback(AF_INET, 5300);
	struct stream_config config = {.listen = service.listen, .listen_count = 1, .core = -1};
	char error[IO_ERROR_TEXT] = "", port[16];

	(void)state;
	assert_null(stream_open(&config, error));
	snprintf(port, sizeof(port), "127.0.0.1:%u",
		 ntohs(((struct sockaddr_in *)&service.listen[0].address)->sin_port));
	assert_non_null(strstr(error, port));
	assert_non_null(strstr(error, "--listen"));
	inet_pton(AF_INET, "192.0.2.77", &((struct sockaddr_in *)&elsewhere.address)->sin_addr);
	config.listen = &elsewhere;
	assert_null(stream_open(&config, error));
	assert_non_null(strstr(error, "192.0.2.77:5300"));
	config.clients = STREAM_CLIENTS_MOST + 1;
	assert_null(stream_open(&config, error));
	assert_non_null(strstr(error, "65536"));
	stop(&service);
}

static bool can_connect(const struct listen_address *listen)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool can =
	    connect(fd, (const struct sockaddr *)&listen->address, sizeof(struct sockaddr_in)) == 0;

	close(fd);
	return can;
}

/* Called again until all is listened on, as the main thread does. */
static void follow(struct service *service, const struct listen_address *listen, unsigned count)
{
	char error[IO_ERROR_TEXT] = "";

	for (int waited = 0; stream_follow(service->stream, listen, count, error) > 0; waited++) {
		if (waited == HUNG || error[0] != '\0')
			fail_msg("%s", error);
		usleep(1000);
	}
}

static void await_refusal(const struct listen_address *listen)
{
	for (int waited = 0; can_connect(listen); waited++) {
		assert_true(waited < HUNG);
		usleep(1000);
	}
}

/* Addresses come and go, the same ones again and again; a connection outlives its listener. */
static void listeners_follow(void **state)
{
	struct service service = start((struct stream_config){0});
	struct listen_address other[2] = {loopback(AF_INET, free_port(AF_INET)), service.listen[0]};
	int kept = client_of(&service, 0);
	uint8_t query[100];

	(void)state;
	await_count(COUNT_tcp_accepted, 1);
	for (int round = 0; round < 200; round++) {
		follow(&service, other, 1);
		follow(&service, other, 2);
		assert_true(can_connect(&other[0]) && can_connect(&other[1]));
		follow(&service, &other[1], 1);
	}
	await_refusal(&other[0]);
	follow(&service, NULL, 0);
	await_refusal(&service.listen[0]);
	send_all(kept, query, make_query(query, 7, 50));
	expect_reply(kept, 7, 50);
	close(kept);
	stop(&service);
}

/* An address that somebody else listens on is said; another beside it is listened on all the same,
 * and the first one too once it is free. One that no interface has (yet) is no failure. */
static void a_taken_address_is_said(void **state)
{
	struct service service = start((struct stream_config){0});
	struct listen_address wanted[] = {
	    loopback(AF_INET, 0), loopback(AF_INET, free_port(AF_INET)), loopback(AF_INET, 5300)};
	struct sockaddr_in *taken = (struct sockaddr_in *)&wanted[0].address;
	socklen_t size = sizeof(*taken);
	int other = socket(AF_INET, SOCK_STREAM, 0);
	char error[IO_ERROR_TEXT] = "";

	(void)state;
	assert_int_equal(bind(other, (struct sockaddr *)taken, size), 0);
	assert_int_equal(listen(other, 1), 0);
	assert_int_equal(getsockname(other, (struct sockaddr *)taken, &size), 0);
	inet_pton(AF_INET, "192.0.2.77", &((struct sockaddr_in *)&wanted[2].address)->sin_addr);
	for (int waited = 0; !strstr(error, "another program listens there"); waited++) {
		assert_true(waited < HUNG);
		assert_true(stream_follow(service.stream, wanted, 3, error) > 0);
		usleep(1000);
	}
	assert_true(can_connect(&wanted[1]));
	close(other);
	follow(&service, wanted, 3);
	assert_true(can_connect(&wanted[0]));
	stop(&service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_query_on_ipv4_and_ipv6),
	    cmocka_unit_test(octet_by_octet),
	    cmocka_unit_test(many_queries_in_one_segment),
	    cmocka_unit_test(largest_message_both_ways),
	    cmocka_unit_test(replies_wait_for_a_client_that_reads_late),
	    cmocka_unit_test(half_closed_client_gets_all_replies),
	    cmocka_unit_test(garbage_closes_but_earlier_replies_come),
	    cmocka_unit_test(no_reply_is_no_reply),
	    cmocka_unit_test(limits_close_at_once),
	    cmocka_unit_test(slow_ones_are_closed),
	    cmocka_unit_test(dripping_does_not_keep_a_connection),
	    cmocka_unit_test(a_crowd),
	    cmocka_unit_test(out_of_descriptors),
	    cmocka_unit_test(alive_without_work),
	    cmocka_unit_test(open_says_what_is_wrong),
	    cmocka_unit_test(listeners_follow),
	    cmocka_unit_test(a_taken_address_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
