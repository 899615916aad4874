/* memif_generator.c: asks a DNS server over a DPDK port (a memif, as a rule) and checks each
 * answer.
 *
 *   memif_generator EAL-ARGUMENTS -- [--pattern P] [--names N] [--seconds S] [--rate R | --window
 * K]
 *                                    [--to ADDRESS] [--edns] [--echo] [--deaf]
 *
 * With --rate R it offers R queries a second whatever comes back; with --window K (the default,
 * 512) it keeps K of them under way: as fast as answered. Ids, ports and names are random. With
 * --echo the peer is expected to return the queries (testpmd's 5tswap): the ceiling of the link.
 * With --deaf it takes no answer from the link, which soon is full. It is one thread that polls:
 * give it a core of its own (EAL: -l CORE). Prints one line of key=value; exit status 1 if an
 * answer was wrong or none came. */
#include "bench/epc_queries.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define BURST	    64u
#define RING	    1024u
#define LINK_WAIT   30u /* seconds until the peer must be there */
#define WARM_UP	    1u	/* seconds that don't count */
#define STALL	    50u /* milliseconds without any answer: what is out is lost */
#define OUTSTANDING 65536u

struct settings {
	struct query_settings query;
	double seconds;
	uint64_t rate; /* queries a second; 0: a window */
	unsigned window;
	bool echo; /* what comes back is not looked at */
	bool deaf; /* nor taken at all */
};

/* By id; `used` from sending to the answer. */
struct slot {
	uint32_t name;
	uint16_t port;
	bool used;
};

struct tally {
	uint64_t offered, answered, lost, unexpected, not_sent, fault[ANSWER_FAULTS];
};

struct generator {
	struct settings settings;
	struct query_table table;
	struct rte_mempool *pool;
	uint16_t port;
	unsigned under_way;
	uint64_t random;
	uint64_t last_answer; /* in cycles of the TSC, like all times here */
	struct tally tally;
	struct slot slot[OUTSTANDING];
};

