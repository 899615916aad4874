/* io_echo: the ceiling of a back end. Every datagram comes back with QR set, and nothing else is
 * done to it: what a server on the same back end can't surpass.
 *
 *     io_echo --io BACKEND [--listen ADDR:PORT]... [--workers N] [--core N] [--seconds N] [--poll]
 *
 * --core is the first worker's core, the others follow. Prints the rate of every second, and what
 * was dropped by reason at the end. */
#include "dataplane/io/packet_io.h"
#include "dataplane/net/checksum.h"
#include "zones/abi/channel.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EMPTY_BURSTS_BEFORE_SLEEP 64u
#define SLEEP_MICROSECONDS	  100000u

struct echo {
	const struct packet_io_class *io_class;
	struct packet_io *io;
	unsigned index;
	int core; /* -1: anywhere */
	bool poll_only;
	pthread_t thread;
	_Atomic uint64_t replies; /* written by the thread, read by main, relaxed */
	uint64_t counts[COUNTERS];
};

struct options {
	const char *io;
	struct listen_address listen[LISTENS_MAX];
	unsigned listen_count;
	unsigned workers;
	unsigned seconds;
	int core;
	bool poll_only;
};

static atomic_bool stop;

static const char *const counter_name[] = {
#define COUNT(name, help) #name,
#include "zones/abi/counters.def"
#undef COUNT
};

static void on_signal(int number)
{
	(void)number;
	atomic_store_explicit(&stop, true, memory_order_relaxed);
}

static void pin(int core)
{
	cpu_set_t set;

	if (core < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(core, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void turn_round(struct datagram *d)
{
	if (d->length < 12) {
		d->length = 0;
		return;
	}
	d->payload[2] |= 0x80;
	d->sum = checksum_sum(d->payload, d->length);
}

static void *run(void *context)
{
	struct echo *echo = context;
	const struct packet_io_class *io = echo->io_class;
	struct io_queue *queue;
	struct datagram burst[IO_BURST];
	unsigned empty = 0;

	pin(echo->core);
	queue = io->queue(echo->io, echo->index);
	while (queue && !atomic_load_explicit(&stop, memory_order_relaxed)) {
		unsigned n = io->rx_burst(queue, burst, IO_BURST, echo->counts);

		for (unsigned i = 0; i < n; i++)
			turn_round(&burst[i]);
		if (n > 0)
			io->tx_burst(queue, burst, n, echo->counts);
		atomic_fetch_add_explicit(&echo->replies, n, memory_order_relaxed);
		empty = n > 0 ? 0 : empty + 1;
		if (empty > EMPTY_BURSTS_BEFORE_SLEEP && io->wait && !echo->poll_only)
			io->wait(queue, SLEEP_MICROSECONDS);
	}
	return NULL;
}

/* ADDR:PORT or [ADDR6]:PORT. */
static bool add_listen(struct options *options, const char *text)
{
	struct sockaddr_storage *out;
	struct sockaddr_in in4 = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	const char *colon = strrchr(text, ':');
	char host[64];

	if (!colon || options->listen_count == LISTENS_MAX)
		return false;
	out = &options->listen[options->listen_count].address;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	in4.sin_port = in6.sin6_port = htons((uint16_t)atoi(colon + 1));
	if (host[0] == '[') {
		host[strlen(host) - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, &in6.sin6_addr) != 1)
			return false;
		memcpy(out, &in6, sizeof(in6));
	} else {
		if (inet_pton(AF_INET, host, &in4.sin_addr) != 1)
			return false;
		memcpy(out, &in4, sizeof(in4));
	}
	options->listen_count++;
	return true;
}

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
	    {"io", required_argument, NULL, 'i'},
	    {"listen", required_argument, NULL, 'l'},
	    {"workers", required_argument, NULL, 'w'},
	    {"core", required_argument, NULL, 'c'},
	    {"seconds", required_argument, NULL, 's'},
	    {"poll", no_argument, NULL, 'p'},
	    {NULL, 0, NULL, 0},
	};
	int got;

	*options = (struct options){.io = "socket", .workers = 1, .core = -1};
	while ((got = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (got == 'i')
			options->io = optarg;
		else if (got == 'w')
			options->workers = (unsigned)atoi(optarg);
		else if (got == 'c')
			options->core = atoi(optarg);
		else if (got == 's')
			options->seconds = (unsigned)atoi(optarg);
		else if (got == 'p')
			options->poll_only = true;
		else if (got != 'l' || !add_listen(options, optarg))
			return false;
	}
	return options->workers >= 1 && options->workers < WORKERS_MAX;
}

static void watch(const struct options *options, struct echo *echo)
{
	uint64_t before = 0;

	for (unsigned second = 0; !options->seconds || second < options->seconds; second++) {
		uint64_t now = 0;

		sleep(1);
		if (echo->io_class->refresh)
			echo->io_class->refresh(echo->io);
		for (unsigned i = 0; i < options->workers; i++)
			now += atomic_load_explicit(&echo[i].replies, memory_order_relaxed);
		printf("%lu replies/s\n", (unsigned long)(now - before));
		fflush(stdout);
		before = now;
		if (atomic_load_explicit(&stop, memory_order_relaxed))
			return;
	}
	atomic_store_explicit(&stop, true, memory_order_relaxed);
}

static void report(const struct options *options, const struct echo *echo)
{
	for (unsigned i = 0; i < options->workers; i++) {
		printf("worker %u: %lu replies", i, (unsigned long)echo[i].replies);
		for (unsigned c = 0; c < COUNTERS; c++)
			if (echo[i].counts[c] > 0)
				printf(", %s %lu", counter_name[c],
				       (unsigned long)echo[i].counts[c]);
		printf("\n");
	}
}

static int serve(const struct options *options, const struct packet_io_class *io_class,
		 struct packet_io *io)
{
	static struct echo echo[WORKERS_MAX];
	unsigned started = 0;

	for (; started < options->workers; started++) {
		echo[started].io_class = io_class;
		echo[started].io = io;
		echo[started].index = started;
		echo[started].core = options->core < 0 ? -1 : options->core + (int)started;
		echo[started].poll_only = options->poll_only;
		if (pthread_create(&echo[started].thread, NULL, run, &echo[started]) != 0)
			break;
		printf("worker %u: %s\n", started, io_class->describe(io, started));
	}
	printf("ready\n");
	fflush(stdout);
	if (started == options->workers)
		watch(options, echo);
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	for (unsigned i = 0; i < started; i++)
		pthread_join(echo[i].thread, NULL);
	report(options, echo);
	return started == options->workers ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct options options;
	const struct packet_io_class *io_class;
	struct packet_io *io;
	const char *argument;
	char error[IO_ERROR_TEXT] = "";
	int status;

	if (!parse(argc, argv, &options)) {
		fprintf(stderr, "usage: io_echo --io BACKEND [--listen ADDR:PORT]... [--workers N] "
				"[--core N] [--seconds N] [--poll]\n");
		return 2;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	io_class = packet_io_find(options.io, &argument, error);
	struct io_config config = {.argument = argument,
				   .listen = options.listen,
				   .listen_count = options.listen_count,
				   .workers = options.workers,
				   .kernel = "off"};
	io = io_class ? io_class->open(&config, error) : NULL;
	if (!io) {
		fprintf(stderr, "io_echo: %s\n", error);
		return 1;
	}
	status = serve(&options, io_class, io);
	io_class->close(io);
	return status;
}
