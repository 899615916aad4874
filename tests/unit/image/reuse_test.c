/* reuse_test.c: when a block may be used again, what an abort undoes, and that memory settles. */
#include "tests/unit/image/fixture.h"

#include "zones/image/arena.h"
#include "zones/name/hash.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void put_one(struct fixture *fixture, uint32_t number, uint32_t stamp)
{
	struct test_name name;

	name_numbered(&name, number);
	assert_int_not_equal(image_put(fixture->writer, node_make(&name, stamp, 200)), 0);
}

static uint32_t stamp_in(const struct image *image, uint32_t number)
{
	struct test_name name;
	const struct image_node *node;

	name_numbered(&name, number);
	node = image_find(image, name_hash(image->key, name.wire, name.length), name.wire,
			  name.length);
	return node == NULL ? 0 : stamp_of(node);
}

/* A block that commit g made unreachable may be reused once every reader has seen >= g: not while
 * one has only seen g - 1. */
static void rule_of_reuse(void **state)
{
	struct fixture fixture;
	struct image before;
	uint64_t g;

	(void)state;
	fixture_open(&fixture, 16u << 20);
	fixture_replicate(&fixture, 3);
	image_begin(fixture.writer);
	put_one(&fixture, 1, 1);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	assert_int_equal(image_generation(fixture.writer), 2);
	before = fixture_image(&fixture); /* in the last replica */

	image_begin(fixture.writer);
	put_one(&fixture, 1, 2);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	g = image_generation(fixture.writer);
	assert_int_equal(g, 3);
	assert_true(image_usage(fixture.writer).retired > 0);

	image_reclaim(fixture.writer, g - 1);
	assert_true(image_usage(fixture.writer).retired > 0);
	/* Whoever has seen g - 1 still reads all of it, whatever is taken meanwhile. */
	for (uint32_t i = 0; i < 300; i++) {
		image_begin(fixture.writer);
		put_one(&fixture, 100 + i, i + 1);
		assert_int_not_equal(fixture_commit(&fixture), 0);
		image_reclaim(fixture.writer, g - 1);
		assert_int_equal(stamp_in(&before, 1), 1);
		assert_int_equal(before.root->generation, g - 1);
	}
	image_reclaim(fixture.writer, g);
	assert_true(image_usage(fixture.writer).retired > 0); /* of the 300 */
	image_reclaim(fixture.writer, image_generation(fixture.writer));
	assert_int_equal(image_usage(fixture.writer).retired, 0);
	fixture_close(&fixture);
}

static void reclaim_frees_exactly_what_was_seen(void **state)
{
	struct fixture fixture;
	uint64_t retired[20];

	(void)state;
	fixture_open(&fixture, 16u << 20);
	for (uint32_t i = 0; i < 20; i++) {
		image_begin(fixture.writer);
		put_one(&fixture, 1, i + 1);
		assert_int_not_equal(fixture_commit(&fixture), 0);
		retired[i] = image_usage(fixture.writer).retired;
	}
	for (uint32_t i = 0; i < 20; i++) {
		image_reclaim(fixture.writer, 2 + i);
		assert_int_equal(image_usage(fixture.writer).retired, retired[19] - retired[i]);
	}
	fixture_close(&fixture);
}

/* Nobody has ever been able to reach the first copy. */
static void replaced_twice_in_one_transaction(void **state)
{
	struct fixture fixture;
	uint64_t live;

	(void)state;
	fixture_open(&fixture, 16u << 20);
	image_begin(fixture.writer);
	put_one(&fixture, 1, 1);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	image_begin(fixture.writer);
	put_one(&fixture, 1, 2);
	live = image_usage(fixture.writer).backed;
	for (uint32_t i = 3; i < 50000; i++)
		put_one(&fixture, 1, i);
	assert_int_equal(image_usage(fixture.writer).backed, live);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	image_reclaim(fixture.writer, 3);
	live = image_usage(fixture.writer).live;
	image_begin(fixture.writer);
	put_one(&fixture, 1, 1);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	image_reclaim(fixture.writer, 4);
	assert_int_equal(image_usage(fixture.writer).live, live);
	fixture_close(&fixture);
}

