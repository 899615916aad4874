#include "tests/unit/stream/double.h"
#include "dataplane/answer/answer.h"

#include <string.h>

struct dataplane_file double_file;
_Atomic unsigned double_misuses, double_batches, double_largest_batch;
uint16_t double_port[DOUBLE_PORTS];
_Atomic unsigned double_ports;
_Atomic uint16_t double_idle;

static struct image image;
static _Atomic bool held;

struct dataplane_file *adopt_file(struct adopt *adopt)
{
	(void)adopt;
	return &double_file;
}

const struct image *adopt_newest(struct adopt *adopt, unsigned worker, bool *changed)
{
	(void)adopt;
	(void)worker;
	*changed = false;
	held = true;
	return &image;
}

void adopt_offline(struct adopt *adopt, unsigned worker)
{
	(void)adopt;
	(void)worker;
	held = false;
}

static bool says(const struct datagram *query, const char *word)
{
	return query->length >= 16 && memcmp(query->payload + 12, word, 4) == 0;
}

static void reply(struct datagram *query, uint64_t counts[])
{
	uint8_t *message = query->payload;
	uint32_t length;

	if (says(query, "HASH"))
		counts[COUNT_nsec3_hashes] += DOUBLE_HASHES;
	if (message[2] & 0x80 || says(query, "MUTE") || says(query, "HASH")) {
		query->length = 0;
		return;
	}
	message[2] |= 0x80;
	if (query->length < 21 || memcmp(message + 12, "BIG!", 4) != 0)
		return;
	length = (uint32_t)message[16] << 24 | (uint32_t)message[17] << 16 |
		 (uint32_t)message[18] << 8 | message[19];
	if (length > query->capacity)
		length = query->capacity;
	memset(message + 21, message[20], length - 21);
	query->length = length;
}

void answer_batch(const struct image *from, struct answer_state *state, struct datagram *burst,
		  unsigned n, enum transport transport, uint64_t counts[])
{
	double_idle = state->tcp_idle;
	if (from != &image || !held || transport != TRANSPORT_TCP)
		double_misuses++;
	double_batches++;
	if (n > double_largest_batch)
		double_largest_batch = n;
	for (unsigned i = 0; i < n; i++) {
		counts[COUNT_queries_tcp]++;
		if (double_ports < DOUBLE_PORTS)
			double_port[double_ports++] = burst[i].port;
		reply(&burst[i], counts);
	}
}
