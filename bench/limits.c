/* limits.c: what limits cost those who keep them, and what they save from those who don't; one
 * core, without I/O.
 *
 *   limits
 *
 * Rate limits: questions from 64 networks in bursts of 64, without a limit, with one that nobody is
 * over, and with one that nearly all are over. NSEC3: bursts of 32 plain questions and 32 for names
 * that do not exist in a zone of many iterations, without a budget for hashing and with the default
 * one. What is compared is measured in turns, and each figure is the best of many rounds. */
#include "dataplane/answer/answer.h"
#include "dataplane/answer/nsec3.h"
#include "tests/unit/answer/image_fixture.h"
#include "tests/unit/answer/message.h"
#include "zones/record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOSTS	  10000u
#define QUESTIONS 16384u /* a multiple of the burst */
#define SLOT	  96u
#define PACKET	  2048u
#define ROUNDS	  256u
#define DEAR	  4u  /* rounds of what takes a millisecond a question */
#define BURSTS	  64u /* in a round: shorter than a time slice */
#define MODES_MAX 3u
#define BUDGET	  2000000u /* nsec3_hashes as it is if nothing is configured */

/* Of rate_limit_exempt, what is the case if nothing is configured. None of them asks. */
#define EXEMPT                                                                                     \
	"10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,127.0.0.0/8,::1,fc00::/7,fe80::/10"

struct questions {
	uint8_t slot[QUESTIONS][SLOT];
	uint8_t length[QUESTIONS];
};

/* One way to answer: under a policy, with a worker's state of its own. */
struct mode {
	const char *name;
	struct image_policy policy;
	struct image image;
	struct answer_state state;
	uint64_t counts[COUNTERS];
	double best; /* ns for a message */
};

static uint8_t packets[ANSWER_BURST][PACKET];

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *zeroed(size_t octets)
{
	void *memory = aligned_alloc(64, octets);

	if (memory == NULL)
		abort();
	return memset(memory, 0, octets);
}

static void add_question(struct questions *q, unsigned at, const char *name, bool secure)
{
	const struct query_options options = {.edns = true, .dnssec_ok = secure};

	memset(q->slot[at], 0, SLOT);
	q->length[at] = (uint8_t)message_query_text(q->slot[at], name, TYPE_A, &options);
}

static void receive(const struct questions *q, unsigned from, struct datagram *burst)
{
	for (unsigned i = 0; i < ANSWER_BURST; i++) {
		memcpy(packets[i], q->slot[from + i], SLOT);
		burst[i] = (struct datagram){.payload = packets[i],
					     .length = q->length[from + i],
					     .capacity = PACKET,
					     .family = 4,
					     .source = {198, 18, (uint8_t)i, 1}};
	}
}

static void run_round(const struct questions *q, unsigned round, struct mode *mode)
{
	struct datagram burst[ANSWER_BURST];
	double start = now(CLOCK_MONOTONIC);

	for (unsigned n = 0; n < BURSTS; n++) {
		receive(q, (round * BURSTS + n) * ANSWER_BURST % QUESTIONS, burst);
		mode->state.now = (uint64_t)now(CLOCK_REALTIME);
		answer_batch(&mode->image, &mode->state, burst, ANSWER_BURST, TRANSPORT_UDP,
			     mode->counts);
	}
	double took = (now(CLOCK_MONOTONIC) - start) / BURSTS / ANSWER_BURST;
	mode->best = took < mode->best ? took : mode->best;
}

static void run(const struct questions *q, const struct image *image, struct mode *modes,
		unsigned count, unsigned rounds)
{
	for (unsigned m = 0; m < count; m++) {
		modes[m].image = *image;
		modes[m].policy.clients = image->policy->clients;
		modes[m].image.policy = &modes[m].policy;
		modes[m].state.limiter = zeroed(sizeof(struct limiter));
		modes[m].best = 1e18;
		memset(modes[m].counts, 0, sizeof(modes[m].counts));
	}
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned m = 0; m < count; m++)
			run_round(q, round, &modes[m]);
	}
	for (unsigned m = 0; m < count; m++)
		free(modes[m].state.limiter);
}

static void limit_all(struct mode *mode, uint32_t rate, uint8_t ipv4_length)
{
	struct policy_rate_limit *limit = &mode->policy.rate_limit;

	for (unsigned i = 0; i < POLICY_RATES; i++)
		limit->rate[i] = rate;
	limit->ipv4_length = ipv4_length;
}

