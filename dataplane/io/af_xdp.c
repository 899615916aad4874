/* af_xdp.c: queries straight from the receive queues of one or several interfaces, past the
 * kernel's network stack. Each queue that is taken has an AF_XDP socket, and belongs to one worker:
 * they are dealt out in turn, interface by interface. What our XDP program does not take stays the
 * kernel's.
 *
 * As on any Linux host, an address is the host's, not the interface's: a query to an address of one
 * of these interfaces is answered on whichever of them it comes in on, and the answer leaves there.
 */
#include "dataplane/io/af_xdp_argument.h"
#include "dataplane/io/af_xdp_interface.h"
#include "dataplane/io/af_xdp_socket.h"
#include "dataplane/io/address.h"
#include "dataplane/io/packet_io.h"
#include "runtime/log.h"
#include "runtime/numa.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DESCRIPTION    96u /* as in the dataplane file */
#define DNS_PORT       53u
#define QUEUES_SHOWN   8u    /* of an interface, in a description */
#define BURSTS_COUNTED 1024u /* what did not come to us is looked up after so many */
#define BURSTS_SOON    64u   /* after so many if the worker has slept */

struct lane {
	const struct af_xdp_interface *interface;
	unsigned queue;
};

struct io_queue {
	unsigned socket_count;
	unsigned uncounted; /* bursts until it is */
	unsigned next;	    /* the socket that is asked first, so that none starves the others */
	struct af_xdp_socket **socket; /* [socket_count], as are the next two */
	struct pollfd *poll;
	struct lane *lane; /* where the sockets are, for their description */
	unsigned other_count;
	struct steering_seen *other; /* queues without a socket, of the first worker */
	char description[DESCRIPTION];
};

struct packet_io {
	unsigned interface_count;
	struct af_xdp_interface interface[AF_XDP_INTERFACES_MAX];
	unsigned worker_count;
	const int *node; /* of each worker's core (io_config); only while opening */
	unsigned listen_count;
	struct listen_address listen[LISTENS_MAX];
	struct frame_rules rules;
	unsigned address_count;
	struct interface_address *address; /* [STEER_ADDRESSES_MAX]: of all interfaces, as one sees
					      them that is being told */
	struct io_queue queue[];	   /* [worker_count] */
};

/* NULL: all are missing. */
static const struct af_xdp_interface *first_there(const struct packet_io *io)
{
	for (unsigned i = 0; i < io->interface_count; i++)
		if (!io->interface[i].missing)
			return &io->interface[i];
	return NULL;
}

static bool find_interfaces(struct packet_io *io, const char *text, char error[IO_ERROR_TEXT])
{
	struct af_xdp_argument argument;
	char names[256] = "";

	if (!af_xdp_argument_parse(text, &argument, error))
		return false;
	if (argument.count == 0) {
		interface_index("", names, sizeof(names));
		snprintf(error, IO_ERROR_TEXT,
			 "--io af_xdp: name an interface, as in af_xdp:eth0; this host has: %s",
			 names);
		return false;
	}
	for (unsigned i = 0; i < argument.count; i++) {
		io->interface_count++;
		if (!af_xdp_interface_find(&io->interface[i], &argument.choice[i], error))
			return false;
	}
	if (first_there(io) == NULL)
		return af_xdp_interface_refuse(argument.choice[0].interface, error);
	for (unsigned i = 0; i < io->interface_count; i++)
		if (io->interface[i].missing)
			af_xdp_interface_log_missing(&io->interface[i]);
	return true;
}

static unsigned count_queues(const struct packet_io *io)
{
	unsigned count = 0;

	for (unsigned i = 0; i < io->interface_count; i++)
		count += io->interface[i].chosen_count;
	return count;
}

