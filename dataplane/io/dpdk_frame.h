/* dpdk_frame.h: a frame as DPDK has it: a query for us, the kernel's, or nobody's.
 *
 * Threads: a worker, or the housekeeping thread, with a frame of its own. */
#ifndef SKUA_DATAPLANE_IO_DPDK_FRAME_H
#define SKUA_DATAPLANE_IO_DPDK_FRAME_H

#include "dataplane/io/dpdk_rules.h"

#include <rte_mbuf.h>

/* As frame_receive(); query->frame is the frame then. */
static inline bool dpdk_frame_take(const struct dpdk_ruling *ruling, struct rte_mbuf *frame,
				   struct datagram *query, enum counter *reason)
{
	uint32_t room = frame->buf_len - frame->data_off;

	if (unlikely(frame->nb_segs != 1)) {
		*reason = COUNT_drop_scattered;
		return false;
	}
	query->frame = frame;
	return frame_receive(&ruling->frame, rte_pktmbuf_mtod(frame, uint8_t *), frame->data_len,
			     RTE_MIN(room, ruling->frame_most), query, reason);
}

/* Whether a frame without a query for us goes to a kernel that shares the port: all but what is for
 * our address and port, and yet can't be answered. */
static inline bool dpdk_frame_is_for_kernel(enum counter reason)
{
	return reason != COUNT_drop_udp_length && reason != COUNT_drop_source &&
	       reason != COUNT_drop_checksum && reason != COUNT_drop_runt;
}

#endif