static void measure_rates(const struct image *image)
{
	static const char *const kinds[][2] = {{"A hit", "h%u.rate.test."},
					       {"NXDOMAIN", "x%u.rate.test."},
					       {"wildcard", "x%u.wild.rate.test."}};
	static struct questions questions;
	static struct mode modes[MODES_MAX] = {{"no limit"}, {"nobody over"}, {"nearly all over"}};
	char name[64];

	limit_all(&modes[1], LIMITER_RATE_MAX, 24);
	limit_all(&modes[2], 1, 0);
	printf("%-24s %14s %14s %16s\n", "ns a message", modes[0].name, modes[1].name,
	       modes[2].name);
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (unsigned i = 0; i < QUESTIONS; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(name, sizeof(name), kinds[k][1], i * 7919u % HOSTS);
#pragma GCC diagnostic pop
			add_question(&questions, i, name, false);
		}
		run(&questions, image, modes, 3, ROUNDS);
		printf("%-24s %14.1f %14.1f %16.1f   (%.0f %% dropped)\n", kinds[k][0],
		       modes[0].best, modes[1].best, modes[2].best,
		       100.0 * (double)modes[2].counts[COUNT_drop_rate_limited] /
			   (double)modes[2].counts[COUNT_received]);
	}
}

static void measure_nsec3(const struct image *image, unsigned iterations)
{
	static struct questions questions;
	static struct mode modes[2] = {{"no budget"}, {"default"}};
	char name[64];

	modes[1].policy.nsec3_hashes = BUDGET;
	for (unsigned i = 0; i < QUESTIONS; i++) {
		if (i % 2 == 0)
			snprintf(name, sizeof(name), "h%u.rate.test.", i * 7919u % HOSTS);
		else
			snprintf(name, sizeof(name), "x%u.n%u.test.", i, iterations);
		add_question(&questions, i, name, i % 2 == 1);
	}
	run(&questions, image, modes, 2, iterations > 100 ? DEAR : ROUNDS);
	fflush(stdout);
	printf("half NSEC3, %4u times    %14.1f %14.1f\n", iterations, modes[0].best,
	       modes[1].best);
}

static void measure_hash(void)
{
	const struct nsec3_parameters parameters = {.iterations = 2500};
	uint8_t digest[NSEC3_HASH_OCTETS];
	double best = 1e18;

	for (unsigned round = 0; round < 200; round++) {
		double start = now(CLOCK_MONOTONIC);

		nsec3_hash(&parameters, (const uint8_t *)"\7example", 9, digest);
		double took = (now(CLOCK_MONOTONIC) - start) / (parameters.iterations + 1);
		best = took < best ? took : best;
	}
	printf("a block of SHA-1: %.1f ns; the default of %u a second: %.0f ms\n", best, BUDGET,
	       best * BUDGET / 1e6);
}

/* The hosts and the wildcard. */
static void add_hosts(struct image_fixture *fixture)
{
	char *text;
	size_t octets;
	FILE *out = open_memstream(&text, &octets);

	if (out == NULL)
		abort();
	fprintf(out, "$TTL 300\n@ SOA ns root 1 2 3 4 5\n@ NS ns\n*.wild A 192.0.2.1\n");
	for (unsigned i = 0; i < HOSTS; i++)
		fprintf(out, "h%u A 192.0.2.2\n", i);
	fclose(out);
	image_fixture_text(fixture, "rate.test.", text);
	free(text);
}

/* A zone whose only NSEC3 record speaks of all. */
static void add_nsec3(struct image_fixture *fixture, unsigned iterations)
{
	const struct nsec3_parameters parameters = {.iterations = (uint16_t)iterations};
	uint8_t apex[] = "\6n00000\4test", digest[NSEC3_HASH_OCTETS];
	char origin[16], label[NSEC3_LABEL + 1] = "", text[512];
	size_t length = 0;

	snprintf(origin, sizeof(origin), "n%u.test.", iterations);
	apex[length++] = (uint8_t)(strlen(origin) - strlen(".test."));
	memcpy(apex + length, origin, apex[0]);
	length += apex[0];
	memcpy(apex + length, "\4test", 6);
	length += 6;
	nsec3_hash(&parameters, apex, length, digest);
	nsec3_hash_to_label(digest, (uint8_t *)label);
	snprintf(text, sizeof(text),
		 "$TTL 300\n@ SOA ns root 1 2 3 4 5\n@ NS ns.other.\n@ NSEC3PARAM 1 0 %u -\n"
		 "%s NSEC3 1 0 %u - %s NS SOA NSEC3PARAM\n",
		 iterations, label, iterations, label);
	image_fixture_text(fixture, origin, text);
}

int main(void)
{
	struct image_fixture *fixture = image_fixture_new(0);

	add_hosts(fixture);
	image_fixture_exempt(fixture, EXEMPT);
	add_nsec3(fixture, 0);
	add_nsec3(fixture, 150);
	add_nsec3(fixture, 2500);
	const struct image *image = image_fixture_image(fixture);
	measure_rates(image);
	printf("\n%-24s %14s %14s\n", "ns a message", "no budget", "default");
	measure_nsec3(image, 0);
	measure_nsec3(image, 150);
	measure_nsec3(image, 2500);
	measure_hash();
	image_fixture_free(fixture);
	return 0;
}
