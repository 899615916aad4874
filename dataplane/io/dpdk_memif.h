/* dpdk_memif.h: the socket file of a memif server that was killed.
 *
 * DPDK's driver removes the file when it ends, but does not start where one is left.
 * Threads: the main thread, before the EAL starts. */
#ifndef SKUA_DATAPLANE_IO_DPDK_MEMIF_H
#define SKUA_DATAPLANE_IO_DPDK_MEMIF_H

#include "dataplane/io/dpdk_arguments.h"

/* Removes the socket file of every memif server among the arguments if nobody listens on it. What
 * is in use, is no socket, or can't be removed stays: the driver will word that. */
void dpdk_memif_remove_stale(const struct dpdk_arguments *arguments);

#endif
