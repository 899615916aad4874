/* af_xdp.c: queries straight from the receive queues of one interface, past the kernel's network
 * stack. Each queue has an AF_XDP socket; queue i belongs to worker i modulo the workers, so every
 * queue is served, by one worker. What our XDP program does not take stays the kernel's. */
#include "dataplane/io/af_xdp_socket.h"
#include "dataplane/io/interface.h"
#include "dataplane/io/interface_watch.h"
#include "dataplane/io/packet_io.h"
#include "dataplane/io/steering.h"

#include "dataplane/io/address.h"
#include "runtime/log.h"
#include "runtime/numa.h"

#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ETHERNET_HEADER 14u
#define DESCRIPTION	96u /* as in the dataplane file */
#define DNS_PORT	53u
#define QUEUES_MAX	((unsigned)STEER_QUEUES_MAX)
#define BURSTS_COUNTED	1024u /* what did not come to us is looked up after so many */

struct io_queue {
	unsigned socket_count;
	unsigned uncounted; /* bursts until it is */
	unsigned next;	    /* the socket that is asked first, so that none starves the others */
	struct af_xdp_socket *socket[QUEUES_MAX];
	struct pollfd poll[QUEUES_MAX];
	char description[DESCRIPTION];
};

struct packet_io {
	char interface[IF_NAMESIZE];
	unsigned index;
	unsigned mtu;
	unsigned queue_count; /* of the interface */
	unsigned worker_count;
	const int *node; /* of each worker's core (io_config); only while opening */
	unsigned listen_count;
	struct listen_address listen[LISTENS_MAX];
	struct frame_rules rules;
	_Atomic unsigned room; /* written by refresh, read by the workers, relaxed: a lone number */
	int watch;	       /* netlink: something about interfaces has changed; -1: none */
	bool removed;	       /* our interface, whatever has its name now */
	struct steering *steering;
	struct io_queue queue[]; /* [worker_count] */
};

static bool look_at_interface(struct packet_io *io, const struct io_config *config,
			      char error[IO_ERROR_TEXT])
{
	char names[256] = "";

	io->index = interface_index(config->argument, names, sizeof(names));
	if (*config->argument == '\0') {
		snprintf(error, IO_ERROR_TEXT,
			 "--io af_xdp: name an interface, as in af_xdp:eth0; this host has: %s",
			 names);
		return false;
	}
	if (io->index == 0) {
		snprintf(error, IO_ERROR_TEXT,
			 "--io af_xdp:%.40s: there is no such interface; this host has: %s",
			 config->argument, names);
		return false;
	}
	snprintf(io->interface, sizeof(io->interface), "%s", config->argument);
	io->mtu = interface_mtu(io->interface);
	io->room = io->mtu + ETHERNET_HEADER;
	io->queue_count = interface_queues(io->interface);
	io->worker_count = config->workers;
	if (io->queue_count > QUEUES_MAX) {
		snprintf(
		    error, IO_ERROR_TEXT,
		    "%s has %u receive queues, more than the %u that are supported: have fewer "
		    "(`ethtool -L %s combined %u`)",
		    io->interface, io->queue_count, QUEUES_MAX, io->interface, QUEUES_MAX);
		return false;
	}
	if (config->workers > io->queue_count) {
		snprintf(error, IO_ERROR_TEXT,
			 "%u workers, but %s has only %u receive queue%s, and a queue has one "
			 "worker: give --workers %u, or more queues (`ethtool -L %s combined %u`)",
			 config->workers, io->interface, io->queue_count,
			 io->queue_count == 1 ? "" : "s", io->queue_count, io->interface,
			 config->workers);
		return false;
	}
	return true;
}

static void take_any(struct frame_rules *rules, int family, uint16_t port)
{
	struct sockaddr_storage any = {.ss_family = (sa_family_t)family};

	for (unsigned i = 0; i < rules->listen_count; i++)
		if (rules->listen[i].port == port &&
		    rules->listen[i].family == (family == AF_INET ? 4 : 6))
			return;
	/* The port lies at the same place in both families. */
	((struct sockaddr_in *)(void *)&any)->sin_port = htons(port);
	frame_rules_add(rules, (struct sockaddr *)&any);
}

/* The XDP program has compared address and port with what is ours at this moment; here only the
 * port is looked at again. Frames of a sender on this host come with unfinished checksums. */
static void set_rules(struct packet_io *io, bool trust_checksums)
{
	io->rules.checksum = trust_checksums ? FRAME_CHECKSUM_IGNORED : FRAME_CHECKSUM_PARTIAL_TOO;
	if (io->listen_count == 0) {
		take_any(&io->rules, AF_INET, DNS_PORT);
		take_any(&io->rules, AF_INET6, DNS_PORT);
	}
	for (unsigned i = 0; i < io->listen_count; i++)
		take_any(&io->rules, io->listen[i].address.ss_family,
			 address_port(&io->listen[i].address));
}

