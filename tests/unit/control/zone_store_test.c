/* Zones that change step by step must answer exactly as if they had been loaded at once. */
#include "tests/unit/control/store_world.h"

#include <stdlib.h>
#include <string.h>

#define RUNS  60u
#define STEPS 12u

static void world_start(struct world *world)
{
	memset(world, 0, sizeof(*world));
	for (unsigned i = 0; i < WORLD_APEXES; i++)
		test_name(world_apexes[i], world->zone[i].apex);
}

/* One to three zones come, change or go. */
static void step(struct world *world, struct arena *arena, struct random *random)
{
	unsigned first = random_below(random, WORLD_APEXES);
	unsigned count = 1 + random_below(random, 3);

	for (unsigned i = 0; i < count; i++) {
		unsigned which = (first + i) % WORLD_APEXES;

		if (!world->there[which] || random_below(random, 4) == 0)
			world_change(world, random, which);
		else if (random_below(random, 4) == 0)
			world->there[which] = false;
		else
			world_touch(world, random, which);
		world_stage(world, arena, which);
	}
}

static void compare_with_fresh(const struct world *world, const struct arena *arena,
			       struct random *random)
{
	struct arena fresh;

	arena_open(&fresh);
	for (unsigned i = 0; i < WORLD_APEXES; i++)
		world_stage(world, &fresh, i);
	arena_apply(&fresh);
	compare_arenas(random, world, arena, &fresh);
	arena_close(&fresh);
}

static void changes_equal_a_fresh_build(void **state)
{
	static struct world world;
	struct arena arena;

	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		struct random random = random_start(random_first_seed() + run);

		world_start(&world);
		arena_open(&arena);
		for (unsigned i = 0; i < STEPS; i++) {
			step(&world, &arena, &random);
			arena_apply(&arena);
			if (random_below(&random, 2) == 0)
				image_reclaim(arena.writer, image_generation(arena.writer));
			compare_with_fresh(&world, &arena, &random);
		}
		arena_close(&arena);
	}
}

/* Two views with zones of the same names in one image: each is as if it were alone. */
static void views_do_not_touch_each_other(void **state)
{
	static struct world world[2];
	static const unsigned view[2] = {1, 255};
	struct arena arena;

	(void)state;
	for (unsigned run = 0; run < RUNS / 2; run++) {
		struct random random = random_start(random_first_seed() + run);

		arena_open(&arena);
		for (unsigned v = 0; v < 2; v++)
			world_start(&world[v]);
		for (unsigned i = 0; i < STEPS; i++) {
			for (unsigned v = 0; v < 2; v++) {
				arena.view = view[v];
				step(&world[v], &arena, &random);
			}
			arena_apply(&arena);
			if (random_below(&random, 2) == 0)
				image_reclaim(arena.writer, image_generation(arena.writer));
			for (unsigned v = 0; v < 2; v++) {
				struct arena alone;

				arena.view = view[v];
				arena_open(&alone);
				for (unsigned z = 0; z < WORLD_APEXES; z++)
					world_stage(&world[v], &alone, z);
				arena_apply(&alone);
				compare_arenas(&random, &world[v], &arena, &alone);
				arena_close(&alone);
			}
		}
		arena_close(&arena);
	}
}

/* Who may ask a zone stands at its apex entry, and every node of it says that not anyone may. */
static void acl_is_in_every_node(void **state)
{
	static struct world world;
	struct random random = random_start(random_first_seed());
	struct arena arena;
	uint8_t name[NAME_MAX_OCTETS];

	(void)state;
	world_start(&world);
	arena_open(&arena);
	world_change(&world, &random, 0);
	test_name("example.", name);
	for (uint8_t acl = 0; acl < 3; acl++) {
		struct zone_terms terms = {.acl = acl};

		assert_true(
		    zone_store_stage(arena.store, terms, test_zone_build(&world.zone[0], 1)));
		assert_int_not_equal(arena_apply(&arena).generation, 0);
		struct image image = arena_image(&arena);
		uint16_t index = zone_set_index(zone_store_zones(arena.store, 0), name);
		assert_int_equal(image_zone(&image, index)->acl, acl);
		for (unsigned i = 0; i < world.zone[0].count; i++) {
			const struct image_node *node =
			    image_writer_find(arena.writer, 0, world.zone[0].record[i].owner);

			if (node == NULL || node->apex_labels == IMAGE_NONE)
				continue;
			assert_int_equal((node->flags & IMAGE_NODE_ACL) != 0, acl != IMAGE_ANYONE);
			if (acl != IMAGE_ANYONE)
				assert_int_equal(node->zone_index, index);
		}
	}
	arena_close(&arena);
}

