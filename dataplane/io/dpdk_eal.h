/* dpdk_eal.h: DPDK's environment, set up once for this process as a lone primary.
 *
 * Threads: the main thread. */
#ifndef SKUA_DATAPLANE_IO_DPDK_EAL_H
#define SKUA_DATAPLANE_IO_DPDK_EAL_H

#include "dataplane/io/packet_io.h"

/* config->argument: the EAL's arguments as the operator wrote them; there must be memory for what
 * the rest of config asks for. Adds --in-memory, --no-telemetry and one floating lcore
 * unless they say otherwise: workers are our own threads. The affinity of the calling thread stays
 * as it was. What the EAL logs meanwhile is shown only if it fails. False with a line for the user.
 * Can't be done twice in a process, not even after a failure. */
bool dpdk_eal_start(const struct io_config *config, char error[IO_ERROR_TEXT]);
/* A line for the user, after a start that succeeded and yet has made no port. */
void dpdk_eal_explain_none(char error[IO_ERROR_TEXT]);
void dpdk_eal_stop(void);

#endif
