#include "dataplane/io/dpdk_spread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <rte_eal.h>

#define UDP	  (RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP)
#define ADDRESSES (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6)

static uint64_t chosen(uint64_t offered, unsigned queues)
{
	struct rte_eth_dev_info info = {.flow_type_rss_offloads = offered};
	struct rte_eth_conf config = {.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE};

	dpdk_spread_choose(&info, queues, &config);
	assert_int_equal(config.rxmode.mq_mode, config.rx_adv_conf.rss_conf.rss_hf != 0
						    ? RTE_ETH_MQ_RX_RSS
						    : RTE_ETH_MQ_RX_NONE);
	return config.rx_adv_conf.rss_conf.rss_hf;
}

static void the_best_is_asked_for(void **state)
{
	(void)state;
	assert_true(chosen(UINT64_MAX, 2) == UDP);
	assert_true(chosen(ADDRESSES | RTE_ETH_RSS_NONFRAG_IPV4_UDP, 2) ==
		    RTE_ETH_RSS_NONFRAG_IPV4_UDP);
	assert_true(chosen(ADDRESSES | RTE_ETH_RSS_NONFRAG_IPV4_TCP, 2) == ADDRESSES);
	assert_true(chosen(RTE_ETH_RSS_NONFRAG_IPV4_TCP, 2) == 0);
	assert_true(chosen(UINT64_MAX, 1) == 0);
}

/* net_null hashes what it is told to; net_ring has no idea of it. */
static void the_device_has_the_last_word(void **state)
{
	uint16_t null, ring;
	struct rte_eth_conf config = {.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS};

	(void)state;
	assert_int_equal(rte_eth_dev_get_port_by_name("net_null0", &null), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name("net_ring0", &ring), 0);
	config.rx_adv_conf.rss_conf.rss_hf = UDP;
	assert_int_equal(rte_eth_dev_configure(null, 2, 2, &config), 0);
	assert_int_equal(dpdk_spread_found(null, "net_null", 1), DPDK_SPREAD_ONE);
	assert_int_equal(dpdk_spread_found(null, "net_null", 2), DPDK_SPREAD_RSS);
	assert_int_equal(dpdk_spread_found(ring, "net_card", 2), DPDK_SPREAD_NONE);
	assert_int_equal(dpdk_spread_found(ring, "net_ring", 2), DPDK_SPREAD_BELOW);
	assert_string_equal(dpdk_spread_text(DPDK_SPREAD_NONE), "no RSS");
}

int main(void)
{
	static char *arguments[] = {"spread",
				    "--no-huge",
				    "-m",
				    "64",
				    "--no-shconf",
				    "--no-pci",
				    "--no-telemetry",
				    "--vdev=net_null0",
				    "--vdev=net_ring0",
				    "--log-level=*:error"};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_best_is_asked_for),
	    cmocka_unit_test(the_device_has_the_last_word),
	};
	int failed;

	if (rte_eal_init((int)(sizeof(arguments) / sizeof(arguments[0])), arguments) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rte_eal_cleanup();
	return failed;
}
