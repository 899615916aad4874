/* dpdk.c: the back end on a port of DPDK: frames polled from a queue, replies written in place. */
#include "dataplane/io/dpdk_eal.h"
#include "dataplane/io/dpdk_port.h"
#include "dataplane/net/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#define PREFETCH_AHEAD 4u

/* Read only once the workers run, but for the mbufs that it leads to. */
struct io_queue {
	alignas(64) const struct frame_rules *rules;
	uint32_t frame_most;
	uint16_t port;
	uint16_t index;
	char text[96];
};

struct packet_io {
	struct io_queue queue[DPDK_QUEUES_MAX];
	struct frame_rules rules;
	struct dpdk_port port;
};

static bool make_rules(struct packet_io *io, const struct io_config *config,
		       char error[IO_ERROR_TEXT])
{
	const struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(53)};
	const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(53)};

	for (unsigned i = 0; i < config->listen_count; i++) {
		if (!frame_rules_add(&io->rules,
				     (const struct sockaddr *)&config->listen[i].address)) {
			snprintf(error, IO_ERROR_TEXT, "DPDK: too many addresses to listen on");
			return false;
		}
	}
	return config->listen_count > 0 ||
	       (frame_rules_add(&io->rules, (const struct sockaddr *)&any4) &&
		frame_rules_add(&io->rules, (const struct sockaddr *)&any6));
}

static void make_queue(struct packet_io *io, unsigned index)
{
	struct io_queue *queue = &io->queue[index];

	queue->rules = &io->rules;
	queue->frame_most = io->port.frame_most;
	queue->port = io->port.id;
	queue->index = (uint16_t)index;
	snprintf(queue->text, sizeof(queue->text), "dpdk %.40s queue %u (%.24s)", io->port.name,
		 index, io->port.driver);
}

static struct packet_io *dpdk_open(const struct io_config *config, char error[IO_ERROR_TEXT])
{
	struct packet_io *io = aligned_alloc(64, (sizeof(*io) + 63) / 64 * 64);

	if (!io) {
		snprintf(error, IO_ERROR_TEXT, "DPDK: out of memory");
		return NULL;
	}
	memset(io, 0, sizeof(*io));
	if (!make_rules(io, config, error) || !dpdk_eal_start(config->argument, error)) {
		free(io);
		return NULL;
	}
	if (!dpdk_port_start(&io->port, config->workers, error)) {
		dpdk_eal_stop();
		free(io);
		return NULL;
	}
	io->rules.udp_checksum =
	    io->port.is_software ? FRAME_CHECKSUM_PARTIAL_TOO : FRAME_CHECKSUM_VERIFIED;
	for (unsigned i = 0; i < config->workers; i++)
		make_queue(io, i);
	return io;
}

/* Registering gives the thread a cache of its own in the mempools; without, they still work. */
static struct io_queue *dpdk_queue(struct packet_io *io, unsigned index)
{
	rte_thread_register();
	return &io->queue[index];
}

static const char *dpdk_describe(struct packet_io *io, unsigned index)
{
	return io->queue[index].text;
}

/* A frame that holds no query for us. The one place from where frames for the kernel can go there;
 * until then they end here. */
static void leave_frame(struct rte_mbuf *frame, enum counter reason, uint64_t counts[])
{
	counts[reason]++;
	rte_pktmbuf_free(frame);
}

static bool take_frame(const struct io_queue *queue, struct rte_mbuf *frame, struct datagram *query,
		       enum counter *reason)
{
	uint32_t room = frame->buf_len - frame->data_off;

	if (unlikely(frame->nb_segs != 1)) {
		*reason = COUNT_drop_scattered;
		return false;
	}
	query->frame = frame;
	return frame_receive(queue->rules, rte_pktmbuf_mtod(frame, uint8_t *), frame->data_len,
			     RTE_MIN(room, queue->frame_most), query, reason);
}

