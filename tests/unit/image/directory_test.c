/* directory_test.c: the index against a linear scan, over random sets of names that change in
 * random transactions, some of them aborted; and the pages themselves, which must obey the layout.
 */
#include "tests/unit/image/fixture.h"

#include "zones/image/tags.h"
#include "zones/name/hash.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODEL_MAX 4096u

/* The obvious version: an array, searched from end to end. */
struct model {
	unsigned count;
	struct {
		struct test_name name;
		uint32_t stamp;
	} entry[MODEL_MAX];
};

static int model_find(const struct model *model, const struct test_name *name)
{
	for (unsigned i = 0; i < model->count; i++)
		if (model->entry[i].name.length == name->length &&
		    memcmp(model->entry[i].name.wire, name->wire, name->length) == 0)
			return (int)i;
	return -1;
}

static void model_put(struct model *model, const struct test_name *name, uint32_t stamp)
{
	int at = model_find(model, name);

	if (at < 0) {
		assert_true(model->count < MODEL_MAX);
		at = (int)model->count++;
	}
	model->entry[at].name = *name;
	model->entry[at].stamp = stamp;
}

static void model_delete(struct model *model, const struct test_name *name)
{
	int at = model_find(model, name);

	if (at >= 0)
		model->entry[at] = model->entry[--model->count];
}

static uint32_t find_stamp(const struct image *image, const struct test_name *name)
{
	uint64_t hash = name_hash(image->key, name->wire, name->length);
	const struct image_node *node = image_find(image, hash, name->wire, name->length);
	struct image_probe probe;

	image_probe_start(image, hash, &probe);
	image_probe_node(image, &probe);
	assert_ptr_equal(node, image_probe_finish(image, &probe, name->wire, name->length));
	return node == NULL ? 0 : stamp_of(node);
}

static void leaf_check(const struct image *image, const struct image_leaf *leaf, uint32_t depth,
		       uint32_t index, uint32_t top)
{
	uint32_t used = 0;

	for (unsigned b = 0; b < IMAGE_BUCKETS; b++) {
		for (unsigned s = 0; s < IMAGE_SLOTS; s++) {
			const struct image_node *node =
			    image_node_at(image, leaf->bucket[b].ref[s]);
			uint64_t hash;

			if (leaf->bucket[b].ref[s] == 0) {
				assert_int_equal(leaf->bucket[b].tag[s], 0);
				continue;
			}
			assert_true(s == 0 || leaf->bucket[b].ref[s - 1] != 0);
			assert_non_null(node);
			hash = name_hash(image->key, node->name, node->name_length);
			assert_int_equal(image_tag(hash), leaf->bucket[b].tag[s]);
			assert_int_equal(image_top_index(hash), top);
			assert_int_equal(image_mid_index(hash, depth) >> (depth - leaf->depth),
					 index >> (depth - leaf->depth));
			for (unsigned h = image_bucket_index(hash); h != b; h = (h + 1) & 15)
				assert_int_equal(leaf->bucket[h].overflow, 1);
			used++;
		}
	}
	assert_int_equal(used, leaf->used);
}

static uint64_t directory_check(const struct image *image)
{
	uint64_t names = 0;

	for (uint32_t t = 0; t < IMAGE_TOP; t++) {
		const struct image_top *top = &image->root->top[t];
		const struct image_mid *mid = image_at(image, top->mid, sizeof(*mid));

		for (uint32_t i = 0; mid != NULL && i < 1u << top->depth; i++) {
			const struct image_leaf *leaf =
			    image_at(image, mid->leaf[i], sizeof(*leaf));

			assert_non_null(leaf);
			assert_int_equal((uintptr_t)leaf % 64, 0);
			leaf_check(image, leaf, top->depth, i, t);
			if (i == 0 || mid->leaf[i] != mid->leaf[i - 1])
				names += leaf->used;
		}
	}
	assert_int_equal(names, image->root->name_count);
	return names;
}

static void compare(const struct fixture *fixture, const struct model *model, struct random *random)
{
	struct image image = fixture_image(fixture);
	struct test_name name;

	assert_int_equal(directory_check(&image), model->count);
	for (unsigned i = 0; i < model->count; i++)
		assert_int_equal(find_stamp(&image, &model->entry[i].name), model->entry[i].stamp);
	for (unsigned i = 0; i < 50; i++) {
		int at;

		name_random(random, &name);
		at = model_find(model, &name);
		assert_int_equal(find_stamp(&image, &name), at < 0 ? 0 : model->entry[at].stamp);
	}
}

