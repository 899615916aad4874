/* latency_generator.c: offers DNS queries over the kernel's UDP at a given rate, whatever comes
 * back, and measures how long each answer took.
 *
 *   latency_generator --rate R [--seconds S] [--warm-up S] [--names N] [--pattern P] [--sockets M]
 * ADDRESS
 *
 * Queries fall due at random moments, R a second on average (exponential gaps). A latency is
 * counted from the moment that the query was due, not from when it was sent: if server or
 * generator fall behind, what waits meanwhile is in the figures (no coordinated omission). What the
 * generator itself fell behind is printed as `lag`. Each answer is checked. A query without an
 * answer within PATIENCE is lost. M sockets (16) have a source port each.
 * Prints one line of key=value, and a line "histogram VALUE:COUNT,…" in nanoseconds. One thread
 * that polls: give it a core of its own. Exit status 1 if an answer was wrong or none came. */
#include "bench/epc_queries.h"
#include "bench/histogram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH	    32u
#define IDS	    65536u
#define SOCKETS_MAX 64u
#define REPLY_ROOM  512u
#define PATIENCE    1000000000ull /* nanoseconds, as all times here */
#define BUFFER	    (4 << 20)	  /* octets that wait in the kernel */

struct slot {
	uint64_t due; /* 0: free */
	uint32_t name;
	bool counted; /* fell due after the warm-up */
};

struct asker {
	int fd;
	uint16_t next; /* id */
	struct slot slot[IDS];
};

struct tally {
	uint64_t asked, answered, lost, late, not_sent, wrong;
};

struct generator {
	struct query_settings query;
	struct query_table table;
	double rate, seconds, warm_up;
	unsigned sockets, turn; /* whose socket is next */
	uint64_t random, due;	/* when the next query is */
	uint64_t counted_from;
	struct tally tally;
	struct histogram latency, lag;
	struct asker *asker[SOCKETS_MAX];
};

