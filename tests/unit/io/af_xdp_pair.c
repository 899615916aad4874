#include "tests/unit/io/af_xdp_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/io/packet_io.h"
#include "dataplane/net/checksum.h"
#include "zones/abi/channel.h"

#include <bpf/bpf.h>
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct packet_io_class *const pair_class = &packet_io_af_xdp;
const char *pair_why_not;
int pair_peer = -1;
struct packet_io *pair_io;
const char pair_question[PAIR_QUESTION + 1] =
    "\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1";

static uint8_t our_mac[6];

static void add(struct pair_frame *f, const void *octets, uint32_t length)
{
	memcpy(f->octets + f->length, octets, length);
	f->length += length;
}

void pair_put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

struct pair_frame pair_query4(const char *destination, uint16_t port, int vlan)
{
	static const uint8_t headers[] = "\x45\0\0\0\0\0\0\0\7\x11\0\0\xc6\x12\0\2\0\0\0\0"
					 "\xc0\x01\0\0\0\0\0\0";
	uint32_t udp_length = 8 + PAIR_QUESTION, sum;
	struct pair_frame f = {.length = 0};
	uint8_t *ip;

	add(&f, our_mac, 6);
	add(&f, "\2\0\0\0\0\2", 6);
	if (vlan >= 0) {
		add(&f, "\x81\0\0\0", 4);
		pair_put16(f.octets + 14, (uint32_t)vlan);
	}
	add(&f, "\x08\0", 2);
	ip = f.octets + f.length;
	add(&f, headers, sizeof(headers) - 1);
	add(&f, pair_question, PAIR_QUESTION);
	assert_int_equal(inet_pton(AF_INET, destination, ip + 16), 1);
	pair_put16(ip + 2, 20 + udp_length);
	pair_put16(ip + 10, (uint16_t)~checksum_sum(ip, 20));
	pair_put16(ip + 22, port);
	pair_put16(ip + 24, udp_length);
	sum = checksum_sum(ip + 12, 8 + udp_length) + 17 + udp_length;
	pair_put16(ip + 26, (uint16_t)~checksum_fold(sum));
	return f;
}

struct pair_frame pair_query6(const char *destination, uint16_t port)
{
	uint32_t udp_length = 8 + PAIR_QUESTION, sum;
	struct pair_frame f = {.length = 0};
	uint8_t *ip;

	add(&f, our_mac, 6);
	add(&f, "\2\0\0\0\0\2\x86\xdd", 8);
	ip = f.octets + f.length;
	add(&f, "\x60\0\0\0\0\0\x11\7\x20\1\x0d\xb8\0\x18\0\0\0\0\0\0\0\0\0\2", 24);
	f.length += 16;
	add(&f, "\xc0\x01\0\0\0\0\0\0", 8);
	add(&f, pair_question, PAIR_QUESTION);
	assert_int_equal(inet_pton(AF_INET6, destination, ip + 24), 1);
	pair_put16(ip + 4, udp_length);
	pair_put16(ip + 42, port);
	pair_put16(ip + 44, udp_length);
	sum = checksum_sum(ip + 8, 32 + udp_length) + 17 + udp_length;
	pair_put16(ip + 46, (uint16_t)~checksum_fold(sum));
	return f;
}

void pair_transmit(const struct pair_frame *f)
{
	assert_int_equal(send(pair_peer, f->octets, f->length, 0), f->length);
}

ssize_t pair_receive_frame(struct pair_frame *f)
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
	ssize_t got = recvmsg(pair_peer, &message, 0);
	struct cmsghdr *found = CMSG_FIRSTHDR(&message);
	struct tpacket_auxdata data;

	if (got < 14 || !found || found->cmsg_type != PACKET_AUXDATA)
		return got;
	memcpy(&data, CMSG_DATA(found), sizeof(data));
	if (!(data.tp_status & TP_STATUS_VLAN_VALID))
		return got;
	memmove(f->octets + 16, f->octets + 12, (size_t)got - 12);
	pair_put16(f->octets + 12, data.tp_vlan_tpid);
	pair_put16(f->octets + 14, data.tp_vlan_tci);
	return got + 4;
}

struct pair_frame pair_next_reply(void)
{
	struct pair_frame f;

	for (;;) {
		struct pollfd ready = {.fd = pair_peer, .events = POLLIN};
		ssize_t got;

		assert_int_equal(poll(&ready, 1, PAIR_PATIENCE_MS), 1);
		got = pair_receive_frame(&f);
		assert_true(got >= 14);
		f.length = (uint32_t)got;
		if (memcmp(f.octets, "\2\0\0\0\0\2", 6) == 0)
			return f;
	}
}

struct listen_address pair_address(const char *text, uint16_t port)
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

struct packet_io *pair_try_open(const char *interface, unsigned workers,
				const struct listen_address *listen, unsigned count,
				char error[IO_ERROR_TEXT])
{
	struct io_config config = {interface, listen, count, workers};

	error[0] = '\0';
	return pair_class->open(&config, error);
}

void pair_close(void)
{
	if (pair_io)
		pair_class->close(pair_io);
	pair_io = NULL;
}

int pair_close_after(void **state)
{
	(void)state;
	pair_close();
	return 0;
}

void pair_open(const char *interface, const struct listen_address *listen, unsigned count)
{
	char error[IO_ERROR_TEXT];

	pair_close();
	pair_io = pair_try_open(interface, 1, listen, count, error);
	if (!pair_io)
		fail_msg("%s", error);
}

void pair_refused(const char *interface, unsigned workers, const char *words)
{
	char error[IO_ERROR_TEXT];

	assert_null(pair_try_open(interface, workers, NULL, 0, error));
	if (!strstr(error, words))
		fail_msg("\"%s\" does not say \"%s\"", error, words);
}

