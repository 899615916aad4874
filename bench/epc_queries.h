/* epc_queries.h: A queries for numbered names, as Ethernet frames, and whether an answer is right.
 *
 * Name number n of a pattern with one "%d" has the address 198.18.0.0 + n mod 2^17, as
 * make_zone.py writes them. Threads: any; a table is read only once it is made. */
#ifndef SKUA_BENCH_EPC_QUERIES_H
#define SKUA_BENCH_EPC_QUERIES_H

#include <stdbool.h>
#include <stdint.h>

#define QUERY_ROOM 184u

/* A frame with id 0 and source port 0, ready to be copied. */
struct query_frame {
	uint16_t length;   /* octets of the frame */
	uint16_t question; /* octets of the question: name, type, class */
	uint16_t udp_sum;  /* ones' complement sum of what the UDP checksum covers, folded */
	uint16_t reserved;
	uint8_t octets[QUERY_ROOM];
};

struct query_table {
	unsigned count;
	struct query_frame *frame;
};

struct query_settings {
	const char *pattern; /* "h%d.epc.mnc001.mcc228.3gppnetwork.org." */
	unsigned names;
	uint32_t destination; /* IPv4, host order */
	uint8_t destination_mac[6];
	bool edns; /* with an OPT record, 1232 octets */
};

/* False if the pattern gives no name, or no memory is left. */
bool query_table_make(struct query_table *table, const struct query_settings *settings);
void query_table_free(struct query_table *table);

/* Copies query n to frame, QUERY_ROOM octets, with this id and source port; returns its length. */
uint16_t query_write(const struct query_table *table, unsigned n, uint16_t id, uint16_t port,
		     uint8_t *frame);

/* The DNS message of query n, with id 0, and its length. */
const uint8_t *query_message(const struct query_table *table, unsigned n, uint16_t *length);

/* The id and the port that an answer came back to; false if the frame is no IPv4 UDP from port 53.
 */
bool answer_identify(const uint8_t *frame, uint32_t length, uint16_t *id, uint16_t *port);

enum answer_fault {
	ANSWER_RIGHT,
	ANSWER_LENGTHS,	 /* of IP, UDP and the frame disagree */
	ANSWER_CHECKSUM, /* of IP or UDP */
	ANSWER_FLAGS,	 /* not QR, AA and opcode 0, TC set, or another rcode than NOERROR */
	ANSWER_QUESTION, /* not the question that was asked, octet for octet */
	ANSWER_RECORD,	 /* not one A record with the owner's address */
	ANSWER_FAULTS,
};
extern const char *const answer_fault_text[ANSWER_FAULTS];

/* Requires: answer_identify() was true for this frame; n: the name that was asked for. */
enum answer_fault answer_check(const struct query_table *table, unsigned n, const uint8_t *frame,
			       uint32_t length);
/* The same for the DNS message alone. */
enum answer_fault answer_check_message(const struct query_table *table, unsigned n,
				       const uint8_t *dns, uint32_t length);

#endif
