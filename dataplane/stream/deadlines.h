/* deadlines.h: who has to be done by when, where everyone in a list gets the same time.
 *
 * As every deadline is "since + one span", the order of setting is the order of ending: a list
 * with the newest at its end, and every operation is constant. The span may change at any time, for
 * all at once. Times are milliseconds of a clock that never goes back. Threads: one. Ownership:
 * entries belong to the caller and lie in his own structures. */
#ifndef SKUA_DATAPLANE_STREAM_DEADLINES_H
#define SKUA_DATAPLANE_STREAM_DEADLINES_H

#include <stdbool.h>
#include <stdint.h>

struct deadlines;

struct deadline {
	struct deadline *previous, *next; /* both NULL: not set */
	struct deadlines *list;		  /* where it is set */
	uint64_t since;
};

struct deadlines {
	struct deadline ends; /* next: the first to end; previous: the last */
	uint64_t span;	      /* of all; may be changed */
	uint32_t count;
};

void deadlines_start(struct deadlines *deadlines, uint64_t span);
/* From now on, in this list, whether or not it was set before, here or elsewhere. now must not be
 * less than in earlier calls. */
void deadline_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t now);
void deadline_clear(struct deadline *deadline);
/* The one that was set first, and the one set next after it; NULL at the end. */
struct deadline *deadlines_first(const struct deadlines *deadlines);
struct deadline *deadline_next(const struct deadline *deadline);
/* The first whose time has come, or NULL. It stays set. */
struct deadline *deadlines_due(struct deadlines *deadlines, uint64_t now);
/* Milliseconds from now until the first is due; at most `most`. */
uint64_t deadlines_wait(const struct deadlines *deadlines, uint64_t now, uint64_t most);

#endif
