/* Records that change in zones in force: after each batch, zones and image must be exactly what a
 * store has that got the same records as whole zones. */
#include "tests/unit/control/store_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS  120u
#define STEPS 25u

static const struct place nowhere;

static void world_start(struct world *world)
{
	memset(world, 0, sizeof(*world));
	for (unsigned i = 0; i < WORLD_APEXES; i++)
		test_name(world_apexes[i], world->zone[i].apex);
}

/* ---- edits, in the list of records and as changes ---- */

static void edit_add(struct test_zone *zone, struct zone_changes *changes,
		     const struct test_record *record)
{
	if (zone->count == TEST_RECORDS)
		return;
	test_zone_add(zone, record);
	zone_changes_add(changes, record->owner, record->type, record->ttl, record->rdata,
			 record->length, nowhere);
}

static void edit_remove(struct random *random, struct test_zone *zone, struct zone_changes *changes)
{
	unsigned which = random_below(random, zone->count);
	const struct test_record *record = &zone->record[which];

	zone_changes_remove(changes, record->owner, record->type, record->rdata, record->length);
	test_zone_remove(zone, which);
}

/* The records of an RRset as a view has them. */
static void append_record(struct rrset_view *view, uint8_t *octets,
			  const struct test_record *record)
{
	memcpy(octets + view->octets, &record->length, sizeof(record->length));
	memcpy(octets + view->octets + 2, record->rdata, record->length);
	view->octets += 2u + record->length;
	view->count++;
}

/* A record of the same type; of those that no random record has: the same with another octet. */
static void another_record(struct random *random, const struct test_zone *zone,
			   const struct test_record *like, struct test_record *record)
{
	*record = *like;
	if (like->type == TYPE_SOA || like->type == TYPE_NSEC3PARAM) {
		record->rdata[like->length - 1] ^= (uint8_t)random_below(random, 4);
		return;
	}
	do
		random_record(random, zone->apex, record);
	while (record->type != like->type);
}

/* Another TTL and other records for one RRset, or none at all. */
static void edit_set(struct random *random, struct test_zone *zone, struct zone_changes *changes)
{
	struct test_record record, like = zone->record[random_below(random, zone->count)];
	struct rrset_view view = {
	    .type = like.type,
	    .covered = like.type == TYPE_RRSIG ? rrsig_covered(like.rdata, like.length) : 0,
	    .ttl = random_below(random, 1000),
	};
	uint8_t octets[3 * (2 + sizeof(record.rdata))];

	for (unsigned i = zone->count; i-- > 0;)
		if (test_same_rrset(&zone->record[i], &like))
			test_zone_remove(zone, i);
	view.records = octets;
	for (unsigned i = random_below(random, 3); i > 0 && zone->count < TEST_RECORDS; i--) {
		another_record(random, zone, &like, &record);
		if (like.type == TYPE_RRSIG)
			put_u16(record.rdata, view.covered);
		memcpy(record.owner, like.owner, sizeof(record.owner));
		record.ttl = view.ttl;
		if (test_zone_add(zone, &record) != ZONE_DUPLICATE)
			append_record(&view, octets, &record);
	}
	zone_changes_set(changes, like.owner, &view);
}

/* Another way of proving absence: NSEC3PARAM or NSEC comes to the apex. */
static void edit_proof(struct random *random, struct test_zone *zone, struct zone_changes *changes)
{
	const uint8_t nsec3[] = {1, 0, 0, (uint8_t)random_below(random, 3), 2, 0xab, 0xcd};
	const uint8_t nsec[] = {0, 0, 1, 2};
	struct test_record record = {.type = TYPE_NSEC3PARAM, .ttl = 60, .length = sizeof(nsec3)};

	memcpy(record.owner, zone->apex, sizeof(record.owner));
	memcpy(record.rdata, nsec3, sizeof(nsec3));
	if (random_below(random, 2) == 0) {
		record.type = TYPE_NSEC;
		record.length = sizeof(nsec);
		memcpy(record.rdata, nsec, sizeof(nsec));
	}
	edit_add(zone, changes, &record);
}

