/* udp_generator.c: asks a DNS server over the kernel's UDP, as fast as it answers, and checks each
 * answer.
 *
 *   udp_generator [--pattern P] [--names N] [--seconds S] [--window K] [--sockets M] ADDRESS…
 *
 * To each address (IPv4 or IPv6, port 53) go M sockets (1), each with a source port of its own, and
 * K queries (64) are kept under way on each; a query without an answer after PATIENCE is lost and
 * makes room. So no more than K * M * addresses frames are ever on the way, whatever the rate. An
 * id that was lost is not used again for REST, lest a late answer be taken for a wrong one. It ends
 * after S seconds (10), or when standard input ends. Told there, line by line:
 *
 *   tally    a line of key=value with what was counted so far; the same at the end
 *   mark     "back MS" once there is a right answer to a query that was sent after this moment;
 *            until then the first address is asked once more every millisecond
 *
 * Exit status 1 if an answer was wrong. One thread. */
#include "bench/epc_queries.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH	    32u
#define WINDOW_MAX  256u
#define MILLISECOND 1000000u /* in nanoseconds, as all times here */
#define PATIENCE    (200u * MILLISECOND)
#define REST	    (10000ull * MILLISECOND)
#define REPLY_ROOM  512u
#define SOCKETS_MAX 32u
#define LINE_ROOM   64u

struct slot {
	uint64_t sent; /* 0: free */
	uint32_t name;
	uint16_t id; /* modulo the window: the slot's number */
};

struct asker {
	int fd;
	unsigned window;
	uint64_t pace, next; /* at most a query in so long, and not before then; 0: no limit */
	struct slot slot[WINDOW_MAX];
	uint64_t lost[65536]; /* by id: when it was given up */
};

struct tally {
	uint64_t asked, answered, lost, late, refused, not_sent, fault[ANSWER_FAULTS];
};

struct generator {
	struct query_settings query;
	struct query_table table;
	double seconds;
	unsigned window, sockets, count; /* of asker[] in use */
	uint64_t random, start, mark;	 /* mark 0: nobody waits for an answer */
	bool ending;
	char line[LINE_ROOM]; /* of standard input, as far as it has come */
	size_t line_length;
	struct tally tally;
	struct asker asker[SOCKETS_MAX]; /* the first is asked only while a mark waits */
};

