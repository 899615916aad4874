/* trial.c: see trial.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/net/trial.h"

#include <arpa/inet.h>
#include <string.h>

const uint8_t trial_payload[TRIAL_PAYLOAD] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0";

/* The definition of RFC 1071, word by word, to check the fast one against. */
uint16_t trial_plain_sum(const uint8_t *at, uint32_t length, uint32_t start)
{
	uint32_t sum = start;

	for (uint32_t i = 0; i < length; i++) {
		sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

uint16_t trial_pseudo_sum(const struct trial *t)
{
	bool v6 = t->octets[t->ip] >> 4 == 6;
	uint32_t length = t->octets[t->udp + 4] << 8 | t->octets[t->udp + 5];

	return trial_plain_sum(t->octets + t->ip + (v6 ? 8 : 12), v6 ? 32 : 8, 17 + length);
}

void trial_put(struct trial *t, uint32_t at, uint16_t value)
{
	t->octets[at] = (uint8_t)(value >> 8);
	t->octets[at + 1] = (uint8_t)value;
}

uint16_t trial_get(const struct trial *t, uint32_t at)
{
	return (uint16_t)(t->octets[at] << 8 | t->octets[at + 1]);
}

void trial_seal_ip(struct trial *t)
{
	trial_put(t, t->ip + 10, 0);
	trial_put(t, t->ip + 10,
		  (uint16_t)~trial_plain_sum(t->octets + t->ip, (t->octets[t->ip] & 15) * 4u, 0));
}

void trial_seal_udp(struct trial *t)
{
	uint32_t length = trial_get(t, t->udp + 4);

	trial_put(t, t->udp + 6, 0);

	uint16_t sum = (uint16_t)~trial_plain_sum(t->octets + t->udp, length, trial_pseudo_sum(t));

	trial_put(t, t->udp + 6, sum == 0 ? 0xffff : sum);
}

static void add(struct trial *t, const void *octets, uint32_t length)
{
	memcpy(t->octets + t->length, octets, length);
	t->length += length;
}

static void start(struct trial *t, bool tagged, const char *type)
{
	memset(t, 0, sizeof(*t));
	add(t, "\x02\0\0\0\0\1\x02\0\0\0\0\2", 12);
	if (tagged)
		add(t, "\x81\x00\x60\x64", 4); /* priority 3, VLAN 100 */
	add(t, type, 2);
	t->ip = t->length;
}

static void finish(struct trial *t)
{
	add(t, "\xc0\x01\x00\x35\0\0\0\0", 8); /* 49153 -> 53 */
	add(t, trial_payload, TRIAL_PAYLOAD);
	trial_put(t, t->udp + 4, (uint16_t)(t->length - t->udp));
}

void trial_make4(struct trial *t, bool tagged)
{
	start(t, tagged, "\x08\x00");
	add(t, "\x45\xbb\0\0\x12\x34\0\0\7\x11\0\0\xc0\0\2\1\xc0\0\2\2", 20);
	t->udp = t->length;
	finish(t);
	trial_put(t, t->ip + 2, (uint16_t)(t->length - t->ip));
	trial_seal_ip(t);
	trial_seal_udp(t);
}

void trial_make6(struct trial *t, bool tagged)
{
	start(t, tagged, "\x86\xdd");
	add(t, "\x6b\xb1\x23\x45\0\0\x11\7", 8);
	add(t, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	add(t, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	t->udp = t->length;
	finish(t);
	trial_put(t, t->ip + 4, (uint16_t)(t->length - t->udp));
	trial_seal_udp(t);
}

void trial_listen_on(struct frame_rules *rules, const char *text, uint16_t port)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
		assert_true(frame_rules_add(rules, (struct sockaddr *)&in4));
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		assert_true(frame_rules_add(rules, (struct sockaddr *)&in6));
	else
		fail_msg("address %s", text);
}

struct frame_rules trial_ours(void)
{
	struct frame_rules rules = {0};

	trial_listen_on(&rules, "192.0.2.2", 53);
	trial_listen_on(&rules, "2001:db8::2", 53);
	return rules;
}