static void die(const char *message)
{
	fprintf(stderr, "memif_generator: %s\n", message);
	exit(1);
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

static struct rte_mbuf *make_query(struct generator *generator, struct rte_mbuf *frame)
{
	uint64_t random = next_random(generator);
	uint16_t id = (uint16_t)random, port = (uint16_t)(1024 + (random >> 16) % 64000);
	uint32_t name = (uint32_t)((random >> 32) * generator->table.count >> 32);
	struct slot *slot = &generator->slot[id];

	/* An id that is out already: the next free one, or, in a rate that nobody answers, that. */
	for (unsigned tries = 0; slot->used && tries < 256; tries++)
		slot = &generator->slot[++id];
	if (slot->used) {
		generator->tally.lost++;
		generator->under_way--;
	}
	*slot = (struct slot){.name = name, .port = port, .used = true};
	generator->under_way++;
	frame->data_len =
	    query_write(&generator->table, name, id, port, rte_pktmbuf_mtod(frame, uint8_t *));
	frame->pkt_len = frame->data_len;
	return frame;
}

/* What the ring did not take was never asked. */
static void forget(struct generator *generator, struct rte_mbuf *frame)
{
	uint16_t id, port;
	const uint8_t *octets = rte_pktmbuf_mtod(frame, const uint8_t *);

	id = (uint16_t)(octets[42] << 8 | octets[43]);
	port = (uint16_t)(octets[34] << 8 | octets[35]);
	if (generator->slot[id].used && generator->slot[id].port == port) {
		generator->slot[id].used = false;
		generator->under_way--;
	}
	generator->tally.not_sent++;
	rte_pktmbuf_free(frame);
}

static void send_queries(struct generator *generator, unsigned n)
{
	struct rte_mbuf *frame[BURST];
	unsigned sent;

	if (n == 0 || rte_pktmbuf_alloc_bulk(generator->pool, frame, n) != 0)
		return;
	for (unsigned i = 0; i < n; i++)
		make_query(generator, frame[i]);
	sent = rte_eth_tx_burst(generator->port, 0, frame, (uint16_t)n);
	generator->tally.offered += sent;
	while (sent < n)
		forget(generator, frame[sent++]);
}

static enum answer_fault check(const struct generator *generator, unsigned name,
			       struct rte_mbuf *frame)
{
	if (generator->settings.echo)
		return ANSWER_RIGHT;
	return answer_check(&generator->table, name, rte_pktmbuf_mtod(frame, const uint8_t *),
			    frame->data_len);
}

static void take_answer(struct generator *generator, struct rte_mbuf *frame)
{
	const uint8_t *octets = rte_pktmbuf_mtod(frame, const uint8_t *);
	struct slot *slot;
	uint16_t id, port;

	if (!answer_identify(octets, frame->data_len, &id, &port)) {
		generator->tally.unexpected++;
		return;
	}
	slot = &generator->slot[id];
	if (!slot->used || slot->port != port) {
		generator->tally.unexpected++; /* too late, or twice */
		return;
	}
	slot->used = false;
	generator->under_way--;
	generator->tally.answered++;
	generator->tally.fault[check(generator, slot->name, frame)]++;
}

static unsigned receive(struct generator *generator)
{
	struct rte_mbuf *frame[BURST];
	unsigned n =
	    generator->settings.deaf ? 0 : rte_eth_rx_burst(generator->port, 0, frame, BURST);

	for (unsigned i = 0; i < n; i++)
		take_answer(generator, frame[i]);
	if (n > 0)
		rte_pktmbuf_free_bulk(frame, n);
	return n;
}

static void give_up_what_is_out(struct generator *generator)
{
	for (unsigned i = 0; i < OUTSTANDING; i++)
		generator->slot[i].used = false;
	generator->tally.lost += generator->under_way;
	generator->under_way = 0;
}

/* How many queries are due now; sent: since `start`. */
static unsigned due(struct generator *generator, uint64_t start, uint64_t sent, uint64_t now)
{
	const struct settings *settings = &generator->settings;
	uint64_t want;

	if (settings->rate == 0)
		want = settings->window > generator->under_way
			   ? settings->window - generator->under_way
			   : 0;
	else
		want = (uint64_t)((double)(now - start) * (double)settings->rate /
				  (double)rte_get_tsc_hz()) -
		       sent;
	return want < BURST ? (unsigned)want : BURST;
}

static void run(struct generator *generator, double seconds)
{
	uint64_t start = rte_rdtsc(), now = start, hz = rte_get_tsc_hz(), sent = 0;
	uint64_t end = start + (uint64_t)(seconds * (double)hz);

	generator->last_answer = start;
	while (now < end) {
		unsigned n = due(generator, start, sent, now);

		send_queries(generator, n);
		sent += n;
		now = rte_rdtsc();
		if (receive(generator) > 0 || generator->under_way == 0)
			generator->last_answer = now;
		if (now - generator->last_answer > hz / 1000 * STALL) {
			give_up_what_is_out(generator);
			generator->last_answer = now;
		}
	}
}

/* Nothing is sent any more: what has not come after a stall's time never will. */
static void drain(struct generator *generator)
{
	uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 1000 * STALL;

	while (generator->under_way > 0 && rte_rdtsc() < end)
		receive(generator);
	give_up_what_is_out(generator);
}

static void open_port(struct generator *generator)
{
	struct rte_eth_conf config = {.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE};
	struct rte_eth_link link = {0};

	generator->pool = rte_pktmbuf_pool_create("generator", 16383, 256, 0,
						  RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	generator->port = (uint16_t)rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER);
	if (!generator->pool || generator->port >= RTE_MAX_ETHPORTS)
		die("no port, or no memory: see the EAL's arguments");
	if (rte_eth_dev_configure(generator->port, 1, 1, &config) != 0 ||
	    rte_eth_rx_queue_setup(generator->port, 0, RING, 0, NULL, generator->pool) != 0 ||
	    rte_eth_tx_queue_setup(generator->port, 0, RING, 0, NULL) != 0 ||
	    rte_eth_dev_start(generator->port) != 0)
		die("the port can't be started");
	for (unsigned i = 0; i < LINK_WAIT * 100; i++) {
		rte_eth_link_get_nowait(generator->port, &link);
		if (link.link_status == RTE_ETH_LINK_UP)
			return;
		rte_delay_us_sleep(10000);
	}
	die("the peer does not come");
}

static void parse(int argc, char **argv, struct settings *out)
{
	static const struct option options[] = {
	    {"pattern", 1, NULL, 'p'}, {"names", 1, NULL, 'n'},	 {"seconds", 1, NULL, 's'},
	    {"rate", 1, NULL, 'r'},    {"window", 1, NULL, 'w'}, {"to", 1, NULL, 't'},
	    {"edns", 0, NULL, 'e'},    {"echo", 0, NULL, 'E'},	 {"deaf", 0, NULL, 'd'},
	    {NULL, 0, NULL, 0},
	};
	struct in_addr to = {.s_addr = htonl(0xc0000235)}; /* 192.0.2.53 */
	int option;

	*out = (struct settings){
	    .query = {.pattern = "h%d.epc.mnc001.mcc228.3gppnetwork.org.", .names = 100000},
	    .seconds = 5,
	    .window = 512,
	};
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			out->query.pattern = optarg;
		else if (option == 'n')
			out->query.names = (unsigned)atoi(optarg);
		else if (option == 's')
			out->seconds = atof(optarg);
		else if (option == 'r')
			out->rate = strtoull(optarg, NULL, 10);
		else if (option == 'w')
			out->window = (unsigned)atoi(optarg);
		else if (option == 'e')
			out->query.edns = true;
		else if (option == 'E')
			out->echo = true;
		else if (option == 'd')
			out->deaf = true;
		else if (option != 't' || inet_pton(AF_INET, optarg, &to) != 1)
			die("options behind --: --pattern --names --seconds --rate --window --to "
			    "--edns --echo --deaf");
	}
	if (out->query.names == 0 || out->window == 0 || out->window > OUTSTANDING / 2)
		die("--names is at least 1, --window 1 to 32768");
	out->query.destination = ntohl(to.s_addr);
	memcpy(out->query.destination_mac, "\x02\x00\x00\x00\x00\x02", 6);
}