/* One random transaction, applied to both; aborted one time in eight. */
static void transaction(struct fixture *fixture, struct model *model, struct random *random)
{
	static struct model before;
	static uint32_t stamp;
	bool abort = random_below(random, 8) == 0;
	unsigned deletes = (unsigned)random_below(random, 100);
	struct test_name name;

	before = *model;
	image_begin(fixture->writer);
	for (uint64_t n = random_below(random, 60); n > 0; n--) {
		name_random(random, &name);
		if (random_below(random, 100) < deletes) {
			assert_true(image_delete(fixture->writer, 0, name.wire));
			model_delete(model, &name);
		} else {
			unsigned extra = 8 + (unsigned)random_below(random, 300);

			assert_true(image_put(fixture->writer, node_make(&name, ++stamp, extra)));
			model_put(model, &name, stamp);
		}
		assert_int_equal(image_writer_find(fixture->writer, 0, name.wire) != NULL,
				 model_find(model, &name) >= 0);
	}
	if (abort) {
		image_abort(fixture->writer);
		*model = before;
	} else {
		assert_int_not_equal(fixture_commit(fixture), 0);
	}
}

static void agrees_with_linear_scan(void **state)
{
	struct random random = random_start("agrees_with_linear_scan");
	struct model *model = calloc(1, sizeof(*model));

	(void)state;
	for (unsigned set = 0; set < 200; set++) {
		struct fixture fixture;

		model->count = 0;
		fixture_open(&fixture, 16u << 20);
		fixture_replicate(&fixture, 1 + (unsigned)random_below(&random, 4));
		image_begin(fixture.writer);
		assert_int_not_equal(fixture_commit(&fixture), 0);
		for (uint64_t n = 1 + random_below(&random, 20); n > 0; n--) {
			transaction(&fixture, model, &random);
			compare(&fixture, model, &random);
			if (random_below(&random, 2) == 0)
				image_reclaim(fixture.writer, image_generation(fixture.writer));
		}
		fixture_close(&fixture);
	}
	free(model);
}

static void put_range(struct fixture *fixture, uint32_t from, uint32_t to, uint32_t stamp)
{
	struct test_name name;

	for (uint32_t i = from; i < to; i++) {
		name_numbered(&name, i);
		assert_true(image_put(fixture->writer, node_make(&name, stamp, 16)));
	}
}

/* Enough names for split after split and doubled mid pages; then all of them away again, which must
 * leave no page behind. */
static void grows_and_shrinks(void **state)
{
	enum { NAMES = 200000 };
	struct fixture fixture;
	struct test_name name;
	struct image image;

	(void)state;
	fixture_open(&fixture, 128u << 20);
	image_begin(fixture.writer);
	put_range(&fixture, 0, NAMES, 1);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	image = fixture_image(&fixture);
	assert_int_equal(directory_check(&image), NAMES);
	for (uint32_t i = 0; i < NAMES; i++) {
		name_numbered(&name, i);
		assert_int_equal(find_stamp(&image, &name), 1);
	}
	name_numbered(&name, NAMES);
	assert_int_equal(find_stamp(&image, &name), 0);

	for (uint32_t i = 0; i < NAMES; i++) {
		if (i % 20000 == 0)
			image_begin(fixture.writer);
		name_numbered(&name, i);
		assert_true(image_delete(fixture.writer, 0, name.wire));
		if (i % 20000 == 19999) {
			assert_int_not_equal(fixture_commit(&fixture), 0);
			image = fixture_image(&fixture);
			assert_int_equal(directory_check(&image), NAMES - 1 - i);
		}
	}
	image_reclaim(fixture.writer, image_generation(fixture.writer));
	assert_int_equal(image_usage(fixture.writer).names, 0);
	assert_int_equal(image_usage(fixture.writer).live, sizeof(struct image_root));
	fixture_close(&fixture);
}

/* More or fewer names than were expected, in pages made before; each found once the rest is put. */
static void expected_names_are_found(void **state)
{
	static const uint64_t expected[] = {1, 20000, 60000, 100000, 1000000};
	enum { NAMES = 60000 };

	(void)state;
	for (unsigned run = 0; run < sizeof(expected) / sizeof(expected[0]); run++) {
		struct fixture fixture;
		struct test_name name;
		struct image image;

		fixture_open(&fixture, 128u << 20);
		image_begin(fixture.writer);
		assert_true(image_expect(fixture.writer, expected[run]));
		for (uint32_t i = 0; i < NAMES + NAMES / 2; i++) {
			name_numbered(&name, i % NAMES); /* some again: they are replaced */
			assert_int_not_equal(
			    image_put_later(fixture.writer, node_make(&name, 1 + i / NAMES, 16)),
			    0);
		}
		assert_true(image_put_rest(fixture.writer));
		assert_int_not_equal(fixture_commit(&fixture), 0);
		image = fixture_image(&fixture);
		assert_int_equal(directory_check(&image), NAMES);
		for (uint32_t i = 0; i < NAMES; i++) {
			name_numbered(&name, i);
			assert_int_equal(find_stamp(&image, &name), i < NAMES / 2 ? 2 : 1);
		}
		fixture_close(&fixture);
	}
}