/* A worker without a queue would only look as if there were more to be had. */
static bool enough_queues(const struct packet_io *io, char error[IO_ERROR_TEXT])
{
	const struct af_xdp_interface *first = first_there(io);
	unsigned queues = count_queues(io);
	char who[64];

	if (io->worker_count <= queues)
		return true;
	snprintf(who, sizeof(who), io->interface_count == 1 ? "%s has" : "%s and the others have",
		 first->name);
	snprintf(error, IO_ERROR_TEXT,
		 "%u workers, but %s only %u receive queue%s%s, and a queue has one worker: give "
		 "--workers %u, or more queues (`ethtool -L %s combined %u`)",
		 io->worker_count, who, queues, queues == 1 ? "" : "s",
		 first->chosen_count < first->queue_count ? " that are taken" : "", queues,
		 first->name, io->worker_count);
	return false;
}

/* What is asked before there is anything: a text that is wrong is worded by open. */
static unsigned af_xdp_queues(const char *text, unsigned *absent)
{
	struct af_xdp_argument argument;
	char error[IO_ERROR_TEXT];
	unsigned count = 0;

	*absent = 0;
	if (!af_xdp_argument_parse(text, &argument, error))
		return 0;
	for (unsigned i = 0; i < argument.count; i++)
		count += af_xdp_interface_queues(&argument.choice[i], absent);
	return count;
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

static bool get_memory(struct packet_io *io, char error[IO_ERROR_TEXT])
{
	unsigned queues = count_queues(io);
	bool good;

	io->address = calloc(STEER_ADDRESSES_MAX, sizeof(*io->address));
	good = io->address != NULL;
	for (unsigned i = 0; i < io->worker_count; i++) {
		struct io_queue *queue = &io->queue[i];
		unsigned sockets = queues / io->worker_count + 1;

		queue->socket = calloc(sockets, sizeof(*queue->socket));
		queue->poll = calloc(sockets, sizeof(*queue->poll));
		queue->lane = calloc(sockets, sizeof(*queue->lane));
		good = good && queue->socket && queue->poll && queue->lane;
	}
	io->queue[0].other =
	    calloc(io->interface_count * STEER_QUEUES_MAX, sizeof(*io->queue[0].other));
	if (!good || !io->queue[0].other)
		snprintf(error, IO_ERROR_TEXT, "out of memory for %u queues", queues);
	return good && io->queue[0].other;
}

/* Each packet would cross from one node to the other, and its reply back. */
static void warn_far(const struct packet_io *io, const struct af_xdp_interface *interface,
		     unsigned worker)
{
	const struct io_queue *queue = &io->queue[worker];
	int device = numa_node_of_interface(NUMA_ROOT, interface->name);
	bool first =
	    queue->socket_count == 0 || queue->lane[queue->socket_count - 1].interface != interface;

	if (first && io->node != NULL && device >= 0 && io->node[worker] >= 0 &&
	    io->node[worker] != device)
		log_warning("dataplane.io",
			    "a worker's core is on another NUMA node than its interface: choose "
			    "--cores of the interface's node",
			    LOG_UNSIGNED("worker", worker), LOG_NUMBER("node", io->node[worker]),
			    LOG_TEXT("interface", interface->name),
			    LOG_NUMBER("interface_node", device));
}

static bool open_socket(struct packet_io *io, struct af_xdp_interface *interface, unsigned number,
			unsigned worker, char error[IO_ERROR_TEXT])
{
	struct io_queue *queue = &io->queue[worker];
	struct af_xdp_socket_config config = {
	    .interface = interface->name,
	    .queue = number,
	    .mtu = interface->mtu,
	    .node = io->node != NULL ? io->node[worker] : -1,
	    .generic = !steering_is_native(interface->steering),
	    .copy = interface->copy,
	    .rules = &io->rules,
	    .room = &interface->room,
	    .passed = steering_passed(interface->steering, number),
	};
	struct af_xdp_socket *socket;

	warn_far(io, interface, worker);
	socket = af_xdp_socket_open(&config, error);
	if (!socket)
		return false;
	queue->lane[queue->socket_count] = (struct lane){interface, number};
	queue->poll[queue->socket_count] =
	    (struct pollfd){.fd = af_xdp_socket_fd(socket), .events = POLLIN};
	queue->socket[queue->socket_count++] = socket;
	return steering_add_queue(interface->steering, number, af_xdp_socket_fd(socket), error);
}

static bool open_sockets(struct packet_io *io, char error[IO_ERROR_TEXT])
{
	struct io_queue *first = &io->queue[0];
	unsigned dealt = 0;

	for (unsigned i = 0; i < io->interface_count; i++) {
		struct af_xdp_interface *interface = &io->interface[i];

		for (unsigned q = 0; q < STEER_QUEUES_MAX && !interface->missing; q++) {
			if (!interface->chosen[q])
				first->other[first->other_count++].passed =
				    steering_passed(interface->steering, q);
			else if (!open_socket(io, interface, q, dealt++ % io->worker_count, error))
				return false;
		}
	}
	return true;
}

/* "eth0 queue 0,2 (native, zero-copy)": from lane `first` on; returns where the next interface's
 * begin. */
static unsigned describe_lanes(const struct io_queue *queue, unsigned first, FILE *out)
{
	const struct af_xdp_interface *interface = queue->lane[first].interface;
	bool zero_copy = true, busy = true;
	unsigned i;

	fprintf(out, "%s queue ", interface->name);
	for (i = first; i < queue->socket_count && queue->lane[i].interface == interface; i++) {
		if (i - first < QUEUES_SHOWN)
			fprintf(out, "%s%u", i > first ? "," : "", queue->lane[i].queue);
		zero_copy = zero_copy && af_xdp_socket_is_zero_copy(queue->socket[i]);
		busy = busy && af_xdp_socket_is_busy_polled(queue->socket[i]);
	}
	fprintf(out, "%s (%s, %s%s)", i - first > QUEUES_SHOWN ? ",..." : "",
		steering_is_native(interface->steering) ? "native" : "generic",
		zero_copy ? "zero-copy" : "copy", busy ? ", busy poll" : "");
	return i;
}

static void describe_queue(struct io_queue *queue)
{
	FILE *out = fmemopen(queue->description, DESCRIPTION - 1, "w");
	unsigned next = 0;

	if (!out)
		return;
	while (next < queue->socket_count) {
		fputs(next == 0 ? "af_xdp " : "; ", out);
		next = describe_lanes(queue, next, out);
	}
	fclose(out);
}

/* The programs go first: then nothing is steered to a socket that is being taken apart. */
static void af_xdp_close(struct packet_io *io)
{
	for (unsigned i = 0; i < io->interface_count; i++)
		af_xdp_interface_detach(&io->interface[i]);
	for (unsigned i = 0; i < io->worker_count; i++) {
		for (unsigned s = 0; s < io->queue[i].socket_count; s++)
			af_xdp_socket_close(io->queue[i].socket[s]);
		free(io->queue[i].socket);
		free(io->queue[i].poll);
		free(io->queue[i].lane);
		free(io->queue[i].other);
	}
	for (unsigned i = 0; i < io->interface_count; i++)
		af_xdp_interface_close(&io->interface[i]);
	free(io->address);
	free(io);
}

/* What counts as an address of ours on one interface: those of all of them, but link-local ones
 * mean nothing on another link. */
static void gather_addresses(struct packet_io *io, const struct af_xdp_interface *here)
{
	io->address_count = 0;
	for (unsigned i = 0; i < io->interface_count; i++) {
		const struct af_xdp_interface *from = &io->interface[i];

		for (unsigned a = 0;
		     a < from->found_count && io->address_count < STEER_ADDRESSES_MAX; a++)
			if (from == here || !IN6_IS_ADDR_LINKLOCAL(&from->found[a].address))
				io->address[io->address_count++] = from->found[a];
	}
}

static void look_around(struct packet_io *io)
{
	for (unsigned i = 0; i < io->interface_count; i++)
		af_xdp_interface_look(&io->interface[i]);
	for (unsigned i = 0; i < io->interface_count; i++) {
		gather_addresses(io, &io->interface[i]);
		if (!io->interface[i].missing)
			steering_refresh(io->interface[i].steering, io->address, io->address_count);
	}
}

/* One that answers is enough to go on; one that has come, or come back, needs a new start. */
static enum interface_state af_xdp_refresh(struct packet_io *io)
{
	unsigned in[INTERFACE_REPLACED + 1] = {0};

	look_around(io);
	for (unsigned i = 0; i < io->interface_count; i++)
		in[io->interface[i].state]++;
	return in[INTERFACE_REPLACED] > 0 ? INTERFACE_REPLACED
	       : in[INTERFACE_UP] > 0	  ? INTERFACE_UP
	       : in[INTERFACE_DOWN] > 0	  ? INTERFACE_DOWN
					  : INTERFACE_GONE;
}

/* What a card counts beyond our own counters is its driver's to tell (`ethtool -S`). */
static unsigned af_xdp_ports(struct packet_io *io, struct io_port port[PORTS_MAX])
{
	static_assert(AF_XDP_INTERFACES_MAX <= PORTS_MAX, "each has a line");

	memset(port, 0, io->interface_count * sizeof(port[0]));
	for (unsigned i = 0; i < io->interface_count; i++) {
		snprintf(port[i].name, sizeof(port[i].name), "%s", io->interface[i].given);
		port[i].state = io->interface[i].state;
	}
	return io->interface_count;
}

/* Each interface has a socket that hears of all; any of them tells. */
static int af_xdp_event_fd(const struct packet_io *io)
{
	return io->interface[0].watch;
}

static bool prepare(struct packet_io *io, const struct io_config *config, char error[IO_ERROR_TEXT])
{
	io->worker_count = config->workers;
	io->node = config->node;
	io->listen_count = config->listen_count;
	for (unsigned i = 0; i < config->listen_count; i++)
		io->listen[i] = config->listen[i];
	if (!find_interfaces(io, config->argument, error) || !enough_queues(io, error) ||
	    !get_memory(io, error))
		return false;
	set_rules(io, config->trust_checksums);
	for (unsigned i = 0; i < io->interface_count; i++)
		if (!io->interface[i].missing &&
		    !af_xdp_interface_attach(&io->interface[i], io->listen, io->listen_count,
					     error))
			return false;
	if (!open_sockets(io, error))
		return false;
	for (unsigned i = 0; i < io->worker_count; i++)
		describe_queue(&io->queue[i]);
	/* Last: from here on queries come to us and no more to the kernel. */
	look_around(io);
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
	for (unsigned i = 0; i < queue->other_count; i++)
		steering_count(&queue->other[i], counts);
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
	/* Looking up takes microseconds: not what a query that wakes us has to wait for. */
	if (ppoll(queue->poll, queue->socket_count, &patience, NULL) == 0)
		queue->uncounted = 0;
	else if (queue->uncounted > BURSTS_SOON)
		queue->uncounted = BURSTS_SOON;
}

static bool is_new(const struct listen_address *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (address_equal(&list[i].address, &list[count].address))
			return false;
	return true;
}

static unsigned af_xdp_addresses(const struct packet_io *io, struct listen_address *out,
				 unsigned most)
{
	unsigned count = 0;

	/* As gathered for the last interface; those left out are left out here too. Those of lo
	 * come with each interface. */
	for (unsigned i = 0; i < io->address_count && count < most; i++)
		if (interface_listen(&io->address[i], DNS_PORT, &out[count].address))
			count += is_new(out, count);
	return count;
}

static uint64_t af_xdp_capabilities(struct packet_io *io)
{
	return steering_capabilities(first_there(io)->steering);
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
    .queues = af_xdp_queues,
    .open = af_xdp_open,
    .queue = af_xdp_queue,
    .describe = af_xdp_describe,
    .rx_burst = af_xdp_rx_burst,
    .tx_burst = af_xdp_tx_burst,
    .wait = af_xdp_wait,
    .refresh = af_xdp_refresh,
    .ports = af_xdp_ports,
    .addresses = af_xdp_addresses,
    .event_fd = af_xdp_event_fd,
    .close = af_xdp_close,
};
