/* dpdk_flow_test.c: --steering card: who gets what where a card sorts, and where it refuses to. */
#include "dataplane/io/packet_io.h"
#include "tests/unit/io/dpdk_card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_ethdev.h>

static const struct packet_io_class *const class = &packet_io_dpdk;
static struct packet_io *io;
static unsigned workers;
static char text[16384], error[IO_ERROR_TEXT];
static uint64_t counts[COUNTERS], kept[COUNTERS];

/* Frames. */

struct frame {
	unsigned length;
	uint8_t octets[128];
};

static void add(struct frame *f, const void *octets, unsigned length)
{
	memcpy(f->octets + f->length, octets, length);
	f->length += length;
}

#define LITERAL(f, text) add(f, text, sizeof(text) - 1)

static struct frame ethernet(bool tagged)
{
	struct frame f = {.length = 0};

	LITERAL(&f, "\2\0\0\0\0\1\2\0\0\0\0\2");
	if (tagged)
		LITERAL(&f, "\x81\0\0\7");
	return f;
}

static void add_query(struct frame *f, uint16_t source)
{
	uint8_t udp[8] = {(uint8_t)(source >> 8), (uint8_t)source, 0, 53, 0, 25, 0, 0};

	add(f, udp, sizeof(udp));
	LITERAL(f, "\0\1\0\0\0\1\0\0\0\0\0\0\0\0\1\0\1");
}

static struct frame ipv4(bool tagged, uint8_t protocol)
{
	struct frame f = ethernet(tagged);

	LITERAL(&f, "\x08\0\x45\0\0\x2d\0\0\0\0\x40");
	add(&f, &protocol, 1);
	LITERAL(&f, "\0\0\xc0\0\2\2\xc0\0\2\1");
	return f;
}

static struct frame query4(bool tagged, uint16_t source)
{
	struct frame f = ipv4(tagged, IPPROTO_UDP);

	add_query(&f, source);
	return f;
}

static struct frame query6(uint16_t source)
{
	struct frame f = ethernet(false);

	LITERAL(&f, "\x86\xdd\x60\0\0\0\0\x19\x11\x40"
		    "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1");
	add_query(&f, source);
	return f;
}

static struct frame other(uint8_t protocol)
{
	struct frame f = ipv4(false, protocol);

	f.length += 25;
	return f;
}

static struct frame arp(void)
{
	struct frame f = ethernet(false);

	LITERAL(&f, "\x08\6\0\1\x08\0\6\4\0\1");
	f.length = 60;
	return f;
}

/* Returns the queue that the card chose. */
static unsigned put(unsigned port, struct frame f)
{
	return card_put(port, f.octets, f.length);
}

/* What a worker gets until there is nothing, each answered by itself. */
static unsigned work(unsigned worker)
{
	struct io_queue *queue = class->queue(io, worker);
	static struct datagram burst[IO_BURST];
	unsigned sum = 0, n, empty = 0;

	while (empty < CARDS) {
		n = class->rx_burst(queue, burst, IO_BURST, counts);
		if (n > 0)
			class->tx_burst(queue, burst, n, counts);
		sum += n;
		empty = n > 0 ? 0 : empty + 1;
	}
	return sum;
}

static unsigned work_all(void)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < workers; i++)
		sum += work(i);
	return sum;
}

static void housekeep(void)
{
	struct io_housekeeping *housekeeping = class->housekeeping(io);

	for (unsigned i = 0; i < 64; i++)
		class->housekeep(housekeeping, kept);
}

static uint64_t passed(const uint64_t of[])
{
	uint64_t sum = 0;

	for (unsigned i = COUNT_pass_runt; i <= COUNT_pass_no_socket; i++)
		sum += of[i];
	return sum;
}

static int forget(void **state)
{
	(void)state;
	memset(counts, 0, sizeof(counts));
	memset(kept, 0, sizeof(kept));
	for (unsigned i = 0; i < CARDS; i++)
		memset(card[i].sent, 0, sizeof(card[i].sent));
	return 0;
}

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
	static struct listen_address listen[2];
	struct sockaddr_in *first = (struct sockaddr_in *)&listen[0].address;
	struct sockaddr_in6 *second = (struct sockaddr_in6 *)&listen[1].address;
	struct io_config config = {
	    .argument = "--no-huge -m 640 --no-pci --vdev=net_null0 --vdev=net_null1 "
			"--vdev=net_null2 --vdev=net_null3 --vdev=net_null4 --vdev=net_null5 "
			"--vdev=net_null6 --vdev=net_null7",
	    .listen = listen,
	    .listen_count = 2,
	    .workers = workers,
	    .trust_checksums = true,
	    .kernel = "c0,c1,c2,c3,c4,c5,c6,c7",
	    .steers_by_card = true,
	};

	first->sin_family = AF_INET;
	first->sin_port = htons(53);
	inet_pton(AF_INET, "192.0.2.1", &first->sin_addr);
	second->sin6_family = AF_INET6;
	second->sin6_port = htons(53);
	inet_pton(AF_INET6, "2001:db8::1", &second->sin6_addr);
	cards_make(workers);
	io = class->open(&config, error);
}

