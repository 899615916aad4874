/* scaling.c: answers a second of one core, of the other, and of both at once, without I/O.
 *
 *   scaling [--names N] [--samples S] [--seconds T] [--cores A,B]      default: 100000, 3, 0.5, 0,1
 *
 * Each thread asks A hits of one shared image in bursts of 64, as answer.c does, with a worker's
 * state of its own. One core, the other and both take turns. Prints key=value, a line for each. */
#include "bench/answer_zone.h"

#include "dataplane/answer/answer.h"

#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORKERS 2u

struct worker {
	alignas(64) pthread_t thread;
	const struct image *image;
	const struct questions *questions;
	double seconds;
	unsigned core, first; /* burst to begin with: the two ask different ones */
	double rate;	      /* answers a second */
	bool failed;
	pthread_barrier_t *start;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool pin(unsigned core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	return pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0;
}

/* What a worker has of its own, on its own pages. */
struct own {
	struct answer_state state;
	uint64_t counts[COUNTERS];
	struct datagram burst[ANSWER_BURST];
	uint8_t packets[ANSWER_BURST][PACKET_ROOM];
};

static void *run(void *context)
{
	struct worker *w = context;
	struct own *own = aligned_alloc(4096, (sizeof(*own) + 4095) / 4096 * 4096);
	uint64_t answered = 0;
	unsigned at = w->first;

	if (own == NULL)
		abort();
	memset(own, 0, sizeof(*own));
	w->failed = !pin(w->core);
	pthread_barrier_wait(w->start);
	double start = now(), end = start;
	while (end - start < w->seconds) {
		for (unsigned n = 0; n < 16; n++) {
			questions_receive(w->questions, at, own->packets, own->burst);
			answer_batch(w->image, &own->state, own->burst, ANSWER_BURST, TRANSPORT_UDP,
				     own->counts);
			at = (at + ANSWER_BURST) % w->questions->count;
			answered += ANSWER_BURST;
		}
		end = now();
	}
	w->rate = (double)answered / (end - start);
	free(own);
	return NULL;
}

/* Workers whose bit is set in `which` run at once. Returns answers a second, 0 if a core is not to
 * be had. */
static double run_workers(const struct worker *model, const unsigned *cores, unsigned which)
{
	static struct worker worker[WORKERS];
	pthread_barrier_t start;
	double rate = 0;
	bool failed = false;

	pthread_barrier_init(&start, NULL, (unsigned)__builtin_popcount(which));
	for (unsigned i = 0; i < WORKERS; i++) {
		worker[i] = *model;
		worker[i].core = cores[i];
		worker[i].first = i * (model->questions->count / WORKERS);
		worker[i].start = &start;
		if ((which >> i & 1) != 0 &&
		    pthread_create(&worker[i].thread, NULL, run, &worker[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		if ((which >> i & 1) == 0)
			continue;
		pthread_join(worker[i].thread, NULL);
		rate += worker[i].rate;
		failed |= worker[i].failed;
	}
	pthread_barrier_destroy(&start);
	return failed ? 0 : rate;
}

static int measure(unsigned names, unsigned samples, double seconds, const unsigned *cores)
{
	static const char *const text[] = {"", "first", "second", "both"};
	struct image_fixture *fixture = answer_zone_build(names, true);
	struct questions questions;

	questions_make(&questions, question_kind_find("hit"), names, RANDOM_NAMES);
	struct worker model = {
	    .image = image_fixture_image(fixture), .questions = &questions, .seconds = seconds};
	for (unsigned n = 0; n < samples; n++) {
		for (unsigned which = 1; which < 1u << WORKERS; which++) {
			double rate = run_workers(&model, cores, which);

			if (rate == 0) {
				fprintf(stderr, "scaling: can't be pinned to cores %u and %u\n",
					cores[0], cores[1]);
				return 1;
			}
			printf("sample=%u workers=%s answers_per_s=%.0f\n", n, text[which], rate);
			fflush(stdout);
		}
	}
	questions_free(&questions);
	image_fixture_free(fixture);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"names", 1, NULL, 'n'}, {"samples", 1, NULL, 's'}, {"seconds", 1, NULL, 't'},
	    {"cores", 1, NULL, 'c'}, {NULL, 0, NULL, 0},
	};
	unsigned names = 100000, samples = 3, cores[WORKERS] = {0, 1};
	double seconds = 0.5;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'n')
			names = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 's')
			samples = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 't')
			seconds = strtod(optarg, NULL);
		else if (option != 'c' || sscanf(optarg, "%u,%u", &cores[0], &cores[1]) != 2)
			return 2;
	}
	if (names == 0 || samples == 0 || seconds <= 0)
		return 2;
	return measure(names, samples, seconds, cores);
}
