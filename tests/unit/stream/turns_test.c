/* Turns: what one connection does costs the others one bounded turn, and leaves nothing behind.
 *
 * The clients connect and send before the service starts, so that it finds all at once and its
 * order is the same in every run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/stream/service.h"
#include "tests/unit/stream/double.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HUNG	60000 /* milliseconds */
#define CROWD	5u
#define QUERIES 2000u /* of each in the crowd: what a receive buffer holds */
#define QUERY	18u   /* octets of a query that gets no reply, framed */

struct scene {
	struct stream *stream;
	struct sockaddr_in address;
};

static struct scene scene_open(struct stream_config config)
{
	struct listen_address listen = {0};
	struct sockaddr_in *address = (struct sockaddr_in *)&listen.address;
	socklen_t size = sizeof(*address);
	char error[IO_ERROR_TEXT] = "";
	struct scene scene;

	memset(&double_file, 0, sizeof(double_file));
	double_misuses = double_ports = 0;
	*address =
	    (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	config.listen = &listen;
	config.listen_count = 1;
	config.core = -1;
	scene.stream = stream_open(&config, error);
	if (!scene.stream)
		fail_msg("%s", error);
	assert_int_equal(
	    getsockname(scene.stream->listener[0], (struct sockaddr *)&scene.address, &size), 0);
	return scene;
}

static void scene_start(struct scene *scene)
{
	char error[IO_ERROR_TEXT] = "";

	if (!stream_start(scene->stream, NULL, error))
		fail_msg("%s", error);
}

static int connected(const struct scene *scene, uint16_t *port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in own;
	socklen_t size = sizeof(own);

	assert_true(fd >= 0);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&scene->address, sizeof(scene->address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &size), 0);
	*port = ntohs(own.sin_port);
	return fd;
}

static void await_count(enum counter counter, uint64_t least)
{
	const _Atomic uint64_t *count = &double_file.worker[0].count[counter];

	for (int waited = 0; atomic_load_explicit(count, memory_order_relaxed) < least; waited++) {
		assert_true(waited < HUNG);
		usleep(1000);
	}
}

static void send_queries(int fd, unsigned count, const char *word)
{
	static uint8_t octets[QUERIES * QUERY];

	for (unsigned i = 0; i < count; i++) {
		uint8_t *query = octets + i * QUERY;
		memset(query, 0, QUERY);
		query[1] = QUERY - 2;
		memcpy(query + 14, word, 4);
	}
	assert_int_equal(send(fd, octets, count * QUERY, MSG_NOSIGNAL), count * QUERY);
}

/* The longest run of one client's queries from `from` on, while another had some left, and where
 * `single` came. */
static unsigned longest_run(unsigned from, uint16_t single, unsigned *single_at)
{
	unsigned left[CROWD] = {0}, run = 0, longest = 0, waiting = CROWD;
	uint16_t port[CROWD];
	unsigned known = 0;

	for (unsigned i = 0; i < double_ports; i++) {
		unsigned who = 0;
		if (double_port[i] == single) {
			*single_at = i;
			continue;
		}
		while (who < known && port[who] != double_port[i])
			who++;
		if (who == known) {
			assert_true(known < CROWD);
			left[known] = QUERIES;
			port[known++] = double_port[i];
		}
		run = i > 0 && double_port[i] == double_port[i - 1] ? run + 1 : 1;
		if (i >= from && waiting > 1 && run > longest)
			longest = run;
		waiting -= --left[who] == 0;
	}
	return longest;
}

/* A crowd that asks all the time, and one client that asks once: at most `turn` queries of each
 * come before his, and from the second round on at most `later` before those of others. */
static void assert_turns(const char *word, unsigned turn, unsigned later)
{
	struct scene scene = scene_open((struct stream_config){0});
	unsigned single_at = UINT32_MAX;
	uint16_t port, single;
	int fd[CROWD + 1];

	for (unsigned i = 0; i < CROWD; i++) {
		fd[i] = connected(&scene, &port);
		send_queries(fd[i], QUERIES, word);
	}
	fd[CROWD] = connected(&scene, &single);
	send_queries(fd[CROWD], 1, word);
	scene_start(&scene);
	await_count(COUNT_queries_tcp, CROWD * QUERIES + 1);
	stream_stop(scene.stream);
	assert_int_equal(double_ports, CROWD * QUERIES + 1);
	assert_true(longest_run(0, single, &single_at) <= turn);
	assert_true(longest_run((CROWD + 1) * turn, single, &single_at) <= later);
	assert_true(single_at <= CROWD * turn);
	for (unsigned i = 0; i <= CROWD; i++)
		close(fd[i]);
	stream_close(scene.stream);
	assert_int_equal(double_misuses, 0);
}

