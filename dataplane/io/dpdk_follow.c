/* dpdk_follow.c: what changes around the ports of DPDK while they run: their links, and the
 * addresses and MTU of the kernel's interfaces. */
#include "dataplane/io/dpdk_port_watch.h"
#include "dataplane/io/dpdk_private.h"
#include "dataplane/io/interface_watch.h"
#include "runtime/log.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define PART "dataplane.dpdk"

bool dpdk_follow_ruling(const struct packet_io *io, unsigned port, struct dpdk_ruling *out)
{
	const struct shared_port *shared = &io->shared[port];
	const struct dpdk_port *at = &io->port[port];
	bool whole =
	    dpdk_ruling_make(out, io->listen, io->listen_count,
			     shared->index != 0 ? shared->interface : NULL, at->frame_most);

	out->frame.checksum = io->trust_checksums ? FRAME_CHECKSUM_IGNORED
			      : at->is_software	  ? FRAME_CHECKSUM_PARTIAL_TOO
						  : FRAME_CHECKSUM_VERIFIED;
	frame_rules_set_link_address(&out->frame, at->link_address);
	return whole;
}

static void complain(struct shared_port *shared, bool whole)
{
	if (!whole && !shared->complained)
		log_error(PART, "more addresses than can be answered on: queries to some get none",
			  LOG_TEXT("interface", shared->interface),
			  LOG_UNSIGNED("most", LISTENS_MAX));
	shared->complained = !whole;
}

static void follow_rules(struct packet_io *io, unsigned port)
{
	struct shared_port *shared = &io->shared[port];
	unsigned newest = atomic_load_explicit(&shared->rules.newest, memory_order_relaxed);
	_Atomic unsigned *taken[DPDK_QUEUES_MAX + 1];
	unsigned takers = io->queues;
	struct dpdk_ruling wanted;
	bool whole = dpdk_follow_ruling(io, port, &wanted);

	if (wanted.frame_most == 0)
		return;
	complain(shared, whole);
	if (dpdk_ruling_equals(&wanted, &shared->rules.ruling[newest]))
		return;
	for (unsigned i = 0; i < io->queues; i++)
		taken[i] = &io->queue[i].lane[port].taken;
	taken[takers] = shared->kernel ? dpdk_kernel_taken(shared->kernel) : NULL;
	takers += taken[takers] != NULL;
	dpdk_rules_change(&shared->rules, &wanted, taken, takers);
}

/* The interface that the kernel had for us can't be made again without the privileges of a start.
 */
static bool has_interface(struct shared_port *shared)
{
	char name[IF_NAMESIZE];

	shared->removed |= !if_indextoname(shared->index, name);
	if (!shared->removed)
		memcpy(shared->interface, name, sizeof(name));
	return !shared->removed;
}

/* Ports that are left answer on; one that a new start can have again is worth a new start. */
static enum interface_state state_of_all(const struct packet_io *io)
{
	static const enum interface_state order[] = {INTERFACE_REPLACED, INTERFACE_UP,
						     INTERFACE_DOWN};

	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
		for (unsigned i = 0; i < io->ports; i++) {
			if (io->port[i].state == order[k])
				return order[k];
		}
	}
	return INTERFACE_GONE;
}

enum interface_state dpdk_refresh(struct packet_io *io)
{
	bool whole = true;

	interface_watch_drain(io->watch, 0);
	for (unsigned i = 0; i < io->ports; i++) {
		struct shared_port *shared = &io->shared[i];

		dpdk_port_look(&io->port[i]);
		if (shared->index != 0 && !has_interface(shared)) {
			whole = false;
			continue;
		}
		if (shared->kernel)
			dpdk_kernel_set_link(shared->kernel, io->port[i].state == INTERFACE_UP);
		follow_rules(io, i);
	}
	return whole ? state_of_all(io) : INTERFACE_REPLACED;
}

unsigned dpdk_ports(struct packet_io *io, struct io_port port[PORTS_MAX])
{
	static_assert(DPDK_PORTS_MAX <= PORTS_MAX, "each has a line");

	for (unsigned i = 0; i < io->ports; i++) {
		snprintf(port[i].name, sizeof(port[i].name), "%.*s", (int)sizeof(port[i].name) - 1,
			 io->port[i].name);
		port[i].state = io->port[i].state;
		dpdk_port_count(&io->port[i], port[i].count);
	}
	return io->ports;
}

unsigned dpdk_addresses(const struct packet_io *io, struct listen_address *out, unsigned most)
{
	bool has_any = false;
	unsigned count = 0;

	for (unsigned i = 0; i < io->ports; i++) {
		const struct shared_port *shared = &io->shared[i];

		has_any |= shared->index != 0;
		if (shared->index != 0 && !shared->removed)
			count = dpdk_rules_addresses(shared->interface, out, count, most);
	}
	return has_any ? count : IO_NO_ADDRESSES;
}