static void die(const char *message)
{
	fprintf(stderr, "udp_generator: %s\n", message);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint32_t next_name(struct generator *generator) /* xorshift64* */
{
	uint64_t x = generator->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	generator->random = x;
	return (uint32_t)((x * 0x2545f4914f6cdd1dull >> 32) * generator->table.count >> 32);
}

static void print_tally(const struct generator *generator)
{
	const struct tally *tally = &generator->tally;
	double seconds = (double)(now() - generator->start) / 1e9;
	uint64_t wrong = tally->answered - tally->fault[ANSWER_RIGHT];

	printf("asked=%" PRIu64 " answered=%" PRIu64 " wrong=%" PRIu64 " lost=%" PRIu64
	       " late=%" PRIu64 " refused=%" PRIu64 " not_sent=%" PRIu64
	       " seconds=%.2f answered_per_s=%.0f",
	       tally->asked, tally->answered, wrong, tally->lost, tally->late, tally->refused,
	       tally->not_sent, seconds, (double)tally->answered / seconds);
	for (unsigned fault = ANSWER_RIGHT + 1; fault < ANSWER_FAULTS; fault++)
		if (tally->fault[fault] > 0)
			printf(" %s=%" PRIu64, answer_fault_text[fault], tally->fault[fault]);
	putchar('\n');
	fflush(stdout);
}

/* The next id of a slot; false: all have been lost lately. */
static bool renew_id(const struct asker *asker, struct slot *slot, uint64_t time)
{
	for (unsigned tries = 0; tries < 65536u / asker->window; tries++) {
		slot->id = (uint16_t)(slot->id + asker->window);
		if (asker->lost[slot->id] == 0 || time - asker->lost[slot->id] > REST)
			return true;
	}
	return false;
}

static void give_up(struct generator *generator, struct asker *asker, struct slot *slot,
		    uint64_t time)
{
	if (slot->sent == 0)
		return;
	generator->tally.lost++;
	asker->lost[slot->id] = time;
	slot->sent = 0;
}

/* Slots that are free, or whose query is lost by now; at most `most`. */
static unsigned find_slots(struct generator *generator, struct asker *asker, uint64_t time,
			   unsigned slots[BATCH], unsigned most)
{
	unsigned n = 0;

	for (unsigned i = 0; i < asker->window && n < most; i++) {
		struct slot *slot = &asker->slot[i];

		if (slot->sent != 0 && time - slot->sent < PATIENCE)
			continue;
		give_up(generator, asker, slot, time);
		if (renew_id(asker, slot, time))
			slots[n++] = i;
	}
	return n;
}

/* How many may be asked now. */
static unsigned allowance(struct asker *asker, uint64_t time)
{
	if (asker->pace == 0)
		return BATCH;
	if (time < asker->next)
		return 0;
	asker->next = time + asker->pace;
	return 1;
}

/* What the kernel did not take was never asked. */
static void send_batch(struct generator *generator, struct asker *asker, struct mmsghdr *batch,
		       const unsigned *slots, unsigned n, uint64_t time)
{
	int result = sendmmsg(asker->fd, batch, n, MSG_DONTWAIT);
	unsigned sent = result < 0 ? 0 : (unsigned)result;

	if (result < 0 && errno == ECONNREFUSED)
		generator->tally.refused++;
	else
		generator->tally.not_sent += n - sent;
	for (unsigned i = 0; i < sent; i++)
		asker->slot[slots[i]].sent = time;
	generator->tally.asked += sent;
}

static unsigned ask(struct generator *generator, struct asker *asker)
{
	uint8_t query[BATCH][QUERY_ROOM];
	struct mmsghdr batch[BATCH];
	struct iovec part[BATCH];
	unsigned slots[BATCH];
	uint64_t time = now();
	unsigned n = find_slots(generator, asker, time, slots, allowance(asker, time));

	memset(batch, 0, sizeof(batch));
	for (unsigned i = 0; i < n; i++) {
		struct slot *slot = &asker->slot[slots[i]];
		const uint8_t *message;
		uint16_t length;

		slot->name = next_name(generator);
		message = query_message(&generator->table, slot->name, &length);
		memcpy(query[i], message, length);
		query[i][0] = (uint8_t)(slot->id >> 8);
		query[i][1] = (uint8_t)slot->id;
		part[i] = (struct iovec){.iov_base = query[i], .iov_len = length};
		batch[i].msg_hdr.msg_iov = &part[i];
		batch[i].msg_hdr.msg_iovlen = 1;
	}
	if (n > 0)
		send_batch(generator, asker, batch, slots, n, time);
	return n;
}

/* What was sent before the query that is answered now went to a server that was not there: it does
 * not hold up the load any longer. */
static void end_mark(struct generator *generator, uint64_t sent)
{
	uint64_t time = now();

	printf("back %.1f\n", (double)(time - generator->mark) / 1e6);
	fflush(stdout);
	generator->mark = 0;
	for (unsigned i = 0; i < generator->count; i++)
		for (unsigned k = 0; k < generator->asker[i].window; k++)
			if (generator->asker[i].slot[k].sent < sent)
				give_up(generator, &generator->asker[i],
					&generator->asker[i].slot[k], time);
}

static void take_answer(struct generator *generator, struct asker *asker, const uint8_t *dns,
			unsigned length)
{
	unsigned id = length < 12 ? 0 : (unsigned)dns[0] << 8 | dns[1];
	struct slot *slot = &asker->slot[id % asker->window];
	enum answer_fault fault;
	uint64_t sent;

	if (length < 12 || slot->sent == 0 || slot->id != id) {
		generator->tally.late++; /* given up meanwhile, or answered twice */
		return;
	}
	fault = answer_check_message(&generator->table, slot->name, dns, length);
	generator->tally.answered++;
	generator->tally.fault[fault]++;
	sent = slot->sent;
	slot->sent = 0;
	if (generator->mark != 0 && sent >= generator->mark && fault == ANSWER_RIGHT)
		end_mark(generator, sent);
}

static unsigned receive(struct generator *generator, struct asker *asker)
{
	uint8_t reply[BATCH][REPLY_ROOM];
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
	if (n < 0 && errno == ECONNREFUSED)
		generator->tally.refused++;
	for (int i = 0; i < n; i++)
		take_answer(generator, asker, reply[i], batch[i].msg_len);
	return n < 0 ? 0 : (unsigned)n;
}

static void obey(struct generator *generator)
{
	if (strcmp(generator->line, "tally") == 0)
		print_tally(generator);
	else if (strcmp(generator->line, "mark") == 0)
		generator->mark = now();
	else
		die("standard input: tally or mark");
}

static void read_input(struct generator *generator)
{
	char text[LINE_ROOM];
	ssize_t length = read(STDIN_FILENO, text, sizeof(text));

	generator->ending |= length <= 0;
	for (ssize_t i = 0; i < length; i++) {
		if (text[i] != '\n') {
			if (generator->line_length == LINE_ROOM - 1)
				die("standard input: a line is too long");
			generator->line[generator->line_length++] = text[i];
			continue;
		}
		generator->line[generator->line_length] = '\0';
		generator->line_length = 0;
		obey(generator);
	}
}

/* Looks at standard input; when there is nothing else to do, until something comes or a millisecond
 * is over: then queries may be due again. */
static void look_around(struct generator *generator, bool busy)
{
	struct pollfd watched[SOCKETS_MAX + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};

	for (unsigned i = 0; i < generator->count; i++)
		watched[i + 1] = (struct pollfd){.fd = generator->asker[i].fd, .events = POLLIN};
	if (poll(watched, busy ? 1 : generator->count + 1, busy ? 0 : 1) > 0 &&
	    watched[0].revents != 0)
		read_input(generator);
}

static void run(struct generator *generator)
{
	uint64_t length = (uint64_t)(generator->seconds * 1e9);

	generator->start = now();
	generator->random = generator->start | 1;
	while (!generator->ending && now() - generator->start < length) {
		unsigned received = 0;

		for (unsigned i = 0; i < generator->count; i++) {
			if (i > 0 || generator->mark != 0)
				ask(generator, &generator->asker[i]);
			received += receive(generator, &generator->asker[i]);
		}
		look_around(generator, received > 0);
	}
}

static void add_asker(struct generator *generator, const char *address, unsigned window,
		      uint64_t pace)
{
	struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
	struct sockaddr_in ip4 = {.sin_family = AF_INET, .sin_port = htons(53)};
	bool is_ip4 = inet_pton(AF_INET, address, &ip4.sin_addr) == 1;
	struct asker *asker = &generator->asker[generator->count];

	if (generator->count++ == SOCKETS_MAX)
		die("too many sockets");
	if (!is_ip4 && inet_pton(AF_INET6, address, &ip6.sin6_addr) != 1)
		die("an address is neither IPv4 nor IPv6");
	asker->window = window;
	asker->pace = pace;
	for (unsigned i = 0; i < window; i++)
		asker->slot[i].id = (uint16_t)i;
	asker->fd = socket(is_ip4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
	if (asker->fd < 0 ||
	    connect(asker->fd, is_ip4 ? (struct sockaddr *)&ip4 : (struct sockaddr *)&ip6,
		    is_ip4 ? sizeof(ip4) : sizeof(ip6)) < 0)
		die(strerror(errno));
}

static void add_askers(struct generator *generator, char **addresses, int count)
{
	if (count == 0)
		die("whom to ask? udp_generator [options] ADDRESS…");
	if (generator->window == 0 || generator->window > WINDOW_MAX ||
	    (generator->window & (generator->window - 1)) != 0)
		die("--window: a power of two, 256 at most");
	add_asker(generator, addresses[0], WINDOW_MAX, MILLISECOND);
	for (int i = 0; i < count; i++)
		for (unsigned m = 0; m < generator->sockets; m++)
			add_asker(generator, addresses[i], generator->window, 0);
}

static void read_options(struct generator *generator, int argc, char **argv)
{
	static const struct option options[] = {
	    {"pattern", required_argument, NULL, 'p'}, {"names", required_argument, NULL, 'n'},
	    {"seconds", required_argument, NULL, 's'}, {"window", required_argument, NULL, 'w'},
	    {"sockets", required_argument, NULL, 'm'}, {0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			generator->query.pattern = optarg;
			break;
		case 'n':
			generator->query.names = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			generator->seconds = strtod(optarg, NULL);
			break;
		case 'w':
			generator->window = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'm':
			generator->sockets = (unsigned)strtoul(optarg, NULL, 10);
			break;
		default:
			exit(2);
		}
	}
	add_askers(generator, argv + optind, argc - optind);
}

int main(int argc, char **argv)
{
	static struct generator generator = {
	    .query = {.pattern = "h%d.epc.mnc001.mcc228.3gppnetwork.org.", .names = 1000},
	    .seconds = 10,
	    .window = 64,
	    .sockets = 1,
	};

	read_options(&generator, argc, argv);
	if (!query_table_make(&generator.table, &generator.query))
		die("--pattern or --names gives no names, or there is no memory");
	run(&generator);
	print_tally(&generator);
	query_table_free(&generator.table);
	return generator.tally.answered == generator.tally.fault[ANSWER_RIGHT] ? 0 : 1;
}
