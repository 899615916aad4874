/* dpdk.c: the back end on a port of DPDK: frames polled from a queue, replies written in place. */
#include "dataplane/io/dpdk_eal.h"
#include "dataplane/io/dpdk_port_watch.h"
#include "dataplane/io/dpdk_visit.h"
#include "dataplane/io/interface_watch.h"
#include "dataplane/net/frame.h"
#include "runtime/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#define PART	       "dataplane.dpdk"
#define PREFETCH_AHEAD 4u

/* One queue of one port. */
struct lane {
	const struct frame_rules *rules;
	_Atomic uint32_t frame_most; /* stored by the main thread, relaxed: a lone number */
	uint16_t port;
	uint16_t index;
	bool by_visit; /* dpdk_visit.h */
};

/* What one worker polls: the queue of its number on each port. */
struct io_queue {
	alignas(64) struct lane lane[DPDK_PORTS_MAX];
	unsigned lanes;
	unsigned at; /* of the lane that the last burst came from; the worker's own */
	struct dpdk_visit visit;
	char text[96];
};

struct packet_io {
	struct io_queue queue[DPDK_QUEUES_MAX];
	struct frame_rules listening; /* the addresses that all ports have */
	struct frame_rules rules[DPDK_PORTS_MAX];
	struct dpdk_port port[DPDK_PORTS_MAX];
	struct dpdk_visit *visit[DPDK_QUEUES_MAX];
	unsigned ports, queues;
	int watch; /* interface_watch.h */
};

static bool make_rules(struct packet_io *io, const struct io_config *config,
		       char error[IO_ERROR_TEXT])
{
	const struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(53)};
	const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(53)};

	for (unsigned i = 0; i < config->listen_count; i++) {
		if (!frame_rules_add(&io->listening,
				     (const struct sockaddr *)&config->listen[i].address)) {
			snprintf(error, IO_ERROR_TEXT, "DPDK: too many addresses to listen on");
			return false;
		}
	}
	return config->listen_count > 0 ||
	       (frame_rules_add(&io->listening, (const struct sockaddr *)&any4) &&
		frame_rules_add(&io->listening, (const struct sockaddr *)&any6));
}

/* "dpdk 0000:03:00.0+0000:03:00.1 queue 2 (net_ixgbe, RSS)": the driver is that of the first. */
static void describe_queue(struct io_queue *queue, const struct packet_io *io, unsigned index)
{
	const char *spread = dpdk_spread_text(io->port[0].spread);
	char names[40] = "";

	for (unsigned i = 0; i < io->ports; i++) {
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? "+" : "",
			 io->port[i].name);
	}
	snprintf(queue->text, sizeof(queue->text), "dpdk %s queue %u (%.20s%s%s)", names, index,
		 io->port[0].driver, *spread ? ", " : "", spread);
}

static void set_rules(struct packet_io *io, bool trust_checksums)
{
	for (unsigned i = 0; i < io->ports; i++) {
		const struct dpdk_port *port = &io->port[i];

		io->rules[i] = io->listening;
		io->rules[i].checksum = trust_checksums	    ? FRAME_CHECKSUM_IGNORED
					: port->is_software ? FRAME_CHECKSUM_PARTIAL_TOO
							    : FRAME_CHECKSUM_VERIFIED;
		frame_rules_set_link_address(&io->rules[i], port->link_address);
	}
}

static void make_queue(struct packet_io *io, unsigned index)
{
	struct io_queue *queue = &io->queue[index];

	for (unsigned i = 0; i < io->ports; i++) {
		const struct dpdk_port *port = &io->port[i];

		queue->lane[i].rules = &io->rules[i];
		queue->lane[i].frame_most = port->frame_most;
		queue->lane[i].port = port->id;
		queue->lane[i].index = (uint16_t)index;
		queue->lane[i].by_visit = dpdk_visit_needed(port->driver);
	}
	queue->lanes = io->ports;
	io->visit[index] = &queue->visit;
	describe_queue(queue, io, index);
}

