#include "dataplane/worker/worker.h"

#include "dataplane/answer/answer.h"
#include "dataplane/confine/privilege.h"
#include "dataplane/worker/cores.h"
#include "runtime/clock.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
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

	/* Needed only while starting and ending. */
	struct packet_io *io;
	int core;
	const struct call_filter *filter;
	bool drop_capabilities;
	/* errno of pinning and of filtering; read by worker_start() after `started` */
	int start_error, filter_error;
	sem_t started;
	pthread_t thread;
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

static bool is_sound(const struct worker *worker)
{
	return worker->start_error == 0 && worker->queue != NULL && worker->filter_error == 0;
}

static void *run(void *context)
{
	struct worker *worker = context;
	char name[16];

	snprintf(name, sizeof(name), "skua-worker-%u", worker->index % WORKERS_MAX);
	pthread_setname_np(pthread_self(), name);
	worker->start_error = worker->core >= 0 ? pin_to_core(worker->core) : 0;
	/* Here and not in worker_start(): a back end may tie the queue to the calling thread. */
	worker->queue = worker->io_class->queue(worker->io, worker->index);
	if (worker->drop_capabilities && !privilege_drop())
		worker->filter_error = errno;
	else if (worker->filter != NULL)
		worker->filter_error = call_filter_enter(worker->filter, false);
	bool good = is_sound(worker);
	sem_post(&worker->started);
	if (good) {
		loop(worker);
		show_counts(worker);
		adopt_offline(worker->adopt, worker->index);
	}
	return NULL;
}

/* Pages of zeros, which are there once they are used. NULL: no memory. */
static struct limiter *limiter_new(void)
{
	void *memory = mmap(NULL, sizeof(struct limiter), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void worker_delete(struct worker *worker)
{
	sem_destroy(&worker->started);
	munmap(worker->answer.limiter, sizeof(struct limiter));
	free(worker);
}

static struct worker *worker_new(const struct worker_config *config)
{
	struct dataplane_file *file = adopt_file(config->adopt);
	struct worker *worker = aligned_alloc(64, (sizeof(*worker) + 63) / 64 * 64);

	if (!worker)
		return NULL;
	memset(worker, 0, sizeof(*worker));
	worker->answer.limiter = limiter_new();
	if (!worker->answer.limiter) {
		free(worker);
		return NULL;
	}
	worker->adopt = config->adopt;
	worker->io_class = config->io_class;
	worker->io = config->io;
	worker->index = config->index;
	worker->core = config->core;
	worker->filter = config->filter;
	worker->drop_capabilities = config->drop_capabilities;
	worker->line = &file->line[config->index];
	worker->shared = &file->worker[config->index];
	worker->idle = (struct idle){.mode = config->idle, .patience = IDLE_LEAST};
	sem_init(&worker->started, 0, 0);
	worker->shared->core = config->core;
	snprintf(worker->shared->io, sizeof(worker->shared->io), "%s",
		 config->io_class->describe(config->io, config->index));
	return worker;
}

static bool started(struct worker *worker, char *error, size_t error_size)
{
	while (sem_wait(&worker->started) != 0 && errno == EINTR)
		;
	if (worker->start_error != 0)
		snprintf(error, error_size, "worker %u: can't be pinned to core %d: %s",
			 worker->index, worker->core, strerror(worker->start_error));
	else if (!worker->queue)
		snprintf(error, error_size, "worker %u: the back end %s has no queue for it",
			 worker->index, worker->io_class->name);
	else if (worker->filter_error != 0)
		snprintf(error, error_size,
			 "worker %u: can't give up capabilities and system calls: %s",
			 worker->index, strerror(worker->filter_error));
	return is_sound(worker);
}

struct worker *worker_start(const struct worker_config *config, char *error, size_t error_size)
{
	struct worker *worker = worker_new(config);
	int failed;

	if (!worker) {
		snprintf(error, error_size, "worker %u: out of memory", config->index);
		return NULL;
	}
	failed = pthread_create(&worker->thread, NULL, run, worker);
	if (failed != 0) {
		snprintf(error, error_size, "worker %u: no thread to be had: %s", config->index,
			 strerror(failed));
		worker_delete(worker);
		return NULL;
	}
	if (!started(worker, error, error_size)) {
		worker_free(worker);
		return NULL;
	}
	return worker;
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