static void nobody_waits_for_more_than_a_turn_of_each(void **state)
{
	(void)state;
	assert_turns("MUTE", ANSWER_BURST, ANSWER_BURST);
}

/* What is dear to prove ends the turn with the group that it is in; then it is a group by itself.
 */
static void hashing_ends_a_turn(void **state)
{
	(void)state;
	static_assert(DOUBLE_HASHES >= CONNECTION_BATCH_HASHES, "one query does");
	assert_turns("HASH", CONNECTION_GROUP, 1);
}

/* reset: as soon as one of its queries has been answered, with the replies unread. */
static void send_and_leave(const struct scene *scene, const char *octets, size_t length, bool reset)
{
	const _Atomic uint64_t *queries = &double_file.worker[0].count[COUNT_queries_tcp];
	uint64_t before = atomic_load_explicit(queries, memory_order_relaxed);
	const struct linger now = {1, 0};
	uint16_t port;
	int fd = connected(scene, &port);

	assert_int_equal(send(fd, octets, length, MSG_NOSIGNAL), length);
	if (reset) {
		await_count(COUNT_queries_tcp, before + 1);
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	}
	close(fd);
}

/* Halves of messages, replies that nobody takes, resets: when all are gone, so is what they held.
 */
static void nothing_is_left(void **state)
{
	static const char half[] = {1, 0, 'x', 'x', 'x'};
	static const char big[] = "\0\x18"
				  "12\0\0\0\0\0\0\0\0\0\0"
				  "BIG!\0\0\xff\xff"
				  "z\0\0\0";
	struct scene scene = scene_open((struct stream_config){.per_client = 1000});
	const struct stream *stream = scene.stream;
	char many[50 * (sizeof(big) - 1)];

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		memcpy(many + i * (sizeof(big) - 1), big, sizeof(big) - 1);
	scene_start(&scene);
	for (unsigned i = 0; i < 20; i++) {
		send_and_leave(&scene, half, sizeof(half), false);
		send_and_leave(&scene, many, sizeof(many), true);
		send_and_leave(&scene, "\0\0", 2, false);
		send_and_leave(&scene, many, 0, false);
	}
	await_count(COUNT_tcp_closed, 80);
	await_count(COUNT_tcp_broken, 40);
	await_count(COUNT_tcp_framing, 20);
	stream_stop(scene.stream);
	assert_int_equal(stream->bench.pool.held, 0);
	assert_int_equal(limits_count(stream->admission.limits), 0);
	assert_int_equal(stream->counts[COUNT_tcp_accepted], 80);
	assert_int_equal(stream->counts[COUNT_tcp_broken], 40);
	stream_close(scene.stream);
}

/* RFC 7828 3.3.2: what a client is told is what holds now; with the last places it is less. */
static void answers_know_the_idle_time(void **state)
{
	const uint16_t told[] = {70, 70, 70, 70, 70, 70, 70, 35, 17};
	struct scene scene = scene_open((struct stream_config){.clients = 8, .idle = 7});
	uint16_t port;
	int fd[8];

	(void)state;
	scene_start(&scene);
	for (unsigned i = 0; i <= 8; i++) {
		static const uint8_t query[] = {0, 12, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
		uint8_t reply[sizeof(query)];

		if (i < 8)
			fd[i] = connected(&scene, &port);
		assert_int_equal(send(fd[i % 8], query, sizeof(query), MSG_NOSIGNAL),
				 sizeof(query));
		assert_int_equal(recv(fd[i % 8], reply, sizeof(reply), MSG_WAITALL), sizeof(reply));
		assert_int_equal(double_idle, told[i]); /* i connections have asked before */
	}
	for (unsigned i = 0; i < 8; i++)
		close(fd[i]);
	stream_close(scene.stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nobody_waits_for_more_than_a_turn_of_each),
	    cmocka_unit_test(hashing_ends_a_turn),
	    cmocka_unit_test(nothing_is_left),
	    cmocka_unit_test(answers_know_the_idle_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
