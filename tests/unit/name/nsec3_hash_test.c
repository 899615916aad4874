/* nsec3_hash_test.c: the hashes of RFC 5155 appendix A, and labels there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "zones/name/name.h"
#include "zones/name/nsec3_hash.h"

static void assert_hash(const struct nsec3_parameters *parameters, const char *name,
			const char *label)
{
	uint8_t wire[NAME_MAX_OCTETS], hash[NSEC3_HASH_OCTETS], text[NSEC3_LABEL];
	size_t length, bad_at;

	assert_int_equal(name_from_text(name, strlen(name), NULL, wire, &length, &bad_at), NAME_OK);
	nsec3_hash(parameters, wire, length, hash);
	nsec3_hash_to_label(hash, text);
	assert_memory_equal(text, label, NSEC3_LABEL);
}

static void rfc_5155_appendix_a(void **state)
{
	const struct nsec3_parameters parameters = {(const uint8_t *)"\xaa\xbb\xcc\xdd", 4, 12};

	(void)state;
	assert_hash(&parameters, "example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom");
	assert_hash(&parameters, "*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en");
	assert_hash(&parameters, "x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s");
	assert_hash(&parameters, "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.",
		    "kohar7mbb8dc2ce8a9qvl8hon4k53uhi");
}

static void no_salt_and_no_iterations(void **state)
{
	const struct nsec3_parameters parameters = {NULL, 0, 0};

	(void)state;
	assert_hash(&parameters, "n3.test.", "vquh3bgq3pdn82e1ec388lg0f7k3dksv");
}

static void labels_lead_back(void **state)
{
	uint8_t hash[NSEC3_HASH_OCTETS], again[NSEC3_HASH_OCTETS], label[1 + NSEC3_LABEL];

	(void)state;
	label[0] = NSEC3_LABEL;
	for (unsigned i = 0; i < sizeof(hash); i++)
		hash[i] = (uint8_t)(i * 37 + 200);
	nsec3_hash_to_label(hash, label + 1);
	assert_true(nsec3_hash_from_label(label, again));
	assert_memory_equal(hash, again, sizeof(hash));
	for (unsigned i = 1; i < sizeof(label); i++) {
		if (label[i] >= 'a')
			label[i] ^= 0x20;
	}
	assert_true(nsec3_hash_from_label(label, again));
	assert_memory_equal(hash, again, sizeof(hash));
}

static void other_labels_are_refused(void **state)
{
	uint8_t hash[NSEC3_HASH_OCTETS];

	(void)state;
	assert_false(nsec3_hash_from_label((const uint8_t *)"\3www", hash));
	assert_false(
	    nsec3_hash_from_label((const uint8_t *)"\x20wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww", hash));
	assert_false(
	    nsec3_hash_from_label((const uint8_t *)"\x20/0000000000000000000000000000000", hash));
	assert_false(
	    nsec3_hash_from_label((const uint8_t *)"\x20:0000000000000000000000000000000", hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rfc_5155_appendix_a),
	    cmocka_unit_test(no_salt_and_no_iterations),
	    cmocka_unit_test(labels_lead_back),
	    cmocka_unit_test(other_labels_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
