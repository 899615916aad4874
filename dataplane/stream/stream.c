#include "dataplane/stream/stream.h"
#include "dataplane/stream/service.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILES_APART   256u /* descriptors that the rest of the process may need */
#define CLIENTS_LEAST 16u
#define POOL_OCTETS   (256u << 20) /* most that all waiting messages and replies hold together */

/* Raises the soft limit on open files as far as `clients` needs and the hard limit allows; returns
 * the number of clients that there are files for. */
static unsigned files_for(unsigned clients)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)clients + FILES_APART;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return clients;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= wanted)
		return clients;
	return limit.rlim_cur > FILES_APART + CLIENTS_LEAST
		   ? (unsigned)(limit.rlim_cur - FILES_APART)
		   : CLIENTS_LEAST;
}

/* A number that the user asked for must be had; the default takes what it gets. */
static bool settle_limits(struct stream_config *config, char error[IO_ERROR_TEXT])
{
	unsigned asked = config->clients ? config->clients : STREAM_CLIENTS_DEFAULT;
	unsigned possible;

	if (asked > STREAM_CLIENTS_MOST) {
		snprintf(error, IO_ERROR_TEXT, "%u TCP connections are too many: at most %u", asked,
			 STREAM_CLIENTS_MOST);
		return false;
	}
	possible = files_for(asked);
	if (possible < asked && config->clients != 0) {
		snprintf(error, IO_ERROR_TEXT,
			 "%u TCP connections need %u open files, more than the limit: raise it "
			 "(ulimit -n) or ask for at most %u",
			 asked, asked + FILES_APART, possible);
		return false;
	}
	config->clients = possible < asked ? possible : asked;
	if (config->per_client == 0)
		config->per_client = STREAM_PER_CLIENT_DEFAULT;
	if (config->idle == 0)
		config->idle = STREAM_IDLE_DEFAULT;
	return true;
}

static bool listen_all(struct stream *stream, const struct stream_config *config,
		       char error[IO_ERROR_TEXT])
{
	unsigned missing;

	if (config->listen_count > STREAM_LISTENS_MAX) {
		snprintf(error, IO_ERROR_TEXT, "%u listen addresses are too many: at most %u",
			 config->listen_count, STREAM_LISTENS_MAX);
		return false;
	}
	handover_follow(&stream->handover, config->listen, config->listen_count, config->early,
			&missing, error);
	return missing == 0;
}

static bool open_admission(struct stream *stream, char error[IO_ERROR_TEXT])
{
	const struct stream_config *config = &stream->config;

	if (admission_open(&stream->admission, config->clients, config->per_client,
			   (uint64_t)config->idle * 1000u))
		return true;
	snprintf(error, IO_ERROR_TEXT, "can't set up the TCP service: out of memory");
	return false;
}

static bool open_rest(struct stream *stream, char error[IO_ERROR_TEXT])
{
	stream->epoll = epoll_create1(EPOLL_CLOEXEC);
	stream->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	stream->reserve = listener_reserve();
	if (stream->epoll >= 0 && stream->wake >= 0 && stream->reserve >= 0 &&
	    workbench_open(&stream->bench, stream->counts, POOL_OCTETS) && service_watch(stream) &&
	    service_take_listeners(stream))
		return true;
	snprintf(error, IO_ERROR_TEXT, "can't set up the TCP service: %s%s", strerror(errno),
		 stream->reserve < 0 ? ": it needs /dev/null, as every system and container has"
				     : "");
	return false;
}

struct stream *stream_open(const struct stream_config *config, char error[IO_ERROR_TEXT])
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream) {
		snprintf(error, IO_ERROR_TEXT, "can't set up the TCP service: out of memory");
		return NULL;
	}
	stream->config = *config;
	stream->config.listen = NULL;
	stream->epoll = stream->wake = stream->reserve = -1;
	memset(stream->listener, -1, sizeof(stream->listener));
	handover_start(&stream->handover);
	sem_init(&stream->started, 0, 0);
	TAILQ_INIT(&stream->again);
	if (!settle_limits(&stream->config, error) || !open_admission(stream, error) ||
	    !listen_all(stream, config, error) || !open_rest(stream, error)) {
		stream_close(stream);
		return NULL;
	}
	return stream;
}

static int start_thread(struct stream *stream)
{
	pthread_attr_t attributes;
	cpu_set_t core;
	int reason;

	pthread_attr_init(&attributes);
	if (stream->config.core >= 0) {
		CPU_ZERO(&core);
		CPU_SET((unsigned)stream->config.core, &core);
		pthread_attr_setaffinity_np(&attributes, sizeof(core), &core);
	}
	reason = pthread_create(&stream->thread, &attributes, service_run, stream);
	pthread_attr_destroy(&attributes);
	return reason;
}

bool stream_start(struct stream *stream, const struct call_filter *filter,
		  char error[IO_ERROR_TEXT])
{
	sigset_t all, kept;
	int reason;

	/* Signals are the main thread's business: the new thread inherits a mask that blocks all
	 * but the one by which the kernel tells of a system call that it refused. */
	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &kept);
	atomic_store_explicit(&stream->stop, false, memory_order_relaxed);
	stream->filter = filter;
	reason = start_thread(stream);
	pthread_sigmask(SIG_SETMASK, &kept, NULL);
	if (reason != 0) {
		snprintf(error, IO_ERROR_TEXT, "can't start the TCP thread%s: %s",
			 stream->config.core >= 0 ? " on its core" : "", strerror(reason));
		return false;
	}
	stream->running = true;
	while (sem_wait(&stream->started) != 0 && errno == EINTR)
		;
	if (stream->filter_error == 0)
		return true;
	snprintf(error, IO_ERROR_TEXT,
		 "the TCP thread can't give up capabilities and system calls: %s",
		 strerror(stream->filter_error));
	return false;
}

/* Fails only where it is awake already. */
static void wake_up(const struct stream *stream)
{
	const uint64_t one = 1;

	if (write(stream->wake, &one, sizeof(one)) < 0 && errno == EAGAIN)
		errno = 0;
}

unsigned stream_follow(struct stream *stream, const struct listen_address *listen, unsigned count,
		       char error[IO_ERROR_TEXT])
{
	unsigned missing;

	if (handover_follow(&stream->handover, listen, count, true, &missing, error) + missing > 0)
		wake_up(stream);
	return missing;
}

void stream_stop(struct stream *stream)
{
	if (!stream->running)
		return;
	atomic_store_explicit(&stream->stop, true, memory_order_release);
	/* Only shortens the wait: the thread looks at `stop` at every heartbeat anyway. */
	wake_up(stream);
	pthread_join(stream->thread, NULL);
	stream->running = false;
	service_drop_all(stream);
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void stream_close(struct stream *stream)
{
	if (!stream)
		return;
	stream_stop(stream);
	handover_end(&stream->handover);
	for (unsigned i = 0; i < stream->listeners; i++)
		close_if_open(stream->listener[i]);
	close_if_open(stream->epoll);
	close_if_open(stream->wake);
	close_if_open(stream->reserve);
	admission_close(&stream->admission);
	workbench_close(&stream->bench);
	sem_destroy(&stream->started);
	free(stream);
}
