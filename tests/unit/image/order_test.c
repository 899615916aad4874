/* order_test.c: the order tree against an array that is searched from end to end with
 * name_compare(). */
#include "tests/unit/image/fixture.h"

#include "zones/image/order.h"
#include "zones/name/name.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODEL_MAX 8192u

struct model {
	unsigned count;
	struct test_name name[MODEL_MAX];
	uint32_t stamp[MODEL_MAX];
};

static int model_find(const struct model *model, const struct test_name *name)
{
	for (unsigned i = 0; i < model->count; i++)
		if (name_compare(model->name[i].wire, name->wire) == 0)
			return (int)i;
	return -1;
}

/* The entry that order_at_or_before() must find; -1: none. */
static int model_at_or_before(const struct model *model, const struct test_name *name)
{
	int best = -1, last = -1;

	for (unsigned i = 0; i < model->count; i++) {
		const uint8_t *at = model->name[i].wire;

		if (name_compare(at, name->wire) <= 0 &&
		    (best < 0 || name_compare(at, model->name[best].wire) > 0))
			best = (int)i;
		if (last < 0 || name_compare(at, model->name[last].wire) > 0)
			last = (int)i;
	}
	return best >= 0 ? best : last;
}

static void put(struct fixture *fixture, struct model *model, image_ref *tree,
		const struct test_name *name, uint32_t stamp)
{
	int at = model_find(model, name);
	image_ref ref = image_put(fixture->writer, node_make(name, stamp, 8));

	assert_int_not_equal(ref, 0);
	assert_int_equal(ref, image_writer_ref(fixture->writer,
					       image_writer_find(fixture->writer, 0, name->wire)));
	assert_true(order_put(fixture->writer, tree, ref));
	if (at < 0)
		at = (int)model->count++;
	model->name[at] = *name;
	model->stamp[at] = stamp;
}

static void delete (struct fixture *fixture, struct model *model, image_ref *tree,
		    const struct test_name *name)
{
	int at = model_find(model, name);

	assert_true(order_delete(fixture->writer, tree, name->wire));
	assert_true(image_delete(fixture->writer, 0, name->wire));
	if (at < 0)
		return;
	model->count--;
	model->name[at] = model->name[model->count];
	model->stamp[at] = model->stamp[model->count];
}

static void compare(const struct fixture *fixture, const struct model *model, image_ref tree,
		    const struct test_name *name)
{
	struct image image = fixture_image(fixture);
	const struct image_node *node = order_at_or_before(&image, tree, name->wire);
	int at = model_at_or_before(model, name);

	if (at < 0) {
		assert_null(node);
		return;
	}
	assert_non_null(node);
	assert_int_equal(stamp_of(node), model->stamp[at]);
}

static void name_any(struct random *random, struct test_name *name, uint32_t numbers)
{
	if (random_below(random, 4) == 0)
		name_random(random, name);
	else
		name_numbered(name, (uint32_t)random_below(random, numbers));
}

static void agrees_with_array(void **state)
{
	struct random random = random_start("agrees_with_array");
	struct model *model = malloc(sizeof(*model)), *before = malloc(sizeof(*before));
	uint32_t stamp = 0;

	(void)state;
	for (unsigned set = 0; set < 30; set++) {
		uint32_t numbers = 1u << (1 + random_below(&random, 10));
		struct fixture fixture;
		image_ref tree = 0;

		model->count = 0;
		fixture_open(&fixture, 16u << 20);
		fixture_replicate(&fixture, 1 + (unsigned)random_below(&random, 4));
		for (unsigned t = 0; t < 12; t++) {
			uint64_t deletes = random_below(&random, 100);
			bool abort = random_below(&random, 8) == 0;
			image_ref tree_before = tree;
			struct test_name name;

			memcpy(before, model, sizeof(*model));
			image_begin(fixture.writer);
			for (uint64_t n = random_below(&random, 200); n > 0; n--) {
				name_any(&random, &name, numbers);
				if (random_below(&random, 100) < deletes)
					delete (&fixture, model, &tree, &name);
				else
					put(&fixture, model, &tree, &name, ++stamp);
			}
			if (abort) {
				image_abort(fixture.writer);
				memcpy(model, before, sizeof(*model));
				tree = tree_before;
				image_begin(fixture.writer);
			}
			assert_int_not_equal(fixture_commit(&fixture), 0);
			image_reclaim(fixture.writer, image_generation(fixture.writer));
			for (unsigned n = 0; n < 60; n++) {
				name_any(&random, &name, numbers);
				compare(&fixture, model, tree, &name);
			}
		}
		fixture_close(&fixture);
	}
	free(model);
	free(before);
}

