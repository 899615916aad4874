/* packet_io.h: the whole contract between a worker and a packet back end.
 *
 * A back end is opened once by the main thread, then each worker uses its own queue; queue
 * functions are called once per burst, never per packet. Replies leave on the queue (and interface)
 * that the query came in on. Threads:   open and close: the main thread; queue functions: one
 * worker per queue, no locks inside. Ownership: datagrams from rx_burst belong to the worker until
 * it gives all of them back to tx_burst. Errors:    open returns NULL and writes one line for the
 * user: what failed and what to do. */
#ifndef SKUA_DATAPLANE_IO_PACKET_IO_H
#define SKUA_DATAPLANE_IO_PACKET_IO_H

#include "dataplane/net/datagram.h"
#include "zones/abi/channel.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define IO_BURST	64u
#define IO_ERROR_TEXT	512u
#define IO_NO_ADDRESSES UINT32_MAX

struct listen_address {
	struct sockaddr_storage
	    address; /* AF_INET or AF_INET6 with port; the unspecified address: all of ours */
};

struct io_config {
	const char *argument; /* what follows "af_xdp:" or "dpdk:"; "" for socket */
	const struct listen_address *listen;
	unsigned listen_count;
	unsigned workers; /* queues wanted */
	const int *node;  /* NUMA node of each worker's core; -1: not known. NULL: of none known */
	/* Whoever hands frames over has verified their checksums: nobody else does. */
	bool trust_checksums;
	unsigned mtu;	    /* of DPDK's ports; 0: what their drivers have */
	const char *kernel; /* --kernel: "auto", "off" or names of interfaces with commas between */
	bool steers_by_card; /* --steering: flow rules, on ports that take them (dpdk_flow.h) */
};

/* A port or interface that is open, and how it fares. */
struct io_port {
	char name[sizeof(((struct port_line *)NULL)->name)];
	enum interface_state state;
	uint64_t count[PORT_COUNTERS];
};

struct packet_io;
struct io_queue;
struct io_housekeeping;

struct packet_io_class {
	const char *name; /* as in --io */
	/* How many workers could have a queue of their own now; 0: open says why that can't be
	 * said. A worker may have several. *absent: how many more it may be once all is there that
	 * is named; above 0: open goes on without it. NULL: as many as one likes, and one if nobody
	 * says. */
	unsigned (*queues)(const char *argument, unsigned *absent);
	struct packet_io *(*open)(const struct io_config *config, char error[IO_ERROR_TEXT]);
	/* Called by the worker itself, once; NULL: this thread can't have it. */
	struct io_queue *(*queue)(struct packet_io *io, unsigned index);
	/* "af_xdp eth0 queue 0 (native, copy)": what it really got; valid as long as the io. */
	const char *(*describe)(struct packet_io *io, unsigned index);
	/* Up to max (<= IO_BURST) queries; frames that are no query for us have been dropped and
	 * counted in counts[] (enum counter). length, capacity, payload, source, port and frame are
	 * set. One burst at a time: it is given back before the next is asked for. */
	unsigned (*rx_burst)(struct io_queue *queue, struct datagram *burst, unsigned max,
			     uint64_t counts[]);
	/* Takes back all n: sends those with length > 0, or counts them as drop_tx_full; releases
	 * the rest. */
	void (*tx_burst)(struct io_queue *queue, struct datagram *burst, unsigned n,
			 uint64_t counts[]);
	/* Called after empty bursts: returns when something may have come, or after `microseconds`.
	 * NULL: this back end only polls. */
	void (*wait)(struct io_queue *queue, unsigned microseconds);
	/* What is to be done beside the workers, by one thread that does nothing else: "kernel
	 * skua0 (tap)"; valid as long as the io. NULL as a function or returned: nothing. */
	const char *(*describe_housekeeping)(struct packet_io *io);
	/* Called by that thread itself, once; NULL: it can't. */
	struct io_housekeeping *(*housekeeping)(struct packet_io *io);
	/* One round, called again and again: does what there is, or sleeps until there is
	 * something, for a heartbeat (channel.h) at most. */
	void (*housekeep)(struct io_housekeeping *housekeeping, uint64_t counts[]);
	/* Follows what changed around the back end (addresses of an interface, its link), and
	 * returns what became of its interface: the main thread calls it when event_fd says so, and
	 * about once a second. NULL: nothing to follow. */
	enum interface_state (*refresh)(struct packet_io *io);
	/* The ports, always the same ones in the same order, as refresh() left them: fills them in
	 * and returns how many, at most PORTS_MAX. The main thread calls it. NULL: none. */
	unsigned (*ports)(struct packet_io *io, struct io_port port[PORTS_MAX]);
	/* A descriptor that is readable when something may have changed, until refresh() has seen
	 * it; -1: none is to be had. NULL: nothing tells. */
	int (*event_fd)(const struct packet_io *io);
	/* The addresses that it answers on by itself (config.listen_count was 0), as far as TCP can
	 * be had there on kernel sockets: those of the last open or refresh. Returns how many it
	 * stored, at most `most`. NULL, or IO_NO_ADDRESSES: none of them is the kernel's. */
	unsigned (*addresses)(const struct packet_io *io, struct listen_address *out,
			      unsigned most);
	/* Capabilities (1 << CAP_…) that queue functions, refresh and close can't do without, asked
	 * once after open, by a thread for which none is in force. NULL: they need none. */
	uint64_t (*capabilities)(struct packet_io *io);
	/* System calls (by name, NULL-ended) that queue functions and housekeeping make, other than
	 * for memory and time; and those of refresh, close and threads of the back end's own. */
	const char *const *queue_calls;
	const char *const *main_calls;
	/* Stops receiving and frees everything; workers have left their queues. Without the
	 * privileges that open had. */
	void (*close)(struct packet_io *io);
};

extern const struct packet_io_class packet_io_socket;
extern const struct packet_io_class packet_io_af_xdp; /* only in builds with HAVE_AF_XDP */
extern const struct packet_io_class packet_io_dpdk;   /* only in builds with HAVE_DPDK */

/* "socket", "af_xdp:eth0", "dpdk:--vdev=…": the class, and *argument behind the colon; NULL with a
 * message that names what this build knows. */
const struct packet_io_class *packet_io_find(const char *option, const char **argument,
					     char error[IO_ERROR_TEXT]);

#endif
