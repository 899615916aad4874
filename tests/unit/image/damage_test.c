/* damage_test.c: images with random bits flipped. Whatever they say, a reader ends, and reads
 * nothing outside the arena and the IMAGE_NODE_MAX octets behind it: an inaccessible page stands
 * there. */
#include "tests/unit/image/fixture.h"

#include "zones/image/checksum.h"
#include "zones/image/order.h"
#include "zones/name/hash.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define CAPACITY (1u << 20)
#define NAMES	 400u
#define ROUNDS	 3000u

static image_ref order_build(struct fixture *fixture)
{
	struct test_name name;
	image_ref tree = 0;

	for (uint32_t i = 0; i < NAMES; i += 2) {
		name_numbered(&name, i);
		assert_true(
		    order_put(fixture->writer, &tree,
			      image_writer_ref(fixture->writer,
					       image_writer_find(fixture->writer, 0, name.wire))));
	}
	return tree;
}

static void build(struct fixture *fixture)
{
	struct image_zone zone = {.flags = IMAGE_ZONE_NSEC};
	struct test_name name;

	fixture_open(fixture, CAPACITY);
	image_begin(fixture->writer);
	for (uint32_t i = 0; i < NAMES; i++) {
		name_numbered(&name, i);
		assert_int_not_equal(
		    image_put(fixture->writer, node_make(&name, i + 1, 8 + i % 90)), 0);
	}
	zone.order = order_build(fixture);
	assert_true(image_set_zone(fixture->writer, 0, &zone));
	assert_int_not_equal(fixture_commit(fixture), 0);
}

/* Keeps the compiler from leaving out what nobody uses. */
static volatile uint64_t octets_read;

/* Reads every octet that a reader may rely on. */
static uint64_t node_walk(const struct image_node *node)
{
	const struct image_rrset *rrset;
	uint64_t sum = 0;
	uint16_t type = 0;

	for (unsigned i = 0; i < node->name_length; i++)
		sum += node->name[i];
	while ((rrset = image_rrset_after(node, type)) != NULL) {
		const struct image_target *target = image_targets(node, rrset);

		for (unsigned i = 0; i < rrset->signed_length; i++)
			sum += image_tail(node, rrset)[i];
		for (unsigned i = 0; i < rrset->target_count; i++)
			sum += target[i].hash + target[i].offset;
		assert_true(rrset->length <= rrset->signed_length);
		type = rrset->type;
	}
	return sum;
}

static uint64_t find_all(const struct image *image)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < NAMES + 50; i++) {
		struct image_probe probe;
		struct test_name name;
		const struct image_node *node;
		uint64_t hash;

		name_numbered(&name, i);
		hash = name_hash(image->key, name.wire, name.length);
		image_probe_start(image, hash, &probe);
		image_probe_node(image, &probe);
		node = image_probe_finish(image, &probe, name.wire, name.length);
		assert_ptr_equal(node, image_find(image, hash, name.wire, name.length));
		if (node != NULL) {
			assert_memory_equal(node->name, name.wire, name.length);
			assert_true(node->labels <= 127);
			sum += node_walk(node);
		}
	}
	return sum;
}

static uint64_t walk_order(const struct image *image)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < 3; i++) {
		const struct image_zone *zone = image_zone(image, i);

		for (uint32_t n = 0; zone != NULL && n < NAMES; n += 7) {
			const struct image_node *node;
			struct test_name name;

			name_numbered(&name, n);
			node = order_at_or_before(image, zone->order, name.wire);
			if (node != NULL)
				sum += node_walk(node);
		}
	}
	return sum;
}

