/* sum_test.c: the fast sum against RFC 1071's, octet by octet; owners of NSEC3 records. */
#include "dataplane/answer/nsec3.h"
#include "dataplane/answer/sum.h"
#include "zones/name/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 200u

static unsigned plain_sum(const uint8_t *at, size_t length)
{
	unsigned sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += (unsigned)at[i] << (i % 2 == 0 ? 8 : 0);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void test_every_length_and_alignment(void **state)
{
	uint8_t octets[LONGEST + 8];

	(void)state;
	for (unsigned i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(255 - i * 37);
	for (unsigned start = 0; start < 8; start++) {
		for (unsigned length = 0; length <= LONGEST; length++) {
			unsigned sum = plain_sum(octets + start, length);

			assert_int_equal(sum_of(octets + start, length), sum);
			assert_int_equal(sum_fold(sum_wide(octets + start, length)), sum);
		}
	}
}

/* No octet before or behind the part may count; a sanitizer sees reads outside. */
static void test_parts_at_any_offset(void **state)
{
	uint8_t *octets = malloc(LONGEST);

	(void)state;
	for (unsigned i = 0; i < LONGEST; i++)
		octets[i] = (uint8_t)(i * 73 + 1);
	for (unsigned cut = 0; cut <= LONGEST; cut++) {
		uint64_t sum = (uint64_t)sum_of(octets, cut) +
			       sum_at(sum_of(octets + cut, LONGEST - cut), cut);

		assert_int_equal(sum_fold(sum) % 0xffff, plain_sum(octets, LONGEST) % 0xffff);
	}
	free(octets);
}

static void test_large_sums_do_not_overflow(void **state)
{
	uint8_t *octets = malloc(65535);

	(void)state;
	memset(octets, 0xff, 65535);
	assert_int_equal(sum_of(octets, 65535), plain_sum(octets, 65535));
	assert_int_equal(sum_of(octets, 65534), 0xffff);
	free(octets);
}

/* RFC 5155 appendix A. */
static void test_nsec3_owner(void **state)
{
	static const struct {
		const char *name, *hash;
	} known[] = {
	    {"example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"},
	    {"a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl"},
	    {"ai.example.", "gjeqe526plbf1g8mklp59enfd789njgi"},
	    {"ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"},
	    {"ns2.example.", "q04jkcevqvmu85r014c7dkba38o0ji5r"},
	    {"w.example.", "k8udemvp1j2f7eg6jebps17vp3n8i58h"},
	    {"*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"},
	    {"x.w.example.", "b4um86eghhds6nea196smvmlo4ors995"},
	    {"y.w.example.", "ji6neoaepv8b5o6k4ev33abha8ht9fgc"},
	    {"x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s"},
	    {"xx.example.", "t644ebqk9bibcna874givr6joj62mlhv"},
	};
	alignas(16) static const uint8_t arena[32] = {[16] = 0xaa, 0xbb, 0xcc, 0xdd};
	const struct image image = {.base = arena, .limit = sizeof(arena)};
	struct image_zone zone = {
	    .nsec3_algorithm = 1, .nsec3_iterations = 12, .nsec3_salt_length = 4, .salt = 1};
	uint8_t name[NAME_MAX_OCTETS], owner[NAME_MAX_OCTETS];
	size_t length, bad;

	(void)state;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_int_equal(
		    name_from_text(known[i].name, strlen(known[i].name), NULL, name, &length, &bad),
		    NAME_OK);
		assert_int_equal(nsec3_owner(&image, &zone, name, length,
					     (const uint8_t *)"\7example", 9, owner),
				 42);
		assert_int_equal(owner[0], 32);
		assert_memory_equal(owner + 1, known[i].hash, 32);
		assert_memory_equal(owner + 33, "\7example", 9);
	}
	zone.nsec3_algorithm = 2;
	assert_int_equal(nsec3_owner(&image, &zone, name, length, name, length, owner), 0);
	zone.nsec3_algorithm = 1;
	zone.nsec3_iterations = NSEC3_ITERATIONS_MAX + 1;
	assert_int_equal(nsec3_owner(&image, &zone, name, length, name, length, owner), 0);
	zone.nsec3_iterations = 0;
	zone.salt = 2; /* behind the arena's end */
	assert_int_equal(nsec3_owner(&image, &zone, name, length, name, length, owner), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_length_and_alignment),
	    cmocka_unit_test(test_parts_at_any_offset),
	    cmocka_unit_test(test_large_sums_do_not_overflow),
	    cmocka_unit_test(test_nsec3_owner),
	};
	return cmocka_run_group_tests_name("sums and hashes", tests, NULL, NULL);
}
