/* socket.c: the kernel's own UDP. One SO_REUSEPORT socket per worker and listening address; the
 * kernel spreads clients over the workers by a hash of the 4-tuple. Buffers are set up once: a
 * burst borrows them from rx_burst to tx_burst. */
#include "dataplane/io/socket.h"

#include "dataplane/io/address.h"
#include "dataplane/io/interface_mtus.h"
#include "zones/abi/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAYLOAD_MAX	 4096u /* no useful query is longer, no reply over UDP either */
#define SEND_PATIENCE_NS 200000
#define HEADERS4	 28u
#define HEADERS6	 48u

union control_room {
	struct cmsghdr header;
	uint8_t octets[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* What the kernel reads and writes for one datagram. Entry i of every array belongs together; a
 * datagram's `frame` is &queue->origin[i]. */
struct origin {
	uint32_t socket;   /* index of the socket that it came by */
	uint32_t position; /* i */
};

struct io_queue {
	const struct interface_mtus *mtus;
	unsigned socket_count;
	unsigned next; /* the socket that is asked first, so that none starves the others */
	struct pollfd socket[LISTENS_MAX];
	bool is_any[LISTENS_MAX]; /* it is bound to no address: replies say theirs */
	struct mmsghdr received[IO_BURST];
	struct mmsghdr reply[IO_BURST]; /* compacted: those to send by one socket */
	struct iovec received_part[IO_BURST];
	struct iovec reply_part[IO_BURST];
	struct origin origin[IO_BURST];
	struct sockaddr_storage peer[IO_BURST];
	union control_room control[IO_BURST];
	uint8_t payload[IO_BURST][PAYLOAD_MAX];
};

struct packet_io {
	struct interface_mtus mtus;
	unsigned queue_count;
	struct io_queue *queue[];
};

static void prepare_buffers(struct io_queue *queue)
{
	for (unsigned i = 0; i < IO_BURST; i++) {
		queue->received_part[i] = (struct iovec){queue->payload[i], PAYLOAD_MAX};
		queue->received[i].msg_hdr.msg_name = &queue->peer[i];
		queue->received[i].msg_hdr.msg_iov = &queue->received_part[i];
		queue->received[i].msg_hdr.msg_iovlen = 1;
		queue->received[i].msg_hdr.msg_control = &queue->control[i];
		queue->reply[i].msg_hdr.msg_iov = &queue->reply_part[i];
		queue->reply[i].msg_hdr.msg_iovlen = 1;
		queue->origin[i].position = i;
	}
}

static struct io_queue *open_queue(const struct io_config *config, char error[IO_ERROR_TEXT])
{
	struct io_queue *queue = calloc(1, sizeof(*queue));

	if (!queue) {
		snprintf(error, IO_ERROR_TEXT, "out of memory for a worker's buffers");
		return NULL;
	}
	for (unsigned i = 0; i < config->listen_count; i++) {
		int fd = socket_listen(&config->listen[i].address, error);

		queue->socket[i] = (struct pollfd){.fd = fd, .events = POLLIN};
		queue->is_any[i] = address_is_unspecified(&config->listen[i].address);
		if (fd < 0)
			break;
		queue->socket_count++;
	}
	if (queue->socket_count == config->listen_count)
		return queue;
	while (queue->socket_count > 0)
		close(queue->socket[--queue->socket_count].fd);
	free(queue);
	return NULL;
}

static void socket_close(struct packet_io *io)
{
	for (unsigned i = 0; i < io->queue_count; i++) {
		for (unsigned s = 0; s < io->queue[i]->socket_count; s++)
			close(io->queue[i]->socket[s].fd);
		free(io->queue[i]);
	}
	free(io);
}

static bool config_is_good(const struct io_config *config, char error[IO_ERROR_TEXT])
{
	if (config->argument[0] != '\0') {
		snprintf(error, IO_ERROR_TEXT,
			 "--io socket takes no argument, but has \"%.100s\": say where to listen "
			 "with --listen ADDR:PORT",
			 config->argument);
		return false;
	}
	if (config->listen_count == 0 || config->listen_count > LISTENS_MAX) {
		snprintf(error, IO_ERROR_TEXT,
			 "--io socket needs 1 to %u addresses to listen on, but has %u: give them "
			 "with --listen ADDR:PORT",
			 LISTENS_MAX, config->listen_count);
		return false;
	}
	for (unsigned i = 0; i < config->listen_count; i++)
		if (!socket_is_free(&config->listen[i].address, error))
			return false;
	return true;
}

static struct packet_io *socket_open(const struct io_config *config, char error[IO_ERROR_TEXT])
{
	struct packet_io *io;

	if (!config_is_good(config, error))
		return NULL;
	io = calloc(1, sizeof(*io) + config->workers * sizeof(io->queue[0]));
	if (!io) {
		snprintf(error, IO_ERROR_TEXT, "out of memory for %u workers", config->workers);
		return NULL;
	}
	interface_mtus_refresh(&io->mtus);
	for (; io->queue_count < config->workers; io->queue_count++) {
		io->queue[io->queue_count] = open_queue(config, error);
		if (!io->queue[io->queue_count]) {
			socket_close(io);
			return NULL;
		}
		io->queue[io->queue_count]->mtus = &io->mtus;
	}
	return io;
}

static struct io_queue *socket_queue(struct packet_io *io, unsigned index)
{
	if (index >= io->queue_count)
		return NULL;
	/* Here: the pages are those of the worker's node then. */
	prepare_buffers(io->queue[index]);
	return io->queue[index];
}

static const char *socket_describe(struct packet_io *io, unsigned index)
{
	(void)io;
	(void)index;
	return "socket";
}

/* Where a datagram went to, as the kernel says. */
struct arrival {
	bool to_one_host; /* no broadcast, no multicast: those are not answered */
	uint32_t interface;
};

static void read_arrival(struct msghdr *message, struct arrival *arrival)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	struct in_pktinfo info4;
	struct in6_pktinfo info6;

	memset(arrival, 0, sizeof(*arrival));
	if (!control)
		return;
	if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
		memcpy(&info4, CMSG_DATA(control), sizeof(info4));
		arrival->to_one_host = info4.ipi_addr.s_addr == info4.ipi_spec_dst.s_addr;
		arrival->interface = (uint32_t)info4.ipi_ifindex;
	} else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
		memcpy(&info6, CMSG_DATA(control), sizeof(info6));
		arrival->to_one_host = !IN6_IS_ADDR_MULTICAST(&info6.ipi6_addr);
		arrival->interface = info6.ipi6_ifindex;
	}
}