static void same_version_publishes_nothing(void **state)
{
	static struct world world;
	struct random random = random_start(random_first_seed());
	struct arena arena;
	uint64_t generation;

	(void)state;
	world_start(&world);
	arena_open(&arena);
	for (unsigned i = 0; i < WORLD_APEXES; i++) {
		world_change(&world, &random, i);
		world_stage(&world, &arena, i);
	}
	generation = arena_apply(&arena).generation;
	for (unsigned i = 0; i < WORLD_APEXES; i++) {
		struct store_change change;

		world_stage(&world, &arena, i);
		change = arena_apply(&arena);
		assert_int_equal(change.generation, 0);
		assert_int_equal(change.changed, 0);
	}
	assert_int_equal(image_generation(arena.writer), generation);
	compare_with_fresh(&world, &arena, &random);
	arena_close(&arena);
}

/* The same zones come and go again: what one round leaves behind, none may add to. */
static uint64_t live_after_round(struct arena *arena, uint64_t seed)
{
	static struct world world;
	struct random random = random_start(seed);

	world_start(&world);
	for (unsigned i = 0; i < 30; i++) {
		step(&world, arena, &random);
		arena_apply(arena);
		image_reclaim(arena->writer, image_generation(arena->writer));
	}
	for (unsigned i = 0; i < WORLD_APEXES; i++) {
		world.there[i] = false;
		world_stage(&world, arena, i);
	}
	arena_apply(arena);
	image_reclaim(arena->writer, image_generation(arena->writer));
	assert_int_equal(image_usage(arena->writer).names, 0);
	assert_int_equal(image_usage(arena->writer).retired, 0);
	return image_usage(arena->writer).live;
}

/* A policy comes in force by itself, stays with later changes, and costs nothing when replaced. */
static void policy_is_published(void **state)
{
	static const struct image_settings settings = {.udp_size = 4096};
	struct image_policy policy = {.nsid = {.length = 2, .octets = "n1"}};
	struct random random = random_start(random_first_seed());
	static struct world world;
	struct arena arena;
	uint64_t live;

	(void)state;
	world_start(&world);
	arena_open(&arena);
	world_change(&world, &random, 0);
	world_stage(&world, &arena, 0);
	arena_apply(&arena);
	assert_int_equal(arena_image(&arena).policy->nsid.length, 0);
	zone_store_stage_policy(arena.store, &settings, &policy, NULL);
	assert_int_not_equal(arena_apply(&arena).generation, 0);
	live = image_usage(arena.writer).live;
	policy.nsid.octets[1] = '2';
	zone_store_stage_policy(arena.store, &settings, &policy, NULL);
	assert_int_not_equal(arena_apply(&arena).generation, 0);
	assert_int_equal(arena_apply(&arena).generation, 0);
	struct image image = arena_image(&arena);
	assert_memory_equal(image.policy->nsid.octets, "n2", 2);
	assert_int_equal(image.settings.udp_size, 4096);
	assert_int_equal(image_usage(arena.writer).live, live);
	arena_close(&arena);
}

static const struct image_view *view_of(const struct image *image, unsigned view)
{
	const struct image_clients *clients = &image->policy->clients;
	const struct image_view *views =
	    image_at(image, clients->views, clients->view_count * sizeof(*views));

	assert_non_null(views);
	assert_true(view < clients->view_count);
	return &views[view];
}

