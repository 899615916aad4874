/* dpdk_open.c: the ports of DPDK with their kernel interfaces, opened and closed. */
#include "dataplane/io/dpdk_eal.h"
#include "dataplane/io/dpdk_private.h"
#include "dataplane/io/interface_watch.h"
#include "runtime/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART "dataplane.dpdk"

/* "dpdk 0000:03:00.0+0000:03:00.1 queue 2 (net_ixgbe, RSS)": the driver is that of the first. */
static void describe_queue(struct io_queue *queue, const struct packet_io *io, unsigned index)
{
	const char *spread = dpdk_spread_text(io->port[0].spread);
	char names[40] = "";

	for (unsigned i = 0; i < io->ports; i++) {
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? "+" : "",
			 io->port[i].name);
	}
	snprintf(queue->text, sizeof(queue->text), "dpdk %s queue %u (%.20s%s%s)", names, index,
		 io->port[0].driver, *spread ? ", " : "", spread);
}

static void make_queue(struct packet_io *io, unsigned index)
{
	struct io_queue *queue = &io->queue[index];

	for (unsigned i = 0; i < io->ports; i++) {
		struct lane *lane = &queue->lane[i];

		lane->rules = &io->shared[i].rules;
		lane->port = io->port[i].id;
		lane->index = (uint16_t)index;
		lane->by_visit = dpdk_visit_needed(io->port[i].driver);
		if (io->shared[i].kernel)
			dpdk_kernel_queue(io->shared[i].kernel, index, &lane->kernel);
	}
	queue->lanes = io->ports;
	io->visit[index] = &queue->visit;
	describe_queue(queue, io, index);
}

static void warn_of_spread(const struct dpdk_port *port)
{
	if (port->spread == DPDK_SPREAD_NONE)
		log_warning(PART,
			    "the port offers no RSS: all queries come to one worker, unless "
			    "the device spreads them by itself",
			    LOG_TEXT("port", port->name), LOG_TEXT("driver", port->driver));
	else if (port->spread == DPDK_SPREAD_ADDRESSES)
		log_warning(PART,
			    "the port spreads packets by addresses, not ports: a busy client keeps "
			    "one worker busy",
			    LOG_TEXT("port", port->name), LOG_TEXT("driver", port->driver));
}

/* Buffers and rings are on the port's node: each packet would cross over to the worker's, and its
 * reply back. */
static void warn_of_distance(const struct dpdk_port *port, const struct io_config *config)
{
	int node = rte_eth_dev_socket_id(port->id);

	for (unsigned i = 0; config->node != NULL && node >= 0 && i < config->workers; i++)
		if (config->node[i] >= 0 && config->node[i] != node)
			log_warning(PART,
				    "a worker's core is on another NUMA node than its port: choose "
				    "--cores of the port's node",
				    LOG_UNSIGNED("worker", i), LOG_NUMBER("node", config->node[i]),
				    LOG_TEXT("port", port->name), LOG_NUMBER("port_node", node));
}

/* "kernel skua0 (tap) skua1 (tap)" */
static void describe_housekeeping(struct io_housekeeping *housekeeping)
{
	size_t used = 0;

	for (unsigned i = 0; i < housekeeping->kernels && used < sizeof(housekeeping->text); i++)
		used += (size_t)snprintf(
		    housekeeping->text + used, sizeof(housekeeping->text) - used, "%s%s",
		    i > 0 ? " " : "kernel ", dpdk_kernel_describe(housekeeping->kernel[i]));
}

/* The card's own interface, which the kernel keeps. */
static void find_interface(struct shared_port *shared, const struct dpdk_port *port)
{
	struct rte_eth_dev_info info;

	if (rte_eth_dev_info_get(port->id, &info) != 0 ||
	    !if_indextoname(info.if_index, shared->interface))
		return;
	shared->index = info.if_index;
	log_info(PART, "the card gives queries to the workers, and all else to the kernel",
		 LOG_TEXT("port", port->name), LOG_TEXT("interface", shared->interface));
}