static void edit(struct random *random, struct test_zone *zone, struct zone_changes *changes)
{
	static const uint16_t hiding[] = {TYPE_NS, TYPE_DNAME, TYPE_NSEC3, TYPE_CNAME};
	struct test_record record;
	unsigned how = random_below(random, 16);

	if (how < 5 && zone->count > 0) {
		edit_remove(random, zone, changes);
	} else if (how < 8 && zone->count > 0) {
		edit_set(random, zone, changes);
	} else if (how == 8) {
		edit_proof(random, zone, changes);
	} else {
		do
			random_record(random, zone->apex, &record);
		while (how > 13 && record.type != hiding[random_below(random, 4)]);
		edit_add(zone, changes, &record);
	}
}

static void stage_edits(struct world *world, struct arena *arena, struct random *random,
			unsigned which)
{
	struct zone_changes changes = {0};
	size_t refused;

	for (unsigned i = 1 + random_below(random, 6); i > 0; i--)
		edit(random, &world->zone[which], &changes);
	assert_int_equal(zone_store_stage_changes(arena->store, arena->view,
						  world->zone[which].apex, &changes, &refused),
			 STORE_STAGED);
	zone_changes_free(&changes);
}

/* One to three zones change; now and then one comes or goes, or is put whole between batches. */
static void step(struct world *world, struct arena *arena, struct random *random)
{
	unsigned first = random_below(random, WORLD_APEXES);

	for (unsigned i = 1 + random_below(random, 3); i > 0; i--) {
		unsigned which = (first + i) % WORLD_APEXES;
		unsigned how = random_below(random, 12);

		if (world->there[which] && (how != 0 || random_below(random, 2) == 0))
			stage_edits(world, arena, random, which);
		if (how == 0 && world->there[which])
			world->there[which] = false;
		else if (how < 3 || !world->there[which])
			world_change(world, random, which);
		else if (how == 3)
			world_touch(world, random, which);
		if (how < 4 || zone_set_find(zone_store_zones(arena->store, arena->view),
					     world->zone[which].apex) == NULL)
			world_stage(world, arena, which);
		if (world->there[which] && how > 8)
			stage_edits(world, arena, random, which);
	}
}

/* ---- the same as a fresh build ---- */

static void no_difference(void *context, const uint8_t *owner)
{
	(void)owner;
	CHECK((struct random *)context, "the zones have the same records" == NULL);
}

static void compare_zones(const struct world *world, const struct arena *a, const struct arena *b,
			  struct random *random)
{
	for (unsigned i = 0; i < WORLD_APEXES; i++) {
		const uint8_t *apex = world->zone[i].apex;
		const struct zone *zone = zone_set_find(zone_store_zones(a->store, a->view), apex);
		const struct zone *same = zone_set_find(zone_store_zones(b->store, b->view), apex);

		CHECK(random, (zone != NULL) == world->there[i]);
		CHECK(random, (same != NULL) == world->there[i]);
		if (zone == NULL)
			continue;
		const struct zone_counts counts = zone_counts(zone), wanted = zone_counts(same);

		zone_diff(zone, same, no_difference, random);
		CHECK(random, counts.names == wanted.names && counts.rrsets == wanted.rrsets &&
				  counts.records == wanted.records &&
				  counts.proofs == wanted.proofs);
	}
}

static void compare_with_fresh(const struct world *world, const struct arena *arena,
			       struct random *random)
{
	struct arena fresh;

	arena_open(&fresh);
	fresh.view = arena->view;
	for (unsigned i = 0; i < WORLD_APEXES; i++)
		world_stage(world, &fresh, i);
	arena_apply(&fresh);
	compare_zones(world, arena, &fresh, random);
	compare_arenas(random, world, arena, &fresh);
	arena_close(&fresh);
}

static void maybe_reclaim(struct arena *arena, struct random *random)
{
	if (random_below(random, 2) == 0)
		image_reclaim(arena->writer, image_generation(arena->writer));
}

