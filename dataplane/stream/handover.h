/* handover.h: listening sockets on their way from the main thread, which may open them, to the
 * stream's, which accepts from them and closes them.
 *
 * Each place has what is wanted there and what the stream has. They differ while the stream has not
 * looked; as long, the main thread leaves the place alone. So no socket is ever lost on the way,
 * and a number that is equal is the same socket: the stream closes one before it says so.
 *
 * Threads: handover_start, handover_follow, handover_end: the main thread (end: once the stream's
 * has ended); the rest: the stream's. */
#ifndef SKUA_DATAPLANE_STREAM_HANDOVER_H
#define SKUA_DATAPLANE_STREAM_HANDOVER_H

#include "dataplane/stream/stream.h"

#include <stdatomic.h>

struct handover_place {
	struct listen_address address; /* the main thread's; of `wanted`, if that is no -1 */
	_Atomic int wanted; /* release in handover_follow(), acquire in handover_wanted() */
	_Atomic int taken;  /* release in handover_taken(), acquire in handover_follow() */
};

struct handover {
	struct handover_place place[STREAM_LISTENS_MAX];
};

void handover_start(struct handover *handover);
/* Opens what is new in listen[] and withdraws what is no more in it. Returns how many places have
 * changed; *missing: how many are not as asked: they can't be listened on, and error says why, or
 * the stream has not looked at their place yet, and error is "". The stream must look after that.
 */
unsigned handover_follow(struct handover *handover, const struct listen_address *listen,
			 unsigned count, bool early, unsigned *missing, char error[IO_ERROR_TEXT]);
/* Closes what the stream has not taken. */
void handover_end(struct handover *handover);

static inline int handover_wanted(const struct handover *handover, unsigned place)
{
	return atomic_load_explicit(&handover->place[place].wanted, memory_order_acquire);
}

/* The stream has this socket there now, or (-1) none. */
static inline void handover_taken(struct handover *handover, unsigned place, int fd)
{
	atomic_store_explicit(&handover->place[place].taken, fd, memory_order_release);
}

#endif
