#include "dataplane/stream/deadlines.h"

#include <stddef.h>

void deadlines_start(struct deadlines *deadlines, uint64_t span)
{
	deadlines->ends.next = &deadlines->ends;
	deadlines->ends.previous = &deadlines->ends;
	deadlines->span = span;
	deadlines->count = 0;
}

void deadline_clear(struct deadline *deadline)
{
	if (!deadline->next)
		return;
	deadline->next->previous = deadline->previous;
	deadline->previous->next = deadline->next;
	deadline->list->count--;
	deadline->list = NULL;
	deadline->next = NULL;
	deadline->previous = NULL;
}

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t now)
{
	deadline_clear(deadline);
	deadline->since = now;
	deadline->list = deadlines;
	deadline->previous = deadlines->ends.previous;
	deadline->next = &deadlines->ends;
	deadline->previous->next = deadline;
	deadlines->ends.previous = deadline;
	deadlines->count++;
}

struct deadline *deadlines_first(const struct deadlines *deadlines)
{
	struct deadline *first = deadlines->ends.next;

	return first != &deadlines->ends ? first : NULL;
}

struct deadline *deadline_next(const struct deadline *deadline)
{
	return deadline->next != &deadline->list->ends ? deadline->next : NULL;
}

struct deadline *deadlines_due(struct deadlines *deadlines, uint64_t now)
{
	struct deadline *first = deadlines_first(deadlines);

	return first && now >= first->since + deadlines->span ? first : NULL;
}

uint64_t deadlines_wait(const struct deadlines *deadlines, uint64_t now, uint64_t most)
{
	const struct deadline *first = deadlines_first(deadlines);
	uint64_t end = first ? first->since + deadlines->span : 0;

	if (!first || end >= now + most)
		return most;
	return end <= now ? 0 : end - now;
}