unsigned pair_receive(struct io_queue *queue, struct datagram *burst, uint64_t counts[])
{
	unsigned n = 0;

	for (int tries = 0; tries < 200 && n == 0; tries++) {
		pair_class->wait(queue, 100000);
		n = pair_class->rx_burst(queue, burst, IO_BURST, counts);
	}
	return n;
}

void pair_answer(struct io_queue *queue, struct datagram *burst, unsigned n, uint64_t counts[])
{
	for (unsigned i = 0; i < n; i++) {
		burst[i].payload[2] |= 0x80;
		burst[i].sum = checksum_sum(burst[i].payload, burst[i].length);
	}
	pair_class->tx_burst(queue, burst, n, counts);
}

bool pair_is_pass(enum counter counter)
{
	return counter >= COUNT_pass_runt && counter <= COUNT_pass_no_socket;
}

/* One query goes in, its reply comes out. `ip` is the offset of the IP header. */
static void exchange(const struct pair_frame *query, uint32_t ip, uint64_t counts[])
{
	struct io_queue *queue = pair_class->queue(pair_io, 0);
	struct datagram burst[IO_BURST] = {0};
	struct pair_frame reply;

	pair_transmit(query);
	assert_int_equal(pair_receive(queue, burst, counts), 1);
	assert_int_equal(burst[0].length, PAIR_QUESTION);
	assert_memory_equal(burst[0].payload, pair_question, PAIR_QUESTION);
	assert_true(burst[0].capacity >= 1300);
	pair_answer(queue, burst, 1, counts);
	reply = pair_next_reply();
	assert_int_equal(reply.length, query->length < 60 ? 60 : query->length);
	assert_memory_equal(reply.octets + 6, query->octets, 6);
	assert_memory_equal(reply.octets + 12, query->octets + 12, ip - 12);
	assert_int_equal(reply.octets[query->length - (PAIR_QUESTION) + 2] & 0x80, 0x80);
}

/* The kernel behind PAIR_PEER looks for neighbours and groups by itself. */
static void expect_nothing_else(const uint64_t counts[], enum counter reason)
{
	for (unsigned i = 0; i < COUNTERS; i++)
		if (i != reason && i != COUNT_pass_group)
			assert_int_equal(counts[i], 0);
}

void pair_expect_answer(const struct pair_frame *query, uint32_t ip)
{
	uint64_t counts[COUNTERS] = {0};

	exchange(query, ip, counts);
	expect_nothing_else(counts, COUNTERS);
}

/* What has gone to the kernel is looked up now and then: at the latest after so many bursts. */
static void count_passed(uint64_t counts[], enum counter reason)
{
	struct io_queue *queue = pair_class->queue(pair_io, 0);
	struct datagram burst[IO_BURST];

	for (int tries = 0; tries < 1024 && counts[reason] == 0; tries++)
		assert_int_equal(pair_class->rx_burst(queue, burst, IO_BURST, counts), 0);
}

void pair_expect_passed(const struct pair_frame *f, enum counter reason)
{
	struct pair_frame marker = pair_query4("198.18.0.1", 53, -1);
	uint64_t counts[COUNTERS] = {0};

	pair_transmit(f);
	exchange(&marker, 14, counts);
	count_passed(counts, reason);
	assert_true(counts[reason] > 0);
	expect_nothing_else(counts, reason);
}

void pair_expect_drop(const struct pair_frame *f, enum counter reason)
{
	struct io_queue *queue = pair_class->queue(pair_io, 0);
	struct datagram burst[IO_BURST];
	uint64_t counts[COUNTERS] = {0};

	pair_transmit(f);
	for (int tries = 0; tries < 200 && counts[reason] == 0; tries++) {
		pair_class->wait(queue, 100000);
		assert_int_equal(pair_class->rx_burst(queue, burst, IO_BURST, counts), 0);
	}
	assert_int_equal(counts[reason], 1);
}

void pair_run(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

int pair_other_program(void)
{
	const struct bpf_insn pass[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
	    {.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "somebody", "GPL", pass, 2, NULL);
}

static bool may_use_bpf(void)
{
	int program = pair_other_program();

	if (program >= 0)
		close(program);
	return program >= 0;
}

int pair_set_up(void **state)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct sockaddr_ll own = {0};
	socklen_t size = sizeof(own);
	int fd, one = 1;

	(void)state;
	if (unshare(CLONE_NEWNET) != 0 || !may_use_bpf()) {
		pair_why_not = "needs root";
		return 0;
	}
	/* Nobody but us speaks here: no router solicitations, no duplicate address detection. */
	if (system("ip link set lo up && ip link add " PAIR_OURS " type veth peer name " PAIR_PEER
		   " && ip addr add 198.18.0.1/24 dev " PAIR_OURS
		   " && ip addr add 2001:db8:18::1/64 dev " PAIR_OURS " nodad"
		   " && ip link set " PAIR_PEER " addrgenmode none"
		   " && ip link set " PAIR_OURS " up && ip link set " PAIR_PEER " up") != 0)
		return -1;
	fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	at.sll_ifindex = (int)if_nametoindex(PAIR_OURS);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &size) != 0)
		return -1;
	memcpy(our_mac, own.sll_addr, 6);
	close(fd);
	pair_peer = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	at.sll_ifindex = (int)if_nametoindex(PAIR_PEER);
	if (setsockopt(pair_peer, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) != 0)
		return -1;
	return pair_peer < 0 ? -1 : bind(pair_peer, (struct sockaddr *)&at, sizeof(at));
}
