/* trial.h: good frames to take apart: a test changes single octets of one and asks for the verdict.
 * Threads: one. Independent of dataplane/net/frame.c and its checksums. */
#ifndef SKUA_TESTS_UNIT_NET_TRIAL_H
#define SKUA_TESTS_UNIT_NET_TRIAL_H

#include "dataplane/net/frame.h"

struct trial {
	uint8_t octets[2048];
	uint32_t length;
	uint32_t ip;  /* offset of the IP header */
	uint32_t udp; /* offset of the UDP header */
};

/* What the frames carry: a query. */
#define TRIAL_PAYLOAD 28u
extern const uint8_t trial_payload[TRIAL_PAYLOAD];

/* From 192.0.2.1 or 2001:db8::1 port 49153 to 192.0.2.2 or 2001:db8::2 port 53, all sums right. */
void trial_make4(struct trial *t, bool tagged);
void trial_make6(struct trial *t, bool tagged);

/* 16 bits at an offset of the frame. */
void trial_put(struct trial *t, uint32_t at, uint16_t value);
uint16_t trial_get(const struct trial *t, uint32_t at);

/* Puts a checksum right after a change. */
void trial_seal_ip(struct trial *t);
void trial_seal_udp(struct trial *t);

/* The definition of RFC 1071, word by word. start: a sum to go on with. */
uint16_t trial_plain_sum(const uint8_t *at, uint32_t length, uint32_t start);
uint16_t trial_pseudo_sum(const struct trial *t);

void trial_listen_on(struct frame_rules *rules, const char *text, uint16_t port);
/* The two addresses that the frames go to. */
struct frame_rules trial_ours(void);

#endif
