#include "dataplane/worker/housekeeper.h"

#include "dataplane/confine/privilege.h"
#include "dataplane/worker/cores.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct housekeeper {
	struct housekeeper_config config;
	struct io_housekeeping *housekeeping;
	_Atomic bool stop; /* relaxed: only that it is seen some time */
	uint64_t loops;
	uint64_t counts[COUNTERS]; /* ours alone; copied to the dataplane file */
	/* errno of pinning and of filtering; read by housekeeper_start() after `started` */
	int pin_error, filter_error;
	sem_t started;
	pthread_t thread;
};

/* The only writer of both: relaxed stores; readers load relaxed. */
static void show(struct housekeeper *housekeeper)
{
	struct dataplane_file *file = adopt_file(housekeeper->config.adopt);
	struct worker_counters *shared = &file->worker[housekeeper->config.index];

	for (unsigned i = 0; i < COUNTERS; i++)
		atomic_store_explicit(&shared->count[i], housekeeper->counts[i],
				      memory_order_relaxed);
	atomic_store_explicit(&file->line[housekeeper->config.index].loops, ++housekeeper->loops,
			      memory_order_relaxed);
}

static bool is_sound(const struct housekeeper *housekeeper)
{
	return housekeeper->pin_error == 0 && housekeeper->housekeeping != NULL &&
	       housekeeper->filter_error == 0;
}

static void *run(void *context)
{
	struct housekeeper *housekeeper = context;
	const struct housekeeper_config *config = &housekeeper->config;
	bool good;

	pthread_setname_np(pthread_self(), "skua-kernel");
	housekeeper->pin_error = config->core >= 0 ? pin_to_core(config->core) : 0;
	housekeeper->housekeeping = config->io_class->housekeeping(config->io);
	if (config->drop_capabilities && !privilege_drop())
		housekeeper->filter_error = errno;
	else if (config->filter != NULL)
		housekeeper->filter_error = call_filter_enter(config->filter, false);
	adopt_offline(config->adopt, config->index); /* it never looks at an image */
	show(housekeeper);
	good = is_sound(housekeeper);
	sem_post(&housekeeper->started);
	while (good && !atomic_load_explicit(&housekeeper->stop, memory_order_relaxed)) {
		config->io_class->housekeep(housekeeper->housekeeping, housekeeper->counts);
		show(housekeeper);
	}
	return NULL;
}

static bool started(struct housekeeper *housekeeper, char *error, size_t error_size)
{
	while (sem_wait(&housekeeper->started) != 0 && errno == EINTR)
		;
	if (housekeeper->pin_error != 0)
		snprintf(error, error_size, "--kernel-core: can't pin to core %d: %s",
			 housekeeper->config.core, strerror(housekeeper->pin_error));
	else if (!housekeeper->housekeeping)
		snprintf(error, error_size, "the back end %s refuses its housekeeping thread",
			 housekeeper->config.io_class->name);
	else if (housekeeper->filter_error != 0)
		snprintf(error, error_size, "housekeeping: can't filter its system calls: %s",
			 strerror(housekeeper->filter_error));
	return is_sound(housekeeper);
}

struct housekeeper *housekeeper_start(const struct housekeeper_config *config, char *error,
				      size_t error_size)
{
	struct housekeeper *housekeeper = calloc(1, sizeof(*housekeeper));
	int failed = ENOMEM;

	if (housekeeper) {
		housekeeper->config = *config;
		sem_init(&housekeeper->started, 0, 0);
		failed = pthread_create(&housekeeper->thread, NULL, run, housekeeper);
	}
	if (failed != 0) {
		snprintf(error, error_size, "housekeeping: no thread to be had: %s",
			 strerror(failed));
		free(housekeeper);
		return NULL;
	}
	if (!started(housekeeper, error, error_size)) {
		housekeeper_stop(housekeeper);
		return NULL;
	}
	return housekeeper;
}

void housekeeper_stop(struct housekeeper *housekeeper)
{
	if (!housekeeper)
		return;
	atomic_store_explicit(&housekeeper->stop, true, memory_order_relaxed);
	pthread_join(housekeeper->thread, NULL);
	sem_destroy(&housekeeper->started);
	free(housekeeper);
}