static void warn_of_spread(const struct dpdk_port *port)
{
	if (port->spread == DPDK_SPREAD_NONE)
		log_warning(PART,
			    "the port offers no RSS: all queries come to one worker, unless "
			    "the device spreads them by itself",
			    LOG_TEXT("port", port->name), LOG_TEXT("driver", port->driver));
	else if (port->spread == DPDK_SPREAD_ADDRESSES)
		log_warning(PART,
			    "the port spreads packets by addresses, not ports: a busy client keeps "
			    "one worker busy",
			    LOG_TEXT("port", port->name), LOG_TEXT("driver", port->driver));
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
	if (!dpdk_ports_start(io->port, &io->ports, config->workers, error)) {
		dpdk_eal_stop();
		free(io);
		return NULL;
	}
	set_rules(io, config->trust_checksums);
	io->queues = config->workers;
	io->watch = interface_watch_open();
	for (unsigned i = 0; i < config->workers; i++)
		make_queue(io, i);
	dpdk_visits_begin(io->visit, io->queues);
	for (unsigned i = 0; i < io->ports; i++)
		warn_of_spread(&io->port[i]);
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

static bool take_frame(const struct lane *lane, struct rte_mbuf *frame, struct datagram *query,
		       enum counter *reason)
{
	uint32_t room = frame->buf_len - frame->data_off;

	if (unlikely(frame->nb_segs != 1)) {
		*reason = COUNT_drop_scattered;
		return false;
	}
	query->frame = frame;
	return frame_receive(
	    lane->rules, rte_pktmbuf_mtod(frame, uint8_t *), frame->data_len,
	    RTE_MIN(room, atomic_load_explicit(&lane->frame_most, memory_order_relaxed)), query,
	    reason);
}

static unsigned receive_frames(struct io_queue *queue, const struct lane *lane,
			       struct rte_mbuf **frame, unsigned max)
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

/* Returns how many left; counts the others. */
static unsigned send_frames(struct io_queue *queue, const struct lane *lane,
			    struct rte_mbuf **frame, unsigned n, uint64_t counts[])
{
	unsigned sent;

	if (lane->by_visit && !dpdk_visit_enter(&queue->visit, lane->port)) {
		counts[COUNT_drop_unsendable] += n;
		return 0;
	}
	sent = rte_eth_tx_burst(lane->port, lane->index, frame, (uint16_t)n);
	if (unlikely(sent < n))
		sent +=
		    rte_eth_tx_burst(lane->port, lane->index, frame + sent, (uint16_t)(n - sent));
	if (lane->by_visit)
		dpdk_visit_leave(&queue->visit);
	counts[COUNT_drop_tx_full] += n - sent;
	return sent;
}

static unsigned dpdk_rx_burst(struct io_queue *queue, struct datagram *burst, unsigned max,
			      uint64_t counts[])
{
	struct rte_mbuf *frame[IO_BURST];
	const struct lane *lane = NULL;
	unsigned n = 0, taken = 0;
	enum counter reason;

	/* Ports take turns, and a burst is of one port, so that its replies leave there at once. */
	for (unsigned tries = 0; tries < queue->lanes && n == 0; tries++) {
		queue->at = queue->at + 1 < queue->lanes ? queue->at + 1 : 0;
		lane = &queue->lane[queue->at];
		n = receive_frames(queue, lane, frame, max);
	}

	for (unsigned i = 0; i < n && i < PREFETCH_AHEAD; i++)
		rte_prefetch0(rte_pktmbuf_mtod(frame[i], void *));
	for (unsigned i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(frame[i + PREFETCH_AHEAD], void *));
		if (likely(take_frame(lane, frame[i], &burst[taken], &reason)))
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
	const struct lane *lane = &queue->lane[queue->at];
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
	sent = send_frames(queue, lane, reply, replies, counts);
	if (unlikely(sent < replies))
		rte_pktmbuf_free_bulk(reply + sent, replies - sent);
	if (unlikely(silents > 0))
		rte_pktmbuf_free_bulk(silent, silents);
}

/* Ports that are left answer on; one that a new start can have again is worth a new start. */
static enum interface_state state_of_all(const struct packet_io *io)
{
	static const enum interface_state order[] = {INTERFACE_REPLACED, INTERFACE_UP,
						     INTERFACE_DOWN};

	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
		for (unsigned i = 0; i < io->ports; i++) {
			if (io->port[i].state == order[k])
				return order[k];
		}
	}
	return INTERFACE_GONE;
}

static enum interface_state dpdk_refresh(struct packet_io *io)
{
	interface_watch_drain(io->watch, 0);
	for (unsigned i = 0; i < io->ports; i++) {
		dpdk_port_look(&io->port[i]);
		for (unsigned k = 0; k < io->queues; k++)
			atomic_store_explicit(&io->queue[k].lane[i].frame_most,
					      io->port[i].frame_most, memory_order_relaxed);
	}
	return state_of_all(io);
}

static unsigned dpdk_ports(struct packet_io *io, struct io_port port[PORTS_MAX])
{
	static_assert(DPDK_PORTS_MAX <= PORTS_MAX, "each has a line");

	for (unsigned i = 0; i < io->ports; i++) {
		snprintf(port[i].name, sizeof(port[i].name), "%.*s", (int)sizeof(port[i].name) - 1,
			 io->port[i].name);
		port[i].state = io->port[i].state;
		dpdk_port_count(&io->port[i], port[i].count);
	}
	return io->ports;
}

static int dpdk_event_fd(const struct packet_io *io)
{
	return io->watch;
}

static void dpdk_close(struct packet_io *io)
{
	dpdk_visits_end();
	dpdk_ports_stop(io->port, io->ports);
	interface_watch_close(io->watch);
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
    .ports = dpdk_ports,
    .event_fd = dpdk_event_fd,
    .close = dpdk_close,
};