static uint64_t wrong(const struct tally *tally)
{
	return tally->answered - tally->fault[ANSWER_RIGHT];
}

static void report(const struct tally *tally, double seconds)
{
	printf("seconds=%.2f offered_per_s=%.0f answered_per_s=%.0f lost=%" PRIu64 " wrong=%" PRIu64
	       " unexpected=%" PRIu64 " not_sent=%" PRIu64,
	       seconds, (double)tally->offered / seconds, (double)tally->answered / seconds,
	       tally->lost, wrong(tally), tally->unexpected, tally->not_sent);
	for (unsigned i = ANSWER_RIGHT + 1; i < ANSWER_FAULTS; i++) {
		if (tally->fault[i] > 0)
			printf(" wrong_%s=%" PRIu64, answer_fault_text[i], tally->fault[i]);
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	static struct generator generator = {.random = 0x9e3779b97f4a7c15ull};
	int eal = rte_eal_init(argc, argv);

	if (eal < 0)
		die("the EAL does not start");
	parse(argc - eal, argv + eal, &generator.settings);
	if (!query_table_make(&generator.table, &generator.settings.query))
		die("--pattern wants a name with %d in it, of at most 100 octets");
	open_port(&generator);
	run(&generator, WARM_UP);
	drain(&generator);
	generator.tally = (struct tally){0};
	run(&generator, generator.settings.seconds);
	drain(&generator);
	report(&generator.tally, generator.settings.seconds);
	query_table_free(&generator.table);
	rte_eth_dev_stop(generator.port);
	rte_eth_dev_close(generator.port);
	rte_eal_cleanup();
	return wrong(&generator.tally) > 0 || generator.tally.answered == 0;
}
