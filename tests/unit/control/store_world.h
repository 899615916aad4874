/* store_world.h: a store over an arena in memory, and the zones that it should hold, as plain lists
 * of records. */
#ifndef SKUA_TESTS_UNIT_CONTROL_STORE_WORLD_H
#define SKUA_TESTS_UNIT_CONTROL_STORE_WORLD_H

#include "control/store/zone_store.h"
#include "tests/unit/image/replicas.h"
#include "tests/unit/zone/random_zone.h"
#include "zones/image/reader.h"

#define WORLD_APEXES 6u

struct arena {
	uint8_t *base;
	struct image_replicas replicas; /* compared after each commit */
	uint64_t granted;		/* octets that the writer may use */
	bool refuses;			/* to commit */
	struct image_writer *writer;
	struct zone_store *store;
	image_ref root;
	unsigned view; /* that the functions below stage into and look at; 0 at first */
};

void arena_open(struct arena *arena);
void arena_close(struct arena *arena);
struct image arena_image(const struct arena *arena);
/* Applies what is staged; fails the test if that fails. */
struct store_change arena_apply(struct arena *arena);

enum world_proof { PROOF_NONE, PROOF_NSEC, PROOF_NSEC3, PROOFS };

struct world {
	bool there[WORLD_APEXES];
	struct test_zone zone[WORLD_APEXES];
};
extern const char *const world_apexes[WORLD_APEXES];

/* A new version of one zone: random records, with NSEC or NSEC3 records as its way of proof asks.
 */
void world_change(struct world *world, struct random *random, unsigned which);
/* A version that differs from the one before by a record or two. */
void world_touch(struct world *world, struct random *random, unsigned which);
/* Stages the zone as it is in the world. */
void world_stage(const struct world *world, struct arena *arena, unsigned which);

/* Fails the test unless both arenas answer alike: every name that the world has ever had, names
 * beside them, and every proof of absence. */
void compare_arenas(struct random *random, const struct world *world, const struct arena *a,
		    const struct arena *b);

#endif
