/* puts.c: names that wait for their pages; see writer_private.h.
 *
 * Each top has a list of runs, all cut from one mapping that goes back to the kernel as a whole. If
 * it is used up, because more names came than were expected, all are put and it is used again. */
#include "zones/image/writer_private.h"

#define RUN   340u
#define AHEAD 8u /* puts between a prefetch and its use */

struct __attribute__((packed, aligned(4))) put {
	uint64_t hash; /* salted */
	image_ref node;
};
static_assert(sizeof(struct put) == 12, "paid once per name");

struct put_run {
	struct put_run *next;
	uint32_t count;
	struct put put[RUN];
};
static_assert(sizeof(struct put_run) == 4096, "a page");

/* Fewer names than these lie in so few pages that all are near anyway. */
#define FEW 20000u

static bool open_memory(struct puts *puts)
{
	/* Half a run of each top is empty at the end, on an average. */
	uint64_t runs = puts->expected / RUN + IMAGE_TOP;

	puts->memory = area_zeroed(&puts->octets, runs * sizeof(struct put_run));
	return puts->memory != NULL;
}

static struct put_run *run_new(struct puts *puts, unsigned top)
{
	struct put_run *run = (void *)(puts->memory + puts->used);

	puts->used += sizeof(*run);
	run->next = NULL;
	run->count = 0;
	if (puts->last[top] == NULL)
		puts->first[top] = run;
	else
		puts->last[top]->next = run;
	puts->last[top] = run;
	return run;
}

bool puts_add(struct image_writer *writer, uint64_t hash, image_ref node)
{
	struct puts *puts = &writer->puts;
	unsigned top = image_top_index(hash);
	struct put_run *run = puts->last[top];

	if (puts->expected < FEW)
		return directory_put(writer, hash, node);
	if (run == NULL || run->count == RUN) {
		if (puts->memory == NULL && !open_memory(puts)) {
			writer->failed = true;
			return false;
		}
		if (puts->used == puts->octets && !puts_make(writer))
			return false;
		run = run_new(puts, top);
	}
	run->put[run->count++] = (struct put){hash, node};
	puts->waiting++;
	return true;
}

static bool make_run(struct image_writer *writer, const struct put_run *run)
{
	for (uint32_t i = 0; i < AHEAD && i < run->count; i++)
		directory_prefetch(writer, run->put[i].hash);
	for (uint32_t i = 0; i < run->count; i++) {
		if (i + AHEAD < run->count)
			directory_prefetch(writer, run->put[i + AHEAD].hash);
		if (!directory_put(writer, run->put[i].hash, run->put[i].node))
			return false;
	}
	return true;
}

bool puts_make(struct image_writer *writer)
{
	struct puts *puts = &writer->puts;

	for (unsigned top = 0; top < IMAGE_TOP; top++) {
		for (const struct put_run *run = puts->first[top]; run != NULL; run = run->next)
			if (!make_run(writer, run))
				return false;
		puts->first[top] = puts->last[top] = NULL;
	}
	puts->used = 0;
	puts->waiting = 0;
	return true;
}

void puts_forget(struct puts *puts)
{
	if (puts->memory != NULL)
		area_free(puts->memory, puts->octets);
	*puts = (struct puts){.expected = puts->expected};
}
