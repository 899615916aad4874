/* unfinished.h: a TCP or UDP checksum that a kernel left for a card to finish.
 *
 * Frames of a local sender (veth, a bridge to a container or guest) come with the sum of the pseudo
 * header in that field, and nothing else marks them. A kernel that gets such a frame back through a
 * tap drops it, unless it is told.
 *
 * Threads: any; no locks, no allocation, no globals.
 * Source:  Linux CHECKSUM_PARTIAL (include/linux/skbuff.h), virtio 1.1 5.1.6.2. */
#ifndef SKUA_DATAPLANE_NET_UNFINISHED_H
#define SKUA_DATAPLANE_NET_UNFINISHED_H

#include <stdbool.h>
#include <stdint.h>

/* Requires: frame[length] readable. What is taken: no or one 802.1Q tag, IPv4 that is no fragment,
 *           or IPv6 without extension headers; TCP or UDP.
 * Ensures:  true: the checksum is unfinished; it is summed from frame + *start on, and stands at
 *           frame + *start + *offset. A finished one is taken for unfinished once in 65,536 frames,
 *           and then gets no look at all. */
bool unfinished_checksum(const uint8_t *frame, uint32_t length, uint16_t *start, uint16_t *offset);

#endif
