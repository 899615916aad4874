#include "dataplane/stream/deadlines.h"

#include <stddef.h>

void deadlines_start(struct deadlines *deadlines, uint64_t span)
{
	deadlines->ends.next = &deadlines->ends;
	deadlines->ends.previous = &deadlines->ends;
	deadlines->span = span;
}

void deadline_clear(struct deadline *deadline)
{
	if (!deadline->next)
		return;
	deadline->next->previous = deadline->previous;
	deadline->previous->next = deadline->next;
	deadline->next = NULL;
	deadline->previous = NULL;
}

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t now)
{
	deadline_clear(deadline);
	deadline->at = now + deadlines->span;
	deadline->previous = deadlines->ends.previous;
	deadline->next = &deadlines->ends;
	deadline->previous->next = deadline;
	deadlines->ends.previous = deadline;
}

struct deadline *deadlines_due(struct deadlines *deadlines, uint64_t now)
{
	struct deadline *first = deadlines->ends.next;

	return first != &deadlines->ends && first->at <= now ? first : NULL;
}

uint64_t deadlines_wait(const struct deadlines *deadlines, uint64_t now, uint64_t most)
{
	const struct deadline *first = deadlines->ends.next;

	if (first == &deadlines->ends || first->at >= now + most)
		return most;
	return first->at <= now ? 0 : first->at - now;
}
