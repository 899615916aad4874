#include "dataplane/io/dpdk_eal.h"
#include "dataplane/io/dpdk_flow.h"
#include "dataplane/io/dpdk_port_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

static struct dpdk_port port[DPDK_PORTS_MAX];
static unsigned ports;

static struct dpdk_port *named(const char *name)
{
	for (unsigned i = 0; i < ports; i++) {
		if (strcmp(port[i].name, name) == 0)
			return &port[i];
	}
	return NULL;
}

static void each_port_is_opened(void **state)
{
	(void)state;
	assert_int_equal(ports, 2);
	assert_non_null(named("net_null0"));
	assert_string_equal(named("net_ring0")->driver, "net_ring");
	assert_ptr_not_equal(port[0].pool[0], port[1].pool[0]);
}

static unsigned receive(const struct dpdk_port *null)
{
	struct rte_mbuf *frame[8];
	unsigned n = rte_eth_rx_burst(null->id, 0, frame, 8);

	if (n > 0)
		rte_pktmbuf_free_bulk(frame, n);
	return n;
}

/* net_null makes a frame of each buffer that it can get. */
static void a_port_without_buffers_is_told_of_and_recovers(void **state)
{
	struct dpdk_port *null = named("net_null0");
	uint64_t count[PORT_COUNTERS];
	static void *held[65536];
	unsigned n = 0;

	(void)state;
	assert_int_equal(receive(null), 8);
	dpdk_port_look(null);
	assert_false(null->starved);
	while (rte_mempool_get(null->pool[0], &held[n]) == 0)
		n++;
	assert_int_equal(n, null->pool[0]->size);
	assert_int_equal(receive(null), 0);
	dpdk_port_look(null);
	assert_true(null->starved);
	dpdk_port_count(null, count);
	assert_int_equal(count[PORT_buffers_free], 0);
	assert_int_equal(count[PORT_buffers], n);
	rte_mempool_put_bulk(null->pool[0], held, n);
	dpdk_port_look(null);
	assert_false(null->starved);
	assert_int_equal(receive(null), 8);
	dpdk_port_count(null, count);
	assert_int_equal(count[PORT_buffers_free], n);
}

static void a_removed_device_is_gone(void **state)
{
	struct dpdk_port *null = named("net_null0");

	(void)state;
	dpdk_port_look(null);
	assert_int_equal(null->state, INTERFACE_UP);
	atomic_store(&null->removed, true);
	dpdk_port_look(null);
	assert_int_equal(null->state, INTERFACE_GONE);
	atomic_store(&null->removed, false);
}

/* What is left to software where a driver knows no rules, and what it says. */
static void a_port_without_rules_refuses_them(void **state)
{
	struct dpdk_port *null = named("net_null0");
	char reason[DPDK_FLOW_REASON] = "";

	(void)state;
	assert_false(dpdk_flow_isolate(null->id, null->driver));
	assert_false(dpdk_flow_isolate(null->id, "mlx5_pci"));
	assert_false(dpdk_flow_steer(null->id, 1, NULL, 0, reason));
	assert_true(reason[0] != '\0');
	assert_false(dpdk_flow_steer(null->id, 2, NULL, 0, reason));
	assert_int_equal(receive(null), 8);
	assert_false(null->is_isolated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_port_is_opened),
	    cmocka_unit_test(a_port_without_buffers_is_told_of_and_recovers),
	    cmocka_unit_test(a_port_without_rules_refuses_them),
	    cmocka_unit_test(a_removed_device_is_gone),
	};
	const struct io_config config = {
	    .argument = "--no-huge -m 64 --vdev=net_null0 --vdev=net_ring0",
	    .workers = 1,
	    .kernel = "off",
	};
	char error[IO_ERROR_TEXT];
	int failed;

	if (!dpdk_eal_start(&config, error) || !dpdk_ports_start(port, &ports, &config, error)) {
		print_error("%s\n", error);
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	dpdk_ports_stop(port, ports);
	dpdk_eal_stop();
	return failed;
}
