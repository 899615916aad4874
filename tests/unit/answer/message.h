/* message.h: DNS messages for tests: queries are made, replies are taken apart strictly.
 * Threads: one. Independent of dataplane/answer: what both got wrong in one place would show. */
#ifndef SKUA_TESTS_UNIT_ANSWER_MESSAGE_H
#define SKUA_TESTS_UNIT_ANSWER_MESSAGE_H

#include "zones/name/name.h"

#define MESSAGE_MAX  65535u
#define MESSAGE_TEXT 4096u /* a record as text; longer ones are cut */

struct query_options {
	uint16_t flags; /* of the header: RD, CD, opcode, … */
	uint16_t class; /* 0: IN */
	bool edns;
	bool dnssec_ok;
	uint16_t udp_size; /* with edns; 0: 1232 */
	uint8_t version;   /* of EDNS */
	const uint8_t *options;
	uint16_t options_length;
};

/* Writes a query; returns its length. wire has 12 + 255 + 4 + 11 octets and those of the options.
 * id: 0x1234. */
size_t message_query(uint8_t *wire, const uint8_t *name, uint16_t type,
		     const struct query_options *options);
/* The same from text ("www.example."). */
size_t message_query_text(uint8_t *wire, const char *name, uint16_t type,
			  const struct query_options *options);

struct message_record {
	uint8_t owner[NAME_MAX_OCTETS]; /* case kept */
	uint16_t type, class;
	uint32_t ttl;
	uint16_t rdata_length;
	uint8_t *rdata; /* names spelled out; owned by the message */
};

struct message {
	uint16_t id, flags;
	uint16_t rcode; /* with the OPT's upper part */
	bool has_question;
	uint8_t name[NAME_MAX_OCTETS];
	uint16_t type, class;
	bool edns, dnssec_ok;
	uint16_t udp_size;
	const uint8_t *options; /* of the OPT record; borrowed from the wire */
	uint16_t options_length;
	unsigned count[3];		  /* without OPT */
	struct message_record *record[3]; /* answer, authority, additional */
};

/* Takes a whole reply apart: every name legal, pointers only back, counts and length exact, at most
 * one OPT. NULL, or what is wrong with it. */
const char *message_parse(const uint8_t *wire, size_t length, struct message *message);
void message_free(struct message *message);

/* "owner ttl TYPE rdata" in master-file text. text has MESSAGE_TEXT. */
void message_record_text(const struct message_record *record, char *text);

#endif
