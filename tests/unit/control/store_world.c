#include "tests/unit/control/store_world.h"

#include "zones/image/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CAPACITY (64u << 20)

const char *const world_apexes[WORLD_APEXES] = {"example.",	"a.example.",	"www.b.example.",
						"a.a.example.", "b.a.example.", "x."};

static bool grow(void *context, uint64_t octets)
{
	const struct arena *arena = context;

	return octets <= arena->granted;
}

static uint64_t commit(void *context, char *error, size_t error_size)
{
	struct arena *arena = context;
	image_ref root = 0;

	if (arena->refuses)
		image_abort(arena->writer);
	else
		root = image_commit(arena->writer);
	if (root == 0) {
		snprintf(error, error_size, "full");
		return 0;
	}
	if (replicas_fault(arena->writer) != NULL)
		fail_msg("%s", replicas_fault(arena->writer));
	arena->root = root;
	return image_generation(arena->writer);
}

void arena_open(struct arena *arena)
{
	static const uint64_t key[2] = {42, 43};
	static const struct image_settings settings = {.udp_size = 1232, .additional = 1};

	arena->base = mmap(NULL, CAPACITY + IMAGE_NODE_MAX, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(arena->base, MAP_FAILED);
	arena->granted = CAPACITY;
	arena->root = 0;
	arena->view = 0;
	arena->refuses = false;
	arena->writer = image_writer_new(arena->base, CAPACITY, 1, key, 2, grow, arena);
	assert_non_null(arena->writer);
	replicas_open(&arena->replicas, arena->writer, arena->base, CAPACITY, 2);
	arena->store = zone_store_new(arena->writer, &settings, commit, arena);
}

void arena_close(struct arena *arena)
{
	zone_store_free(arena->store);
	image_writer_free(arena->writer);
	replicas_close(&arena->replicas, CAPACITY);
	munmap(arena->base, CAPACITY + IMAGE_NODE_MAX);
}

struct image arena_image(const struct arena *arena)
{
	struct image image;

	assert_int_equal(image_open(arena->replicas.base[1], CAPACITY, arena->root, &image),
			 IMAGE_GOOD);
	return image;
}

struct store_change arena_apply(struct arena *arena)
{
	struct store_change change;
	char error[128] = "";

	if (!zone_store_apply(arena->store, &change, error, sizeof(error)))
		fail_msg("apply: %s", error);
	return change;
}

static void add(struct test_zone *zone, const char *text_owner, const uint8_t *owner, uint16_t type,
		const uint8_t *rdata, uint16_t length)
{
	struct test_record record = {.type = type, .ttl = 60, .length = length};

	if (zone->count >= TEST_RECORDS)
		return;
	if (text_owner != NULL)
		test_name(text_owner, record.owner);
	else
		memcpy(record.owner, owner, name_length(owner, NAME_MAX_OCTETS));
	memcpy(record.rdata, rdata, length);
	test_zone_add(zone, &record);
}

/* "next" is always the root here: only the block's octets matter, not that the chain is one. */
static void add_nsec(struct test_zone *zone, const uint8_t *owner, uint8_t stamp)
{
	const uint8_t rdata[] = {0, 0, 1, stamp};

	add(zone, NULL, owner, TYPE_NSEC, rdata, sizeof(rdata));
}

static void prove_by_nsec(struct test_zone *zone, struct random *random)
{
	unsigned count = zone->count;

	add_nsec(zone, zone->apex, (uint8_t)random_below(random, 256));
	for (unsigned i = 0; i < count; i++)
		if (random_below(random, 3) > 0)
			add_nsec(zone, zone->record[i].owner, (uint8_t)random_below(random, 4));
}

static void prove_by_nsec3(struct test_zone *zone, struct random *random)
{
	const uint8_t parameters[] = {1, 0, 0, (uint8_t)random_below(random, 3), 2, 0xab, 0xcd};
	char apex[NAME_MAX_TEXT], owner[NAME_MAX_TEXT + 8];

	add(zone, NULL, zone->apex, TYPE_NSEC3PARAM, parameters, sizeof(parameters));
	name_to_text(zone->apex, apex);
	for (unsigned i = random_below(random, 8); i > 0; i--) {
		const uint8_t rdata[] = {1,    0,    0, 1, 2,
					 0xab, 0xcd, 4, 1, 2,
					 3,    4,    0, 1, (uint8_t)random_below(random, 4)};

		snprintf(owner, sizeof(owner), "h%u.%s", random_below(random, 20), apex);
		add(zone, owner, NULL, TYPE_NSEC3, rdata, sizeof(rdata));
	}
}

void world_change(struct world *world, struct random *random, unsigned which)
{
	struct test_zone *zone = &world->zone[which];

	world->there[which] = true;
	random_zone(random, world_apexes[which], 40, zone);
	switch ((enum world_proof)random_below(random, PROOFS)) {
	case PROOF_NSEC:
		prove_by_nsec(zone, random);
		break;
	case PROOF_NSEC3:
		prove_by_nsec3(zone, random);
		break;
	default:
		break;
	}
}

void world_touch(struct world *world, struct random *random, unsigned which)
{
	struct test_zone *zone = &world->zone[which];
	struct test_record record;

	if (zone->count > 3 && random_below(random, 2) == 0)
		test_zone_remove(zone, random_below(random, zone->count));
	if (zone->count < TEST_RECORDS) {
		random_record(random, zone->apex, &record);
		test_zone_add(zone, &record);
	}
}

void world_stage(const struct world *world, struct arena *arena, unsigned which)
{
	if (world->there[which])
		assert_true(zone_store_stage(arena->store,
					     (struct zone_terms){.view = (uint8_t)arena->view},
					     test_zone_build(&world->zone[which], 1)));
	else
		zone_store_stage_removal(arena->store, arena->view, world->zone[which].apex);
}

/* The same but for zone_index, which counts in order of arrival, and the view. */
static bool same_node(const struct image_node *a, const struct image_node *b)
{
	struct image_node head_a, head_b;

	if (a == NULL || b == NULL)
		return a == b;
	memcpy(&head_a, a, sizeof(head_a));
	memcpy(&head_b, b, sizeof(head_b));
	head_a.zone_index = head_b.zone_index = 0;
	head_a.view = head_b.view = 0;
	return memcmp(&head_a, &head_b, sizeof(head_a)) == 0 &&
	       memcmp(a->name, b->name, a->units * IMAGE_UNIT - sizeof(head_a)) == 0;
}

static void compare_proofs(struct random *random, const struct arena *a, const struct arena *b,
			   const uint8_t *apex, const uint8_t *name)
{
	const struct image image_a = arena_image(a), image_b = arena_image(b);
	const struct image_zone *zone_a, *zone_b;

	zone_a = image_zone(&image_a, zone_set_index(zone_store_zones(a->store, a->view), apex));
	zone_b = image_zone(&image_b, zone_set_index(zone_store_zones(b->store, b->view), apex));
	CHECK(random, zone_a != NULL && zone_b != NULL);
	CHECK(random, zone_a->flags == zone_b->flags);
	CHECK(random, zone_a->nsec3_iterations == zone_b->nsec3_iterations);
	CHECK(random, zone_a->nsec3_salt_length == zone_b->nsec3_salt_length);
	if (zone_a->salt != 0)
		CHECK(random, memcmp(image_at(&image_a, zone_a->salt, 2),
				     image_at(&image_b, zone_b->salt, 2), 2) == 0);
	CHECK(random, (zone_a->order == 0) == (zone_b->order == 0));
	if (zone_a->order != 0)
		CHECK(random, same_node(order_at_or_before(&image_a, zone_a->order, name),
					order_at_or_before(&image_b, zone_b->order, name)));
}

static void compare_name(struct random *random, const struct arena *a, const struct arena *b,
			 const uint8_t *name)
{
	uint8_t lower[NAME_MAX_OCTETS];

	name_lower(lower, name, name_length(name, NAME_MAX_OCTETS));
	for (unsigned skip = 0; skip <= name_labels(lower); skip++)
		CHECK(random,
		      same_node(image_writer_find(a->writer, a->view, name_skip(lower, skip)),
				image_writer_find(b->writer, b->view, name_skip(lower, skip))));
}

static void compare_at(struct random *random, const struct world *world, const struct arena *a,
		       const struct arena *b, const uint8_t *name)
{
	compare_name(random, a, b, name);
	for (unsigned i = 0; i < WORLD_APEXES; i++)
		if (world->there[i] && name_is_at_or_below(name, world->zone[i].apex))
			compare_proofs(random, a, b, world->zone[i].apex, name);
}

void compare_arenas(struct random *random, const struct world *world, const struct arena *a,
		    const struct arena *b)
{
	uint8_t name[NAME_MAX_OCTETS];

	if (a->view == b->view)
		CHECK(random, image_usage(a->writer).names == image_usage(b->writer).names);
	for (unsigned i = 0; i < WORLD_APEXES; i++) {
		test_name(world_apexes[i], name);
		compare_at(random, world, a, b, name);
		for (unsigned j = 0; j < world->zone[i].count; j++)
			compare_at(random, world, a, b, world->zone[i].record[j].owner);
		for (unsigned j = 0; j < 20; j++) {
			uint8_t apex[NAME_MAX_OCTETS];

			memcpy(apex, name, sizeof(apex));
			random_owner(random, apex, name);
			compare_at(random, world, a, b, name);
			memcpy(name, apex, sizeof(apex));
		}
	}
}
