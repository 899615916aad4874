/* datagram.h: one DNS message on its way through a worker, as every back end presents it.
 *
 * The reply is written over the query at the same place. Threads: one worker owns it from rx to tx.
 */
#ifndef SKUA_DATAPLANE_NET_DATAGRAM_H
#define SKUA_DATAPLANE_NET_DATAGRAM_H

#include <stdint.h>

struct datagram {
	uint8_t *payload; /* DNS message, no alignment promised */
	uint32_t length;  /* octets: of the query after receipt; of the reply after answering, 0: no
			     reply */
	uint32_t capacity; /* octets that may be written at payload */
	uint16_t
	    sum; /* ones' complement sum of the reply as big-endian words, folded, not inverted */
	uint16_t family;    /* 4 or 6 */
	uint16_t port;	    /* source port of the query, host order */
	uint16_t headers;   /* octets of Ethernet, IP and UDP right in front of payload; 0 where the
			       kernel makes them */
	uint8_t source[16]; /* source address of the query, network order; IPv4 in the first 4 */
	void *frame;	    /* the back end's: frame, mbuf or message header */
};

enum transport { TRANSPORT_UDP, TRANSPORT_TCP };

#endif
