#include "dataplane/io/dpdk_flow.h"

#include "dataplane/io/address.h"
#include "runtime/log.h"

#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_flow.h>

#define PART	   "dataplane.dpdk"
#define DNS_PORT   53u
#define QUEUES_MAX 64u

bool dpdk_flow_isolate(uint16_t port, const char *driver)
{
	static const char *const beside_kernel[] = {"mlx5_pci", "mlx5_auxiliary", "net_mlx5",
						    "mlx4_pci", "net_mlx4"};
	struct rte_flow_error error = {0};

	for (size_t i = 0; i < sizeof(beside_kernel) / sizeof(beside_kernel[0]); i++) {
		if (strcmp(driver, beside_kernel[i]) == 0)
			return rte_flow_isolate(port, 1, &error) == 0;
	}
	return false;
}

/* Where what a rule matches goes. */
struct target {
	struct rte_flow_action_rss rss;
	struct rte_flow_action_queue queue;
	uint16_t index[QUEUES_MAX];
	struct rte_flow_action action[2];
};

static void make_target(struct target *target, uint16_t port, unsigned queues)
{
	struct rte_eth_dev_info info;
	uint64_t types = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;

	memset(target, 0, sizeof(*target));
	if (rte_eth_dev_info_get(port, &info) == 0 && (types & info.flow_type_rss_offloads))
		types &= info.flow_type_rss_offloads;
	for (unsigned i = 0; i < queues && i < QUEUES_MAX; i++)
		target->index[i] = (uint16_t)i;
	target->rss = (struct rte_flow_action_rss){
	    .func = RTE_ETH_HASH_FUNCTION_DEFAULT,
	    .types = types,
	    .queue_num = queues,
	    .queue = target->index,
	};
	target->action[0].type = queues > 1 ? RTE_FLOW_ACTION_TYPE_RSS : RTE_FLOW_ACTION_TYPE_QUEUE;
	target->action[0].conf =
	    queues > 1 ? (const void *)&target->rss : (const void *)&target->queue;
	target->action[1].type = RTE_FLOW_ACTION_TYPE_END;
}

static bool add_rule(uint16_t port, const struct target *target, bool tagged,
		     enum rte_flow_item_type ip, uint16_t udp_port, char reason[DPDK_FLOW_REASON])
{
	const struct rte_flow_attr attributes = {.ingress = 1};
	const struct rte_flow_item_udp wanted = {.hdr.dst_port = rte_cpu_to_be_16(udp_port)};
	const struct rte_flow_item_udp mask = {.hdr.dst_port = RTE_BE16(0xffff)};
	struct rte_flow_item pattern[5] = {{.type = RTE_FLOW_ITEM_TYPE_ETH}};
	struct rte_flow_error error = {0};
	unsigned at = 1;

	if (tagged)
		pattern[at++].type = RTE_FLOW_ITEM_TYPE_VLAN;
	pattern[at++].type = ip;
	pattern[at++] =
	    (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &wanted, .mask = &mask};
	pattern[at].type = RTE_FLOW_ITEM_TYPE_END;
	if (rte_flow_validate(port, &attributes, pattern, target->action, &error) == 0 &&
	    rte_flow_create(port, &attributes, pattern, target->action, &error) != NULL)
		return true;
	snprintf(reason, DPDK_FLOW_REASON, "%s",
		 error.message ? error.message : "no rule of that kind");
	return false;
}

static bool steer_port(uint16_t port, const struct target *target, uint16_t udp_port,
		       char reason[DPDK_FLOW_REASON])
{
	static const enum rte_flow_item_type family[] = {RTE_FLOW_ITEM_TYPE_IPV4,
							 RTE_FLOW_ITEM_TYPE_IPV6};

	for (size_t i = 0; i < sizeof(family) / sizeof(family[0]); i++) {
		if (!add_rule(port, target, false, family[i], udp_port, reason))
			return false;
		/* Some match tagged frames by the rule above, and refuse another one. */
		if (!add_rule(port, target, true, family[i], udp_port, reason))
			log_info(PART, "the card takes no rule of its own for tagged queries",
				 LOG_UNSIGNED("port", port), LOG_TEXT("reason", reason));
	}
	return true;
}

static bool is_repeated(const struct listen_address *listen, unsigned index)
{
	for (unsigned i = 0; i < index; i++) {
		if (address_port(&listen[i].address) == address_port(&listen[index].address))
			return true;
	}
	return false;
}

bool dpdk_flow_steer(uint16_t port, unsigned queues, const struct listen_address *listen,
		     unsigned listen_count, char reason[DPDK_FLOW_REASON])
{
	struct target target;
	bool done;

	make_target(&target, port, queues);
	done = listen_count > 0 || steer_port(port, &target, DNS_PORT, reason);
	for (unsigned i = 0; i < listen_count && done; i++)
		done = is_repeated(listen, i) ||
		       steer_port(port, &target, address_port(&listen[i].address), reason);
	return done;
}

#define GROUPS_MAX (2048u / RTE_ETH_RETA_GROUP_SIZE)

/* Entries first, first + 1, ..., count of them in turn. */
static bool write_table(uint16_t port, unsigned size, unsigned first, unsigned count)
{
	struct rte_eth_rss_reta_entry64 table[GROUPS_MAX] = {0};

	for (unsigned i = 0; i < size; i++) {
		struct rte_eth_rss_reta_entry64 *group = &table[i / RTE_ETH_RETA_GROUP_SIZE];

		group->mask |= UINT64_C(1) << (i % RTE_ETH_RETA_GROUP_SIZE);
		group->reta[i % RTE_ETH_RETA_GROUP_SIZE] = (uint16_t)(first + i % count);
	}
	return rte_eth_dev_rss_reta_update(port, table, (uint16_t)size) == 0;
}

/* Whether all entries are that queue: some cards take a rule with RSS for the whole port. */
static bool leads_to(uint16_t port, unsigned size, unsigned queue)
{
	struct rte_eth_rss_reta_entry64 table[GROUPS_MAX] = {0};

	for (unsigned i = 0; i < GROUPS_MAX; i++)
		table[i].mask = UINT64_MAX;
	if (rte_eth_dev_rss_reta_query(port, table, (uint16_t)size) != 0)
		return false;
	for (unsigned i = 0; i < size; i++) {
		if (table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] != queue)
			return false;
	}
	return true;
}

bool dpdk_flow_sort(uint16_t port, unsigned queues, const struct listen_address *listen,
		    unsigned listen_count, char reason[DPDK_FLOW_REASON])
{
	struct rte_eth_dev_info info;
	struct rte_flow_error error = {0};
	bool has_table = rte_eth_dev_info_get(port, &info) == 0 && info.reta_size > 0 &&
			 info.reta_size <= GROUPS_MAX * RTE_ETH_RETA_GROUP_SIZE;

	if (!has_table || !write_table(port, info.reta_size, queues, 1)) {
		snprintf(reason, DPDK_FLOW_REASON, "no redirection table that can be written");
	} else if (dpdk_flow_steer(port, queues, listen, listen_count, reason)) {
		if (leads_to(port, info.reta_size, queues))
			return true;
		snprintf(reason, DPDK_FLOW_REASON, "its rules change the redirection table");
	}
	rte_flow_flush(port, &error);
	if (has_table) /* some drivers keep it when they start anew */
		write_table(port, info.reta_size, 0, queues);
	return false;
}
