/* answer.c: what an answer costs one core, without I/O, by kind of question.
 *
 *   answer [--names N] [--kinds K,…] [--zipf] [--samples S] [--rounds R]     default: 10000, all,
 * random, 3, 256 answer [--names N] [--kinds K] --exactly Q     answers Q questions and ends: for
 * callgrind
 *
 * The image holds a zone of N hosts (answer_zone.h). Questions are asked in bursts of 64, each
 * copied to its packet buffer first, as a driver would have put it there. The echo copies the same
 * octets in and as many out as the answers have on average, swaps addresses and ports, and answers
 * nothing. A sample is the best of R short rounds: the least disturbed one. Kinds take turns,
 * sample by sample. Prints key=value, a line for each sample. */
#include "bench/answer_zone.h"

#include "dataplane/answer/answer.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BURSTS	  64u /* in a round: shorter than a time slice */
#define KINDS_MAX 16u

struct settings {
	unsigned names, samples, rounds, exactly;
	enum distribution distribution;
	const struct question_kind *kind[KINDS_MAX];
	unsigned kinds;
};

struct subject {
	const struct question_kind *kind;
	struct questions questions;
	struct answer_state state;
	uint64_t counts[COUNTERS];
	unsigned at; /* of the questions: the next burst */
};

static uint8_t packets[ANSWER_BURST][PACKET_ROOM];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void receive(struct subject *s, struct datagram *burst)
{
	questions_receive(&s->questions, s->at, packets, burst);
	s->at = (s->at + ANSWER_BURST) % s->questions.count;
}

/* By itself, so that callgrind can be told to count nothing else. */
static __attribute__((noinline)) void answer_one_burst(const struct image *image, struct subject *s,
						       struct datagram *burst)
{
	answer_batch(image, &s->state, burst, ANSWER_BURST, TRANSPORT_UDP, s->counts);
}

/* ns for one answer. *octets is set to the mean size of a reply. */
static double time_answers(const struct image *image, struct subject *s, unsigned rounds,
			   double *octets)
{
	struct datagram burst[ANSWER_BURST];
	double best = 1e18;
	uint64_t sent = 0;

	for (unsigned round = 0; round < rounds; round++) {
		double start = now();

		for (unsigned n = 0; n < BURSTS; n++) {
			receive(s, burst);
			answer_one_burst(image, s, burst);
			sent += burst[n % ANSWER_BURST].length;
		}
		double took = (now() - start) / BURSTS / ANSWER_BURST;
		best = took < best ? took : best;
	}
	*octets = (double)sent / BURSTS / rounds;
	return best;
}

/* As an echo turns a frame round: addresses of 4 octets and ports of 2 change places. */
static void echo(struct datagram *d, const uint8_t *reply, unsigned octets)
{
	uint8_t *at = d->payload;
	uint32_t address[2];
	uint16_t port[2];

	memcpy(address, at, sizeof(address));
	memcpy(port, at + 8, sizeof(port));
	memcpy(at, &address[1], 4);
	memcpy(at + 4, &address[0], 4);
	memcpy(at + 8, &port[1], 2);
	memcpy(at + 10, &port[0], 2);
	if (octets > d->length)
		memcpy(at + d->length, reply, octets - d->length);
	d->length = octets;
	__asm__ volatile("" : : "r"(at) : "memory");
}

static double time_echo(struct subject *s, unsigned rounds, unsigned octets)
{
	static uint8_t reply[PACKET_ROOM];
	struct datagram burst[ANSWER_BURST];
	double best = 1e18;

	for (unsigned round = 0; round < rounds; round++) {
		double start = now();

		for (unsigned n = 0; n < BURSTS; n++) {
			receive(s, burst);
			for (unsigned i = 0; i < ANSWER_BURST; i++)
				echo(&burst[i], reply, octets);
		}
		double took = (now() - start) / BURSTS / ANSWER_BURST;
		best = took < best ? took : best;
	}
	return best;
}

static void sample(const struct settings *settings, const struct image *image, struct subject *s,
		   unsigned number)
{
	double octets;
	double ns = time_answers(image, s, settings->rounds, &octets);
	double echo_ns = time_echo(s, settings->rounds, (unsigned)octets);

	printf("hosts=%u names=%llu image_octets=%llu kind=%s distribution=%s sample=%u ns=%.2f "
	       "echo_ns=%.2f octets=%.0f\n",
	       settings->names, (unsigned long long)image->root->name_count,
	       (unsigned long long)image->limit, s->kind->name,
	       distribution_text[settings->distribution], number, ns, echo_ns, octets);
	fflush(stdout);
}