static void flip(struct random *random, uint8_t *base, uint64_t from, uint64_t to)
{
	uint64_t bit = from * 8 + random_below(random, (to - from) * 8);

	base[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* The checks are mended, so that damage behind them is met too. */
static void mend_root(uint8_t *base, image_ref ref)
{
	struct image_root *root = (void *)(base + (uint64_t)ref * IMAGE_UNIT);
	const size_t from = offsetof(struct image_root, generation);

	root->check =
	    image_checksum((uint8_t *)root + from, offsetof(struct image_root, top) - from);
}

static void damage(struct random *random, uint8_t *base, const struct fixture *fixture)
{
	uint64_t limit = fixture_image(fixture).limit;
	uint64_t root = (uint64_t)fixture->root * IMAGE_UNIT;
	uint64_t flips = 1 + random_below(random, 4000);

	memcpy(base, fixture->base, CAPACITY);
	for (uint64_t i = 0; i < flips; i++)
		flip(random, base, 0, limit);
	for (uint64_t i = random_below(random, 4); i > 0; i--)
		flip(random, base, root, root + sizeof(struct image_root));
	if (random_below(random, 2) == 0)
		mend_root(base, fixture->root);
	if (random_below(random, 16) == 0)
		memset(base + random_below(random, limit), (int)random_below(random, 256),
		       random_below(random, CAPACITY - limit + 1));
}

static void random_bits(void **state)
{
	struct random random = random_start("random_bits");
	uint8_t *base = guarded_map(CAPACITY);
	unsigned opened = 0, refused = 0;
	struct fixture fixture;

	(void)state;
	build(&fixture);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct image image;

		damage(&random, base, &fixture);
		refused += image_verify(base, CAPACITY) != IMAGE_GOOD;
		if (image_open(base, CAPACITY, fixture.root, &image) != IMAGE_GOOD)
			continue;
		opened++;
		octets_read += find_all(&image) + walk_order(&image);
	}
	assert_true(opened > ROUNDS / 4);
	assert_true(refused > 0);
	guarded_unmap(base, CAPACITY);
	fixture_close(&fixture);
}

/* A worker's mapping may be all noise. */
static void random_octets(void **state)
{
	struct random random = random_start("random_octets");
	uint8_t *base = guarded_map(CAPACITY);
	struct image_root *root = (void *)(base + 4096);

	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		struct image image;

		for (unsigned i = 0; i < CAPACITY; i += 8) {
			uint64_t word = random_next(&random) & random_next(&random);

			memcpy(base + i, &word, 8);
		}
		for (unsigned i = 0; i < IMAGE_TOP; i++)
			root->top[i] =
			    (struct image_top){(image_ref)random_below(&random, CAPACITY / 16),
					       (uint32_t)random_below(&random, 24)};
		root->magic = IMAGE_ROOT_MAGIC;
		root->limit = CAPACITY;
		mend_root(base, 256);
		assert_int_equal(image_open(base, CAPACITY, 256, &image), IMAGE_GOOD);
		octets_read += find_all(&image) + walk_order(&image);
		for (image_ref ref = 0; ref < CAPACITY / 16 + 10; ref++) {
			const struct image_node *node = image_node_at(&image, ref);

			if (node != NULL)
				octets_read += node_walk(node);
		}
	}
	guarded_unmap(base, CAPACITY);
}

static void headers_are_refused(void **state)
{
	struct fixture fixture;
	struct image_header *header;
	struct image_root *root;
	struct image image;

	(void)state;
	build(&fixture);
	header = (void *)fixture.base;
	assert_int_equal(image_verify(fixture.base, CAPACITY), IMAGE_GOOD);
	assert_int_equal(image_verify(fixture.base, CAPACITY - 1), IMAGE_BAD_LAYOUT);
	assert_int_equal(image_verify(fixture.base, 63), IMAGE_BAD_MAGIC);
	header->hash_key[0] ^= 1;
	assert_int_equal(image_verify(fixture.base, CAPACITY), IMAGE_BAD_CHECKSUM);
	header->layout++;
	assert_int_equal(image_verify(fixture.base, CAPACITY), IMAGE_BAD_LAYOUT);
	header->abi++;
	assert_int_equal(image_verify(fixture.base, CAPACITY), IMAGE_BAD_ABI);
	header->magic++;
	assert_int_equal(image_verify(fixture.base, CAPACITY), IMAGE_BAD_MAGIC);

	root = (void *)(fixture.base + (uint64_t)fixture.root * IMAGE_UNIT);
	assert_int_equal(image_open(fixture.base, CAPACITY, 0, &image), IMAGE_BAD_ROOT);
	assert_int_equal(image_open(fixture.base, CAPACITY, UINT32_MAX, &image), IMAGE_BAD_ROOT);
	assert_int_equal(image_open(fixture.base, CAPACITY, fixture.root + 1, &image),
			 IMAGE_BAD_ROOT);
	assert_int_equal(image_open(fixture.base, CAPACITY, fixture.root, &image), IMAGE_GOOD);
	root->generation++;
	assert_int_equal(image_open(fixture.base, CAPACITY, fixture.root, &image), IMAGE_BAD_ROOT);
	root->limit = CAPACITY + 16;
	mend_root(fixture.base, fixture.root);
	assert_int_equal(image_open(fixture.base, CAPACITY, fixture.root, &image), IMAGE_BAD_ROOT);
	fixture_close(&fixture);
}

/* What an operator reads when an image is refused names the reason. */
static void refusals_have_words_of_their_own(void **state)
{
	(void)state;
	for (enum image_refusal a = IMAGE_GOOD; a <= IMAGE_BAD_ROOT; a++) {
		assert_true(strlen(image_refusal_text(a)) > 3);
		for (enum image_refusal b = IMAGE_GOOD; b < a; b++)
			assert_string_not_equal(image_refusal_text(a), image_refusal_text(b));
	}
}

static void checksum_is_crc32c(void **state)
{
	uint8_t octets[32] = {0};

	(void)state;
	assert_int_equal(image_checksum("123456789", 9), 0xe3069283u);
	assert_int_equal(image_checksum(octets, 32), 0x8a9136aau); /* RFC 3720 B.4 */
	memset(octets, 0xff, 32);
	assert_int_equal(image_checksum(octets, 32), 0x62a8ab43u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_bits),
	    cmocka_unit_test(random_octets),
	    cmocka_unit_test(headers_are_refused),
	    cmocka_unit_test(refusals_have_words_of_their_own),
	    cmocka_unit_test(checksum_is_crc32c),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
