#include "tests/unit/zone/random_zone.h"

#include <stdlib.h>
#include <string.h>

uint64_t random_first_seed(void)
{
	const char *text = getenv("SKUA_SEED");

	return text != NULL ? strtoull(text, NULL, 10) : 20261120;
}

struct random random_start(uint64_t seed)
{
	return (struct random){.seed = seed, .state = seed * 0x9e3779b97f4a7c15ull + 1};
}

/* SplitMix64. */
static uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint32_t random_below(struct random *random, uint32_t limit)
{
	return (uint32_t)((random_next(random) >> 32) * limit >> 32);
}

void test_name(const char *text, uint8_t *name)
{
	size_t length, bad_at;

	assert_int_equal(name_from_text(text, strlen(text), NULL, name, &length, &bad_at), NAME_OK);
}

static const char *const labels[] = {"a", "b", "C", "*", "www", "NS1", "_sip", "node-with-a-name"};

void random_owner(struct random *random, const uint8_t *apex, uint8_t *owner)
{
	unsigned depth = random_below(random, 5);
	size_t at = 0;

	while (depth-- > 0) {
		const char *label =
		    labels[random_below(random, sizeof(labels) / sizeof(labels[0]))];

		owner[at] = (uint8_t)strlen(label);
		memcpy(owner + at + 1, label, owner[at]);
		at += 1u + owner[at];
	}
	memcpy(owner + at, apex, name_length(apex, NAME_MAX_OCTETS));
}

static uint16_t put_name(struct random *random, const uint8_t *apex, uint8_t *to)
{
	switch (random_below(random, 12)) {
	case 0:
		*to = 0;
		break;
	case 1:
		test_name("Target.Elsewhere.", to);
		break;
	default:
		random_owner(random, apex, to);
	}
	return (uint16_t)name_length(to, NAME_MAX_OCTETS);
}

static uint16_t put_octets(struct random *random, uint8_t *to, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		to[i] = (uint8_t)(random_below(random, 3) + 'A');
	return (uint16_t)length;
}

static uint16_t put_naptr(struct random *random, const uint8_t *apex, uint8_t *to)
{
	static const char *const flags[] = {"", "s", "A", "u", "S"};
	const char *flag = flags[random_below(random, 5)];
	uint16_t at = put_octets(random, to, 4);

	to[at++] = (uint8_t)strlen(flag);
	memcpy(to + at, flag, strlen(flag));
	at = (uint16_t)(at + strlen(flag));
	to[at++] = 3;
	at = (uint16_t)(at + put_octets(random, to + at, 3));
	to[at++] = 0;
	return (uint16_t)(at + put_name(random, apex, to + at));
}

static uint16_t put_rrsig(struct random *random, const uint8_t *apex, uint8_t *to)
{
	static const uint16_t covered[] = {TYPE_A,  TYPE_NS,   TYPE_SOA,   TYPE_MX,
					   TYPE_DS, TYPE_NSEC, TYPE_NSEC3, TYPE_TXT};
	uint16_t at = put_octets(random, to, 18);

	put_u16(to, covered[random_below(random, 8)]);
	at = (uint16_t)(at + put_name(random, apex, to + at));
	return (uint16_t)(at + put_octets(random, to + at, 1 + random_below(random, 65)));
}

static uint16_t put_rdata(struct random *random, const uint8_t *apex, uint16_t type, uint8_t *to)
{
	uint16_t at = 0;

	switch (type) {
	case TYPE_A:
		return put_octets(random, to, 4);
	case TYPE_AAAA:
		return put_octets(random, to, 16);
	case TYPE_NS:
	case TYPE_CNAME:
	case TYPE_PTR:
	case TYPE_DNAME:
		return put_name(random, apex, to);
	case TYPE_SOA:
		at = put_name(random, apex, to);
		at = (uint16_t)(at + put_name(random, apex, to + at));
		at = (uint16_t)(at + put_octets(random, to + at, 20));
		put_u32(to + at - 4, random_below(random, 1000));
		return at;
	case TYPE_MX:
	case TYPE_HTTPS:
		at = put_octets(random, to, 2);
		break;
	case TYPE_SRV:
		at = put_octets(random, to, 6);
		break;
	case TYPE_NAPTR:
		return put_naptr(random, apex, to);
	case TYPE_RRSIG:
		return put_rrsig(random, apex, to);
	default:
		return put_octets(random, to, random_below(random, 40));
	}
	return (uint16_t)(at + put_name(random, apex, to + at));
}

