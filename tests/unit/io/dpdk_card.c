#include "tests/unit/io/dpdk_card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_mbuf.h>

#define RULES_MOST 16u
#define QUEUE_MOST 1024u

struct rte_flow {
	bool tagged;
	enum rte_flow_item_type ip;
	uint16_t udp_port;
	unsigned queues;
	uint16_t queue[QUEUES];
};

struct line {
	struct rte_mbuf *frame[QUEUE_MOST];
	unsigned first, count;
};

struct card card[CARDS];

/* What only the card knows. */
static struct inside {
	struct rte_flow rule[RULES_MOST];
	bool validated; /* the next one */
	struct line line[QUEUES];
	void *rx[QUEUES], *tx[QUEUES];
} inside[CARDS];

static unsigned workers;

void cards_make(unsigned queues)
{
	workers = queues;
	for (unsigned i = 0; i < CARDS; i++) {
		for (unsigned k = 0; k < CARD_TABLE; k++)
			card[i].table[k] = (uint16_t)(k % workers);
	}
}

int rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info)
{
	int (*real)(uint16_t, struct rte_eth_dev_info *);
	int result;

	*(void **)&real = dlsym(RTLD_NEXT, "rte_eth_dev_info_get");
	result = real(port, info);
	info->max_rx_queues = port == NO_QUEUE ? (uint16_t)workers : QUEUES;
	info->reta_size = port == NO_TABLE ? 0 : CARD_TABLE;
	return result;
}

int rte_eth_dev_rss_reta_update(uint16_t port, struct rte_eth_rss_reta_entry64 *table,
				uint16_t size)
{
	if (port == FIXED_TABLE || size != CARD_TABLE)
		return -ENOTSUP;
	for (unsigned i = 0; i < CARD_TABLE; i++) {
		assert_true(table[i / 64].mask & UINT64_C(1) << (i % 64));
		card[port].table[i] = table[i / 64].reta[i % 64];
	}
	return 0;
}

int rte_eth_dev_rss_reta_query(uint16_t port, struct rte_eth_rss_reta_entry64 *table, uint16_t size)
{
	assert_int_equal(size, CARD_TABLE);
	for (unsigned i = 0; i < CARD_TABLE; i++)
		table[i / 64].reta[i % 64] = card[port].table[i];
	return 0;
}

static int refuse(struct rte_flow_error *why, const char *message)
{
	why->message = message;
	return -ENOTSUP;
}

int rte_flow_validate(uint16_t port, const struct rte_flow_attr *attributes,
		      const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
		      struct rte_flow_error *why)
{
	unsigned at = 1;

	assert_true(attributes->ingress);
	assert_int_equal(pattern[0].type, RTE_FLOW_ITEM_TYPE_ETH);
	if (pattern[at].type == RTE_FLOW_ITEM_TYPE_VLAN && port == PLAIN)
		return refuse(why, "no tags");
	at += pattern[at].type == RTE_FLOW_ITEM_TYPE_VLAN;
	if (pattern[at].type == RTE_FLOW_ITEM_TYPE_IPV6 && port == NO_IPV6)
		return refuse(why, "no version 6");
	assert_int_equal(pattern[at + 1].type, RTE_FLOW_ITEM_TYPE_UDP);
	assert_int_equal(pattern[at + 2].type, RTE_FLOW_ITEM_TYPE_END);
	assert_int_equal(actions[1].type, RTE_FLOW_ACTION_TYPE_END);
	inside[port].validated = true;
	return 0;
}

static void take_action(struct rte_flow *rule, const struct rte_flow_action *action)
{
	if (action->type == RTE_FLOW_ACTION_TYPE_QUEUE) {
		rule->queues = 1;
		rule->queue[0] = ((const struct rte_flow_action_queue *)action->conf)->index;
	} else {
		const struct rte_flow_action_rss *rss = action->conf;

		assert_int_equal(action->type, RTE_FLOW_ACTION_TYPE_RSS);
		assert_in_range(rss->queue_num, 1, QUEUES);
		rule->queues = rss->queue_num;
		memcpy(rule->queue, rss->queue, rss->queue_num * sizeof(*rss->queue));
	}
}

