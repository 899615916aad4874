/* answer.c: answers per second of one core, without I/O, by kind of question.
 *
 *   answer [NAMES…]        default: 10000 1000000
 *
 * The image holds NAMES hosts with an A record, and NAMES/10 of each other kind. Questions are
 * asked in random order, in bursts of 64, each copied to its packet buffer first, as a driver would
 * have put it there. The baseline copies the same octets in and as many out, and answers nothing.
 * Each figure is the best of several rounds: the least disturbed one. */
#include "dataplane/answer/answer.h"
#include "tests/unit/answer/image_fixture.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ORIGIN	  "epc.mnc001.mcc228.3gppnetwork.org."
#define QUESTIONS 65536u /* different ones; a multiple of the burst */
#define SLOT	  128u	 /* octets for a question */
#define PACKET	  2048u
#define ROUNDS	  1024u
#define BURSTS	  64u /* in a round: shorter than a time slice */

static const struct kind {
	const char *name;
	const char *format; /* of the owner asked for, by number */
	uint16_t type;
	unsigned share; /* of NAMES: 1 or 10 */
	bool secure;	/* DO */
	bool cookie;	/* a client cookie: the answer gets a server cookie */
} kinds[] = {
    {"A hit", "h%u", TYPE_A, 1},
    {"NXDOMAIN", "h%u.none", TYPE_A, 10},
    {"wildcard", "x.w%u", TYPE_A, 10},
    {"CNAME chain of 3", "c%u", TYPE_A, 10},
    {"NAPTR, 4 targets", "p%u", TYPE_NAPTR, 10},
    {"referral, 2 servers", "www.z%u", TYPE_A, 10},
    {"signed A, DO", "s%u", TYPE_A, 10, true},
    {"A hit, cookie", "h%u", TYPE_A, 1, .cookie = true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct builder {
	struct zone *zone;
	uint8_t origin[NAME_MAX_OCTETS];
};

static size_t wire(const struct builder *b, const char *text, uint8_t *name)
{
	size_t length, bad;

	if (name_from_text(text, strlen(text), b->origin, name, &length, &bad) != NAME_OK)
		abort();
	return length;
}

static void add(struct builder *b, const char *owner, uint16_t type, const void *rdata,
		size_t length)
{
	uint8_t name[NAME_MAX_OCTETS];

	wire(b, owner, name);
	zone_add(b->zone, name, type, 300, rdata, (uint16_t)length, (struct place){0, 0});
}

static void add_address(struct builder *b, const char *owner, uint32_t number)
{
	uint8_t address[4];

	put_u32(address, 0x0a000000u | number);
	add(b, owner, TYPE_A, address, sizeof(address));
}

/* A record whose rdata is `fixed` and then a name. */
static void add_name(struct builder *b, const char *owner, uint16_t type, const char *fixed,
		     size_t fixed_length, const char *target)
{
	uint8_t rdata[64 + NAME_MAX_OCTETS];

	memcpy(rdata, fixed, fixed_length);
	add(b, owner, type, rdata, fixed_length + wire(b, target, rdata + fixed_length));
}

static void add_chain(struct builder *b, unsigned i)
{
	char from[32], to[32];

	snprintf(from, sizeof(from), "c%u", i);
	for (unsigned link = 1; link <= 3; link++) {
		snprintf(to, sizeof(to), "c%u-%u", i, link);
		add_name(b, from, TYPE_CNAME, "", 0, to);
		memcpy(from, to, sizeof(from));
	}
	add_address(b, from, i);
}

static void add_naptr(struct builder *b, unsigned i)
{
	static const char fixed[] = "\0\144\0\144\1a\34x-3gpp-pgw:x-s5-gtp:x-s8-gtp\0";
	char owner[32], target[64];

	snprintf(owner, sizeof(owner), "p%u", i);
	for (unsigned n = 0; n < 4; n++) {
		snprintf(target, sizeof(target), "topon.s5.pgw%u.n%u.node", n, i);
		add_name(b, owner, TYPE_NAPTR, fixed, sizeof(fixed) - 1, target);
		add_address(b, target, i);
	}
}

static void add_signed(struct builder *b, unsigned i)
{
	uint8_t rdata[18 + NAME_MAX_OCTETS + 64] = {0, TYPE_A, 13, 6};
	char owner[32];

	snprintf(owner, sizeof(owner), "s%u", i);
	add_address(b, owner, i);
	/* Type covered to key tag, the signer, and a signature of ECDSA's size. */
	add(b, owner, TYPE_RRSIG, rdata, 18 + wire(b, "@", rdata + 18) + 64);
}

static void add_cut(struct builder *b, unsigned i)
{
	char owner[32], server[64];

	snprintf(owner, sizeof(owner), "z%u", i);
	for (unsigned n = 1; n <= 2; n++) {
		snprintf(server, sizeof(server), "ns%u.z%u", n, i);
		add_name(b, owner, TYPE_NS, "", 0, server);
		add_address(b, server, i);
	}
}

static struct image_fixture *build(unsigned names)
{
	static const char soa_end[20] = {0, 0, 0, 1};
	struct image_fixture *fixture = image_fixture_new(4ull << 30);
	struct builder b;
	uint8_t soa[2 * NAME_MAX_OCTETS + 20];
	char owner[32];
	size_t length, bad;

	if (name_from_text(ORIGIN, strlen(ORIGIN), NULL, b.origin, &length, &bad) != NAME_OK)
		abort();
	b.zone = zone_new(b.origin);
	length = wire(&b, "ns", soa);
	length += wire(&b, "root", soa + length);
	memcpy(soa + length, soa_end, sizeof(soa_end));
	add(&b, "@", TYPE_SOA, soa, length + sizeof(soa_end));
	add_name(&b, "@", TYPE_NS, "", 0, "ns");
	add_address(&b, "ns", 1);
	for (unsigned i = 0; i < names; i++) {
		snprintf(owner, sizeof(owner), "h%u", i);
		add_address(&b, owner, i);
	}
	for (unsigned i = 0; i < names / 10; i++) {
		snprintf(owner, sizeof(owner), "*.w%u", i);
		add_address(&b, owner, i);
		add_chain(&b, i);
		add_naptr(&b, i);
		add_cut(&b, i);
		add_signed(&b, i);
	}
	image_fixture_zone(fixture, b.zone);
	return fixture;
}

/* splitmix64, from a constant: every run asks the same. */
static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

struct questions {
	uint8_t slot[QUESTIONS][SLOT];
	uint8_t length[QUESTIONS];
};

static void ask(struct questions *q, const struct kind *kind, unsigned names)
{
	static const uint8_t header[12] = {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
	static const uint8_t opt[11] = {0, 0, 41, 0x04, 0xd0};
	static const uint8_t cookie[12] = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
	uint64_t state = 1;
	struct builder b;
	size_t length, bad;
	char owner[32];

	if (name_from_text(ORIGIN, strlen(ORIGIN), NULL, b.origin, &length, &bad) != NAME_OK)
		abort();
	for (unsigned i = 0; i < QUESTIONS; i++) {
		uint8_t *at = q->slot[i];
		unsigned number = (unsigned)(random_next(&state) % (names / kind->share));

		memcpy(at, header, sizeof(header));
		snprintf(owner, sizeof(owner), kind->format, number);
		size_t end = sizeof(header) + wire(&b, owner, at + sizeof(header));
		put_u16(at + end, kind->type);
		put_u16(at + end + 2, CLASS_IN);
		memcpy(at + end + 4, opt, sizeof(opt));
		at[end + 4 + 7] = kind->secure ? 0x80 : 0;
		end += 4 + sizeof(opt);
		if (kind->cookie) {
			memcpy(at + end, cookie, sizeof(cookie));
			at[end - 1] = sizeof(cookie);
			end += sizeof(cookie);
		}
		q->length[i] = (uint8_t)end;
	}
}

static uint8_t packets[ANSWER_BURST][PACKET];

static void receive(const struct questions *q, unsigned from, struct datagram *burst)
{
	for (unsigned i = 0; i < ANSWER_BURST; i++) {
		memcpy(packets[i], q->slot[from + i], SLOT);
		burst[i].payload = packets[i];
		burst[i].length = q->length[from + i];
		burst[i].capacity = PACKET;
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ns for one answer. *octets is set to the mean size of a reply. */
static double time_answers(const struct image *image, const struct questions *q, double *octets)
{
	struct answer_state state = {0};
	struct datagram burst[ANSWER_BURST];
	uint64_t counts[COUNTERS] = {0};
	double best = 1e18;
	uint64_t sent = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		double start = now();

		for (unsigned n = 0; n < BURSTS; n++) {
			receive(q, (round * BURSTS + n) * ANSWER_BURST % QUESTIONS, burst);
			answer_batch(image, &state, burst, ANSWER_BURST, TRANSPORT_UDP, counts);
			sent += burst[n % ANSWER_BURST].length;
		}
		double took = (now() - start) / BURSTS / ANSWER_BURST;
		best = took < best ? took : best;
	}
	*octets = (double)sent / BURSTS / ROUNDS;
	return best;
}

static double time_baseline(const struct questions *q, unsigned octets)
{
	static uint8_t reply[PACKET];
	struct datagram burst[ANSWER_BURST];
	double best = 1e18;

	for (unsigned round = 0; round < ROUNDS; round++) {
		double start = now();

		for (unsigned n = 0; n < BURSTS; n++) {
			receive(q, (round * BURSTS + n) * ANSWER_BURST % QUESTIONS, burst);
			for (unsigned i = 0; i < ANSWER_BURST; i++) {
				memcpy(burst[i].payload + burst[i].length, reply,
				       octets - burst[i].length);
				burst[i].length = octets;
				__asm__ volatile("" : : "r"(burst[i].payload) : "memory");
			}
		}
		double took = (now() - start) / BURSTS / ANSWER_BURST;
		best = took < best ? took : best;
	}
	return best;
}

static void measure(unsigned names)
{
	static struct questions questions;
	static const struct image_policy policy = {.cookies = {.count = 1}};
	struct image_fixture *fixture = build(names);
	image_fixture_policy(fixture, &policy);
	const struct image *image = image_fixture_image(fixture);
	double hit = 0;

	printf("%u hosts, %llu names in the image, %.1f MB\n", names,
	       (unsigned long long)image->root->name_count, (double)image->limit / 1e6);
	printf("  %-20s %8s %12s %8s %10s %8s\n", "question", "ns", "answers/s", "octets",
	       "echo ns", "x hit");
	for (unsigned k = 0; k < KINDS; k++) {
		double octets;

		ask(&questions, &kinds[k], names);
		double ns = time_answers(image, &questions, &octets);
		double echo = time_baseline(&questions, (unsigned)octets);
		hit = k == 0 ? ns : hit;
		printf("  %-20s %8.1f %12.0f %8.0f %10.1f %8.2f\n", kinds[k].name, ns, 1e9 / ns,
		       octets, echo, ns / hit);
		fflush(stdout);
	}
	image_fixture_free(fixture);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		measure(10000);
		measure(1000000);
	}
	for (int i = 1; i < argc; i++) {
		unsigned long names = strtoul(argv[i], NULL, 10);

		if (names < 10 || names > 10000000) {
			fprintf(stderr, "answer: NAMES is a number from 10 to 10000000\n");
			return 2;
		}
		measure((unsigned)names);
	}
	return 0;
}