/* What waits is forgotten with the transaction, and where there is no room nothing is published. */
static void expected_names_can_be_aborted(void **state)
{
	struct fixture fixture;
	struct test_name name;
	uint64_t live;

	(void)state;
	fixture_open(&fixture, 128u << 20);
	image_begin(fixture.writer);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	live = image_usage(fixture.writer).live;
	image_begin(fixture.writer);
	assert_true(image_expect(fixture.writer, 100000));
	name_numbered(&name, 1);
	assert_int_not_equal(image_put_later(fixture.writer, node_make(&name, 1, 16)), 0);
	image_abort(fixture.writer);
	assert_int_equal(image_usage(fixture.writer).live, live);
	fixture.granted = 4u << 20;
	image_begin(fixture.writer);
	assert_false(image_expect(fixture.writer, 1000000));
	image_abort(fixture.writer);
	assert_int_equal(image_usage(fixture.writer).live, live);
	fixture_close(&fixture);
}

/* The arena is full amid the names: all that was put, and all that waits, goes with the
 * transaction. */
static void a_first_load_without_room_is_aborted(void **state)
{
	struct fixture fixture;
	struct test_name name;
	uint32_t put = 0;

	(void)state;
	fixture_open(&fixture, 128u << 20);
	image_begin(fixture.writer);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	uint64_t live = image_usage(fixture.writer).live, granted = fixture.granted;
	fixture.granted = 8u << 20;
	image_begin(fixture.writer);
	assert_true(image_expect(fixture.writer, 30000));
	do {
		name_numbered(&name, put);
	} while (image_put_later(fixture.writer, node_make(&name, 1, 16)) != 0 && ++put < 1000000);
	assert_in_range(put, 30000, 999999);
	assert_false(image_put_rest(fixture.writer));
	image_abort(fixture.writer);
	assert_int_equal(image_usage(fixture.writer).live, live);
	fixture.granted = granted;
	image_begin(fixture.writer);
	assert_true(image_expect(fixture.writer, 30000));
	for (uint32_t i = 0; i < 30000; i++) {
		name_numbered(&name, i);
		assert_int_not_equal(image_put_later(fixture.writer, node_make(&name, 2, 16)), 0);
	}
	assert_true(image_put_rest(fixture.writer));
	assert_int_not_equal(fixture_commit(&fixture), 0);
	struct image image = fixture_image(&fixture);
	assert_int_equal(directory_check(&image), 30000);
	fixture_close(&fixture);
}

static void directory_is_small(void **state)
{
	enum { NAMES = 200000 };
	struct fixture fixture;
	struct test_name name;
	uint64_t nodes = 0;

	(void)state;
	fixture_open(&fixture, 128u << 20);
	image_begin(fixture.writer);
	put_range(&fixture, 0, NAMES, 1);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	for (uint32_t i = 0; i < NAMES; i++) {
		name_numbered(&name, i);
		nodes += image_writer_find(fixture.writer, 0, name.wire)->units * IMAGE_UNIT;
	}
	assert_in_range((image_usage(fixture.writer).live - nodes) / NAMES, 7, 15);
	fixture_close(&fixture);
}

static void tag_versions_agree(void **state)
{
	struct random random = random_start("tag_versions_agree");

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		_Alignas(64) struct image_bucket bucket;
		uint8_t *octet = (uint8_t *)&bucket;

		for (unsigned n = 0; n < sizeof(bucket); n++)
			octet[n] = (uint8_t)(random_next(&random) % 3);
		for (uint16_t tag = 0; tag < 0x303; tag += 0x101)
			assert_int_equal(image_tags(&bucket, tag), image_tags_plain(&bucket, tag));
	}
}

static void zones_and_settings(void **state)
{
	struct image_settings settings = {.udp_size = 4096, .rotate = 1};
	struct fixture fixture;
	struct image before, after;

	(void)state;
	fixture_open(&fixture, 16u << 20);
	image_begin(fixture.writer);
	for (uint16_t i = 0; i < 3000; i++)
		assert_true(image_set_zone(fixture.writer, i, &(struct image_zone){.flags = i}));
	assert_int_not_equal(fixture_commit(&fixture), 0);
	before = fixture_image(&fixture);
	assert_int_equal(before.settings.udp_size, 1232);

	image_begin(fixture.writer);
	assert_true(image_set_zone(fixture.writer, 4000, &(struct image_zone){.flags = 9}));
	assert_true(image_set_zone(fixture.writer, 5, &(struct image_zone){.flags = 77}));
	image_set_settings(fixture.writer, &settings);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	after = fixture_image(&fixture);

	assert_int_equal(after.settings.udp_size, 4096);
	assert_int_equal(image_zone(&before, 5)->flags, 5);
	assert_int_equal(image_zone(&after, 5)->flags, 77);
	assert_int_equal(image_zone(&after, 2999)->flags, 2999);
	assert_int_equal(image_zone(&after, 3500)->flags, 0);
	assert_int_equal(image_zone(&after, 4000)->flags, 9);
	assert_null(image_zone(&after, 4001));
	assert_null(image_zone(&before, 3000));
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_linear_scan),
	    cmocka_unit_test(grows_and_shrinks),
	    cmocka_unit_test(directory_is_small),
	    cmocka_unit_test(tag_versions_agree),
	    cmocka_unit_test(zones_and_settings),
	    cmocka_unit_test(expected_names_are_found),
	    cmocka_unit_test(expected_names_can_be_aborted),
	    cmocka_unit_test(a_first_load_without_room_is_aborted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