static void stage_version(const struct world *world, struct arena *arena, unsigned which)
{
	const uint8_t *apex = world->zone[which].apex;
	const struct zone *old = zone_set_find(zone_store_zones(arena->store, arena->view), apex);
	struct zone *new = test_zone_build(&world->zone[which], 1);
	struct zone_changes changes = {0};
	size_t refused, count;

	assert_true(zone_changes_between(&changes, old, new, SIZE_MAX));
	count = changes.count;
	zone_changes_clear(&changes);
	if (count > 1)
		assert_false(zone_changes_between(&changes, old, new, 1));
	zone_changes_clear(&changes);
	assert_true(zone_changes_between(&changes, old, new, count + 1));
	assert_int_equal(
	    zone_store_stage_changes(arena->store, arena->view, apex, &changes, &refused),
	    STORE_STAGED);
	zone_changes_clear(&changes);
	assert_true(zone_changes_between(&changes, old, new, 1)); /* it is that version now */
	assert_int_equal(changes.count, 0);
	zone_changes_free(&changes);
	zone_free(new);
}

static void batches_equal_a_fresh_build(void **state)
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
			maybe_reclaim(&arena, &random);
			compare_with_fresh(&world, &arena, &random);
		}
		arena_close(&arena);
	}
}

/* A new version of a zone as the changes that lead to it. */
static void versions_equal_a_fresh_build(void **state)
{
	static struct world world;
	struct arena arena;

	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		struct random random = random_start(random_first_seed() + run);

		world_start(&world);
		arena_open(&arena);
		for (unsigned i = 0; i < STEPS; i++) {
			unsigned which = random_below(&random, WORLD_APEXES);
			bool there = world.there[which];

			if (!there || random_below(&random, 4) == 0)
				world_change(&world, &random, which);
			else
				world_touch(&world, &random, which);
			if (there)
				stage_version(&world, &arena, which);
			else
				world_stage(&world, &arena, which);
			arena_apply(&arena);
			maybe_reclaim(&arena, &random);
			compare_with_fresh(&world, &arena, &random);
		}
		arena_close(&arena);
	}
}

/* Two views of the same names: what changes in one shows in that one only. */
static void views_change_apart(void **state)
{
	static struct world world[2];
	static const unsigned view[2] = {1, 255};
	struct arena arena, alone;

	(void)state;
	for (unsigned run = 0; run < RUNS / 6; run++) {
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
			maybe_reclaim(&arena, &random);
			for (unsigned v = 0; v < 2; v++) {
				arena.view = view[v];
				arena_open(&alone);
				for (unsigned z = 0; z < WORLD_APEXES; z++)
					world_stage(&world[v], &alone, z);
				arena_apply(&alone);
				compare_zones(&world[v], &arena, &alone, &random);
				compare_arenas(&random, &world[v], &arena, &alone);
				arena_close(&alone);
			}
		}
		arena_close(&arena);
	}
}

/* A transaction that finds no room, or that can't be committed in the end, leaves zones and image
 * as they were, and later ones go on from there. */
static void what_fails_changes_nothing(void **state)
{
	static struct world world, before;
	struct random random = random_start(random_first_seed());
	struct arena arena;
	struct store_change change;
	unsigned no_room = 0, no_commit = 0, made = 0;
	char error[128];

	(void)state;
	world_start(&world);
	arena_open(&arena);
	for (unsigned i = 0; i < 1000; i++) {
		before = world;
		arena.refuses = random_below(&random, 3) == 0;
		arena.granted =
		    random_below(&random, 25) == 0 ? UINT64_MAX : image_usage(arena.writer).backed;
		step(&world, &arena, &random);
		if (zone_store_apply(arena.store, &change, error, sizeof(error))) {
			made++;
		} else {
			no_room += !arena.refuses;
			no_commit += arena.refuses;
			world = before;
		}
		if (random_below(&random, 100) == 0)
			image_reclaim(arena.writer, image_generation(arena.writer));
		if (arena.root != 0)
			compare_with_fresh(&world, &arena, &random);
	}
	assert_true(no_room > 20 && no_commit > 50 && made > 200);
	arena_close(&arena);
}

