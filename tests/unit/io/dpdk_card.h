/* dpdk_card.h: cards of our own for --steering card: DPDK's null devices, the index-th being port
 * `index`, with a redirection table and flow rules that really sort what is put in.
 *
 * dpdk_card.c defines functions of the library: those of the program are called instead. */
#ifndef SKUA_TESTS_UNIT_IO_DPDK_CARD_H
#define SKUA_TESTS_UNIT_IO_DPDK_CARD_H

#include <stdbool.h>
#include <stdint.h>

#define CARDS	   8u
#define CARD_TABLE 128u
#define QUEUES	   4u /* of a card, at most */

/* Each is the card of that number, and but for the first refuses something. */
enum kind {
	TAKES_ALL,
	PLAIN, /* no rule for tagged frames; queue 0 for what it can't hash */
	NO_QUEUE,
	NO_TABLE,
	FIXED_TABLE,
	NO_IPV6,
	FULL,	      /* validates, but has no room */
	RESETS_TABLE, /* with a rule */
};

struct card {
	uint16_t table[CARD_TABLE];
	unsigned rules;
	unsigned sent[QUEUES]; /* frames */
	uint8_t octets[64];    /* of the last frame that was sent */
};

extern struct card card[CARDS];

/* Before the ports are opened. */
void cards_make(unsigned workers);
/* Requires: the ports have started. Until they are stopped frames come from card_put(). */
void cards_plug_in(void);
/* A frame comes in. Returns the queue that the card chose. */
unsigned card_put(unsigned port, const uint8_t *octets, unsigned length);

#endif
