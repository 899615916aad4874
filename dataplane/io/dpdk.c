/* dpdk.c: the back end on a port of DPDK: frames polled from a queue, replies written in place. */
#include "dataplane/io/dpdk_frame.h"
#include "dataplane/io/dpdk_private.h"

#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#define PREFETCH_AHEAD 4u

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

/* Frames of one burst without a query for us, on their way to the kernel. */
struct leaving {
	struct rte_mbuf *frame[IO_BURST];
	unsigned count;
};

static void leave_frame(const struct lane *lane, struct leaving *leaving, struct rte_mbuf *frame,
			enum counter reason, uint64_t counts[])
{
	if (lane->kernel.inward && dpdk_frame_is_for_kernel(reason)) {
		counts[counter_of_pass(reason)]++;
		leaving->frame[leaving->count++] = frame;
		return;
	}
	counts[reason]++;
	rte_pktmbuf_free(frame);
}

static unsigned sort_frames(struct lane *lane, struct rte_mbuf **frame, unsigned n,
			    struct datagram *burst, uint64_t counts[])
{
	const struct dpdk_ruling *ruling = dpdk_rules_take(lane->rules, &lane->taken);
	struct leaving leaving = {.count = 0};
	unsigned taken = 0;
	enum counter reason;

	for (unsigned i = 0; i < n && i < PREFETCH_AHEAD; i++)
		rte_prefetch0(rte_pktmbuf_mtod(frame[i], void *));
	for (unsigned i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(frame[i + PREFETCH_AHEAD], void *));
		if (likely(dpdk_frame_take(ruling, frame[i], &burst[taken], &reason)))
			taken++;
		else
			leave_frame(lane, &leaving, frame[i], reason, counts);
	}
	if (leaving.count > 0)
		dpdk_kernel_pass(&lane->kernel, leaving.frame, leaving.count, counts);
	return taken;
}

static unsigned poll_port(struct io_queue *queue, const struct lane *lane, struct rte_mbuf **frame,
			  unsigned max)
{
	unsigned n;

	if (likely(!lane->by_visit))
		return rte_eth_rx_burst(lane->port, lane->index, frame, (uint16_t)max);
	if (!dpdk_visit_enter(&queue->visit, lane->port))
		return 0;
	n = rte_eth_rx_burst(lane->port, lane->index, frame, (uint16_t)max);
	dpdk_visit_leave(&queue->visit);
	return n;
}

/* Of a burst at most half is what flow rules of the card have missed. */
static unsigned receive_frames(struct io_queue *queue, const struct lane *lane,
			       struct rte_mbuf **frame, unsigned max)
{
	unsigned missed;

	if (likely(!lane->kernel.missed))
		return poll_port(queue, lane, frame, max);
	missed =
	    rte_ring_sc_dequeue_burst(lane->kernel.missed, (void **)frame, (max + 1) / 2, NULL);
	return missed + poll_port(queue, lane, frame + missed, max - missed);
}

/* Returns how many left. *full: why the others did not. */
static unsigned send_frames(struct io_queue *queue, const struct lane *lane,
			    struct rte_mbuf **frame, unsigned n, bool *full)
{
	unsigned sent;

	*full = !lane->by_visit || dpdk_visit_enter(&queue->visit, lane->port);
	if (!*full)
		return 0;
	sent = rte_eth_tx_burst(lane->port, lane->index, frame, (uint16_t)n);
	if (unlikely(sent < n))
		sent +=
		    rte_eth_tx_burst(lane->port, lane->index, frame + sent, (uint16_t)(n - sent));
	if (lane->by_visit)
		dpdk_visit_leave(&queue->visit);
	return sent;
}

/* What the kernel sends, where the port has no queue for that. What does not fit the transmit ring
 * is lost: who sends it has handed it over. */
static void send_for_kernel(struct io_queue *queue, const struct lane *lane, uint64_t counts[])
{
	struct rte_mbuf *frame[IO_BURST];
	unsigned n = dpdk_kernel_fetch(&lane->kernel, frame, IO_BURST), sent;
	bool full;

	if (likely(n == 0))
		return;
	sent = send_frames(queue, lane, frame, n, &full);
	counts[COUNT_from_kernel_sent] += sent;
	counts[COUNT_from_kernel_unsent] += n - sent;
	if (sent < n)
		rte_pktmbuf_free_bulk(frame + sent, n - sent);
}

/* Ports take turns, and a burst is of one port, so that its replies leave there at once. Without a
 * frame, too, a worker takes the newest rules: the next ones wait for that. */
static unsigned dpdk_rx_burst(struct io_queue *queue, struct datagram *burst, unsigned max,
			      uint64_t counts[])
{
	struct rte_mbuf *frame[IO_BURST];
	struct lane *lane = NULL;
	unsigned n = 0;

	for (unsigned tries = 0; tries < queue->lanes && n == 0; tries++) {
		queue->at = queue->at + 1 < queue->lanes ? queue->at + 1 : 0;
		lane = &queue->lane[queue->at];
		dpdk_rules_take(lane->rules, &lane->taken);
		send_for_kernel(queue, lane, counts);
		n = receive_frames(queue, lane, frame, max);
	}
	return n > 0 ? sort_frames(lane, frame, n, burst, counts) : 0;
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
	const struct lane *lane = &queue->lane[queue->at];
	struct rte_mbuf *reply[IO_BURST], *silent[IO_BURST];
	unsigned replies = 0, silents = 0, sent;
	bool full;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *frame = burst[i].frame;

		if (likely(burst[i].length > 0)) {
			make_reply(frame, &burst[i]);
			reply[replies++] = frame;
		} else {
			silent[silents++] = frame;
		}
	}
	sent = send_frames(queue, lane, reply, replies, &full);
	counts[full ? COUNT_drop_tx_full : COUNT_drop_unsendable] += replies - sent;
	if (unlikely(sent < replies))
		rte_pktmbuf_free_bulk(reply + sent, replies - sent);
	if (unlikely(silents > 0))
		rte_pktmbuf_free_bulk(silent, silents);
}

static int dpdk_event_fd(const struct packet_io *io)
{
	return io->watch;
}

static const char *dpdk_describe_housekeeping(struct packet_io *io)
{
	return io->housekeeping.kernels > 0 ? io->housekeeping.text : NULL;
}

static struct io_housekeeping *dpdk_housekeeping(struct packet_io *io)
{
	rte_thread_register();
	return &io->housekeeping;
}

static void dpdk_housekeep(struct io_housekeeping *housekeeping, uint64_t counts[])
{
	unsigned moved = 0;

	for (unsigned i = 0; i < housekeeping->kernels; i++)
		moved += dpdk_kernel_round(housekeeping->kernel[i], counts);
	housekeeping->idle = moved > 0 ? 0 : housekeeping->idle + 1;
	if (moved == 0)
		dpdk_kernel_sleep(housekeeping->kernel, housekeeping->kernels, &housekeeping->bell,
				  housekeeping->idle);
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
    .describe_housekeeping = dpdk_describe_housekeeping,
    .housekeeping = dpdk_housekeeping,
    .housekeep = dpdk_housekeep,
    .refresh = dpdk_refresh,
    .ports = dpdk_ports,
    .addresses = dpdk_addresses,
    .event_fd = dpdk_event_fd,
    .close = dpdk_close,
};
