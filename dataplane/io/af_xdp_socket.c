#include "dataplane/io/af_xdp_socket.h"

#include "dataplane/io/interface.h"
#include "runtime/numa.h"

#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <xdp/libxdp.h>
#include <xdp/xsk.h>

/* Newer than Debian 12's headers; the kernel says no if it does not know them. */
#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69
#endif
#ifndef SO_BUSY_POLL_BUDGET
#define SO_BUSY_POLL_BUDGET 70
#endif

/* A worker that is not scheduled for a while must find its queries waiting: 4096 are 20 ms of
 * 200,000 queries a second. There are frames for a full fill ring and a full TX ring at once. */
#define RECEIVE_RING 4096u
#define SEND_RING    2048u
#define FRAME_COUNT  (RECEIVE_RING + SEND_RING)

#define BUSY_POLL_MICROSECONDS 20
#define SEND_BUFFER	       (16 << 20)
#define KICKS_MAX	       8u   /* in copy mode a call sends 32 frames, on most kernels */
#define LEAVING_TRIES	       400u /* times LEAVING_PAUSE: a dead process may hold the queue */
#define LEAVING_PAUSE	       5000000

struct af_xdp_socket {
	/* What every burst touches. */
	struct xsk_ring_cons received;
	struct xsk_ring_prod fill;
	struct xsk_ring_prod send;
	struct xsk_ring_cons sent;
	uint8_t *memory;
	uint64_t frame_size; /* a power of two */
	const struct frame_rules *rules;
	const _Atomic unsigned *room;
	int fd;
	unsigned free_count;
	unsigned receiving; /* frames with the kernel for receiving */
	unsigned held;	    /* frames with the worker */
	unsigned sending;   /* frames with the kernel for sending */
	uint64_t free[FRAME_COUNT];

	struct steering_seen seen;
	uint64_t lost; /* counted of the kernel's */

	bool busy_poll; /* an empty ring is asked about by a system call */
	bool zero_copy;
	struct xsk_umem *umem;
	struct xsk_socket *xsk;
#ifndef NDEBUG
	uint8_t place[FRAME_COUNT];
#endif
};

enum place { PLACE_FREE, PLACE_RECEIVING, PLACE_HELD, PLACE_SENDING };

/* Debug builds know of each frame where it is: one that is lost, or in two places, stops us. */
static void move_frame(struct af_xdp_socket *socket, uint64_t address, enum place from,
		       enum place to)
{
#ifndef NDEBUG
	uint64_t number = address / socket->frame_size;

	assert(number < FRAME_COUNT && socket->place[number] == from);
	socket->place[number] = (uint8_t)to;
#else
	(void)socket;
	(void)address;
	(void)from;
	(void)to;
#endif
}

static void check_frames(const struct af_xdp_socket *socket)
{
	assert(socket->free_count + socket->receiving + socket->held + socket->sending ==
	       FRAME_COUNT);
	(void)socket;
}

static uint64_t frame_start(const struct af_xdp_socket *socket, uint64_t address)
{
	return address & ~(socket->frame_size - 1);
}

static void set_free(struct af_xdp_socket *socket, uint64_t address, enum place from)
{
	move_frame(socket, frame_start(socket, address), from, PLACE_FREE);
	socket->free[socket->free_count++] = frame_start(socket, address);
}

/* Takes back what has left. */
static void reclaim_sent(struct af_xdp_socket *socket)
{
	uint32_t at = 0;
	uint32_t n = xsk_ring_cons__peek(&socket->sent, SEND_RING, &at);

	for (uint32_t i = 0; i < n; i++)
		set_free(socket, *xsk_ring_cons__comp_addr(&socket->sent, at + i), PLACE_SENDING);
	if (n > 0)
		xsk_ring_cons__release(&socket->sent, n);
	socket->sending -= n;
}

/* All free frames that fit go to the kernel, so that it never lacks one. */
static void refill(struct af_xdp_socket *socket)
{
	uint32_t n = xsk_prod_nb_free(&socket->fill, socket->free_count);
	uint32_t at = 0;

	if (n > socket->free_count)
		n = socket->free_count;
	if (n == 0 || xsk_ring_prod__reserve(&socket->fill, n, &at) != n)
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t address = socket->free[--socket->free_count];

		move_frame(socket, address, PLACE_FREE, PLACE_RECEIVING);
		*xsk_ring_prod__fill_addr(&socket->fill, at + i) = address;
	}
	xsk_ring_prod__submit(&socket->fill, n);
	socket->receiving += n;
}

