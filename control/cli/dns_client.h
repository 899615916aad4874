/* dns_client.h: one question to one server, and its answer.
 * Threads: one. Errors: worded on stderr. Source: RFC 1035 4.2, RFC 6891 6.1, RFC 7766 5. */
#ifndef SKUA_CONTROL_CLI_DNS_CLIENT_H
#define SKUA_CONTROL_CLI_DNS_CLIENT_H

#include "control/config/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_question {
	const uint8_t *name;
	size_t name_length;
	uint16_t type;
	bool dnssec; /* EDNS DO */
	bool tcp;    /* else UDP first, TCP if the answer is truncated */
};

struct dns_answer {
	uint8_t message[65535];
	size_t length;
	bool over_tcp;
	double seconds;
};

/* False: no answer after three tries. */
bool dns_ask(const struct address *server, const struct dns_question *question,
	     struct dns_answer *answer);

#endif