static unsigned dpdk_rx_burst(struct io_queue *queue, struct datagram *burst, unsigned max,
			      uint64_t counts[])
{
	struct rte_mbuf *frame[IO_BURST];
	unsigned n = rte_eth_rx_burst(queue->port, queue->index, frame, (uint16_t)max), taken = 0;
	enum counter reason;

	for (unsigned i = 0; i < n && i < PREFETCH_AHEAD; i++)
		rte_prefetch0(rte_pktmbuf_mtod(frame[i], void *));
	for (unsigned i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(frame[i + PREFETCH_AHEAD], void *));
		if (likely(take_frame(queue, frame[i], &burst[taken], &reason)))
			taken++;
		else
			leave_frame(frame[i], reason, counts);
	}
	return taken;
}

static void make_reply(struct rte_mbuf *frame, const struct datagram *reply)
{
	uint32_t length = frame_reply(reply);

	frame->data_len = (uint16_t)length;
	frame->pkt_len = length;
	frame->ol_flags = 0; /* what receipt said about the frame does not hold for the reply */
}

static void dpdk_tx_burst(struct io_queue *queue, struct datagram *burst, unsigned n,
			  uint64_t counts[])
{
	struct rte_mbuf *reply[IO_BURST], *silent[IO_BURST];
	unsigned replies = 0, silents = 0, sent;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *frame = burst[i].frame;

		if (likely(burst[i].length > 0)) {
			make_reply(frame, &burst[i]);
			reply[replies++] = frame;
		} else {
			silent[silents++] = frame;
		}
	}
	sent = rte_eth_tx_burst(queue->port, queue->index, reply, (uint16_t)replies);
	if (unlikely(sent < replies))
		sent += rte_eth_tx_burst(queue->port, queue->index, reply + sent,
					 (uint16_t)(replies - sent));
	counts[COUNT_drop_tx_full] += replies - sent;
	if (unlikely(sent < replies))
		rte_pktmbuf_free_bulk(reply + sent, replies - sent);
	if (unlikely(silents > 0))
		rte_pktmbuf_free_bulk(silent, silents);
}

static enum interface_state dpdk_refresh(struct packet_io *io)
{
	return dpdk_port_has_link(&io->port) ? INTERFACE_UP : INTERFACE_DOWN;
}

static void dpdk_close(struct packet_io *io)
{
	dpdk_port_stop(&io->port);
	dpdk_eal_stop();
	free(io);
}

/* What the drivers and the EAL's threads may come to, be it a card, a tap, a socket or memory of a
 * peer. */
#define DRIVER_CALLS                                                                               \
	"epoll_wait", "epoll_pwait", "fcntl", "getsockopt", "ioctl", "poll", "ppoll", "read",      \
	    "readv", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "write",  \
	    "writev"

static const char *const queue_calls[] = {DRIVER_CALLS, NULL};
static const char *const main_calls[] = {DRIVER_CALLS,
					 "accept",
					 "accept4",
					 "access",
					 "bind",
					 "connect",
					 "dup",
					 "epoll_create",
					 "epoll_create1",
					 "eventfd",
					 "eventfd2",
					 "faccessat",
					 "faccessat2",
					 "fallocate",
					 "ftruncate",
					 "get_mempolicy",
					 "getpeername",
					 "getsockname",
					 "listen",
					 "mbind",
					 "memfd_create",
					 "mlock",
					 "move_pages",
					 "munlock",
					 "openat",
					 "pipe",
					 "pipe2",
					 "pwrite64",
					 "readlink",
					 "readlinkat",
					 "set_mempolicy",
					 "setsockopt",
					 "shutdown",
					 "socket",
					 "timerfd_create",
					 "timerfd_gettime",
					 "timerfd_settime",
					 "unlink",
					 "unlinkat",
					 NULL};

const struct packet_io_class packet_io_dpdk = {
    .name = "dpdk",
    .queue_calls = queue_calls,
    .main_calls = main_calls,
    .open = dpdk_open,
    .queue = dpdk_queue,
    .describe = dpdk_describe,
    .rx_burst = dpdk_rx_burst,
    .tx_burst = dpdk_tx_burst,
    .refresh = dpdk_refresh,
    .close = dpdk_close,
};