static void set_source(struct datagram *query, const struct sockaddr_storage *peer)
{
	query->port = address_port(peer);
	if (peer->ss_family == AF_INET) {
		query->family = 4;
		memcpy(query->source, &((const struct sockaddr_in *)(const void *)peer)->sin_addr,
		       4);
	} else {
		query->family = 6;
		memcpy(query->source, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr,
		       16);
	}
}

/* Sources that nobody has, which a kernel may hand over all the same: a reply to one would go
 * nowhere, or to this host. */
static bool can_be_answered(const struct datagram *query)
{
	static const uint8_t unspecified[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *source = query->source;

	if (query->port == 0)
		return false;
	if (query->family == 4)
		return source[0] != 0 && source[0] >> 4 != 14 &&
		       memcmp(source, "\xff\xff\xff\xff", 4) != 0;
	return source[0] != 0xff && memcmp(source, unspecified, 16) != 0 &&
	       memcmp(source, mapped, sizeof(mapped)) != 0;
}

/* What a reply may have, in one packet of the interface that its query came by. */
static uint32_t room_on(const struct io_queue *queue, const struct arrival *arrival,
			const struct datagram *query)
{
	uint32_t headers = query->family == 4 ? HEADERS4 : HEADERS6;
	uint32_t mtu = interface_mtus_find(queue->mtus, arrival->interface);
	uint32_t room = mtu > headers ? mtu - headers : 0;

	if (room > PAYLOAD_MAX)
		room = PAYLOAD_MAX;
	return room > query->length ? room : query->length;
}

/* Fills *query from entry i; false: it can't be answered, and is counted. */
static bool take_message(struct io_queue *queue, unsigned i, unsigned from, struct datagram *query,
			 uint64_t counts[])
{
	struct mmsghdr *message = &queue->received[i];
	struct arrival arrival;

	read_arrival(&message->msg_hdr, &arrival);
	set_source(query, &queue->peer[i]);
	/* Cut at the end of the buffer: what is there may even look whole. */
	if (message->msg_hdr.msg_flags & MSG_TRUNC) {
		counts[COUNT_drop_scattered]++;
		return false;
	}
	if (!can_be_answered(query)) {
		counts[COUNT_drop_source]++;
		return false;
	}
	if (!arrival.to_one_host) {
		counts[COUNT_drop_not_ours]++;
		return false;
	}
	query->payload = queue->payload[i];
	query->length = message->msg_len;
	query->capacity = room_on(queue, &arrival, query);
	query->sum = 0;
	query->headers = 0;
	queue->origin[i].socket = from;
	query->frame = &queue->origin[i];
	return true;
}

/* The kernel has overwritten these with what it found. */
static void rearm(struct io_queue *queue, unsigned first, unsigned max)
{
	for (unsigned i = first; i < max; i++) {
		queue->received[i].msg_hdr.msg_namelen = sizeof(queue->peer[i]);
		queue->received[i].msg_hdr.msg_controllen = sizeof(queue->control[i]);
	}
}

static unsigned socket_rx_burst(struct io_queue *queue, struct datagram *burst, unsigned max,
				uint64_t counts[])
{
	unsigned used = 0, n = 0;

	if (max > IO_BURST)
		max = IO_BURST;
	for (unsigned tried = 0; tried < queue->socket_count && used < max; tried++) {
		unsigned from = queue->next;
		int got;

		queue->next = from + 1 == queue->socket_count ? 0 : from + 1;
		rearm(queue, used, max);
		/* Any error is that of an earlier reply (ICMP) or "nothing there": asked again. */
		got = recvmmsg(queue->socket[from].fd, queue->received + used, max - used,
			       MSG_DONTWAIT, NULL);
		for (int i = 0; i < got; i++)
			n += take_message(queue, used + (unsigned)i, from, &burst[n], counts);
		used += got > 0 ? (unsigned)got : 0;
	}
	return n;
}

/* A reply leaves from the address that the query went to, by the way that the host's routes say, as
 * everything that its kernel sends: clients need not be reachable by where their queries come in.
 * Without what pads it, the control message fits the room that the kernel has on its stack. */
static void keep_source_only(struct msghdr *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	struct in_pktinfo info4;
	struct in6_pktinfo info6;

	if (!control)
		return;
	if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
		memcpy(&info4, CMSG_DATA(control), sizeof(info4));
		info4.ipi_ifindex = 0;
		memcpy(CMSG_DATA(control), &info4, sizeof(info4));
	} else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
		memcpy(&info6, CMSG_DATA(control), sizeof(info6));
		/* A link-local address means nothing without its link. */
		if (!IN6_IS_ADDR_LINKLOCAL(&info6.ipi6_addr))
			info6.ipi6_ifindex = 0;
		memcpy(CMSG_DATA(control), &info6, sizeof(info6));
		message->msg_controllen = CMSG_LEN(sizeof(info6));
	}
}