static void abort_restores_everything(void **state)
{
	struct image_zone zone = {.flags = 3};
	struct fixture fixture;
	struct image_usage before, after;
	struct image image;

	(void)state;
	fixture_open(&fixture, 64u << 20);
	image_begin(fixture.writer);
	for (uint32_t i = 0; i < 3000; i++)
		put_one(&fixture, i, i + 1);
	assert_true(image_set_zone(fixture.writer, 0, &zone));
	assert_int_not_equal(fixture_commit(&fixture), 0);
	before = image_usage(fixture.writer);

	for (unsigned round = 0; round < 5; round++) {
		struct test_name name;
		image_ref ref;

		image_begin(fixture.writer);
		for (uint32_t i = 0; i < 9000; i++)
			put_one(&fixture, i * 2, 77);
		for (uint32_t i = 0; i < 1500; i++) {
			name_numbered(&name, i);
			assert_true(image_delete(fixture.writer, 0, name.wire));
		}
		zone.flags = 9;
		assert_true(image_set_zone(fixture.writer, 200, &zone));
		assert_non_null(image_block_new(fixture.writer, 100000, &ref));
		assert_non_null(image_block_new(fixture.writer, 100, &ref));
		image_abort(fixture.writer);
		after = image_usage(fixture.writer);
		assert_int_equal(after.live, before.live);
		assert_int_equal(after.retired, before.retired);
		assert_int_equal(after.names, 3000);
		if (round > 0)
			assert_int_equal(after.backed, before.backed);
		before = after;
	}
	image = fixture_image(&fixture);
	for (uint32_t i = 0; i < 3000; i++)
		assert_int_equal(stamp_in(&image, i), i + 1);
	image_begin(fixture.writer);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	image = fixture_image(&fixture);
	assert_int_equal(image.root->name_count, 3000);
	assert_int_equal(image.root->zone_count, 1);
	assert_int_equal(image_zone(&image, 0)->flags, 3);
	for (uint32_t i = 0; i < 3000; i++)
		assert_int_equal(stamp_in(&image, i), i + 1);
	fixture_close(&fixture);
}

/* Memory ends in the middle of a transaction: it fails, and the image goes on as it was. */
static void out_of_memory(void **state)
{
	struct fixture fixture;
	struct test_name name;
	struct image image;
	uint32_t i;

	(void)state;
	fixture_open(&fixture, 64u << 20);
	image_begin(fixture.writer);
	put_one(&fixture, 0, 1);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	fixture.granted = 4u << 20;
	for (unsigned round = 0; round < 3; round++) {
		image_begin(fixture.writer);
		for (i = 1; i < 100000; i++) {
			name_numbered(&name, i);
			if (image_put(fixture.writer, node_make(&name, i, 200)) == 0)
				break;
		}
		assert_in_range(i, 5000, 99999);
		assert_int_equal(image_commit(fixture.writer), 0);
		assert_int_equal(image_generation(fixture.writer), 2);
	}
	image = fixture_image(&fixture);
	assert_int_equal(stamp_in(&image, 0), 1);
	image_begin(fixture.writer);
	put_one(&fixture, 0, 2);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	image = fixture_image(&fixture);
	assert_int_equal(stamp_in(&image, 0), 2);
	fixture_close(&fixture);

	fixture = (struct fixture){.base = guarded_map(1u << 20)};
	assert_null(image_writer_new(fixture.base, 0, 1, (uint64_t[2]){1, 2}, 2, NULL, NULL));
	guarded_unmap(fixture.base, 1u << 20);
}

static void churn(struct fixture *fixture, struct random *random, unsigned updates)
{
	for (unsigned i = 0; i < updates;) {
		image_begin(fixture->writer);
		for (uint64_t n = 1 + random_below(random, 40); n > 0; n--, i++) {
			struct test_name name;
			unsigned extra = 8 + (unsigned)random_below(random, 120);

			if (random_below(random, 200) == 0)
				extra = (unsigned)random_below(random, 60000) + 8;
			name_numbered(&name, (uint32_t)random_below(random, 10000));
			if (random_below(random, 3) == 0)
				assert_true(image_delete(fixture->writer, 0, name.wire));
			else
				assert_int_not_equal(
				    image_put(fixture->writer, node_make(&name, i + 1, extra)), 0);
		}
		assert_int_not_equal(fixture_commit(fixture), 0);
		/* A reader that is some generations behind. */
		image_reclaim(fixture->writer,
			      image_generation(fixture->writer) - random_below(random, 2));
	}
}

