/* af_xdp_rings_test: no frame is lost on its way round, and a full ring loses single replies. */
#include "tests/unit/io/af_xdp_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "zones/abi/channel.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Many times more frames than there are, every fifth without a reply: none gets lost. Debug builds
 * check each frame's place too. */
static void test_frames_come_round(void **state)
{
	(void)state;
	struct io_queue *queue;
	struct datagram burst[IO_BURST];
	uint64_t counts[COUNTERS] = {0};
	struct pair_frame f;
	unsigned total = 0;

	if (pair_why_not)
		skip();
	pair_open(PAIR_OURS, NULL, 0);
	queue = pair_class->queue(pair_io, 0);
	f = pair_query4("198.18.0.1", 53, -1);
	while (total < 20000) {
		unsigned n, replies = 0;

		for (int i = 0; i < 10; i++)
			pair_transmit(&f);
		for (unsigned got = 0; got < 10; got += n) {
			n = pair_receive(queue, burst, counts);
			assert_true(n > 0);
			for (unsigned i = 0; i < n; i++)
				if ((total + got + i) % 5 == 0)
					burst[i].length = 0;
				else
					replies++;
			pair_answer(queue, burst, n, counts);
		}
		total += 10;
		for (; replies > 0; replies--)
			pair_next_reply();
	}
	for (unsigned i = 0; i < COUNTERS; i++) /* what was passed before is counted now */
		assert_true(counts[i] == 0 || pair_is_pass(i));
}

/* Replies of now at the peer's end. */
static unsigned count_replies(void)
{
	struct pollfd ready = {.fd = pair_peer, .events = POLLIN};
	unsigned count = 0;
	struct pair_frame f;

	while (poll(&ready, 1, 0) == 1)
		count += pair_receive_frame(&f) >= 14 && memcmp(f.octets, "\2\0\0\0\0\2", 6) == 0;
	return count;
}

/* Queries wait in the ring, then the interface goes down: replies fill the TX ring, the rest is
 * dropped and counted, and what is in the ring leaves when the link is back. */
static void test_a_full_ring_loses_single_replies(void **state)
{
	enum { QUERIES = 3000, RING = 2048, AT_ONCE = 50 };
	struct datagram burst[IO_BURST];
	uint64_t counts[COUNTERS] = {0};
	unsigned n, taken = 0, left = 0;
	int room = 16 << 20;
	struct io_queue *queue;
	struct pair_frame f;

	(void)state;
	if (pair_why_not)
		skip();
	pair_open(PAIR_OURS, NULL, 0);
	queue = pair_class->queue(pair_io, 0);
	f = pair_query4("198.18.0.1", 53, -1);
	for (unsigned i = 0; i < QUERIES; i++) {
		pair_transmit(&f);
		if (i % AT_ONCE == 0)
			usleep(1000); /* the pair's own queue is short */
	}
	count_replies();
	assert_int_equal(setsockopt(pair_peer, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
	pair_run("ip link set " PAIR_OURS " down");
	while ((n = pair_class->rx_burst(queue, burst, IO_BURST, counts)) > 0) {
		pair_answer(queue, burst, n, counts);
		taken += n;
	}
	assert_in_range(taken, RING + 1, QUERIES);
	assert_int_equal(counts[COUNT_drop_tx_full], taken - RING);
	assert_int_equal(count_replies(), 0);
	pair_run("ip link set " PAIR_OURS " up");
	for (int tries = 0; tries < 2000 && left < RING; tries++) {
		pair_class->wait(queue, 1000);
		left += count_replies();
	}
	assert_int_equal(left, RING);
	f = pair_query4("198.18.0.1", 53, -1);
	pair_expect_answer(&f, 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_frames_come_round, pair_close_after),
	    cmocka_unit_test_teardown(test_a_full_ring_loses_single_replies, pair_close_after),
	};

	return cmocka_run_group_tests_name("af_xdp_rings", tests, pair_set_up, NULL);
}
