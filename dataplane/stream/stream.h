/* stream.h: DNS over TCP on kernel sockets, one thread beside the workers of the fast path.
 *
 * Many queries may be under way on one connection; replies go out in the order of the queries, a
 * batch of them with one system call (RFC 7766 7 allows any order). A connection that sends or
 * reads too slowly, or is idle, is closed; one over the limit per client is closed at once; when
 * all places are taken, who asks least makes room (admission.h). Nothing that a client does on one
 * connection delays another for longer than one bounded batch.
 *
 * Threads:   all functions: the main thread. stream_start makes the only thread, which uses line
 *            `worker` of the dataplane file: `seen` (through adopt), `loops` at least ten times a
 *            second, and its counters.
 * Lifetime:  adopt outlives the stream; call stream_close() before adopt_close().
 * Source:    RFC 1035 4.2.2, RFC 7766, RFC 9210. Kernel sockets whatever the packet back end is. */
#ifndef SKUA_DATAPLANE_STREAM_STREAM_H
#define SKUA_DATAPLANE_STREAM_STREAM_H

#include "dataplane/adopt/adopt.h"
#include "dataplane/confine/call_filter.h"
#include "dataplane/io/packet_io.h"

#include <stdbool.h>
#include <stdint.h>

#define STREAM_CLIENTS_DEFAULT	  1024u
#define STREAM_CLIENTS_MOST	  65536u
#define STREAM_PER_CLIENT_DEFAULT 64u
#define STREAM_IDLE_DEFAULT	  10u
#define STREAM_LISTENS_MAX	  256u /* an interface may have more addresses than are given */

struct stream_config {
	const struct listen_address *listen;
	unsigned listen_count;
	bool early; /* addresses that the host has not yet are fine; always so in stream_follow() */
	bool drop_capabilities; /* by the thread: those that the main one has kept */
	struct adopt *adopt;
	unsigned worker;     /* which line of the dataplane file is ours */
	int core;	     /* pin the thread to this core; -1: leave it to the scheduler */
	unsigned clients;    /* connections in all; 0: STREAM_CLIENTS_DEFAULT */
	unsigned per_client; /* per IPv4 address or IPv6 /64; 0: STREAM_PER_CLIENT_DEFAULT */
	unsigned idle;	     /* seconds without a whole message, or without reading its replies,
				until a connection is closed, without pressure (admission.h); 0:
				STREAM_IDLE_DEFAULT */
};

struct stream;

/* Binds and listens on every address; nothing is accepted before stream_start(). config and
 * config->listen are copied. Returns NULL with a line for the user: which address, why, and what to
 * do (port in use, no permission, address not ours, more clients than files allowed). */
struct stream *stream_open(const struct stream_config *config, char error[IO_ERROR_TEXT]);

/* Starts the thread, which takes on the filter (NULL: it may make any system call). False with a
 * line for the user. */
bool stream_start(struct stream *stream, const struct call_filter *filter,
		  char error[IO_ERROR_TEXT]);

/* From now on connections are taken on these addresses and no others; those that are open stay.
 * The main thread opens the sockets, which needs what port 53 needs (CAP_NET_BIND_SERVICE). Returns
 * how many are not as asked: call it again. error then says why, or is "": soon. */
unsigned stream_follow(struct stream *stream, const struct listen_address *listen, unsigned count,
		       char error[IO_ERROR_TEXT]);

/* Has the thread end, and waits for it (it ends within a batch). Connections are closed. Does
 * nothing if it is not running. */
void stream_stop(struct stream *stream);

/* stream_stop() and frees everything. NULL is fine. */
void stream_close(struct stream *stream);

#endif