static void answer_exactly(const struct image *image, struct subject *s, unsigned wanted)
{
	struct datagram burst[ANSWER_BURST];
	uint64_t answered = 0;

	for (unsigned asked = 0; asked < wanted; asked += ANSWER_BURST) {
		receive(s, burst);
		answer_one_burst(image, s, burst);
		for (unsigned i = 0; i < ANSWER_BURST; i++)
			answered += burst[i].length > 0;
	}
	printf("kind=%s answered=%llu\n", s->kind->name, (unsigned long long)answered);
}

static void measure(const struct settings *settings)
{
	static const struct image_policy policy = {.cookies = {.count = 1}};
	static struct subject subject[KINDS_MAX];
	bool hosts_only = true;

	for (unsigned k = 0; k < settings->kinds; k++) {
		subject[k].kind = settings->kind[k];
		hosts_only &= settings->kind[k]->share == 1 && settings->kind[k]->format != NULL;
		questions_make(&subject[k].questions, settings->kind[k], settings->names,
			       settings->distribution);
	}
	struct image_fixture *fixture = answer_zone_build(settings->names, hosts_only);
	image_fixture_policy(fixture, &policy);
	const struct image *image = image_fixture_image(fixture);

	for (unsigned n = 0; n < settings->samples && settings->exactly == 0; n++)
		for (unsigned k = 0; k < settings->kinds; k++)
			sample(settings, image, &subject[k], n);
	for (unsigned k = 0; k < settings->kinds && settings->exactly > 0; k++)
		answer_exactly(image, &subject[k], settings->exactly);
	for (unsigned k = 0; k < settings->kinds; k++)
		questions_free(&subject[k].questions);
	image_fixture_free(fixture);
}

static bool pick_kinds(struct settings *settings, char *list)
{
	settings->kinds = 0;
	for (char *word = strtok(list, ","); word != NULL; word = strtok(NULL, ",")) {
		const struct question_kind *kind = question_kind_find(word);

		if (kind == NULL || settings->kinds == KINDS_MAX)
			return false;
		settings->kind[settings->kinds++] = kind;
	}
	return settings->kinds > 0;
}

static bool number(const char *text, unsigned most, unsigned *out)
{
	unsigned long value = strtoul(text, NULL, 10);

	*out = (unsigned)value;
	return value > 0 && value <= most;
}

static bool parse(int argc, char **argv, struct settings *s)
{
	static const struct option options[] = {
	    {"names", 1, NULL, 'n'},   {"kinds", 1, NULL, 'k'},	 {"zipf", 0, NULL, 'z'},
	    {"samples", 1, NULL, 's'}, {"rounds", 1, NULL, 'r'}, {"exactly", 1, NULL, 'e'},
	    {NULL, 0, NULL, 0},
	};
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'n')
			good = number(optarg, 20000000, &s->names);
		else if (option == 'k')
			good = pick_kinds(s, optarg);
		else if (option == 'z')
			s->distribution = ZIPF_NAMES;
		else if (option == 's')
			good = number(optarg, 1000, &s->samples);
		else if (option == 'r')
			good = number(optarg, 1000000, &s->rounds);
		else
			good = option == 'e' && number(optarg, 100000000, &s->exactly);
	}
	return good && optind == argc;
}

int main(int argc, char **argv)
{
	struct settings settings = {.names = 10000, .samples = 3, .rounds = 256};

	for (unsigned k = 0; k < question_kinds; k++)
		settings.kind[settings.kinds++] = &question_kind[k];
	if (!parse(argc, argv, &settings)) {
		fputs("answer: [--names 1…20000000] [--kinds K,…] [--zipf] [--samples S] [--rounds "
		      "R] "
		      "[--exactly Q]; kinds:",
		      stderr);
		for (unsigned k = 0; k < question_kinds; k++)
			fprintf(stderr, " %s", question_kind[k].name);
		fputc('\n', stderr);
		return 2;
	}
	measure(&settings);
	return 0;
}
