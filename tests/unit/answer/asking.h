/* asking.h: one query to answer_batch(), with all that must hold of any reply checked on the way.
 * Threads: one. */
#ifndef SKUA_TESTS_UNIT_ANSWER_ASKING_H
#define SKUA_TESTS_UNIT_ANSWER_ASKING_H

#include "dataplane/answer/answer.h"
#include "tests/unit/answer/message.h"

struct asking {
	const struct image *image;
	struct answer_state state;
	uint64_t counts[COUNTERS];
	enum transport transport;
	uint32_t capacity; /* 0: MESSAGE_MAX */
	uint16_t family;   /* of the client: 4; else 6 */
	uint8_t source[16];
	uint8_t reply[MESSAGE_MAX];
	uint32_t length; /* of the reply */
};

/* Asks, and fails the test if the sum is wrong, a guard octet changed, QR is clear, the
 * counters do not add up, or a datagram
 * over UDP is larger than allowed: than the server's size, and for an error than the query of a
 * client without a valid cookie. */
void ask(struct asking *asking, const uint8_t *query, size_t length);
/* The same for a name; the reply must also be well-formed. The caller frees *message. */
void ask_name(struct asking *asking, const char *name, uint16_t type,
	      const struct query_options *options, struct message *message);

/* RFC 1071, octet by octet, modulo 0xffff: both zeros of ones' complement are 0. */
unsigned plain_sum(const uint8_t *at, size_t length);

#endif
