/* dpdk_port_watch.h: what became of a port since it was opened: link, MTU, removal, buffers.
 *
 * Threads: the main thread, about once a second. */
#ifndef SKUA_DATAPLANE_IO_DPDK_PORT_WATCH_H
#define SKUA_DATAPLANE_IO_DPDK_PORT_WATCH_H

#include "dataplane/io/dpdk_port.h"

/* Finds what is to be followed later on. Requires: the port has been started. */
void dpdk_port_watch_start(struct dpdk_port *port);
void dpdk_port_watch_stop(struct dpdk_port *port);

/* Looks: sets port->state and port->frame_most, and logs that it ran out of buffers.
 *   INTERFACE_UP, INTERFACE_DOWN   as the driver knows it, and the kernel where the port is one of
 *                                  its interfaces (some drivers say always that there is a link)
 *   INTERFACE_GONE                 the device was removed, and there is none of its name
 *   INTERFACE_REPLACED             a new start finds, or makes, one of its name */
void dpdk_port_look(struct dpdk_port *port);

/* Counters of the device since it was started, and of the buffers as they are now. */
void dpdk_port_count(const struct dpdk_port *port, uint64_t count[PORT_COUNTERS]);

#endif
