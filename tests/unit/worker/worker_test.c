/* A worker with a back end made of memory, and no control: every query meets drop_no_image. */
#include "dataplane/worker/worker.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define OFFERED	  1000u
#define GIVEN_WAY 100 /* naps; without any there are hardly more than a few */

/* The worker's, but for `sleeps` and `returned`, which the test reads while it runs. */
struct packet_io {
	bool refuses;
	unsigned offered;
	_Atomic unsigned returned, replies, sleeps, offline_sleeps;
	_Atomic long given_way; /* how often the thread let go of its core by itself */
	struct worker_line *line;
	char thread[16];
	cpu_set_t cores;
	uint8_t payload[IO_BURST][64];
};

static struct io_queue *memory_queue(struct packet_io *io, unsigned index)
{
	(void)index;
	pthread_getname_np(pthread_self(), io->thread, sizeof(io->thread));
	sched_getaffinity(0, sizeof(io->cores), &io->cores);
	return io->refuses ? NULL : (struct io_queue *)io;
}

static const char *memory_describe(struct packet_io *io, unsigned index)
{
	(void)io;
	(void)index;
	return "memory queue";
}

static unsigned memory_rx(struct io_queue *queue, struct datagram *burst, unsigned max,
			  uint64_t counts[])
{
	struct packet_io *io = (struct packet_io *)queue;
	unsigned n = io->offered < 7 ? io->offered : 7;
	struct rusage usage;

	assert_int_equal(max, IO_BURST);
	getrusage(RUSAGE_THREAD, &usage);
	io->given_way = usage.ru_nvcsw;
	for (unsigned i = 0; i < n; i++) {
		memset(io->payload[i], 0, sizeof(io->payload[i]));
		burst[i] = (struct datagram){.payload = io->payload[i],
					     .length = 17,
					     .capacity = sizeof(io->payload[i]),
					     .family = 4,
					     .frame = io->payload[i]};
	}
	io->offered -= n;
	counts[COUNT_drop_fragment] += n > 0;
	return n;
}

static void memory_tx(struct io_queue *queue, struct datagram *burst, unsigned n, uint64_t counts[])
{
	struct packet_io *io = (struct packet_io *)queue;

	(void)counts;
	for (unsigned i = 0; i < n; i++) {
		assert_ptr_equal(burst[i].frame, io->payload[i]);
		io->replies += burst[i].length > 0;
	}
	io->returned += n;
}

static void memory_wait(struct io_queue *queue, unsigned microseconds)
{
	struct packet_io *io = (struct packet_io *)queue;

	assert_true(microseconds <= 100000);
	if (atomic_load(&io->line->seen) == WORKER_OFFLINE)
		io->offline_sleeps++;
	io->sleeps++;
	sched_yield();
}

static const struct packet_io_class memory_class = {
    .name = "memory",
    .queue = memory_queue,
    .describe = memory_describe,
    .rx_burst = memory_rx,
    .tx_burst = memory_tx,
    .wait = memory_wait,
};

struct fixture {
	char dir[64];
	struct adopt *adopt;
	struct packet_io io;
	struct worker_config config;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char error[512];