static void describe_queue(const struct packet_io *io, unsigned worker, char text[DESCRIPTION])
{
	const struct io_queue *queue = &io->queue[worker];
	char numbers[48] = "", interface[IF_NAMESIZE];
	bool zero_copy = true;
	size_t at = 0;

	memcpy(interface, io->interface, sizeof(interface)); /* gcc takes both for one buffer */
	for (unsigned i = 0; i < queue->socket_count; i++) {
		zero_copy = zero_copy && af_xdp_socket_is_zero_copy(queue->socket[i]);
		if (at < sizeof(numbers) - 8)
			at += (size_t)snprintf(numbers + at, sizeof(numbers) - at, "%s%u",
					       i ? "," : "", worker + i * io->worker_count);
		else if (at < sizeof(numbers) - 3)
			at += (size_t)snprintf(numbers + at, sizeof(numbers) - at, "...");
	}
	snprintf(text, DESCRIPTION, "af_xdp %s queue %s (%s, %s)", interface, numbers,
		 steering_is_native(io->steering) ? "native" : "generic",
		 zero_copy ? "zero-copy" : "copy");
}

static bool open_sockets(struct packet_io *io, char error[IO_ERROR_TEXT])
{
	for (unsigned i = 0; i < io->queue_count; i++) {
		struct io_queue *queue = &io->queue[i % io->worker_count];
		struct af_xdp_socket_config config = {
		    .interface = io->interface,
		    .queue = i,
		    .mtu = io->mtu,
		    .node = io->node != NULL ? io->node[i % io->worker_count] : -1,
		    .generic = !steering_is_native(io->steering),
		    .rules = &io->rules,
		    .room = &io->room,
		    .passed = steering_passed(io->steering, i),
		};
		struct af_xdp_socket *socket = af_xdp_socket_open(&config, error);

		if (!socket)
			return false;
		queue->poll[queue->socket_count] =
		    (struct pollfd){.fd = af_xdp_socket_fd(socket), .events = POLLIN};
		queue->socket[queue->socket_count++] = socket;
		if (!steering_add_queue(io->steering, i, af_xdp_socket_fd(socket), error))
			return false;
	}
	return true;
}

/* The program goes first: then nothing is steered to a socket that is being taken apart. */
static void af_xdp_close(struct packet_io *io)
{
	if (io->steering)
		steering_close(io->steering);
	interface_watch_close(io->watch);
	for (unsigned i = 0; i < io->worker_count; i++)
		for (unsigned s = 0; s < io->queue[i].socket_count; s++)
			af_xdp_socket_close(io->queue[i].socket[s]);
	free(io);
}

/* The sockets hang on the interface, not on its name: it may be renamed, and another may come under
 * its name once it is gone. */
static enum interface_state af_xdp_refresh(struct packet_io *io)
{
	char name[IF_NAMESIZE];
	unsigned mtu;

	io->removed |= interface_watch_drain(io->watch, io->index);
	if (io->removed || !if_indextoname(io->index, name)) {
		io->removed = true;
		return interface_is_up(io->interface) ? INTERFACE_REPLACED : INTERFACE_GONE;
	}
	memcpy(io->interface, name, sizeof(name));
	steering_refresh(io->steering);
	mtu = interface_mtu(io->interface);
	if (mtu > 0)
		atomic_store_explicit(&io->room, mtu + ETHERNET_HEADER, memory_order_relaxed);
	return interface_is_up(io->interface) ? INTERFACE_UP : INTERFACE_DOWN;
}

static int af_xdp_event_fd(const struct packet_io *io)
{
	return io->watch;
}

/* Each packet would cross from one node to the other, and its reply back. */
static void warn_far(const struct packet_io *io)
{
	int device = numa_node_of_interface(NUMA_ROOT, io->interface);

	for (unsigned i = 0; io->node != NULL && device >= 0 && i < io->worker_count; i++)
		if (io->node[i] >= 0 && io->node[i] != device)
			log_warning("dataplane.io",
				    "a worker's core is on another NUMA node than its interface: "
				    "choose --cores of the interface's node",
				    LOG_UNSIGNED("worker", i), LOG_NUMBER("node", io->node[i]),
				    LOG_TEXT("interface", io->interface),
				    LOG_NUMBER("interface_node", device));
}