static void close_io(void)
{
	class->close(io);
}

static unsigned queues_of(uint16_t port)
{
	struct rte_eth_dev_info info;

	assert_int_equal(rte_eth_dev_info_get(port, &info), 0);
	return info.nb_rx_queues;
}

static void who_sorts_is_said(void **state)
{
	(void)state;
	listen_to(open_io);
	if (!io)
		fail_msg("%s", error);
	cards_plug_in();
	has("kernel's queue port=net_null0");
	has("kernel's queue port=net_null1");
	has("software sorts them port=net_null2 driver=net_null reason=\"no further queue, for the "
	    "rest\"");
	has("software sorts them port=net_null3 driver=net_null reason=\"no redirection table");
	has("software sorts them port=net_null4 driver=net_null reason=\"no redirection table");
	has("software sorts them port=net_null5 driver=net_null reason=\"no version 6\"");
	has("software sorts them port=net_null6 driver=net_null reason=\"no room\"");
	has("software sorts them port=net_null7 driver=net_null reason=\"its rules change");
	assert_memory_equal(class->describe_housekeeping(io),
			    "kernel c0 (tap, flow rules) c1 (tap, flow rules) c2 (tap) c3 (tap)",
			    66);
}

static void queries_come_to_workers_and_the_rest_to_the_kernel(void **state)
{
	bool seen[QUEUES] = {false};
	unsigned sent = 0;

	(void)state;
	assert_int_equal(queues_of(TAKES_ALL), workers + 1);
	for (uint16_t i = 0; i < 16; i++) {
		unsigned queue = put(TAKES_ALL, query4(false, (uint16_t)(4000 + i)));

		assert_true(queue < workers);
		seen[queue] = true;
		assert_true(put(TAKES_ALL, query6((uint16_t)(4000 + i))) < workers);
		assert_true(put(TAKES_ALL, query4(true, (uint16_t)(4000 + i))) < workers);
	}
	assert_true(seen[0] && seen[workers - 1]);
	assert_int_equal(put(TAKES_ALL, arp()), workers);
	assert_int_equal(put(TAKES_ALL, other(IPPROTO_TCP)), workers);
	assert_int_equal(put(TAKES_ALL, other(IPPROTO_ICMP)), workers);
	assert_int_equal(work_all(), 48);
	assert_int_equal(passed(counts), 0);
	housekeep();
	assert_int_equal(passed(kept), 3);
	assert_int_equal(kept[COUNT_to_kernel_taken], 3);
	assert_int_equal(kept[COUNT_flow_missed], 0);
	for (unsigned i = 0; i < workers; i++)
		sent += card[TAKES_ALL].sent[i];
	assert_int_equal(sent, 48);
}

/* Other ports, other addresses: only software knows those. */
static void what_rules_catch_too_goes_to_the_kernel_all_the_same(void **state)
{
	struct frame foreign = query4(false, 4000);
	struct frame broken = query4(false, 4000);

	(void)state;
	foreign.octets[33] = 77;
	broken.octets[39] = 1; /* the length of UDP */
	assert_true(put(TAKES_ALL, foreign) < workers);
	assert_true(put(TAKES_ALL, broken) < workers);
	assert_int_equal(work_all(), 0);
	housekeep();
	assert_int_equal(counts[COUNT_pass_not_ours], 1);
	assert_int_equal(counts[COUNT_drop_udp_length], 1);
	assert_int_equal(kept[COUNT_to_kernel_taken], 1);
}

