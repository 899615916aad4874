/* service.h: what stream.c (opening, closing) and service.c (the thread) share. Private to them. */
#ifndef SKUA_DATAPLANE_STREAM_SERVICE_H
#define SKUA_DATAPLANE_STREAM_SERVICE_H

#include "dataplane/stream/admission.h"
#include "dataplane/stream/connection.h"
#include "dataplane/stream/listener.h"
#include "dataplane/stream/stream.h"
#include "dataplane/stream/handover.h"

#include <pthread.h>
#include <semaphore.h>

struct stream {
	struct stream_config config; /* its `listen` is not used after opening */
	struct workbench bench;
	struct admission admission;
	TAILQ_HEAD(again_list, connection) again;
	uint64_t round;
	uint64_t now;	       /* milliseconds, taken once a round */
	uint64_t accept_after; /* the listeners are out of epoll until then; 0: they are in */
	int epoll;
	int wake; /* eventfd: readable once the thread has to end, or to look at `handover` */
	int reserve;
	int listener[STREAM_LISTENS_MAX]; /* -1: none in this place */
	bool ready[STREAM_LISTENS_MAX];	  /* someone waits at that listener */
	unsigned listeners;		  /* places that have ever been used */
	struct handover handover;
	bool running;
	_Atomic bool stop; /* release by stream_stop(), acquire by service_run() */
	pthread_t thread;
	sem_t started;
	const struct call_filter *filter; /* NULL: none */
	int filter_error;		  /* errno; read by stream_start() after `started` */
	uint64_t counts[COUNTERS];
};

/* Has epoll watch the wake-up. False with errno. */
bool service_watch(struct stream *stream);
/* Takes over the listeners that are handed over, and closes those that are not wanted any more: the
 * thread, or who has it not running. False with errno: one can't be watched; it is closed. */
bool service_take_listeners(struct stream *stream);
/* The thread: until stop. Argument and lifetime: struct stream. */
void *service_run(void *stream);
/* Closes every connection; the thread is not running. */
void service_drop_all(struct stream *stream);

#endif