static void endless_updates_settle(void **state)
{
	struct random random = random_start("endless_updates_settle");
	struct fixture fixture;
	uint64_t backed;

	(void)state;
	fixture_open(&fixture, 256u << 20);
	fixture_replicate(&fixture, 2);
	churn(&fixture, &random, 300000);
	backed = image_usage(fixture.writer).backed;
	churn(&fixture, &random, 700000);
	fixture_image(&fixture);
	/* Large nodes come at random, so that their most at a time still grows a little. */
	assert_true(image_usage(fixture.writer).backed <= backed + backed / 8 + (4u << 20));
	assert_true(image_usage(fixture.writer).live < image_usage(fixture.writer).backed);
	fixture_close(&fixture);
}

/* The same names over and over, each time all of another size: spans change their class. */
static void sizes_change_and_memory_settles(void **state)
{
	struct fixture fixture;
	struct test_name name;
	uint64_t backed = 0;

	(void)state;
	fixture_open(&fixture, 256u << 20);
	for (unsigned round = 0; round < 60; round++) {
		image_begin(fixture.writer);
		for (uint32_t i = 0; i < 10000; i++) {
			name_numbered(&name, i);
			assert_int_not_equal(
			    image_put(fixture.writer,
				      node_make(&name, i + 1, 8 + 16 * (round * 7 % 20))),
			    0);
		}
		assert_int_not_equal(fixture_commit(&fixture), 0);
		image_reclaim(fixture.writer, image_generation(fixture.writer));
		if (round == 20)
			backed = image_usage(fixture.writer).backed;
	}
	assert_true(image_usage(fixture.writer).backed <= backed + (4u << 20));
	fixture_close(&fixture);
}

struct taken {
	image_ref ref;
	uint64_t octets;
	uint8_t mark;
};

static bool grow_always(void *context, uint64_t octets)
{
	return octets <= *(uint64_t *)context;
}

static void fill(const struct arena *arena, const struct taken *taken)
{
	memset(arena_at(arena, taken->ref), taken->mark, taken->octets);
}

static void check(const struct arena *arena, const struct taken *taken)
{
	const uint8_t *at = arena_at(arena, taken->ref);

	for (uint64_t i = 0; i < taken->octets; i++)
		assert_int_equal(at[i], taken->mark);
}

/* Blocks of every size, none of which ever touches another. */
static void blocks_never_overlap(void **state)
{
	enum { BLOCKS = 500 };
	static struct taken taken[BLOCKS];
	struct random random = random_start("blocks_never_overlap");
	uint64_t capacity = 64u << 20;
	uint8_t *base = guarded_map(capacity);
	struct arena arena;
	uint64_t header;

	(void)state;
	memset(taken, 0, sizeof(taken));
	assert_true(arena_init(&arena, base, capacity, grow_always, &capacity));
	header = arena.used;
	for (unsigned i = 0; i < 60000; i++) {
		struct taken *one = &taken[random_below(&random, BLOCKS)];
		unsigned shift = (unsigned)random_below(&random, 19);
		bool page = random_below(&random, 2) == 0;

		if (one->ref != 0) {
			check(&arena, one);
			arena_free(&arena, one->ref);
			one->ref = 0;
			continue;
		}
		one->octets = 1 + random_below(&random, 1u << shift);
		one->mark = (uint8_t)i;
		one->ref = arena_new(&arena, one->octets, page);
		assert_int_not_equal(one->ref, 0);
		assert_true(arena_block_octets(&arena, one->ref) >= one->octets);
		assert_true(!page || one->ref % 4 == 0);
		assert_true((uint64_t)one->ref * IMAGE_UNIT + one->octets <= arena_limit(&arena));
		fill(&arena, one);
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		if (taken[i].ref == 0)
			continue;
		check(&arena, &taken[i]);
		arena_free(&arena, taken[i].ref);
	}
	assert_int_equal(arena.used, header);
	assert_int_equal(arena_new(&arena, capacity * 2, false), 0);
	assert_int_equal(arena_new(&arena, capacity, false), 0);
	assert_int_equal(arena_new(&arena, 0, false), 0);
	arena_done(&arena);
	guarded_unmap(base, capacity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rule_of_reuse),
	    cmocka_unit_test(reclaim_frees_exactly_what_was_seen),
	    cmocka_unit_test(replaced_twice_in_one_transaction),
	    cmocka_unit_test(abort_restores_everything),
	    cmocka_unit_test(out_of_memory),
	    cmocka_unit_test(endless_updates_settle),
	    cmocka_unit_test(sizes_change_and_memory_settles),
	    cmocka_unit_test(blocks_never_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
