/* views.c: what an A hit costs when it depends on who asks, without I/O.
 *
 *   views [HOSTS [PREFIXES]]       default: 10000 1000
 *
 * Cases are asked in turns, round by round, so that a disturbance meets all of them; each figure is
 * the best round. All ask the same names, of a zone with HOSTS of them. */
#include "dataplane/answer/answer.h"
#include "tests/unit/answer/image_fixture.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ORIGIN "epc.mnc001.mcc228.3gppnetwork.org."
#define COMMON "epc.mnc002.mcc228.3gppnetwork.org."
#define LISTED "epc.mnc003.mcc228.3gppnetwork.org."
#define SLOT   128u
#define PACKET 512u
#define ASKED  8192u /* different questions; a multiple of the burst */
#define ROUNDS 400u

enum image_kind { PLAIN, WITH_VIEWS, IMAGES };

static const struct ask_case {
	const char *name;
	enum image_kind image;
	uint8_t source[4];
	const char *origin; /* of the names */
} cases[] = {
    {"nothing depends on who asks", PLAIN, {192, 0, 2, 1}, ORIGIN},
    {"views, the client is in none", WITH_VIEWS, {192, 0, 2, 1}, ORIGIN},
    {"in a view, a name of its own", WITH_VIEWS, {198, 51, 100, 1}, ORIGIN},
    {"in a view, a name of all", WITH_VIEWS, {198, 51, 100, 1}, COMMON},
    {"a zone with an access list", WITH_VIEWS, {192, 0, 2, 1}, LISTED},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static void add_zone(struct image_fixture *fixture, const char *origin, unsigned hosts)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (out == NULL)
		abort();
	fputs("$TTL 300\n@ SOA ns root 1 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.53\n", out);
	for (unsigned i = 0; i < hosts; i++)
		fprintf(out, "h%u A 10.%u.%u.%u\n", i, i >> 16 & 255, i >> 8 & 255, i & 255);
	if (fclose(out) != 0)
		abort();
	image_fixture_text(fixture, origin, text);
	free(text);
}

/* PREFIXES prefixes of 24 bits in 10.0.0.0/8 and the rest of what makes the cases. */
static void add_audience(struct image_fixture *fixture, unsigned prefixes)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (out == NULL)
		abort();
	fputs("many=192.0.2.0/24", out);
	for (unsigned i = 0; i < prefixes; i++)
		fprintf(out, ",10.%u.%u.0/24", i >> 7 & 255, i << 1 & 255);
	if (fclose(out) != 0)
		abort();
	image_fixture_acl(fixture, text);
	image_fixture_view(fixture, "partner=198.51.100.0/24");
	free(text);
}

static struct image_fixture *build(enum image_kind kind, unsigned hosts, unsigned prefixes)
{
	struct image_fixture *fixture = image_fixture_new(4ull << 30);

	add_zone(fixture, ORIGIN, hosts);
	add_zone(fixture, COMMON, hosts);
	if (kind == PLAIN)
		return fixture;
	add_audience(fixture, prefixes);
	image_fixture_terms(fixture, NULL, "many");
	add_zone(fixture, LISTED, hosts);
	image_fixture_terms(fixture, "partner", NULL);
	add_zone(fixture, ORIGIN, hosts);
	return fixture;
}

struct questions {
	uint8_t slot[ASKED][SLOT];
	uint8_t length[ASKED];
};

static void make_questions(struct questions *q, const char *origin, unsigned hosts)
{
	static const uint8_t header[12] = {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
	static const uint8_t opt[11] = {0, 0, 41, 0x04, 0xd0};
	uint64_t state = 1;

	for (unsigned i = 0; i < ASKED; i++) {
		uint8_t *at = q->slot[i];
		size_t length, bad;
		char owner[128];

		state = state * 6364136223846793005ull + 1442695040888963407ull;
		snprintf(owner, sizeof(owner), "h%u.%s", (unsigned)((state >> 33) % hosts), origin);
		memcpy(at, header, sizeof(header));
		if (name_from_text(owner, strlen(owner), NULL, at + 12, &length, &bad) != NAME_OK)
			abort();
		put_u16(at + 12 + length, TYPE_A);
		put_u16(at + 14 + length, CLASS_IN);
		memcpy(at + 16 + length, opt, sizeof(opt));
		q->length[i] = (uint8_t)(16 + length + sizeof(opt));
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ns for one answer in one round. */
static double ask_round(const struct image *image, const struct questions *q,
			const struct ask_case *c, uint64_t counts[])
{
	static uint8_t packets[ANSWER_BURST][PACKET];
	struct answer_state state = {0};
	struct datagram burst[ANSWER_BURST];
	double start = now();

	for (unsigned from = 0; from < ASKED; from += ANSWER_BURST) {
		for (unsigned i = 0; i < ANSWER_BURST; i++) {
			memcpy(packets[i], q->slot[from + i], SLOT);
			burst[i] = (struct datagram){.payload = packets[i],
						     .length = q->length[from + i],
						     .capacity = PACKET,
						     .family = 4};
			memcpy(burst[i].source, c->source, sizeof(c->source));
		}
		answer_batch(image, &state, burst, ANSWER_BURST, TRANSPORT_UDP, counts);
	}
	return (now() - start) / ASKED;
}

int main(int argc, char **argv)
{
	static struct questions questions[CASES];
	unsigned hosts = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	unsigned prefixes = argc > 2 ? (unsigned)atoi(argv[2]) : 1000;
	struct image_fixture *fixture[IMAGES];
	const struct image *image[IMAGES];
	uint64_t counts[CASES][COUNTERS] = {0};
	double best[CASES];

	for (unsigned i = 0; i < IMAGES; i++) {
		fixture[i] = build(i, hosts, prefixes);
		image[i] = image_fixture_image(fixture[i]);
	}
	for (unsigned c = 0; c < CASES; c++) {
		make_questions(&questions[c], cases[c].origin, hosts);
		best[c] = 1e18;
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned c = 0; c < CASES; c++) {
			double ns =
			    ask_round(image[cases[c].image], &questions[c], &cases[c], counts[c]);

			best[c] = ns < best[c] ? ns : best[c];
		}
	}
	printf("%u hosts, %u prefixes\n", hosts, prefixes);
	for (unsigned c = 0; c < CASES; c++)
		printf("  %-30s %8.1f ns  x %.2f  (%llu of %llu answered)\n", cases[c].name,
		       best[c], best[c] / best[0],
		       (unsigned long long)counts[c][COUNT_rcode_noerror],
		       (unsigned long long)counts[c][COUNT_received]);
	for (unsigned i = 0; i < IMAGES; i++)
		image_fixture_free(fixture[i]);
	return 0;
}
