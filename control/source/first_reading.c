/* first_reading.c: see first_reading.h. */
#include "control/source/first_reading.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS_MAX 64u

struct work {
	struct zone_file **list;
	size_t count;
	/* Only hands out numbers: what was read is seen by who joins the thread. */
	_Atomic size_t next;
};

static void *read_some(void *context)
{
	struct work *work = context;
	size_t at;

	while ((at = atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed)) < work->count)
		zone_reading_do(&work->list[at]->source, &work->list[at]->last);
	return NULL;
}

void first_reading(struct zone_file **list, size_t count, unsigned threads)
{
	struct work work = {.list = list, .count = count};
	pthread_t thread[THREADS_MAX];
	unsigned started = 0;

	/* This thread reads, too; and alone where no other can be had. */
	while (started + 1 < threads && started + 1 < count && started < THREADS_MAX &&
	       pthread_create(&thread[started], NULL, read_some, &work) == 0)
		started++;
	read_some(&work);
	while (started > 0)
		pthread_join(thread[--started], NULL);
}