static void die(const char *message)
{
	fprintf(stderr, "latency_generator: %s\n", message);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t next_random(struct generator *generator) /* xorshift64* */
{
	uint64_t x = generator->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	generator->random = x;
	return x * 0x2545f4914f6cdd1dull;
}

static uint64_t next_gap(struct generator *generator)
{
	double even = ((double)(next_random(generator) >> 11) + 1) / (double)(1ull << 53);

	return (uint64_t)(-log(even) * 1e9 / generator->rate);
}

/* The next free id of a socket, or what has waited longest for it: that is lost. */
static struct slot *take_slot(struct generator *generator, struct asker *asker, uint64_t time,
			      uint16_t *id)
{
	struct slot *slot;

	*id = asker->next++;
	slot = &asker->slot[*id];
	if (slot->due != 0) {
		if (time - slot->due < PATIENCE)
			return NULL;
		generator->tally.lost += slot->counted;
	}
	return slot;
}

/* Writes a query that is due; false: every id is out. */
static bool make_query(struct generator *generator, struct asker *asker, uint64_t time,
		       uint8_t *message, uint16_t *length)
{
	uint16_t id;
	struct slot *slot = take_slot(generator, asker, time, &id);
	uint32_t name = (uint32_t)((next_random(generator) >> 32) * generator->table.count >> 32);

	if (slot == NULL)
		return false;
	*slot = (struct slot){generator->due, name, generator->due >= generator->counted_from};
	memcpy(message, query_message(&generator->table, name, length), QUERY_ROOM - 42);
	message[0] = (uint8_t)(id >> 8);
	message[1] = (uint8_t)id;
	if (slot->counted) {
		generator->tally.asked++;
		histogram_add(&generator->lag, time - generator->due);
	}
	return true;
}

/* What the kernel did not take was asked, and has no answer. */
static void send_batch(struct generator *generator, const struct asker *asker,
		       struct mmsghdr *batch, unsigned n)
{
	int sent = sendmmsg(asker->fd, batch, n, MSG_DONTWAIT);

	if (sent < 0 && errno != EAGAIN && errno != ECONNREFUSED && errno != ENOBUFS)
		die(strerror(errno));
	generator->tally.not_sent += n - (unsigned)(sent < 0 ? 0 : sent);
}

static void ask(struct generator *generator, uint64_t time)
{
	uint8_t message[BATCH][QUERY_ROOM];
	struct mmsghdr batch[BATCH];
	struct iovec part[BATCH];
	struct asker *asker = generator->asker[generator->turn];
	unsigned n = 0;

	if (generator->due > time)
		return;
	memset(batch, 0, sizeof(batch));
	for (; n < BATCH && generator->due <= time; n++) {
		uint16_t length;

		if (!make_query(generator, asker, time, message[n], &length))
			break;
		part[n] = (struct iovec){.iov_base = message[n], .iov_len = length};
		batch[n].msg_hdr.msg_iov = &part[n];
		batch[n].msg_hdr.msg_iovlen = 1;
		generator->due += next_gap(generator);
	}
	generator->turn = (generator->turn + 1) % generator->sockets;
	if (n > 0)
		send_batch(generator, asker, batch, n);
}

static void take_answer(struct generator *generator, struct asker *asker, const uint8_t *reply,
			unsigned length, uint64_t time)
{
	struct slot *slot;

	if (length < 12)
		return;
	slot = &asker->slot[reply[0] << 8 | reply[1]];
	if (slot->due == 0 || time - slot->due >= PATIENCE) {
		generator->tally.late++;
		return;
	}
	if (slot->counted) {
		generator->tally.answered++;
		generator->tally.wrong += answer_check_message(&generator->table, slot->name, reply,
							       length) != ANSWER_RIGHT;
		histogram_add(&generator->latency, time - slot->due);
	}
	slot->due = 0;
}

static void receive(struct generator *generator, struct asker *asker)
{
	static uint8_t reply[BATCH][REPLY_ROOM];
	struct mmsghdr batch[BATCH];
	struct iovec part[BATCH];
	int n;

	memset(batch, 0, sizeof(batch));
	for (unsigned i = 0; i < BATCH; i++) {
		part[i] = (struct iovec){.iov_base = reply[i], .iov_len = REPLY_ROOM};
		batch[i].msg_hdr.msg_iov = &part[i];
		batch[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(asker->fd, batch, BATCH, MSG_DONTWAIT, NULL);
	uint64_t time = n > 0 ? now() : 0;
	for (int i = 0; i < n; i++)
		take_answer(generator, asker, reply[i], batch[i].msg_len, time);
}

static void run(struct generator *generator)
{
	uint64_t start = now(), time = start, end;
	unsigned listen = 0;

	generator->random = start | 1;
	generator->due = start;
	generator->counted_from = start + (uint64_t)(generator->warm_up * 1e9);
	end = generator->counted_from + (uint64_t)(generator->seconds * 1e9);
	while (time < end) {
		ask(generator, time);
		receive(generator, generator->asker[listen]);
		listen = (listen + 1) % generator->sockets;
		time = now();
	}
	/* Nothing is asked any more: what has not come within PATIENCE never will. */
	for (uint64_t asked = generator->tally.asked - generator->tally.lost;
	     generator->tally.answered < asked && time < end + PATIENCE; time = now()) {
		receive(generator, generator->asker[listen]);
		listen = (listen + 1) % generator->sockets;
	}
	generator->tally.lost = generator->tally.asked - generator->tally.answered;
}

static void add_askers(struct generator *generator, const char *text)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};

	if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
		die("the address is not IPv4");
	for (unsigned i = 0; i < generator->sockets; i++) {
		struct asker *asker = calloc(1, sizeof(*asker));
		const int room = BUFFER;

		if (asker == NULL)
			die("out of memory");
		asker->fd = socket(AF_INET, SOCK_DGRAM, 0);
		if (asker->fd < 0 ||
		    connect(asker->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
			die(strerror(errno));
		/* Beyond what an ordinary user may have, if this is root. */
		if (setsockopt(asker->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
			setsockopt(asker->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
		generator->asker[i] = asker;
	}
}

static void read_options(struct generator *generator, int argc, char **argv)
{
	static const struct option options[] = {
	    {"rate", 1, NULL, 'r'},  {"seconds", 1, NULL, 's'}, {"warm-up", 1, NULL, 'w'},
	    {"names", 1, NULL, 'n'}, {"pattern", 1, NULL, 'p'}, {"sockets", 1, NULL, 'm'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'r')
			generator->rate = strtod(optarg, NULL);
		else if (option == 's')
			generator->seconds = strtod(optarg, NULL);
		else if (option == 'w')
			generator->warm_up = strtod(optarg, NULL);
		else if (option == 'n')
			generator->query.names = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'p')
			generator->query.pattern = optarg;
		else if (option == 'm')
			generator->sockets = (unsigned)strtoul(optarg, NULL, 10);
		else
			exit(2);
	}
	if (optind + 1 != argc || generator->rate <= 0 || generator->seconds <= 0 ||
	    generator->query.names == 0 || generator->sockets == 0 ||
	    generator->sockets > SOCKETS_MAX)
		die("--rate R [--seconds S] [--warm-up S] [--names N] [--pattern P] "
		    "[--sockets 1…64] ADDRESS");
	add_askers(generator, argv[optind]);
}

static void print_all(const struct generator *generator)
{
	static const double parts[] = {0.5, 0.9, 0.99, 0.999, 0.9999, 1};
	static const char *const names[] = {"p50", "p90", "p99", "p99.9", "p99.99", "max"};
	const struct tally *tally = &generator->tally;

	printf("asked=%" PRIu64 " answered=%" PRIu64 " wrong=%" PRIu64 " lost=%" PRIu64
	       " late=%" PRIu64 " not_sent=%" PRIu64,
	       tally->asked, tally->answered, tally->wrong, tally->lost, tally->late,
	       tally->not_sent);
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		printf(" %s=%" PRIu64, names[i], histogram_quantile(&generator->latency, parts[i]));
	printf(" lag_p50=%" PRIu64 " lag_p99.9=%" PRIu64 "\nhistogram ",
	       histogram_quantile(&generator->lag, 0.5),
	       histogram_quantile(&generator->lag, 0.999));
	histogram_print(&generator->latency, stdout);
	putchar('\n');
}

int main(int argc, char **argv)
{
	static struct generator generator = {
	    .query = {.pattern = "h%d.epc.mnc001.mcc228.3gppnetwork.org.", .names = 100000},
	    .seconds = 5,
	    .warm_up = 0.5,
	    .sockets = 16,
	};

	read_options(&generator, argc, argv);
	if (!query_table_make(&generator.table, &generator.query))
		die("--pattern gives no names, or there is no memory");
	run(&generator);
	print_all(&generator);
	query_table_free(&generator.table);
	return generator.tally.wrong > 0 || generator.tally.answered == 0;
}