	strcpy(fixture->dir, "/tmp/skua-worker-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	fixture->adopt = adopt_open(fixture->dir, 2, error, sizeof(error));
	assert_non_null(fixture->adopt);
	fixture->io.line = &adopt_file(fixture->adopt)->line[1];
	fixture->config = (struct worker_config){
	    .adopt = fixture->adopt,
	    .io_class = &memory_class,
	    .io = &fixture->io,
	    .index = 1,
	    .core = -1,
	    .idle = IDLE_ADAPTIVE,
	};
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	adopt_close(fixture->adopt);
	assert_int_equal(rmdir(fixture->dir), 0);
	free(fixture);
	return 0;
}

static uint64_t count(struct fixture *fixture, enum counter counter)
{
	return atomic_load(&adopt_file(fixture->adopt)->worker[1].count[counter]);
}

static void every_datagram_comes_back_and_is_counted(void **state)
{
	struct fixture *fixture = *state;
	char error[200];
	struct worker *worker;

	fixture->io.offered = OFFERED;
	worker = worker_start(&fixture->config, error, sizeof(error));
	assert_non_null(worker);
	while (atomic_load(&fixture->io.returned) < OFFERED || atomic_load(&fixture->io.sleeps) < 3)
		usleep(1000);
	/* While asleep the counts of all bursts before are there to read. */
	assert_int_equal(count(fixture, COUNT_drop_no_image), OFFERED);
	assert_int_equal(count(fixture, COUNT_drop_fragment), (OFFERED + 6) / 7);
	worker_stop(worker);
	worker_free(worker);
	assert_int_equal(fixture->io.returned, OFFERED);
	assert_int_equal(fixture->io.replies, 0);
	assert_int_equal(fixture->io.sleeps, fixture->io.offline_sleeps);
	assert_string_equal(fixture->io.thread, "skua-worker-1");
	assert_string_equal(adopt_file(fixture->adopt)->worker[1].io, "memory queue");
	assert_int_equal(adopt_file(fixture->adopt)->worker[1].core, -1);
	assert_true(atomic_load(&fixture->io.line->loops) > OFFERED / 7);
}

static void a_back_end_that_only_polls_is_polled_on(void **state)
{
	struct fixture *fixture = *state;
	struct packet_io_class polls = memory_class;
	char error[200];
	struct worker *worker;

	polls.wait = NULL;
	fixture->config.io_class = &polls;
	fixture->config.idle = IDLE_POLL;
	worker = worker_start(&fixture->config, error, sizeof(error));
	assert_non_null(worker);
	/* There is no wait() that it could call. */
	while (atomic_load(&fixture->io.line->loops) < 100 * IDLE_MOST)
		usleep(1000);
	worker_stop(worker);
	worker_free(worker);
	assert_true(fixture->io.given_way < GIVEN_WAY);
}

static void a_back_end_that_can_t_wait_may_nap(void **state)
{
	struct fixture *fixture = *state;
	struct packet_io_class polls = memory_class;
	char error[200];
	struct worker *worker;

	polls.wait = NULL;
	fixture->config.io_class = &polls;
	worker = worker_start(&fixture->config, error, sizeof(error));
	assert_non_null(worker);
	while (atomic_load(&fixture->io.given_way) < GIVEN_WAY)
		usleep(1000);
	worker_stop(worker);
	worker_free(worker);
}

static void polling_never_sleeps_where_it_could(void **state)
{
	struct fixture *fixture = *state;
	char error[200];
	struct worker *worker;

	fixture->config.idle = IDLE_POLL;
	worker = worker_start(&fixture->config, error, sizeof(error));
	assert_non_null(worker);
	while (atomic_load(&fixture->io.line->loops) < 100 * IDLE_MOST)
		usleep(1000);
	worker_stop(worker);
	worker_free(worker);
	assert_int_equal(fixture->io.sleeps, 0);
}

static void interrupts_mean_a_sleep_after_each_empty_burst(void **state)
{
	struct fixture *fixture = *state;
	char error[200];
	struct worker *worker;

	fixture->config.idle = IDLE_INTERRUPT;
	fixture->io.offered = OFFERED;
	worker = worker_start(&fixture->config, error, sizeof(error));
	assert_non_null(worker);
	while (atomic_load(&fixture->io.sleeps) < 100)
		usleep(1000);
	worker_stop(worker);
	worker_free(worker);
	assert_int_equal(fixture->io.returned, OFFERED);
	assert_int_equal(fixture->io.line->loops, (OFFERED + 6) / 7 + fixture->io.sleeps);
}

static void what_a_back_end_can_t_is_refused(void **state)
{
	struct packet_io_class polls = {.name = "memory"};
	enum idle_mode mode = IDLE_DEFAULT;
	char error[200];

	(void)state;
	assert_true(idle_settle(&mode, &memory_class, error, sizeof(error)));
	assert_int_equal(mode, IDLE_ADAPTIVE);
	mode = IDLE_DEFAULT;
	assert_true(idle_settle(&mode, &polls, error, sizeof(error)));
	assert_int_equal(mode, IDLE_POLL);
	mode = IDLE_ADAPTIVE;
	assert_true(idle_settle(&mode, &polls, error, sizeof(error)));
	assert_int_equal(mode, IDLE_ADAPTIVE);
	mode = IDLE_INTERRUPT;
	assert_true(idle_settle(&mode, &memory_class, error, sizeof(error)));
	assert_false(idle_settle(&mode, &polls, error, sizeof(error)));
	assert_non_null(strstr(error, "memory"));
}

static void it_runs_on_its_core(void **state)
{
	struct fixture *fixture = *state;
	cpu_set_t allowed;
	char error[200];
	struct worker *worker;
	int core = 0;

	sched_getaffinity(0, sizeof(allowed), &allowed);
	while (!CPU_ISSET((size_t)core, &allowed))
		core++;
	fixture->config.core = core;
	worker = worker_start(&fixture->config, error, sizeof(error));
	assert_non_null(worker);
	worker_stop(worker);
	worker_free(worker);
	assert_int_equal(CPU_COUNT(&fixture->io.cores), 1);
	assert_true(CPU_ISSET((size_t)core, &fixture->io.cores));
}

static void a_failed_start_says_why_and_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	char error[200];

	fixture->config.core = 1023;
	assert_null(worker_start(&fixture->config, error, sizeof(error)));
	assert_non_null(strstr(error, "core 1023"));
	fixture->config.core = -1;
	fixture->io.refuses = true;
	assert_null(worker_start(&fixture->config, error, sizeof(error)));
	assert_non_null(strstr(error, "memory"));
}

static void polling_is_kept_up_only_while_it_pays(void **state)
{
	struct idle idle = {.mode = IDLE_ADAPTIVE, .patience = IDLE_LEAST};
	unsigned polls = 0;

	(void)state;
	/* Packets in every second burst: patience grows to the most. */
	for (unsigned i = 0; i < 20; i++) {
		assert_false(idle_after_burst(&idle, 0));
		assert_false(idle_after_burst(&idle, 3));
	}
	assert_int_equal(idle.patience, IDLE_MOST);
	while (!idle_after_burst(&idle, 0))
		polls++;
	assert_int_equal(polls, IDLE_MOST - 1);
	/* Nothing more: down to the least, and never to a spin without an end. */
	for (unsigned i = 0; i < 1000; i++)
		idle_after_burst(&idle, 0);
	assert_int_equal(idle.patience, IDLE_LEAST);
	/* Full bursts one after the other teach nothing. */
	for (unsigned i = 0; i < 1000; i++)
		assert_false(idle_after_burst(&idle, IO_BURST));
	assert_in_range(idle.patience, IDLE_LEAST, 2 * IDLE_LEAST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(every_datagram_comes_back_and_is_counted, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(a_back_end_that_only_polls_is_polled_on, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(a_back_end_that_can_t_wait_may_nap, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(polling_never_sleeps_where_it_could, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(interrupts_mean_a_sleep_after_each_empty_burst, set_up,
					    tear_down),
	    cmocka_unit_test(what_a_back_end_can_t_is_refused),
	    cmocka_unit_test_setup_teardown(it_runs_on_its_core, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_failed_start_says_why_and_leaves_nothing, set_up,
					    tear_down),
	    cmocka_unit_test(polling_is_kept_up_only_while_it_pays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
