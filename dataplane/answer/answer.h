/* answer.h: DNS queries + one immutable image -> replies, in place.
 *
 * Threads:  any; no locks, no allocation, no I/O, no clock, no globals.
 * Requires: image from image_open(), or NULL (then everything is dropped as drop_no_image);
 *           counts has COUNTERS entries, owned by the caller; n <= ANSWER_BURST;
 *           payload[capacity] writable, capacity >= length.
 * Ensures:  each datagram's length and sum are those of its reply, or length is 0: no reply.
 * Nothing outside [payload, payload + capacity) is touched. Never an answer to a response. Over UDP
 * no reply is larger than what the client and image->settings.udp_size allow; TC says that it was
 * cut. An error over UDP is no larger than its query, but for a client with a valid cookie. Every
 * message that came in is counted as one answer or one of COUNT_SILENT, every answer as one of
 * COUNT_RCODE, every FORMERR as one of COUNT_FORMERR (counters.def). Source:   RFC 1034 4.3.2,
 * 1035, 2181, 2308, 3597, 4035 3.1, 4592, 4892, 5001, 5155 7.2, 6672, 6891, 7828, 7871, 7873, 8020,
 * 8482, 8914, 9018. */
#ifndef SKUA_DATAPLANE_ANSWER_ANSWER_H
#define SKUA_DATAPLANE_ANSWER_ANSWER_H

#include "dataplane/answer/limiter.h"
#include "dataplane/answer/nsec3_meter.h"
#include "dataplane/net/datagram.h"
#include "zones/abi/channel.h"
#include "zones/image/reader.h"

#define ANSWER_BURST 64u

/* A worker's own state, zero at first: what makes rotation differ from query to query, the time,
 * what it may hash, what networks of clients were sent, and how long a TCP connection may be idle
 * as things are (RFC 7828). */
struct answer_state {
	uint64_t rotation;
	uint64_t now; /* CLOCK_REALTIME in nanoseconds; the caller sets it before a burst */
	struct nsec3_meter nsec3;
	struct limiter *limiter; /* the caller's; NULL: responses are not limited */
	uint16_t tcp_idle;	 /* units of 100 milliseconds; set with TRANSPORT_TCP only */
};

void answer_batch(const struct image *image, struct answer_state *state, struct datagram *burst,
		  unsigned n, enum transport transport, uint64_t counts[]);

#endif