static uint64_t publish_clients(struct arena *arena, struct world *world,
				const struct client_table *table, struct random *random)
{
	static const struct image_settings settings = {.udp_size = 1232};
	struct image image;

	zone_store_stage_policy(arena->store, &settings, NULL, table);
	arena_apply(arena);
	image = arena_image(arena);
	const uint32_t *first = image_at(&image, image.policy->clients.first4, 12);
	assert_int_equal(image.policy->clients.count4, 3);
	assert_int_equal(first[1], 0xc6336400u);
	assert_int_equal(first[2], 0xc6336500u);
	assert_int_equal(view_of(&image, 2)->slots, 0);

	arena->view = 2;
	world_change(world, random, 0);
	world_stage(world, arena, 0);
	arena_apply(arena);
	image = arena_image(arena);
	assert_true(view_of(&image, 2)->slots > 0);
	assert_int_equal(view_of(&image, 2)->labels[0], 2); /* "example." has one label */
	assert_int_equal(view_of(&image, 1)->slots, 0);
	world->there[0] = false;
	world_stage(world, arena, 0);
	arena_apply(arena);
	image = arena_image(arena);
	assert_int_equal(view_of(&image, 2)->slots, 0);

	zone_store_stage_policy(arena->store, &settings, NULL, NULL);
	arena_apply(arena);
	image = arena_image(arena);
	assert_int_equal(image.policy->clients.classes, 0);
	image_reclaim(arena->writer, image_generation(arena->writer));
	return image_usage(arena->writer).live;
}

/* Ranges and the apexes of views follow tables and zones, and what they replace is freed. */
static void clients_are_published(void **state)
{
	static struct world world;
	struct random random = random_start(random_first_seed());
	struct client_builder *builder = client_builder_new();
	const struct prefix prefix = {{0xc633640000000000ull, 0}, 4, 24};
	struct client_problem problem;
	struct arena arena;

	(void)state;
	world_start(&world);
	client_builder_add(builder, &prefix, &(struct client_change){.view = 2});
	struct client_table *table = client_table_new(builder, &problem);
	assert_non_null(table);
	table->view_count = 3;
	client_builder_free(builder);
	arena_open(&arena);
	uint64_t live = publish_clients(&arena, &world, table, &random);
	assert_int_equal(publish_clients(&arena, &world, table, &random), live);
	client_table_free(table);
	arena_close(&arena);
}

static void nothing_leaks(void **state)
{
	struct arena arena;
	uint64_t live;

	(void)state;
	arena_open(&arena);
	live = live_after_round(&arena, random_first_seed());
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(live_after_round(&arena, random_first_seed()), live);
	arena_close(&arena);
}

/* A change that finds no room leaves zones and image as they were, and can be made later. */
static void no_room_changes_nothing(void **state)
{
	static struct world world, before;
	struct random random = random_start(random_first_seed());
	struct arena arena;
	struct store_change change;
	unsigned refused = 0;
	char error[128];

	(void)state;
	world_start(&world);
	arena_open(&arena);
	for (unsigned i = 0; i < 200; i++) {
		before = world;
		arena.granted = image_usage(arena.writer).backed + random_below(&random, 2) * 65536;
		step(&world, &arena, &random);
		if (!zone_store_apply(arena.store, &change, error, sizeof(error))) {
			refused++;
			world = before;
		}
		arena.granted = UINT64_MAX;
		if (i > 0 && arena.root != 0)
			compare_with_fresh(&world, &arena, &random);
	}
	assert_true(refused > 0);
	arena_close(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(changes_equal_a_fresh_build),
	    cmocka_unit_test(views_do_not_touch_each_other),
	    cmocka_unit_test(acl_is_in_every_node),
	    cmocka_unit_test(same_version_publishes_nothing),
	    cmocka_unit_test(policy_is_published),
	    cmocka_unit_test(clients_are_published),
	    cmocka_unit_test(nothing_leaks),
	    cmocka_unit_test(no_room_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