static bool prepare(struct packet_io *io, const struct io_config *config, char error[IO_ERROR_TEXT])
{
	/* First: what changes from here on is heard of. */
	io->watch = interface_watch_open();
	if (!look_at_interface(io, config, error))
		return false;
	io->node = config->node;
	warn_far(io);
	io->listen_count = config->listen_count;
	for (unsigned i = 0; i < config->listen_count; i++)
		io->listen[i] = config->listen[i];
	set_rules(io, config->trust_checksums);
	io->steering = steering_open(io->interface, io->index, io->queue_count, io->listen,
				     io->listen_count, error);
	if (!io->steering || !open_sockets(io, error))
		return false;
	for (unsigned i = 0; i < io->worker_count; i++)
		describe_queue(io, i, io->queue[i].description);
	/* Last: from here on queries come to us and no more to the kernel. */
	steering_refresh(io->steering);
	return true;
}

static struct packet_io *af_xdp_open(const struct io_config *config, char error[IO_ERROR_TEXT])
{
	struct packet_io *io;

	if (config->listen_count > LISTENS_MAX) {
		snprintf(error, IO_ERROR_TEXT, "more than %u --listen addresses", LISTENS_MAX);
		return NULL;
	}
	io = calloc(1, sizeof(*io) + config->workers * sizeof(io->queue[0]));
	if (!io) {
		snprintf(error, IO_ERROR_TEXT, "out of memory for %u workers", config->workers);
		return NULL;
	}
	if (prepare(io, config, error))
		return io;
	af_xdp_close(io);
	return NULL;
}

static struct io_queue *af_xdp_queue(struct packet_io *io, unsigned index)
{
	return index < io->worker_count ? &io->queue[index] : NULL;
}

static const char *af_xdp_describe(struct packet_io *io, unsigned index)
{
	return io->queue[index].description;
}

static void count_others(struct io_queue *queue, uint64_t counts[])
{
	for (unsigned i = 0; i < queue->socket_count; i++)
		af_xdp_socket_count(queue->socket[i], counts);
	queue->uncounted = BURSTS_COUNTED - 1;
}

static unsigned af_xdp_rx_burst(struct io_queue *queue, struct datagram *burst, unsigned max,
				uint64_t counts[])
{
	unsigned n = 0;

	if (queue->uncounted-- == 0)
		count_others(queue, counts);
	for (unsigned tried = 0; tried < queue->socket_count && n < max; tried++) {
		unsigned from = queue->next;

		queue->next = from + 1 == queue->socket_count ? 0 : from + 1;
		n += af_xdp_socket_receive(queue->socket[from], burst + n, max - n, counts);
	}
	return n;
}

/* Replies of one socket stand together, as rx_burst took them. */
static void af_xdp_tx_burst(struct io_queue *queue, struct datagram *burst, unsigned n,
			    uint64_t counts[])
{
	unsigned first = 0;

	(void)queue;
	for (unsigned at = 1; at <= n; at++) {
		if (at < n && burst[at].frame == burst[first].frame)
			continue;
		af_xdp_socket_send(burst[first].frame, burst + first, at - first, counts);
		first = at;
	}
}

static void af_xdp_wait(struct io_queue *queue, unsigned microseconds)
{
	struct timespec patience = {
	    .tv_sec = microseconds / 1000000,
	    .tv_nsec = (long)(microseconds % 1000000) * 1000,
	};

	for (unsigned i = 0; i < queue->socket_count; i++)
		af_xdp_socket_settle(queue->socket[i]);
	ppoll(queue->poll, queue->socket_count, &patience, NULL);
	queue->uncounted = 0;
}

static unsigned af_xdp_addresses(const struct packet_io *io, struct listen_address *out,
				 unsigned most)
{
	const struct interface_address *found;
	unsigned known = steering_found(io->steering, &found), count = 0;

	for (unsigned i = 0; i < known && count < most; i++)
		count += interface_listen(&found[i], DNS_PORT, &out[count].address);
	return count;
}

static uint64_t af_xdp_capabilities(struct packet_io *io)
{
	return steering_capabilities(io->steering);
}

static const char *const queue_calls[] = {"getsockopt", "ppoll", "recvfrom", "sendto", NULL};
/* Asking for addresses, telling the XDP program, and listening for TCP on them. */
static const char *const main_calls[] = {"bind",       "bpf",	 "getsockname", "getsockopt",
					 "ioctl",      "listen", "recvmsg",	"sendto",
					 "setsockopt", "socket", NULL};

const struct packet_io_class packet_io_af_xdp = {
    .name = "af_xdp",
    .capabilities = af_xdp_capabilities,
    .queue_calls = queue_calls,
    .main_calls = main_calls,
    .open = af_xdp_open,
    .queue = af_xdp_queue,
    .describe = af_xdp_describe,
    .rx_burst = af_xdp_rx_burst,
    .tx_burst = af_xdp_tx_burst,
    .wait = af_xdp_wait,
    .refresh = af_xdp_refresh,
    .addresses = af_xdp_addresses,
    .event_fd = af_xdp_event_fd,
    .close = af_xdp_close,
};
