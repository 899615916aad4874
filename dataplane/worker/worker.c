#include "dataplane/worker/worker.h"

#include "dataplane/answer/answer.h"
#include "dataplane/confine/privilege.h"
#include "dataplane/worker/cores.h"
#include "runtime/clock.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static_assert(IO_BURST <= ANSWER_BURST, "a burst is answered at once");

/* Loops between two writings of the counters while nothing comes and the worker polls. */
#define LOOPS_QUIET 1024u

struct worker {
	struct adopt *adopt;
	const struct packet_io_class *io_class;
	struct io_queue *queue;
	struct worker_line *line;
	struct worker_counters *shared;
	struct answer_state answer;
	struct idle idle;
	uint64_t loops;
	unsigned index;
	_Atomic bool stop; /* set by worker_stop(), relaxed: only that it is seen some time */
	uint64_t counts[COUNTERS]; /* ours alone; copied to shared->count */
	struct datagram burst[IO_BURST];
	pthread_t thread; /* worker_free()'s */
};

/* What worker_start() and the thread tell each other, on the former's stack until `started`. */
struct start {
	const struct worker_config *config;
	struct worker *worker; /* NULL: no memory */
	int pin_error, filter_error;
	sem_t started;
};

/* The only writer of both: plain counting, relaxed stores; readers load relaxed. */
static void show_counts(struct worker *worker)
{
	worker->counts[COUNT_adopt_refused] = adopt_refusals(worker->adopt, worker->index);
	for (unsigned i = 0; i < COUNTERS; i++)
		atomic_store_explicit(&worker->shared->count[i], worker->counts[i],
				      memory_order_relaxed);
}

static void rest(struct worker *worker)
{
	show_counts(worker);
	adopt_offline(worker->adopt, worker->index);
	if (worker->io_class->wait)
		worker->io_class->wait(worker->queue, WORKER_SLEEP);
	else
		nanosleep(&(struct timespec){.tv_nsec = WORKER_NAP * 1000}, NULL);
}

static void loop(struct worker *worker)
{
	const struct packet_io_class *io = worker->io_class;

	while (!atomic_load_explicit(&worker->stop, memory_order_relaxed)) {
		bool changed = false;
		/* Quiescent point: no borrowed reference outlives this line. The acquire in here
		 * pairs with publish_commit(); its release pairs with publish_reclaim(). */
		const struct image *image = adopt_newest(worker->adopt, worker->index, &changed);
		unsigned n = io->rx_burst(worker->queue, worker->burst, IO_BURST, worker->counts);

		worker->counts[COUNT_adopted] += changed;
		if (n > 0) {
			worker->answer.now = clock_realtime();
			answer_batch(image, &worker->answer, worker->burst, n, TRANSPORT_UDP,
				     worker->counts);
			io->tx_burst(worker->queue, worker->burst, n, worker->counts);
		}
		atomic_store_explicit(&worker->line->loops, ++worker->loops, memory_order_relaxed);
		if (n > 0 || worker->loops % LOOPS_QUIET == 0)
			show_counts(worker);
		if (idle_after_burst(&worker->idle, n))
			rest(worker);
	}
}

/* Zeroed pages that are there once they are used: then they are of the node of whoever uses them
 * first. NULL: no memory. */
static void *pages_new(size_t octets)
{
	void *memory =
	    mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void worker_delete(struct worker *worker)
{
	if (worker->answer.limiter != NULL)
		munmap(worker->answer.limiter, sizeof(struct limiter));
	munmap(worker, sizeof(*worker));
}

/* Called by the thread itself, on its core: what it uses for every burst lies in near memory. */
static struct worker *worker_new(const struct worker_config *config)
{
	struct dataplane_file *file = adopt_file(config->adopt);
	struct worker *worker = pages_new(sizeof(*worker));

	if (!worker)
		return NULL;
	worker->answer.limiter = pages_new(sizeof(struct limiter));
	if (!worker->answer.limiter) {
		worker_delete(worker);
		return NULL;
	}
	worker->adopt = config->adopt;
	worker->io_class = config->io_class;
	worker->index = config->index;
	worker->line = &file->line[config->index];
	worker->shared = &file->worker[config->index];
	worker->idle = (struct idle){.mode = config->idle, .patience = IDLE_LEAST};
	return worker;
}

static bool is_sound(const struct start *start)
{
	return start->pin_error == 0 && start->worker != NULL && start->worker->queue != NULL &&
	       start->filter_error == 0;
}

static void *run(void *context)
{
	struct start *start = context;
	const struct worker_config *config = start->config;
	struct worker *worker;
	char name[16];
	bool good;

	snprintf(name, sizeof(name), "skua-worker-%u", config->index % WORKERS_MAX);
	pthread_setname_np(pthread_self(), name);
	start->pin_error = config->core >= 0 ? pin_to_core(config->core) : 0;
	take_short_turns();
	start->worker = worker = worker_new(config);
	/* Here and not in worker_start(): a back end may tie the queue to the calling thread. */
	if (worker != NULL)
		worker->queue = config->io_class->queue(config->io, config->index);
	if (config->drop_capabilities && !privilege_drop())
		start->filter_error = errno;
	else if (config->filter != NULL)
		start->filter_error = call_filter_enter(config->filter, false);
	good = is_sound(start);
	sem_post(&start->started); /* after this *start may be gone */
	if (good) {
		loop(worker);
		show_counts(worker);
		adopt_offline(worker->adopt, worker->index);
	}
	return NULL;
}

static void describe(const struct worker_config *config)
{
	struct worker_counters *shared = &adopt_file(config->adopt)->worker[config->index];

	shared->core = config->core;
	shared->node = config->node;
	snprintf(shared->io, sizeof(shared->io), "%s",
		 config->io_class->describe(config->io, config->index));
}

static void start_refused(const struct start *start, char *error, size_t error_size)
{
	const struct worker_config *config = start->config;

	if (start->pin_error != 0)
		snprintf(error, error_size, "worker %u: can't be pinned to core %d: %s",
			 config->index, config->core, strerror(start->pin_error));
	else if (start->worker == NULL)
		snprintf(error, error_size, "worker %u: out of memory", config->index);
	else if (!start->worker->queue)
		snprintf(error, error_size, "worker %u: the back end %s has no queue for it",
			 config->index, config->io_class->name);
	else
		snprintf(error, error_size,
			 "worker %u: can't give up capabilities and system calls: %s",
			 config->index, strerror(start->filter_error));
}

struct worker *worker_start(const struct worker_config *config, char *error, size_t error_size)
{
	struct start start = {.config = config};
	pthread_t thread;
	int failed;

	describe(config);
	sem_init(&start.started, 0, 0);
	failed = pthread_create(&thread, NULL, run, &start);
	if (failed != 0) {
		snprintf(error, error_size, "worker %u: no thread to be had: %s", config->index,
			 strerror(failed));
		return NULL;
	}
	while (sem_wait(&start.started) != 0 && errno == EINTR)
		;
	sem_destroy(&start.started);
	if (is_sound(&start)) {
		start.worker->thread = thread;
		return start.worker;
	}
	pthread_join(thread, NULL);
	start_refused(&start, error, error_size);
	if (start.worker != NULL)
		worker_delete(start.worker);
	return NULL;
}

void worker_stop(struct worker *worker)
{
	atomic_store_explicit(&worker->stop, true, memory_order_relaxed);
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	pthread_join(worker->thread, NULL);
	worker_delete(worker);
}
