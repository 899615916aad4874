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
/* The first error that the EAL logged at a start that succeeded all the same, or "". */
const char *dpdk_eal_complaint(void);
void dpdk_eal_stop(void);

#endif
