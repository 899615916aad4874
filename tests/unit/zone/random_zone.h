/* random_zone.h: random zones for tests, and the obvious way to hold their records: a list.
 *
 * Seeds: SKUA_SEED in the environment, else a fixed one; CHECK() prints the seed of what failed. */
#ifndef SKUA_TESTS_UNIT_ZONE_RANDOM_ZONE_H
#define SKUA_TESTS_UNIT_ZONE_RANDOM_ZONE_H

#include "zones/name/name.h"
#include "zones/record/record.h"
#include "zones/zone/zone_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct random {
	uint64_t seed;
	uint64_t state;
};

#define CHECK(random, condition)                                                                   \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail_msg("SKUA_SEED=%llu: %s", (unsigned long long)(random)->seed,         \
				 #condition);                                                      \
	} while (0)

/* The seed of the first run; later runs count on from it. */
uint64_t random_first_seed(void);
struct random random_start(uint64_t seed);
uint32_t random_below(struct random *random, uint32_t limit);

struct test_record {
	uint8_t owner[NAME_MAX_OCTETS]; /* any case */
	uint16_t type;
	uint32_t ttl;
	uint16_t length;
	uint8_t rdata[600];
};

#define TEST_RECORDS 400u
struct test_zone {
	uint8_t apex[NAME_MAX_OCTETS];
	unsigned count;
	struct test_record record[TEST_RECORDS];
};

/* Absolute master-file text to wire form. */
void test_name(const char *text, uint8_t *name);
void random_owner(struct random *random, const uint8_t *apex, uint8_t *owner);
/* A sound record at or below the apex; few labels and values, so that names and rdata meet again.
 */
void random_record(struct random *random, const uint8_t *apex, struct test_record *record);
/* SOA and NS at the apex most times, then up to `most` random records. Without duplicates; TTLs
 * are one per RRset. */
void random_zone(struct random *random, const char *apex, unsigned most, struct test_zone *zone);
/* Adds unless it is a duplicate; the TTL follows the RRset. Returns what zone_add() should. */
enum zone_add test_zone_add(struct test_zone *zone, const struct test_record *record);
void test_zone_remove(struct test_zone *zone, unsigned index);
/* Same owner, type and covered type. */
bool test_same_rrset(const struct test_record *a, const struct test_record *b);
/* The zone that holds these records, `line` being that of the first. */
struct zone *test_zone_build(const struct test_zone *records, uint32_t line);

#endif
