/* readiness.h: does the dataplane answer a query for a zone that we serve? Asked, not assumed.
 *
 * Back end "socket": a real UDP query for the SOA goes to the first address that it listens on.
 * Other back ends take their packets off a wire that we may not reach: there the query goes over
 * TCP, and every worker must show that it is alive and at the newest generation.
 * An interface without a link, or a worker that stands still, is reason enough to say no, whoever
 * answers beside it. All in the loop, with time-outs; who asks while a probe runs gets that probe's
 * answer. Threads: the loop's. */
#ifndef SKUA_CONTROL_HTTP_READINESS_H
#define SKUA_CONTROL_HTTP_READINESS_H

#include "zones/abi/channel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define READINESS_TIMEOUT 1000u /* milliseconds, then it is "not ready" */
#define READINESS_REASON  160u

struct readiness;

/* What to probe, looked up anew for each probe. */
struct readiness_target {
	const struct dataplane_file *dataplane; /* NULL: none runs */
	uint64_t generation;			/* newest published; 0: none */
	const uint8_t *zone;			/* apex of a loaded zone; NULL: none */
	bool for_others; /* that zone may be for other clients than this host */
	uint64_t stuck;	 /* bit per worker that stands still */
};
typedef struct readiness_target (*readiness_look)(void *context);
/* reason: NULL when ready. */
typedef void (*readiness_done)(void *context, const char *reason);

struct readiness *readiness_new(uv_loop_t *loop, readiness_look look, void *context);
void readiness_ask(struct readiness *readiness, readiness_done done, void *context);
/* Those who wait are told that control stops. The loop must run on until handles are closed. */
void readiness_close(struct readiness *readiness);

#endif