void random_record(struct random *random, const uint8_t *apex, struct test_record *record)
{
	/* NS and DNAME are rare: what they hide would leave little else to look at. */
	static const uint16_t types[] = {
	    TYPE_A,	TYPE_A,	   TYPE_AAAA,  TYPE_MX,	   TYPE_MX,    TYPE_PTR,   TYPE_CNAME,
	    TYPE_TXT,	TYPE_SRV,  TYPE_NAPTR, TYPE_HTTPS, TYPE_RRSIG, TYPE_RRSIG, TYPE_DS,
	    TYPE_NSEC3, TYPE_NSEC, 65535,      TYPE_NS,	   TYPE_A,     TYPE_A,	   TYPE_TXT};

	random_owner(random, apex, record->owner);
	record->type = types[random_below(random, sizeof(types) / sizeof(types[0]))];
	if (random_below(random, 60) == 0)
		record->type = TYPE_DNAME;
	record->ttl = random_below(random, 5) * 100;
	record->length = put_rdata(random, apex, record->type, record->rdata);
}

static uint16_t covered_of(const struct test_record *record)
{
	return record->type == TYPE_RRSIG ? rrsig_covered(record->rdata, record->length) : 0;
}

bool test_same_rrset(const struct test_record *a, const struct test_record *b)
{
	return a->type == b->type && covered_of(a) == covered_of(b) &&
	       name_equal(a->owner, b->owner);
}

/* By the book: names in rdata are compared as names, all else as octets. */
static bool same_rdata(const struct test_record *a, const struct test_record *b)
{
	int at = rdata_name_offset(a->type, a->rdata, a->length);

	if (a->length != b->length)
		return false;
	if (at < 0)
		return memcmp(a->rdata, b->rdata, a->length) == 0;
	if (rdata_name_offset(b->type, b->rdata, b->length) != at ||
	    memcmp(a->rdata, b->rdata, (size_t)at) != 0)
		return false;
	for (int names = a->type == TYPE_SOA ? 2 : 1; names > 0; names--) {
		if (!name_equal(a->rdata + at, b->rdata + at))
			return false;
		at += (int)name_length(a->rdata + at, NAME_MAX_OCTETS);
	}
	return memcmp(a->rdata + at, b->rdata + at, a->length - (size_t)at) == 0;
}

enum zone_add test_zone_add(struct test_zone *zone, const struct test_record *record)
{
	struct test_record *added = &zone->record[zone->count];
	enum zone_add result = ZONE_ADDED;

	if (!name_is_at_or_below(record->owner, zone->apex))
		return ZONE_OUT_OF_ZONE;
	assert_true(zone->count < TEST_RECORDS);
	*added = *record;
	for (unsigned i = 0; i < zone->count; i++) {
		if (!test_same_rrset(&zone->record[i], record))
			continue;
		if (same_rdata(&zone->record[i], record))
			return ZONE_DUPLICATE;
		if (zone->record[i].ttl != record->ttl)
			result = ZONE_TTL_DIFFERS;
		added->ttl = zone->record[i].ttl;
	}
	zone->count++;
	return result;
}

void test_zone_remove(struct test_zone *zone, unsigned index)
{
	zone->count--;
	memmove(&zone->record[index], &zone->record[index + 1],
		(zone->count - index) * sizeof(zone->record[0]));
}

static void add_at_apex(struct random *random, struct test_zone *zone, uint16_t type)
{
	struct test_record record = {.type = type, .ttl = 100 * random_below(random, 10)};

	memcpy(record.owner, zone->apex, sizeof(record.owner));
	record.length = put_rdata(random, zone->apex, type, record.rdata);
	test_zone_add(zone, &record);
}

void random_zone(struct random *random, const char *apex, unsigned most, struct test_zone *zone)
{
	struct test_record record;

	memset(zone->apex, 0, sizeof(zone->apex));
	test_name(apex, zone->apex);
	zone->count = 0;
	if (random_below(random, 10) != 0)
		add_at_apex(random, zone, TYPE_SOA);
	for (unsigned i = random_below(random, 3); i > 0; i--)
		add_at_apex(random, zone, TYPE_NS);
	for (unsigned i = random_below(random, most + 1); i > 0; i--) {
		random_record(random, zone->apex, &record);
		test_zone_add(zone, &record);
	}
}

struct zone *test_zone_build(const struct test_zone *records, uint32_t line)
{
	struct zone *zone = zone_new(records->apex);

	for (unsigned i = 0; i < records->count; i++) {
		const struct test_record *record = &records->record[i];
		const struct place place = {.file = 1, .line = line + i};

		assert_int_equal(zone_add(zone, record->owner, record->type, record->ttl,
					  record->rdata, record->length, place),
				 ZONE_ADDED);
	}
	return zone;
}