static void fill_reply(struct io_queue *queue, unsigned at, const struct datagram *reply)
{
	const struct origin *origin = reply->frame;
	const struct msghdr *query = &queue->received[origin->position].msg_hdr;
	struct msghdr *message = &queue->reply[at].msg_hdr;

	queue->reply_part[at] = (struct iovec){reply->payload, reply->length};
	message->msg_name = query->msg_name;
	message->msg_namelen = query->msg_namelen;
	message->msg_control = NULL;
	message->msg_controllen = 0;
	/* A socket with an address has no other to send from. */
	if (queue->is_any[origin->socket] && query->msg_controllen > 0) {
		message->msg_control = query->msg_control;
		message->msg_controllen = query->msg_controllen;
		keep_source_only(message);
	}
}

static bool is_full(int reason)
{
	return reason == EAGAIN || reason == EWOULDBLOCK || reason == ENOBUFS || reason == ENOMEM;
}

static void wait_for_room(int fd)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};
	struct timespec patience = {.tv_nsec = SEND_PATIENCE_NS};

	ppoll(&room, 1, &patience, NULL);
}

/* Sends reply[0..n). An error belongs to the first one not sent: that one is counted and left out,
 * unless the buffer is full; then a short wait, once, and the rest is counted. */
static void send_all(struct io_queue *queue, int fd, unsigned n, uint64_t counts[])
{
	bool waited = false;
	unsigned at = 0;

	while (at < n) {
		int sent = sendmmsg(fd, queue->reply + at, n - at, MSG_DONTWAIT);

		if (sent > 0) {
			at += (unsigned)sent;
		} else if (is_full(errno)) {
			if (waited) {
				counts[COUNT_drop_tx_full] += n - at;
				return;
			}
			waited = true;
			wait_for_room(fd);
		} else if (errno != EINTR) {
			counts[errno == EMSGSIZE ? COUNT_drop_no_room : COUNT_drop_unsendable]++;
			at++;
		}
	}
}

static void socket_tx_burst(struct io_queue *queue, struct datagram *burst, unsigned n,
			    uint64_t counts[])
{
	unsigned at = 0;

	/* rx_burst took them socket by socket, so each socket's replies stand together. */
	while (at < n) {
		unsigned from = ((const struct origin *)burst[at].frame)->socket;
		unsigned replies = 0;

		for (; at < n && ((const struct origin *)burst[at].frame)->socket == from; at++)
			if (burst[at].length > 0)
				fill_reply(queue, replies++, &burst[at]);
		send_all(queue, queue->socket[from].fd, replies, counts);
	}
}

static void socket_wait(struct io_queue *queue, unsigned microseconds)
{
	struct timespec patience = {
	    .tv_sec = microseconds / 1000000,
	    .tv_nsec = (long)(microseconds % 1000000) * 1000,
	};

	ppoll(queue->socket, queue->socket_count, &patience, NULL);
}

/* MTUs may have changed, and interfaces come and gone: about once a second is soon enough. */
static enum interface_state socket_refresh(struct packet_io *io)
{
	interface_mtus_refresh(&io->mtus);
	return INTERFACE_NONE;
}

static const char *const queue_calls[] = {"ppoll", "recvmmsg", "sendmmsg", NULL};
static const char *const main_calls[] = {"bind",    "getsockname", "ioctl",  "recvfrom",
					 "recvmsg", "sendto",	   "socket", NULL};

const struct packet_io_class packet_io_socket = {
    .name = "socket",
    .queue_calls = queue_calls,
    .main_calls = main_calls,
    .open = socket_open,
    .queue = socket_queue,
    .describe = socket_describe,
    .rx_burst = socket_rx_burst,
    .tx_burst = socket_tx_burst,
    .wait = socket_wait,
    .refresh = socket_refresh,
    .close = socket_close,
};