/* Many names in order and out of order, then away again: pages fill, join and go. */
static void grows_and_shrinks(void **state)
{
	enum { NAMES = 60000 };
	struct fixture fixture;
	struct test_name name;
	struct image image;
	image_ref tree = 0;
	uint64_t nodes;

	(void)state;
	fixture_open(&fixture, 64u << 20);
	image_begin(fixture.writer);
	for (uint32_t i = 0; i < NAMES; i++) {
		name_numbered(&name, i * 7919u % NAMES);
		assert_int_not_equal(image_put(fixture.writer, node_make(&name, i + 1, 8)), 0);
	}
	assert_int_not_equal(fixture_commit(&fixture), 0);
	nodes = image_usage(fixture.writer).live;

	image_begin(fixture.writer);
	for (uint32_t i = 0; i < NAMES; i++) {
		name_numbered(&name, i);
		assert_true(
		    order_put(fixture.writer, &tree,
			      image_writer_ref(fixture.writer,
					       image_writer_find(fixture.writer, 0, name.wire))));
	}
	assert_int_not_equal(fixture_commit(&fixture), 0);
	image_reclaim(fixture.writer, image_generation(fixture.writer));
	assert_in_range(image_usage(fixture.writer).live - nodes, 8u * NAMES, 24u * NAMES);
	image = fixture_image(&fixture);
	for (uint32_t i = 0; i < NAMES; i++) {
		const struct image_node *node;

		name_numbered(&name, i);
		node = order_at_or_before(&image, tree, name.wire);
		assert_non_null(node);
		assert_true(name_equal(node->name, name.wire));
	}

	for (uint32_t i = 0; i < NAMES; i++) {
		if (i % 5000 == 0)
			image_begin(fixture.writer);
		name_numbered(&name, i * 4801u % NAMES);
		assert_true(order_delete(fixture.writer, &tree, name.wire));
		if (i % 5000 == 4999)
			assert_int_not_equal(fixture_commit(&fixture), 0);
	}
	image_reclaim(fixture.writer, image_generation(fixture.writer));
	assert_int_equal(tree, 0);
	assert_int_equal(image_usage(fixture.writer).live, nodes);
	fixture_close(&fixture);
}

static void retires_all_pages(void **state)
{
	struct fixture fixture;
	struct test_name name;
	image_ref tree = 0;
	uint64_t nodes;

	(void)state;
	fixture_open(&fixture, 16u << 20);
	image_begin(fixture.writer);
	for (uint32_t i = 0; i < 5000; i++) {
		name_numbered(&name, i);
		assert_int_not_equal(image_put(fixture.writer, node_make(&name, i + 1, 8)), 0);
	}
	assert_int_not_equal(fixture_commit(&fixture), 0);
	nodes = image_usage(fixture.writer).live;
	image_begin(fixture.writer);
	for (uint32_t i = 0; i < 5000; i++) {
		name_numbered(&name, i);
		assert_true(
		    order_put(fixture.writer, &tree,
			      image_writer_ref(fixture.writer,
					       image_writer_find(fixture.writer, 0, name.wire))));
	}
	assert_int_not_equal(fixture_commit(&fixture), 0);
	image_begin(fixture.writer);
	order_retire(fixture.writer, tree);
	order_retire(fixture.writer, 0);
	assert_int_not_equal(fixture_commit(&fixture), 0);
	image_reclaim(fixture.writer, image_generation(fixture.writer));
	assert_int_equal(image_usage(fixture.writer).live, nodes);
	fixture_close(&fixture);
}

/* False: memory ended. */
static bool put_all(struct fixture *fixture, uint32_t names, image_ref *tree)
{
	bool good = true;

	for (uint32_t i = 0; i < names && good; i++) {
		struct test_name name;

		name_numbered(&name, i);
		good =
		    order_put(fixture->writer, tree,
			      image_writer_ref(fixture->writer,
					       image_writer_find(fixture->writer, 0, name.wire)));
	}
	return good;
}

static void assert_first_hundred(const struct fixture *fixture, image_ref tree)
{
	struct image image = fixture_image(fixture);

	for (uint32_t i = 0; i < 100; i++) {
		struct test_name name;

		name_numbered(&name, i);
		const struct image_node *node = order_at_or_before(&image, tree, name.wire);
		assert_non_null(node);
		assert_int_equal(stamp_of(node), i + 1);
	}
}

/* Memory ends while a page is made, split or copied: the transaction fails as a whole, and what was
 * published stays as it was. */
static void out_of_memory(void **state)
{
	struct fixture fixture;
	struct test_name name;
	image_ref tree = 0;

	(void)state;
	fixture_open(&fixture, 64u << 20);
	image_begin(fixture.writer);
	for (uint32_t i = 0; i < 5000; i++) {
		name_numbered(&name, i);
		assert_int_not_equal(image_put(fixture.writer, node_make(&name, i + 1, 8)), 0);
	}
	assert_true(put_all(&fixture, 100, &tree));
	assert_int_not_equal(fixture_commit(&fixture), 0);
	uint64_t generation = image_generation(fixture.writer);
	fixture.granted = image_usage(fixture.writer).backed;
	for (unsigned round = 0; round < 4; round++) {
		image_ref changed = tree;
		unsigned trees = 0;

		image_begin(fixture.writer);
		while (put_all(&fixture, 5000 - round * 37, &changed)) {
			assert_true(++trees < 1000);
			changed = 0; /* one tree more */
		}
		assert_int_equal(image_commit(fixture.writer), 0);
		assert_int_equal(image_generation(fixture.writer), generation);
		assert_first_hundred(&fixture, tree);
	}
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_array),
	    cmocka_unit_test(grows_and_shrinks),
	    cmocka_unit_test(retires_all_pages),
	    cmocka_unit_test(out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