struct rte_flow *rte_flow_create(uint16_t port, const struct rte_flow_attr *attributes,
				 const struct rte_flow_item pattern[],
				 const struct rte_flow_action actions[], struct rte_flow_error *why)
{
	struct card *on = &card[port];
	struct rte_flow *rule = &inside[port].rule[on->rules];
	const struct rte_flow_item_udp *udp;
	unsigned at = 1;

	(void)attributes;
	assert_true(on->rules < RULES_MOST);
	assert_true(inside[port].validated);
	inside[port].validated = false;
	if (port == FULL && on->rules == 1) {
		refuse(why, "no room");
		return NULL;
	}
	rule->tagged = pattern[at].type == RTE_FLOW_ITEM_TYPE_VLAN;
	at += rule->tagged;
	rule->ip = pattern[at].type;
	udp = pattern[at + 1].spec;
	rule->udp_port = ntohs(udp->hdr.dst_port);
	take_action(rule, actions);
	on->rules++;
	if (port == RESETS_TABLE)
		memset(on->table, 0, sizeof(on->table));
	return rule;
}

int rte_flow_flush(uint16_t port, struct rte_flow_error *why)
{
	(void)why;
	card[port].rules = 0;
	return 0;
}

static bool matches(const struct rte_flow *rule, const uint8_t *octets)
{
	bool tagged = octets[12] == 0x81 && octets[13] == 0;
	const uint8_t *ip = octets + 14 + (tagged ? 4 : 0);
	bool is4 = ip[-2] == 0x08 && ip[-1] == 0, is6 = ip[-2] == 0x86 && ip[-1] == 0xdd;
	const uint8_t *udp = ip + (is4 ? 20 : 40);

	if (rule->tagged != tagged || (is4 ? ip[9] : is6 ? ip[6] : 0) != IPPROTO_UDP)
		return false;
	return is4 == (rule->ip == RTE_FLOW_ITEM_TYPE_IPV4) &&
	       is6 == (rule->ip == RTE_FLOW_ITEM_TYPE_IPV6) &&
	       udp[2] * 256u + udp[3] == rule->udp_port;
}

static unsigned queue_of(unsigned port, const uint8_t *octets, unsigned length)
{
	const struct card *on = &card[port];
	unsigned hash = 0;

	for (unsigned i = 0; i < length; i++)
		hash += octets[i];
	for (unsigned i = 0; i < on->rules; i++) {
		if (matches(&inside[port].rule[i], octets))
			return inside[port].rule[i].queue[hash % inside[port].rule[i].queues];
	}
	if (port == PLAIN && octets[12] == 0x08 && octets[13] == 0x06)
		return 0;
	return on->table[hash % CARD_TABLE];
}

static uint16_t card_receive(void *queue, struct rte_mbuf **frame, uint16_t most)
{
	struct line *line = queue;
	uint16_t n = (uint16_t)RTE_MIN(line->count, most);

	memcpy(frame, line->frame + line->first, n * sizeof(struct rte_mbuf *));
	line->first += n;
	line->count -= n;
	if (line->count == 0)
		line->first = 0;
	return n;
}

static uint16_t card_transmit(void *queue, struct rte_mbuf **frame, uint16_t n)
{
	for (unsigned i = 0; i < CARDS; i++) {
		for (unsigned k = 0; k < QUEUES && n > 0; k++) {
			if (queue != &card[i].sent[k])
				continue;
			card[i].sent[k] += n;
			memcpy(card[i].octets, rte_pktmbuf_mtod(frame[n - 1], void *),
			       sizeof(card[i].octets));
		}
	}
	rte_pktmbuf_free_bulk(frame, n);
	return n;
}

void cards_plug_in(void)
{
	for (uint16_t i = 0; i < CARDS; i++) {
		for (unsigned k = 0; k < QUEUES; k++) {
			inside[i].rx[k] = &inside[i].line[k];
			inside[i].tx[k] = &card[i].sent[k];
		}
		rte_eth_fp_ops[i].rxq.data = inside[i].rx;
		rte_eth_fp_ops[i].txq.data = inside[i].tx;
		rte_eth_fp_ops[i].rx_pkt_burst = card_receive;
		rte_eth_fp_ops[i].tx_pkt_burst = card_transmit;
	}
}

unsigned card_put(unsigned port, const uint8_t *octets, unsigned length)
{
	unsigned queue = queue_of(port, octets, length);
	struct line *line = &inside[port].line[queue];
	struct rte_mempool *pool;
	struct rte_mbuf *frame;
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "skua_%u_%u", port, queue);
	pool = rte_mempool_lookup(name);
	assert_non_null(pool);
	frame = rte_pktmbuf_alloc(pool);
	assert_non_null(frame);
	memcpy(rte_pktmbuf_append(frame, (uint16_t)length), octets, length);
	assert_true(line->first + line->count < QUEUE_MOST);
	line->frame[line->first + line->count++] = frame;
	return queue;
}