/* No reason to stop: a port may be one that keeps an interface of its own. */
static void warn_of_names(const struct packet_io *io, const char *option)
{
	unsigned names = 1, ports = 0;

	if (strcmp(option, "auto") == 0 || strcmp(option, "off") == 0)
		return;
	for (const char *at = option; (at = strchr(at, ',')) != NULL; at++)
		names++;
	for (unsigned i = 0; i < io->ports; i++)
		ports += io->port[i].is_shared;
	if (names > ports)
		log_warning(PART,
			    "--kernel names more interfaces than ports that want one: the last are "
			    "not made; leave them out, or name the missing port by --io",
			    LOG_TEXT("kernel", option), LOG_UNSIGNED("ports", ports));
}

/* Gives each port that is shared its interface. */
static bool share_ports(struct packet_io *io, const char *option, char error[IO_ERROR_TEXT])
{
	struct io_housekeeping *housekeeping = &io->housekeeping;

	warn_of_names(io, option);
	for (unsigned i = 0; i < io->ports; i++) {
		struct shared_port *shared = &io->shared[i];

		if (io->port[i].is_isolated)
			find_interface(shared, &io->port[i]);
		if (!io->port[i].is_shared)
			continue;
		if (housekeeping->kernels == 0 && !dpdk_bell_open(&housekeeping->bell)) {
			snprintf(error, IO_ERROR_TEXT, "DPDK: no eventfd to be had");
			return false;
		}
		shared->kernel = dpdk_kernel_open(&io->port[i], option, housekeeping->kernels,
						  &shared->rules, &housekeeping->bell, error);
		if (!shared->kernel)
			return false;
		shared->index = dpdk_kernel_interface(shared->kernel, shared->interface);
		housekeeping->kernel[housekeeping->kernels++] = shared->kernel;
	}
	describe_housekeeping(housekeeping);
	return true;
}

static bool prepare(struct packet_io *io, const struct io_config *config, char error[IO_ERROR_TEXT])
{
	io->trust_checksums = config->trust_checksums;
	io->listen_count = config->listen_count;
	for (unsigned i = 0; i < config->listen_count; i++)
		io->listen[i] = config->listen[i];
	if (!dpdk_ports_start(io->port, &io->ports, config, error))
		return false;
	io->queues = config->workers;
	io->watch = interface_watch_open(); /* first: what changes from here on is heard of */
	if (!share_ports(io, config->kernel, error))
		return false;
	for (unsigned i = 0; i < io->ports; i++)
		dpdk_follow_ruling(io, i, &io->shared[i].rules.ruling[0]);
	for (unsigned i = 0; i < config->workers; i++)
		make_queue(io, i);
	dpdk_visits_begin(io->visit, io->queues);
	for (unsigned i = 0; i < io->ports; i++) {
		warn_of_spread(&io->port[i]);
		warn_of_distance(&io->port[i], config);
	}
	return true;
}

/* First what holds frames of the ports, then the ports, then what the ports may hold frames of. */
void dpdk_close(struct packet_io *io)
{
	dpdk_visits_end();
	for (unsigned i = 0; i < io->housekeeping.kernels; i++)
		dpdk_kernel_drain(io->housekeeping.kernel[i]);
	dpdk_ports_stop(io->port, io->ports);
	for (unsigned i = 0; i < io->housekeeping.kernels; i++)
		dpdk_kernel_close(io->housekeeping.kernel[i]);
	dpdk_bell_close(&io->housekeeping.bell);
	interface_watch_close(io->watch);
	dpdk_eal_stop();
	free(io);
}

struct packet_io *dpdk_open(const struct io_config *config, char error[IO_ERROR_TEXT])
{
	struct packet_io *io = aligned_alloc(64, (sizeof(*io) + 63) / 64 * 64);

	if (!io || config->listen_count > LISTENS_MAX) {
		snprintf(error, IO_ERROR_TEXT, "DPDK: %s",
			 io ? "too many addresses to listen on" : "out of memory");
		free(io);
		return NULL;
	}
	memset(io, 0, sizeof(*io));
	io->watch = -1;
	io->housekeeping.bell.fd = -1;
	if (!dpdk_eal_start(config, error)) {
		free(io);
		return NULL;
	}
	if (prepare(io, config, error))
		return io;
	dpdk_close(io);
	return NULL;
}