static void a_query_that_no_rule_caught_is_answered(void **state)
{
	struct frame broken = query4(true, 4000);

	(void)state;
	broken.octets[43] = 1;
	assert_int_equal(put(PLAIN, query4(true, 4000)), workers);
	assert_int_equal(put(PLAIN, broken), workers);
	assert_int_equal(work_all(), 0);
	housekeep();
	assert_int_equal(kept[COUNT_flow_missed], 1);
	assert_int_equal(kept[COUNT_drop_udp_length], 1);
	assert_int_equal(work_all(), 1);
	assert_int_equal(card[PLAIN].sent[0], 1);
	assert_memory_equal(card[PLAIN].octets, "\2\0\0\0\0\2\2\0\0\0\0\1\x81\0\0\7\x08\0", 18);
	assert_int_equal(kept[COUNT_to_kernel_taken], 0);
}

static void what_a_card_does_not_hash_goes_by_a_worker(void **state)
{
	(void)state;
	assert_int_equal(put(PLAIN, arp()), 0);
	assert_int_equal(work_all(), 0);
	housekeep();
	assert_int_equal(passed(counts), 1);
	assert_int_equal(kept[COUNT_to_kernel_taken], 1);
}

/* Of more than the ring holds the rest is counted, and of a burst they are half at most. */
static void too_many_that_no_rule_caught_are_counted(void **state)
{
	struct datagram burst[IO_BURST];
	struct io_queue *queue = class->queue(io, 0);
	unsigned n = 0, missed = 0;

	(void)state;
	for (uint16_t i = 0; i < 600; i++)
		put(PLAIN, query4(true, i + 1));
	housekeep();
	assert_int_equal(kept[COUNT_flow_missed], 600);
	assert_int_equal(kept[COUNT_drop_rx_full], 600 - 511);
	for (uint16_t i = 0; i < 64; i++)
		put(PLAIN, query6(i + 1));
	while (n == 0)
		n = class->rx_burst(queue, burst, IO_BURST, counts);
	for (unsigned i = 0; i < n; i++)
		missed += burst[i].family == 4;
	assert_int_equal(missed, IO_BURST / 2);
	assert_true(n > missed);
	class->tx_burst(queue, burst, n, counts);
	assert_int_equal(n + work_all(), 511 + 64);
}

/* Nothing of what was tried is left, and every frame finds its way. */
static void after_a_refusal_software_sorts(void **state)
{
	(void)state;
	for (uint16_t i = NO_QUEUE; i < CARDS; i++) {
		forget(NULL);
		assert_int_equal(queues_of(i), workers);
		assert_int_equal(card[i].rules, 0);
		for (unsigned k = 0; k < CARD_TABLE; k++)
			assert_int_equal(card[i].table[k], k % workers);
		put(i, query4(false, 4000));
		put(i, query4(true, 4001));
		put(i, query6(4002));
		put(i, arp());
		assert_int_equal(work_all(), 3);
		housekeep();
		assert_int_equal(passed(counts), 1);
		assert_int_equal(kept[COUNT_to_kernel_taken], 1);
		assert_int_equal(kept[COUNT_flow_missed], 0);
	}
}

/* With a frame in the ring to the worker. */
static void all_buffers_come_back(void **state)
{
	(void)state;
	put(PLAIN, query4(true, 4000));
	housekeep();
	listen_to(close_io);
	has("port closed port=net_null0 buffers=");
	has("port closed port=net_null7 buffers=");
	for (const char *at = text; (at = strstr(at, "missing=")); at++)
		assert_memory_equal(at, "missing=0\n", 10);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_sorts_is_said),
	    cmocka_unit_test_setup(queries_come_to_workers_and_the_rest_to_the_kernel, forget),
	    cmocka_unit_test_setup(what_rules_catch_too_goes_to_the_kernel_all_the_same, forget),
	    cmocka_unit_test_setup(a_query_that_no_rule_caught_is_answered, forget),
	    cmocka_unit_test_setup(what_a_card_does_not_hash_goes_by_a_worker, forget),
	    cmocka_unit_test_setup(too_many_that_no_rule_caught_are_counted, forget),
	    cmocka_unit_test_setup(after_a_refusal_software_sorts, forget),
	    cmocka_unit_test_setup(all_buffers_come_back, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Each number of workers in a process of its own: the EAL starts once in one. */
int main(void)
{
	int failed = 0, status;

	if (unshare(CLONE_NEWNET) != 0 || access("/dev/net/tun", R_OK | W_OK) != 0) {
		fprintf(stderr, "skipped: no network namespace or /dev/net/tun to be had\n");
		return 77;
	}
	for (workers = 1; workers <= 2; workers++) {
		pid_t child = fork();

		if (child == 0)
			exit(run());
		failed |= child < 0 || waitpid(child, &status, 0) != child || status != 0;
	}
	return failed;
}
