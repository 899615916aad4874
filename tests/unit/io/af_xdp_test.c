/* The AF_XDP back end on a veth pair in a network namespace of this process's own. The test sends
 * hand-made frames into one end and sees what comes out of it again. Needs root; skipped without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/io/interface.h"
#include "dataplane/io/packet_io.h"
#include "dataplane/net/checksum.h"
#include "zones/abi/channel.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OURS	    "ax0" /* the back end's */
#define PEER	    "ax1" /* the test's */
#define PATIENCE_MS 20000

static const struct packet_io_class *const io_class = &packet_io_af_xdp;
static const char *why_not; /* a reason to skip everything */
static int peer = -1;	    /* raw socket on PEER */
static uint8_t our_mac[6];
static struct packet_io *io; /* closed after each test, whatever its end */

struct frame {
	uint8_t octets[2048];
	uint32_t length;
};

static const char question[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1";

static void add(struct frame *f, const void *octets, uint32_t length)
{
	memcpy(f->octets + f->length, octets, length);
	f->length += length;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A query; vlan < 0: no tag. The UDP checksum is right. */
static struct frame query4(const char *destination, uint16_t port, int vlan)
{
	static const uint8_t headers[] = "\x45\0\0\0\0\0\0\0\7\x11\0\0\xc6\x12\0\2\0\0\0\0"
					 "\xc0\x01\0\0\0\0\0\0";
	uint32_t udp_length = 8 + sizeof(question) - 1, sum;
	struct frame f = {.length = 0};
	uint8_t *ip;

	add(&f, our_mac, 6);
	add(&f, "\2\0\0\0\0\2", 6);
	if (vlan >= 0) {
		add(&f, "\x81\0\0\0", 4);
		put16(f.octets + 14, (uint32_t)vlan);
	}
	add(&f, "\x08\0", 2);
	ip = f.octets + f.length;
	add(&f, headers, sizeof(headers) - 1);
	add(&f, question, sizeof(question) - 1);
	assert_int_equal(inet_pton(AF_INET, destination, ip + 16), 1);
	put16(ip + 2, 20 + udp_length);
	put16(ip + 10, (uint16_t)~checksum_sum(ip, 20));
	put16(ip + 22, port);
	put16(ip + 24, udp_length);
	sum = checksum_sum(ip + 12, 8 + udp_length) + 17 + udp_length;
	put16(ip + 26, (uint16_t)~checksum_fold(sum));
	return f;
}

static struct frame query6(const char *destination, uint16_t port)
{
	uint32_t udp_length = 8 + sizeof(question) - 1, sum;
	struct frame f = {.length = 0};
	uint8_t *ip;

	add(&f, our_mac, 6);
	add(&f, "\2\0\0\0\0\2\x86\xdd", 8);
	ip = f.octets + f.length;
	add(&f, "\x60\0\0\0\0\0\x11\7\x20\1\x0d\xb8\0\x18\0\0\0\0\0\0\0\0\0\2", 24);
	f.length += 16;
	add(&f, "\xc0\x01\0\0\0\0\0\0", 8);
	add(&f, question, sizeof(question) - 1);
	assert_int_equal(inet_pton(AF_INET6, destination, ip + 24), 1);
	put16(ip + 4, udp_length);
	put16(ip + 42, port);
	put16(ip + 44, udp_length);
	sum = checksum_sum(ip + 8, 32 + udp_length) + 17 + udp_length;
	put16(ip + 46, (uint16_t)~checksum_fold(sum));
	return f;
}

static void transmit(const struct frame *f)
{
	assert_int_equal(send(peer, f->octets, f->length, 0), f->length);
}

/* The kernel takes the tag out of a frame before it shows it; it is put back. */
static ssize_t receive_tagged(struct frame *f)
{
	union {
		struct cmsghdr header;
		uint8_t octets[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec part = {f->octets, sizeof(f->octets) - 4};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(peer, &message, 0);
	struct cmsghdr *found = CMSG_FIRSTHDR(&message);
	struct tpacket_auxdata data;

	if (got < 14 || !found || found->cmsg_type != PACKET_AUXDATA)
		return got;
	memcpy(&data, CMSG_DATA(found), sizeof(data));
	if (!(data.tp_status & TP_STATUS_VLAN_VALID))
		return got;
	memmove(f->octets + 16, f->octets + 12, (size_t)got - 12);
	put16(f->octets + 12, data.tp_vlan_tpid);
	put16(f->octets + 14, data.tp_vlan_tci);
	return got + 4;
}

/* The next frame that the back end sent: its destination is that of our queries' source. */
static struct frame next_reply(void)
{
	struct frame f;

	for (;;) {
		struct pollfd ready = {.fd = peer, .events = POLLIN};
		ssize_t got;

		assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
		got = receive_tagged(&f);
		assert_true(got >= 14);
		f.length = (uint32_t)got;
		if (memcmp(f.octets, "\2\0\0\0\0\2", 6) == 0)
			return f;
	}
}

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

static struct packet_io *try_open(const char *interface, unsigned workers,
				  const struct listen_address *listen, unsigned count,
				  char error[IO_ERROR_TEXT])
{
	struct io_config config = {interface, listen, count, workers};

	error[0] = '\0';
	return io_class->open(&config, error);
}

static void close_io(void)
{
	if (io)
		io_class->close(io);
	io = NULL;
}

static int close_after(void **state)
{
	(void)state;
	close_io();
	return 0;
}

static void open_on(const char *interface, const struct listen_address *listen, unsigned count)
{
	char error[IO_ERROR_TEXT];

	close_io();
	io = try_open(interface, 1, listen, count, error);
	if (!io)
		fail_msg("%s", error);
}

static void refused(const char *interface, unsigned workers, const char *words)
{
	char error[IO_ERROR_TEXT];

	assert_null(try_open(interface, workers, NULL, 0, error));
	if (!strstr(error, words))
		fail_msg("\"%s\" does not say \"%s\"", error, words);
}

/* Until something came; *counts may have grown instead. */
static unsigned receive(struct io_queue *queue, struct datagram *burst, uint64_t counts[])
{
	unsigned n = 0;

	for (int tries = 0; tries < 200 && n == 0; tries++) {
		io_class->wait(queue, 100000);
		n = io_class->rx_burst(queue, burst, IO_BURST, counts);
	}
	return n;
}

static void answer_all(struct io_queue *queue, struct datagram *burst, unsigned n,
		       uint64_t counts[])
{
	for (unsigned i = 0; i < n; i++) {
		burst[i].payload[2] |= 0x80;
		burst[i].sum = checksum_sum(burst[i].payload, burst[i].length);
	}
	io_class->tx_burst(queue, burst, n, counts);
}

static bool is_pass(enum counter counter)
{
	return counter >= COUNT_pass_runt && counter <= COUNT_pass_no_socket;
}

/* One query goes in, its reply comes out. `ip` is the offset of the IP header. */
static void exchange(const struct frame *query, uint32_t ip, uint64_t counts[])
{
	struct io_queue *queue = io_class->queue(io, 0);
	struct datagram burst[IO_BURST] = {0};
	struct frame reply;

	transmit(query);
	assert_int_equal(receive(queue, burst, counts), 1);
	assert_int_equal(burst[0].length, sizeof(question) - 1);
	assert_memory_equal(burst[0].payload, question, sizeof(question) - 1);
	assert_true(burst[0].capacity >= 1300);
	answer_all(queue, burst, 1, counts);
	reply = next_reply();
	assert_int_equal(reply.length, query->length < 60 ? 60 : query->length);
	assert_memory_equal(reply.octets + 6, query->octets, 6);
	assert_memory_equal(reply.octets + 12, query->octets + 12, ip - 12);
	assert_int_equal(reply.octets[query->length - (sizeof(question) - 1) + 2] & 0x80, 0x80);
}

/* The kernel behind PEER looks for neighbours and groups by itself. */
static void expect_nothing_else(const uint64_t counts[], enum counter reason)
{
	for (unsigned i = 0; i < COUNTERS; i++)
		if (i != reason && i != COUNT_pass_group)
			assert_int_equal(counts[i], 0);
}

static void expect_answer(const struct frame *query, uint32_t ip)
{
	uint64_t counts[COUNTERS] = {0};

	exchange(query, ip, counts);
	expect_nothing_else(counts, COUNTERS);
}

/* Puts a query behind the frame in question: when it arrives and nothing else has, the frame went
 * to the kernel. */
static void expect_passed(const struct frame *f, enum counter reason)
{
	struct frame marker = query4("198.18.0.1", 53, -1);
	uint64_t counts[COUNTERS] = {0};

	transmit(f);
	exchange(&marker, 14, counts);
	assert_true(counts[reason] > 0);
	expect_nothing_else(counts, reason);
}

static void expect_drop(const struct frame *f, enum counter reason)
{
	struct io_queue *queue = io_class->queue(io, 0);
	struct datagram burst[IO_BURST];
	uint64_t counts[COUNTERS] = {0};

	transmit(f);
	for (int tries = 0; tries < 200 && counts[reason] == 0; tries++) {
		io_class->wait(queue, 100000);
		assert_int_equal(io_class->rx_burst(queue, burst, IO_BURST, counts), 0);
	}
	assert_int_equal(counts[reason], 1);
}

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static void test_queries_are_answered(void **state)
{
	(void)state;
	struct frame f;

	if (why_not)
		skip();
	open_on(OURS, NULL, 0);
	assert_string_equal(io_class->describe(io, 0), "af_xdp ax0 queue 0 (native, copy)");
	assert_null(io_class->queue(io, 1));
	f = query4("198.18.0.1", 53, -1);
	expect_answer(&f, 14);
	f = query4("198.18.0.1", 53, 100);
	expect_answer(&f, 18);
	f = query6("2001:db8:18::1", 53);
	expect_answer(&f, 14);
}

static void test_all_else_is_the_kernels(void **state)
{
	(void)state;
	struct frame f;

	if (why_not)
		skip();
	open_on(OURS, NULL, 0);
	f = query4("198.18.0.1", 54, -1);
	expect_passed(&f, COUNT_pass_not_ours);
	f = query4("198.18.0.3", 53, -1); /* not ours */
	expect_passed(&f, COUNT_pass_not_ours);
	f = query6("2001:db8:18::3", 53);
	expect_passed(&f, COUNT_pass_not_ours);
	f = query4("198.18.0.1", 53, -1);
	f.octets[14 + 9] = 6; /* TCP */
	expect_passed(&f, COUNT_pass_not_udp);
	f = query4("198.18.0.1", 53, -1);
	f.octets[14 + 6] = 0x20; /* more fragments */
	expect_passed(&f, COUNT_pass_fragment);
	f = query4("198.18.0.1", 53, -1);
	f.octets[14] = 0x46; /* options */
	expect_passed(&f, COUNT_pass_ip_options);
	f = query6("2001:db8:18::1", 53);
	f.octets[14 + 6] = 60; /* destination options */
	expect_passed(&f, COUNT_pass_extension);
	f = query4("198.18.0.1", 53, -1);
	memset(f.octets, 0xff, 6); /* broadcast */
	expect_passed(&f, COUNT_pass_group);
	f = query4("198.18.0.1", 53, 7);
	put16(f.octets + 16, 0x8100); /* two tags */
	expect_passed(&f, COUNT_pass_vlan);
	f = query4("198.18.0.1", 53, -1);
	put16(f.octets + 12, 0x0806);
	expect_passed(&f, COUNT_pass_not_ip);
	f = query4("198.18.0.1", 53, -1);
	f.length = 14 + 20 + 7; /* cut within the UDP header */
	expect_passed(&f, COUNT_pass_udp_length);
}

/* A datagram to another port reaches the kernel's socket while we serve. */
static void test_kernel_sockets_live_on(void **state)
{
	(void)state;
	struct listen_address own = address_of("198.18.0.1", 5354);
	struct pollfd ready = {.events = POLLIN};
	struct frame f;
	char got[512];

	if (why_not)
		skip();
	open_on(OURS, NULL, 0);
	ready.fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(
	    bind(ready.fd, (struct sockaddr *)&own.address, sizeof(struct sockaddr_in)), 0);
	f = query4("198.18.0.1", 5354, -1);
	transmit(&f);
	assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(ready.fd, got, sizeof(got), 0), sizeof(question) - 1);
	close(ready.fd);
}

static void test_bad_frames_are_counted(void **state)
{
	(void)state;
	struct frame f;

	if (why_not)
		skip();
	open_on(OURS, NULL, 0);
	f = query4("198.18.0.1", 53, -1);
	f.octets[f.length - 1] ^= 1;
	expect_drop(&f, COUNT_drop_checksum);
	f = query4("198.18.0.1", 53, -1);
	f.octets[14 + 8] ^= 1; /* hop limit: the header's checksum is wrong */
	expect_drop(&f, COUNT_drop_ip_checksum);
	f = query6("2001:db8:18::1", 53);
	put16(f.octets + 14 + 44, 4);
	expect_drop(&f, COUNT_drop_udp_length);
	f = query4("198.18.0.1", 53, -1);
	memset(f.octets + 14 + 12, 0, 4);
	put16(f.octets + 24, 0);
	put16(f.octets + 24, (uint16_t)~checksum_sum(f.octets + 14, 20));
	expect_drop(&f, COUNT_drop_source);
}

static void test_listening_addresses(void **state)
{
	(void)state;
	struct listen_address listen[] = {address_of("198.18.0.77", 5353),
					  address_of("0.0.0.0", 5301), address_of("::", 53)};
	struct frame f;

	if (why_not)
		skip();
	open_on(OURS, listen, 3);
	f = query4("198.18.0.77", 5353, -1); /* anycast: not the interface's own */
	expect_answer(&f, 14);
	f = query4("198.18.0.1", 5301, -1);
	expect_answer(&f, 14);
	f = query6("2001:db8:18::1", 53);
	expect_answer(&f, 14);
	/* And those beside it are the kernel's. */
	listen[0] = address_of("198.18.0.1", 53);
	open_on(OURS, listen, 1);
	f = query4("198.18.0.1", 5353, -1);
	expect_passed(&f, COUNT_pass_not_ours);
	f = query6("2001:db8:18::1", 53);
	expect_passed(&f, COUNT_pass_not_ours);
}

static void test_addresses_are_followed(void **state)
{
	(void)state;
	struct frame f;

	if (why_not)
		skip();
	open_on(OURS, NULL, 0);
	f = query4("198.18.0.9", 53, -1);
	expect_passed(&f, COUNT_pass_not_ours);
	run("ip addr add 198.18.0.9/24 dev " OURS);
	io_class->refresh(io);
	expect_answer(&f, 14);
	run("ip addr del 198.18.0.9/24 dev " OURS);
	io_class->refresh(io);
	expect_passed(&f, COUNT_pass_not_ours);
}

static void test_who_strips_tags(void **state)
{
	(void)state;

	if (why_not)
		skip();
	run("ethtool -K " OURS " rxvlan on");
	assert_true(interface_strips_tags(OURS));
	run("ethtool -K " OURS " rxvlan off");
	assert_false(interface_strips_tags(OURS));
}

/* The address of a VLAN interface on top comes as a tagged frame, if the card leaves the tag in. */
static void test_addresses_of_vlan_interfaces(void **state)
{
	(void)state;
	struct frame f;

	if (why_not)
		skip();
	if (system("ip link add link " OURS " name ax0.100 type vlan id 100 2>/dev/null") != 0) {
		print_message(
		    "this kernel makes no VLAN interfaces: only their absence is tested\n");
		open_on(OURS, NULL, 0);
		f = query4("198.18.9.1", 53, 100);
		expect_passed(&f, COUNT_pass_not_ours);
		return;
	}
	run("ip addr add 198.18.9.1/24 dev ax0.100 && ip link set ax0.100 up");
	open_on(OURS, NULL, 0);
	f = query4("198.18.9.1", 53, 100);
	run("ethtool -K " OURS " rxvlan on");
	io_class->refresh(io);
	expect_passed(&f, COUNT_pass_not_ours);
	run("ethtool -K " OURS " rxvlan off");
	io_class->refresh(io);
	expect_answer(&f, 18);
	run("ip link del ax0.100");
	io_class->refresh(io);
	expect_passed(&f, COUNT_pass_not_ours);
}

/* Many times more frames than there are, every fifth without a reply: none gets lost. Debug builds
 * check each frame's place too. */
static void test_frames_come_round(void **state)
{
	(void)state;
	struct io_queue *queue;
	struct datagram burst[IO_BURST];
	uint64_t counts[COUNTERS] = {0};
	struct frame f;
	unsigned total = 0;

	if (why_not)
		skip();
	open_on(OURS, NULL, 0);
	queue = io_class->queue(io, 0);
	f = query4("198.18.0.1", 53, -1);
	while (total < 20000) {
		unsigned n, replies = 0;

		for (int i = 0; i < 10; i++)
			transmit(&f);
		for (unsigned got = 0; got < 10; got += n) {
			n = receive(queue, burst, counts);
			assert_true(n > 0);
			for (unsigned i = 0; i < n; i++)
				if ((total + got + i) % 5 == 0)
					burst[i].length = 0;
				else
					replies++;
			answer_all(queue, burst, n, counts);
		}
		total += 10;
		for (; replies > 0; replies--)
			next_reply();
	}
	for (unsigned i = 0; i < COUNTERS; i++) /* what was passed before is counted now */
		assert_true(counts[i] == 0 || is_pass(i));
}

static void test_every_queue_has_a_worker(void **state)
{
	(void)state;
	char error[IO_ERROR_TEXT];

	if (why_not)
		skip();
	run("ip link add axq0 numrxqueues 3 numtxqueues 3 type veth peer name axq1 numrxqueues 3 "
	    "numtxqueues 3 && ip link set axq0 up && ip link set axq1 up");
	assert_int_equal(interface_queues("axq0"), 3);
	io = try_open("axq0", 2, NULL, 0, error);
	if (!io)
		fail_msg("%s", error);
	assert_string_equal(io_class->describe(io, 0), "af_xdp axq0 queue 0,2 (native, copy)");
	assert_string_equal(io_class->describe(io, 1), "af_xdp axq0 queue 1 (native, copy)");
	close_io();
	refused("axq0", 4, "4 workers, but axq0 has only 3 receive queues");
	run("ip link del axq0");
}

static void test_generic_mode_is_said(void **state)
{
	(void)state;

	if (why_not)
		skip();
	open_on("lo", NULL, 0);
	assert_string_equal(io_class->describe(io, 0), "af_xdp lo queue 0 (generic, copy)");
}

static void test_refusals_say_what_to_do(void **state)
{
	(void)state;

	if (why_not)
		skip();
	refused("ax7", 1, "no such interface; this host has: lo, ");
	refused("", 1, "name an interface, as in af_xdp:eth0; this host has: lo, ");
	refused("a-name-that-is-far-too-long-for-an-interface", 1, "no such interface");
	open_on(OURS, NULL, 0);
	refused(OURS, 1, "another Skua serves ax0");
}

static int somebody_elses_program(void)
{
	const struct bpf_insn pass[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
	    {.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "somebody", "GPL", pass, 2, NULL);
}

static void test_foreign_program_is_left_alone(void **state)
{
	(void)state;
	uint32_t id = 0;
	int program;

	if (why_not)
		skip();
	program = somebody_elses_program();
	assert_true(program >= 0);
	for (int generic = 0; generic < 2; generic++) {
		uint32_t mode = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;

		assert_int_equal(bpf_xdp_attach((int)if_nametoindex(OURS), program, mode, NULL), 0);
		refused(OURS, 1, "XDP program \"somebody\"");
		refused(OURS, 1, generic ? "xdpgeneric off" : "xdpdrv off");
		assert_int_equal(bpf_xdp_query_id((int)if_nametoindex(OURS), (int)mode, &id), 0);
		assert_int_not_equal(id, 0);
		assert_int_equal(bpf_xdp_detach((int)if_nametoindex(OURS), mode, NULL), 0);
	}
	close(program);
}

/* A process that holds the interface is killed at some moment; the next one starts at once. */
static void test_killed_processes_leave_nothing(void **state)
{
	(void)state;
	struct frame f;

	if (why_not)
		skip();
	f = query4("198.18.0.1", 53, -1);
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

			io = try_open(OURS, 1, NULL, 0, error);
			if (!io || write(ready[1], "r", 1) != 1)
				_exit(1);
			for (;;) {
				struct io_queue *queue = io_class->queue(io, 0);

				answer_all(queue, burst, receive(queue, burst, counts), counts);
			}
		}
		close(ready[1]);
		assert_int_equal(read(ready[0], &octet, 1), 1);
		close(ready[0]);
		for (int i = 0; i < 5 * round; i++)
			transmit(&f);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
	open_on(OURS, NULL, 0);
	while (recv(peer, f.octets, sizeof(f.octets), MSG_DONTWAIT) > 0)
		;
	f = query4("198.18.0.1", 53, -1);
	expect_answer(&f, 14);
}

static bool may_use_bpf(void)
{
	int program = somebody_elses_program();

	if (program >= 0)
		close(program);
	return program >= 0;
}

static int set_up(void **state)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct sockaddr_ll own = {0};
	socklen_t size = sizeof(own);
	int fd, one = 1;

	(void)state;
	if (unshare(CLONE_NEWNET) != 0 || !may_use_bpf()) {
		why_not = "needs root";
		return 0;
	}
	/* Nobody but us speaks here: no router solicitations, no duplicate address detection. */
	if (system("ip link set lo up && ip link add " OURS " type veth peer name " PEER
		   " && ip addr add 198.18.0.1/24 dev " OURS
		   " && ip addr add 2001:db8:18::1/64 dev " OURS " nodad"
		   " && ip link set " PEER " addrgenmode none"
		   " && ip link set " OURS " up && ip link set " PEER " up") != 0)
		return -1;
	fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	at.sll_ifindex = (int)if_nametoindex(OURS);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &size) != 0)
		return -1;
	memcpy(our_mac, own.sll_addr, 6);
	close(fd);
	peer = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	at.sll_ifindex = (int)if_nametoindex(PEER);
	if (setsockopt(peer, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) != 0)
		return -1;
	return peer < 0 ? -1 : bind(peer, (struct sockaddr *)&at, sizeof(at));
}

