/* framing.h: cutting a stream of octets into DNS messages: two octets of length, then the message.
 *
 * Threads:  any; nothing is kept, allocated or copied.
 * Source:   RFC 1035 4.2.2, RFC 7766 8 (any fragmentation is legal). */
#ifndef SKUA_DATAPLANE_STREAM_FRAMING_H
#define SKUA_DATAPLANE_STREAM_FRAMING_H

#include <stddef.h>
#include <stdint.h>

#define FRAMING_PREFIX	    2u	   /* octets of the length field */
#define FRAMING_MESSAGE_MIN 12u	   /* a DNS header: less can't be answered, nor trusted */
#define FRAMING_MESSAGE_MAX 65535u /* what the length field can say */
#define FRAMING_MOST	    (FRAMING_PREFIX + FRAMING_MESSAGE_MAX)

enum framing {
	FRAMING_WHOLE,	 /* *message and *length are set; the message took PREFIX + length octets */
	FRAMING_PARTIAL, /* more octets are needed; see below */
	FRAMING_BAD,	 /* the length can't be a query's: the stream is of no use any more */
};

/* Looks at the first message in octets[0..available). On FRAMING_PARTIAL *length is the number of
 * octets, prefix included, that the message has in all, or PREFIX as long as that is not known. */
enum framing framing_next(const uint8_t *octets, size_t available, const uint8_t **message,
			  size_t *length);

#endif