/* In copy mode each call sends a batch and says EAGAIN if there is more. Whatever else it says (no
 * link, no memory) holds for all: the frames stay in the ring and go with the next call. */
static void kick(struct af_xdp_socket *socket)
{
	for (unsigned i = 0; i < KICKS_MAX; i++)
		if (sendto(socket->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 || errno != EAGAIN)
			return;
}

void af_xdp_socket_settle(struct af_xdp_socket *socket)
{
	reclaim_sent(socket);
	refill(socket);
	if (socket->sending > 0 && xsk_ring_prod__needs_wakeup(&socket->send))
		kick(socket);
	if (socket->busy_poll || xsk_ring_prod__needs_wakeup(&socket->fill))
		recvfrom(socket->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

/* A system call: for now and then. */
static uint64_t count_lost(const struct af_xdp_socket *socket)
{
	struct xdp_statistics statistics = {0};
	socklen_t size = sizeof(statistics);

	if (getsockopt(socket->fd, SOL_XDP, XDP_STATISTICS, &statistics, &size) != 0)
		return socket->lost;
	return statistics.rx_dropped + statistics.rx_ring_full;
}

void af_xdp_socket_count(struct af_xdp_socket *socket, uint64_t counts[])
{
	uint64_t lost = count_lost(socket);

	counts[COUNT_drop_rx_full] += lost - socket->lost;
	socket->lost = lost;
	steering_count(&socket->seen, counts);
}

/* The room for a reply ends with the frame's memory, or where the interface takes no more. */
static uint32_t room_at(const struct af_xdp_socket *socket, uint64_t address)
{
	uint64_t memory = frame_start(socket, address) + socket->frame_size - address;
	unsigned room = atomic_load_explicit(socket->room, memory_order_relaxed);

	return memory < room ? (uint32_t)memory : room;
}

/* False: no query for us, counted, and its frame is free again. */
static bool take_frame(struct af_xdp_socket *socket, const struct xdp_desc *received,
		       struct datagram *query, uint64_t counts[])
{
	uint8_t *frame = socket->memory + received->addr;
	enum counter reason;

	query->frame = socket;
	query->sum = 0;
	if (frame_receive(socket->rules, frame, received->len, room_at(socket, received->addr),
			  query, &reason)) {
		move_frame(socket, frame_start(socket, received->addr), PLACE_RECEIVING,
			   PLACE_HELD);
		return true;
	}
	counts[reason]++;
	set_free(socket, received->addr, PLACE_RECEIVING);
	return false;
}

unsigned af_xdp_socket_receive(struct af_xdp_socket *socket, struct datagram *burst, unsigned max,
			       uint64_t counts[])
{
	uint32_t at = 0, n, taken = 0;

	reclaim_sent(socket);
	refill(socket);
	n = xsk_ring_cons__peek(&socket->received, max, &at);
	if (n == 0) {
		af_xdp_socket_settle(socket);
		return 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint64_t address = xsk_ring_cons__rx_desc(&socket->received, at + i)->addr;

		__builtin_prefetch(socket->memory + address);
	}
	for (uint32_t i = 0; i < n; i++)
		taken += take_frame(socket, xsk_ring_cons__rx_desc(&socket->received, at + i),
				    &burst[taken], counts);
	xsk_ring_cons__release(&socket->received, n);
	socket->receiving -= n;
	socket->held += taken;
	check_frames(socket);
	return taken;
}

static uint64_t address_of(const struct af_xdp_socket *socket, const struct datagram *datagram)
{
	return (uint64_t)(datagram->payload - datagram->headers - socket->memory);
}

static void put_in_ring(struct af_xdp_socket *socket, uint32_t at, const struct datagram *reply)
{
	struct xdp_desc *descriptor = xsk_ring_prod__tx_desc(&socket->send, at);

	descriptor->addr = address_of(socket, reply);
	descriptor->len = frame_reply(reply);
	descriptor->options = 0;
	move_frame(socket, frame_start(socket, descriptor->addr), PLACE_HELD, PLACE_SENDING);
}

void af_xdp_socket_send(struct af_xdp_socket *socket, struct datagram *burst, unsigned n,
			uint64_t counts[])
{
	uint32_t space = xsk_prod_nb_free(&socket->send, n), at = 0, used = 0;

	if (space > n)
		space = n;
	if (space > 0)
		xsk_ring_prod__reserve(&socket->send, space, &at);
	for (unsigned i = 0; i < n; i++) {
		if (burst[i].length > 0 && used < space) {
			put_in_ring(socket, at + used++, &burst[i]);
			continue;
		}
		counts[COUNT_drop_tx_full] += burst[i].length > 0;
		set_free(socket, address_of(socket, &burst[i]), PLACE_HELD);
	}
	/* What was reserved for queries without a reply is given back. */
	socket->send.cached_prod -= space - used;
	if (used > 0)
		xsk_ring_prod__submit(&socket->send, used);
	socket->sending += used;
	socket->held -= n;
	if (socket->sending > 0 && xsk_ring_prod__needs_wakeup(&socket->send))
		kick(socket);
	check_frames(socket);
}

static void explain(const struct af_xdp_socket_config *config, int reason,
		    char error[IO_ERROR_TEXT])
{
	const char *hint = "check `ip link` and the kernel's log (`dmesg`)";

	if (reason == EPERM || reason == EACCES)
		hint = "needs root, or CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF "
		       "(AmbientCapabilities= in systemd), or use --io socket";
	else if (reason == ENOBUFS || reason == ENOMEM)
		hint = "its packet memory is above the limit on locked memory: raise it "
		       "(`ulimit -l unlimited`, LimitMEMLOCK=infinity in systemd) or give "
		       "CAP_IPC_LOCK";
	else if (reason == EBUSY)
		hint = "another program has an AF_XDP socket on this queue: stop it";
	else if (reason == ENETDOWN)
		hint = "the interface is down: `ip link set dev INTERFACE up`";
	else if (config->copy == AF_XDP_ZERO_COPY && (reason == EOPNOTSUPP || reason == EINVAL))
		hint = "its driver has no zero-copy: leave out :zero-copy, which takes it where it "
		       "can be had";
	else if (reason == EAFNOSUPPORT)
		hint = "this kernel has no AF_XDP (CONFIG_XDP_SOCKETS): use --io socket";
	snprintf(error, IO_ERROR_TEXT, "no AF_XDP socket on %s queue %u (%s): %s",
		 config->interface, config->queue, strerror(reason), hint);
}

/* Frames of 2 KiB hold what an MTU of 1500 brings, with the kernel's header room in front. */
static uint32_t frame_size_for(unsigned mtu)
{
	return mtu + 14 + 4 + XDP_PACKET_HEADROOM <= 2048 ? 2048 : 4096;
}

/* node: -1, or that of the worker which reads the frames; elsewhere they are only farther. */
static bool get_memory(struct af_xdp_socket *socket, int node)
{
	size_t size = FRAME_COUNT * socket->frame_size;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	socket->memory = memory;
	/* Before the first touch; a kernel without large pages does without. */
	madvise(memory, size, MADV_HUGEPAGE);
	if (node >= 0)
		numa_bind(memory, size, node);
	memset(memory, 0, size);
	for (unsigned i = 0; i < FRAME_COUNT; i++)
		socket->free[i] = (FRAME_COUNT - 1 - i) * socket->frame_size;
	socket->free_count = FRAME_COUNT;
	return true;
}

static int register_memory(struct af_xdp_socket *socket)
{
	struct xsk_umem_config config = {
	    .fill_size = RECEIVE_RING,
	    .comp_size = SEND_RING,
	    .frame_size = (uint32_t)socket->frame_size,
	};

	return -xsk_umem__create(&socket->umem, socket->memory, FRAME_COUNT * socket->frame_size,
				 &socket->fill, &socket->sent, &config);
}

/* Without either flag the kernel takes zero-copy if the driver can and copies otherwise. */
static uint16_t copy_flag(const struct af_xdp_socket_config *config)
{
	if (config->generic || config->copy == AF_XDP_COPY)
		return XDP_COPY;
	return config->copy == AF_XDP_ZERO_COPY ? XDP_ZEROCOPY : 0;
}

static int bind_to_queue(struct af_xdp_socket *socket, const struct af_xdp_socket_config *config)
{
	struct xsk_socket_config options = {
	    .rx_size = RECEIVE_RING,
	    .tx_size = SEND_RING,
	    .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
	    .bind_flags = XDP_USE_NEED_WAKEUP | copy_flag(config),
	};

	return -xsk_socket__create(&socket->xsk, config->interface, config->queue, socket->umem,
				   &socket->received, &socket->send, &options);
}

/* The queue may still belong to a process that was killed this moment: the kernel takes its
 * sockets apart in its own time. A failed attempt leaves the rings unusable, hence both steps. */
static int open_socket(struct af_xdp_socket *socket, const struct af_xdp_socket_config *config)
{
	int reason = EBUSY;

	for (unsigned i = 0; i < LEAVING_TRIES && reason == EBUSY; i++) {
		if (i > 0)
			nanosleep(&(struct timespec){.tv_nsec = LEAVING_PAUSE}, NULL);
		reason = register_memory(socket);
		if (reason != 0)
			return reason;
		reason = bind_to_queue(socket, config);
		if (reason == 0)
			return 0;
		socket->xsk = NULL;
		xsk_umem__delete(socket->umem);
		socket->umem = NULL;
	}
	return reason;
}

static void read_back(struct af_xdp_socket *socket)
{
	struct xdp_options options = {0};
	socklen_t size = sizeof(options);

	if (getsockopt(socket->fd, SOL_XDP, XDP_OPTIONS, &options, &size) == 0)
		socket->zero_copy = (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

/* Each is a help where the kernel knows it, and no loss where not. Preferring busy polling, what we
 * ask of the kernel runs the card's queue in our own thread. Asking where nothing has come pays
 * only where interrupts are put off: else the card is faster by itself. */
static void tune(struct af_xdp_socket *socket, const char *interface)
{
	int one = 1, budget = IO_BURST, time = BUSY_POLL_MICROSECONDS, buffer = SEND_BUFFER;
	int fd = socket->fd;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	socket->busy_poll =
	    setsockopt(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &one, sizeof(one)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &time, sizeof(time)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget)) == 0 &&
	    interface_defers_interrupts(interface);
}

static void raise_memory_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &limit);
}

struct af_xdp_socket *af_xdp_socket_open(const struct af_xdp_socket_config *config,
					 char error[IO_ERROR_TEXT])
{
	struct af_xdp_socket *socket = calloc(1, sizeof(*socket));
	int reason = ENOMEM;

	libxdp_set_print(NULL); /* our message says it */
	raise_memory_limit();
	if (socket) {
		socket->frame_size = frame_size_for(config->mtu);
		socket->rules = config->rules;
		socket->room = config->room;
		socket->seen.passed = config->passed;
		if (get_memory(socket, config->node))
			reason = open_socket(socket, config);
	}
	if (reason != 0) {
		explain(config, reason, error);
		if (socket)
			af_xdp_socket_close(socket);
		return NULL;
	}
	socket->fd = xsk_socket__fd(socket->xsk);
	read_back(socket);
	tune(socket, config->interface);
	refill(socket);
	check_frames(socket);
	return socket;
}

void af_xdp_socket_close(struct af_xdp_socket *socket)
{
	if (socket->xsk)
		xsk_socket__delete(socket->xsk);
	if (socket->umem)
		xsk_umem__delete(socket->umem);
	if (socket->memory)
		munmap(socket->memory, FRAME_COUNT * socket->frame_size);
	free(socket);
}

int af_xdp_socket_fd(const struct af_xdp_socket *socket)
{
	return socket->fd;
}

bool af_xdp_socket_is_busy_polled(const struct af_xdp_socket *socket)
{
	return socket->busy_poll;
}

bool af_xdp_socket_is_zero_copy(const struct af_xdp_socket *socket)
{
	return socket->zero_copy;
}