/* Replies of now at the peer's end. */
static unsigned count_replies(void)
{
	struct pollfd ready = {.fd = peer, .events = POLLIN};
	unsigned count = 0;
	struct frame f;

	while (poll(&ready, 1, 0) == 1)
		count += receive_tagged(&f) >= 14 && memcmp(f.octets, "\2\0\0\0\0\2", 6) == 0;
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
	struct frame f;

	(void)state;
	if (why_not)
		skip();
	open_on(OURS, NULL, 0);
	queue = io_class->queue(io, 0);
	f = query4("198.18.0.1", 53, -1);
	for (unsigned i = 0; i < QUERIES; i++) {
		transmit(&f);
		if (i % AT_ONCE == 0)
			usleep(1000); /* the pair's own queue is short */
	}
	count_replies();
	assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
	run("ip link set " OURS " down");
	while ((n = io_class->rx_burst(queue, burst, IO_BURST, counts)) > 0) {
		answer_all(queue, burst, n, counts);
		taken += n;
	}
	assert_in_range(taken, RING + 1, QUERIES);
	assert_int_equal(counts[COUNT_drop_tx_full], taken - RING);
	assert_int_equal(count_replies(), 0);
	run("ip link set " OURS " up");
	for (int tries = 0; tries < 2000 && left < RING; tries++) {
		io_class->wait(queue, 1000);
		left += count_replies();
	}
	assert_int_equal(left, RING);
	f = query4("198.18.0.1", 53, -1);
	expect_answer(&f, 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_queries_are_answered, close_after),
	    cmocka_unit_test_teardown(test_all_else_is_the_kernels, close_after),
	    cmocka_unit_test_teardown(test_kernel_sockets_live_on, close_after),
	    cmocka_unit_test_teardown(test_bad_frames_are_counted, close_after),
	    cmocka_unit_test_teardown(test_listening_addresses, close_after),
	    cmocka_unit_test_teardown(test_addresses_are_followed, close_after),
	    cmocka_unit_test(test_who_strips_tags),
	    cmocka_unit_test_teardown(test_addresses_of_vlan_interfaces, close_after),
	    cmocka_unit_test_teardown(test_frames_come_round, close_after),
	    cmocka_unit_test_teardown(test_a_full_ring_loses_single_replies, close_after),
	    cmocka_unit_test_teardown(test_every_queue_has_a_worker, close_after),
	    cmocka_unit_test_teardown(test_generic_mode_is_said, close_after),
	    cmocka_unit_test_teardown(test_refusals_say_what_to_do, close_after),
	    cmocka_unit_test_teardown(test_foreign_program_is_left_alone, close_after),
	    cmocka_unit_test_teardown(test_killed_processes_leave_nothing, close_after),
	};
	return cmocka_run_group_tests_name("af_xdp", tests, set_up, NULL);
}
