/* af_xdp_socket.h: one AF_XDP socket on one queue of an interface, with its own packet memory.
 *
 * Every frame is in exactly one place: free, with the kernel for receiving (fill ring, card, RX
 * ring), held by the worker, or with the kernel for sending (TX ring, card, completion ring). A
 * reply is written in the frame of its query and goes out from there.
 *
 * Threads: opened and closed by the main thread, else used by one worker. Source: AF_XDP in the
 * kernel's documentation, linux/if_xdp.h. */
#ifndef SKUA_DATAPLANE_IO_AF_XDP_SOCKET_H
#define SKUA_DATAPLANE_IO_AF_XDP_SOCKET_H

#include "dataplane/io/packet_io.h"
#include "dataplane/io/af_xdp_argument.h"
#include "dataplane/io/steering.h"
#include "dataplane/net/frame.h"

#include <stdatomic.h>

struct af_xdp_socket;

struct af_xdp_socket_config {
	const char *interface;
	unsigned queue;
	unsigned mtu;
	int node;			   /* NUMA node of the worker's core; -1: not known */
	bool generic;			   /* the XDP program runs in the generic hook: copy mode */
	enum af_xdp_copy copy;		   /* zero-copy is tried first, asked for, or not wanted */
	const struct frame_rules *rules;   /* borrowed while the socket lives */
	const struct steer_passed *passed; /* on this queue; borrowed, grows */
	const _Atomic unsigned *room;	   /* octets of the longest frame; borrowed, may change */
};

/* NULL: error says what failed and what to do. */
struct af_xdp_socket *af_xdp_socket_open(const struct af_xdp_socket_config *config,
					 char error[IO_ERROR_TEXT]);
void af_xdp_socket_close(struct af_xdp_socket *socket);
int af_xdp_socket_fd(const struct af_xdp_socket *socket);
/* Whether the kernel gave the card our memory; else it copies. */
bool af_xdp_socket_is_zero_copy(const struct af_xdp_socket *socket);
/* Whether asking for packets makes the kernel fetch them from the card, whose interrupts are put
 * off: SO_PREFER_BUSY_POLL, on an interface that is set up for it (interface_defers_interrupts).
 */
bool af_xdp_socket_is_busy_polled(const struct af_xdp_socket *socket);

/* As rx_burst and tx_burst of a packet_io_class; the datagrams' `frame` is the socket. */
unsigned af_xdp_socket_receive(struct af_xdp_socket *socket, struct datagram *burst, unsigned max,
			       uint64_t counts[]);
void af_xdp_socket_send(struct af_xdp_socket *socket, struct datagram *burst, unsigned n,
			uint64_t counts[]);
/* Adds what has since been passed to the kernel on this queue, and what was lost for the socket. */
void af_xdp_socket_count(struct af_xdp_socket *socket, uint64_t counts[]);
/* Before sleeping: the kernel is told of what it has not taken yet. */
void af_xdp_socket_settle(struct af_xdp_socket *socket);

#endif