/* The same batches again, until all zones leave: what one round leaves behind, none may add to. */
static uint64_t live_after_round(struct arena *arena)
{
	static struct world world;
	struct random random = random_start(random_first_seed());

	world_start(&world);
	for (unsigned i = 0; i < 200; i++) {
		step(&world, arena, &random);
		arena_apply(arena);
		maybe_reclaim(arena, &random);
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

static void nothing_leaks(void **state)
{
	struct arena arena;
	uint64_t live;

	(void)state;
	arena_open(&arena);
	live = live_after_round(&arena);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(live_after_round(&arena), live);
	arena_close(&arena);
}

/* ---- batches that are refused, or change nothing ---- */

static void world_of_one(struct world *world, struct arena *arena, struct random *random)
{
	world_start(world);
	arena_open(arena);
	world_change(world, random, 0);
	world_stage(world, arena, 0);
	arena_apply(arena);
}

static void a_refused_batch_changes_nothing(void **state)
{
	static struct world world;
	static uint8_t large[65500];
	struct random random = random_start(random_first_seed());
	struct zone_changes changes = {0};
	uint8_t elsewhere[NAME_MAX_OCTETS];
	struct arena arena;
	size_t refused;

	(void)state;
	world_of_one(&world, &arena, &random);
	const uint8_t *apex = world.zone[0].apex;
	test_name("elsewhere.", elsewhere);
	stage_edits(&world, &arena, &random, 0); /* stays staged */
	static struct test_zone scratch;
	for (unsigned i = 0; i < 20; i++) {
		scratch = world.zone[0];
		zone_changes_clear(&changes);
		for (unsigned j = 0; j < 10; j++)
			edit(&random, &scratch, &changes);
		if (i % 2 == 0)
			zone_changes_add(&changes, elsewhere, TYPE_A, 1, large, 4, nowhere);
		else
			zone_changes_add(&changes, apex, TYPE_TXT, 1, large, sizeof(large),
					 nowhere);
		assert_int_equal(zone_store_stage_changes(arena.store, 0, apex, &changes, &refused),
				 i % 2 == 0 ? STORE_OUT_OF_ZONE : STORE_TOO_LARGE);
		assert_int_equal(refused, changes.count - 1);
	}
	assert_int_equal(zone_store_stage_changes(arena.store, 0, elsewhere, &changes, &refused),
			 STORE_NO_ZONE);
	assert_int_equal(zone_store_stage_changes(arena.store, 7, apex, &changes, &refused),
			 STORE_NO_ZONE);
	arena_apply(&arena);
	compare_with_fresh(&world, &arena, &random);
	zone_changes_free(&changes);
	arena_close(&arena);
}

static void what_is_so_already_publishes_nothing(void **state)
{
	static struct world world;
	struct random random = random_start(random_first_seed());
	struct zone_changes changes = {0};
	struct arena arena;
	size_t refused;

	(void)state;
	world_of_one(&world, &arena, &random);
	const struct test_zone *zone = &world.zone[0];
	for (unsigned i = 0; i < zone->count; i++) {
		const struct test_record *record = &zone->record[i];
		uint8_t other[600] = {0};

		zone_changes_add(&changes, record->owner, record->type, record->ttl + 1,
				 record->rdata, record->length, nowhere);
		memcpy(other, record->rdata, record->length);
		other[0] ^= 0x80;
		if (record->type == TYPE_TXT || record->type == TYPE_AAAA)
			zone_changes_remove(&changes, record->owner, record->type, other,
					    record->length);
	}
	const struct zone *held = zone_set_find(zone_store_zones(arena.store, 0), zone->apex);
	for (zone_name name = ZONE_APEX; name != ZONE_NO_NAME; name = zone_next(held, name)) {
		uint8_t owner[NAME_MAX_OCTETS];
		struct rrset_view view;
		uint32_t at = 0;

		zone_owner(held, name, owner);
		while (zone_rrset_next(held, name, &at, &view))
			zone_changes_set(&changes, owner, &view);
	}
	assert_int_equal(zone_store_stage_changes(arena.store, 0, zone->apex, &changes, &refused),
			 STORE_STAGED);
	struct store_change change = arena_apply(&arena);
	assert_int_equal(change.generation, 0);
	assert_int_equal(change.changed, 0);
	compare_with_fresh(&world, &arena, &random);
	zone_changes_free(&changes);
	arena_close(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(batches_equal_a_fresh_build),
	    cmocka_unit_test(versions_equal_a_fresh_build),
	    cmocka_unit_test(views_change_apart),
	    cmocka_unit_test(what_fails_changes_nothing),
	    cmocka_unit_test(nothing_leaks),
	    cmocka_unit_test(a_refused_batch_changes_nothing),
	    cmocka_unit_test(what_is_so_already_publishes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
