/* interface_mtus.h: the MTU of each interface by its index, looked up once in a while by one thread
 * and asked for each datagram by others.
 *
 * Threads: interface_mtus_refresh(): one; interface_mtus_find(): any, at the same time. */
#ifndef SKUA_DATAPLANE_IO_INTERFACE_MTUS_H
#define SKUA_DATAPLANE_IO_INTERFACE_MTUS_H

#include <stdatomic.h>
#include <stdint.h>

#define INTERFACE_MTUS	    1024u
#define INTERFACE_MTU_LEAST 1280u /* RFC 8200 5: for one that is not known (yet) */

/* Index in the upper half, MTU in the lower; where two want one place, one is not known. Stored by
 * refresh, loaded by find, relaxed: each word says all. */
struct interface_mtus {
	_Atomic uint64_t slot[INTERFACE_MTUS];
};

void interface_mtus_refresh(struct interface_mtus *mtus);

static inline uint32_t interface_mtus_find(const struct interface_mtus *mtus, uint32_t index)
{
	uint64_t slot =
	    atomic_load_explicit(&mtus->slot[index % INTERFACE_MTUS], memory_order_relaxed);

	return slot >> 32 == index ? (uint32_t)slot : INTERFACE_MTU_LEAST;
}

#endif
