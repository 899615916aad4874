#include "bench/answer_zone.h"

#include "dataplane/answer/answer.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN		"epc.mnc001.mcc228.3gppnetwork.org."
#define CAPACITY	(32ull << 30) /* of address space */
#define QUESTIONS_LEAST (1u << 16)
#define QUESTIONS_MOST	(1u << 20)

const struct question_kind question_kind[] = {
    {"hit", "A hit", "h%u", TYPE_A, 1, .mixed = 60},
    {"nxdomain", "NXDOMAIN", "h%u.none", TYPE_A, 1, .mixed = 15},
    {"wildcard", "wildcard", "x.w%u", TYPE_A, 10, .mixed = 5},
    {"cname", "CNAME chain of 3", "c%u", TYPE_A, 10, .mixed = 5},
    {"naptr", "NAPTR, 4 targets", "p%u", TYPE_NAPTR, 10, .mixed = 10},
    {"referral", "referral, 2 servers", "www.z%u", TYPE_A, 10},
    {"signed", "signed A, DO", "s%u", TYPE_A, 10, .secure = true, .mixed = 5},
    {"cookie", "A hit, cookie", "h%u", TYPE_A, 1, .cookie = true},
    {"mixed", "mixed", NULL, TYPE_A, 1},
};
const unsigned question_kinds = sizeof(question_kind) / sizeof(question_kind[0]);
const char *const distribution_text[2] = {"random", "zipf"};

const struct question_kind *question_kind_find(const char *name)
{
	for (unsigned k = 0; k < question_kinds; k++)
		if (strcmp(question_kind[k].name, name) == 0)
			return &question_kind[k];
	return NULL;
}

struct builder {
	struct zone *zone;
	uint8_t origin[NAME_MAX_OCTETS];
};

static void begin(struct builder *b)
{
	size_t length, bad;

	if (name_from_text(ORIGIN, strlen(ORIGIN), NULL, b->origin, &length, &bad) != NAME_OK)
		abort();
}

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

static void add_apex(struct builder *b)
{
	static const char soa_end[20] = {0, 0, 0, 1};
	uint8_t soa[2 * NAME_MAX_OCTETS + 20];
	size_t length = wire(b, "ns", soa);

	length += wire(b, "root", soa + length);
	memcpy(soa + length, soa_end, sizeof(soa_end));
	add(b, "@", TYPE_SOA, soa, length + sizeof(soa_end));
	add_name(b, "@", TYPE_NS, "", 0, "ns");
	add_address(b, "ns", 1);
}

static unsigned share_of(unsigned names, unsigned share)
{
	return names < share ? 1 : names / share;
}

struct image_fixture *answer_zone_build(unsigned names, bool hosts_only)
{
	struct image_fixture *fixture = image_fixture_new(CAPACITY);
	struct builder b;
	char owner[32];

	begin(&b);
	b.zone = zone_new(b.origin);
	add_apex(&b);
	for (unsigned i = 0; i < names; i++) {
		snprintf(owner, sizeof(owner), "h%u", i);
		add_address(&b, owner, i);
	}
	for (unsigned i = 0; !hosts_only && i < share_of(names, 10); i++) {
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

/* sum[n]: how likely one of the first n + 1 names is, times a constant. */
static double *zipf_sums(unsigned names)
{
	double *sum = malloc(names * sizeof(*sum));
	double total = 0;

	if (sum == NULL)
		abort();
	for (unsigned n = 0; n < names; n++)
		sum[n] = total += 1.0 / (n + 1);
	return sum;
}

/* The rank drawn, spread over the zone: likely names are not neighbours in it. */
static unsigned draw_zipf(const double *sum, unsigned names, uint64_t random)
{
	double at = (double)(random >> 11) / (double)(1ull << 53) * sum[names - 1];
	unsigned low = 0, high = names - 1;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (sum[middle] > at)
			high = middle;
		else
			low = middle + 1;
	}
	return (unsigned)(low * 2654435761ull % names);
}

static const struct question_kind *draw_kind(uint64_t random)
{
	unsigned at = (unsigned)(random % 100);
	const struct question_kind *kind = question_kind;

	while (at >= kind->mixed)
		at -= kind++->mixed;
	return kind;
}

/* Returns the question's length. */
static unsigned write_question(const struct builder *b, const struct question_kind *kind,
			       unsigned number, uint8_t *at)
{
	static const uint8_t header[12] = {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
	static const uint8_t opt[11] = {0, 0, 41, 0x04, 0xd0};
	static const uint8_t cookie[12] = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
	char owner[32];

	memcpy(at, header, sizeof(header));
	snprintf(owner, sizeof(owner), kind->format, number);
	size_t end = sizeof(header) + wire(b, owner, at + sizeof(header));
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
	return (unsigned)end;
}

static void questions_allocate(struct questions *q, unsigned names)
{
	q->count = QUESTIONS_LEAST;
	while (q->count < names && q->count < QUESTIONS_MOST)
		q->count *= 2;
	q->length = malloc(q->count);
	q->slot = calloc(q->count, QUESTION_SLOT);
	if (q->length == NULL || q->slot == NULL)
		abort();
}

void questions_make(struct questions *q, const struct question_kind *kind, unsigned names,
		    enum distribution distribution)
{
	double *sum = distribution == ZIPF_NAMES ? zipf_sums(names) : NULL;
	uint64_t state = 1;
	struct builder b;

	begin(&b);
	questions_allocate(q, names);
	for (unsigned i = 0; i < q->count; i++) {
		uint64_t random = random_next(&state);
		unsigned number =
		    sum == NULL ? (unsigned)(random % names) : draw_zipf(sum, names, random);
		const struct question_kind *drawn =
		    kind->format != NULL ? kind : draw_kind(random_next(&state));

		q->length[i] =
		    (uint8_t)write_question(&b, drawn, number % share_of(names, drawn->share),
					    q->slot + (size_t)i * QUESTION_SLOT);
	}
	free(sum);
}

void questions_free(struct questions *q)
{
	free(q->length);
	free(q->slot);
}

void questions_receive(const struct questions *q, unsigned from, uint8_t packets[][PACKET_ROOM],
		       struct datagram *burst)
{
	for (unsigned i = 0; i < ANSWER_BURST; i++) {
		memcpy(packets[i], q->slot + (size_t)(from + i) * QUESTION_SLOT, QUESTION_SLOT);
		burst[i].payload = packets[i];
		burst[i].length = q->length[from + i];
		burst[i].capacity = PACKET_ROOM;
	}
}
