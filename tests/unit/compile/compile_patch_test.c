/* Nodes patched with what zone_set_diff() reports, against compiling every name anew: the
 * difference must hold every name whose node changed, appeared or went. */
#include "tests/unit/zone/random_zone.h"
#include "zones/compile/compile.h"

#include <stdlib.h>
#include <string.h>

#define RUNS   250u
#define STEPS  25u
#define APEXES 7u
#define NODES  4000u

static const char *const apexes[APEXES] = {"example.",
					   "a.example.",
					   "www.b.example.",
					   "*.a.example.",
					   "a.a.example.",
					   "node.x.www.example.",
					   "."};
static const uint64_t key[2] = {7, 9};

/* The image, as a list. */
struct nodes {
	const struct zone_set *set;
	unsigned count;
	struct image_node *node[NODES];
};

static struct image_node *compile(const struct zone_set *set, const uint8_t *owner)
{
	alignas(16) static uint8_t block[IMAGE_NODE_MAX];
	uint8_t lower[NAME_MAX_OCTETS];
	struct image_node *node = (struct image_node *)(void *)block;
	static uint8_t garbage;

	name_lower(lower, owner, name_length(owner, NAME_MAX_OCTETS));
	memset(block, ++garbage, 4096); /* what is not written would differ */
	if (compile_node(set, key, lower, node) == COMPILE_ABSENT)
		return NULL;
	struct image_node *copy = malloc(node->units * 16u);
	assert_non_null(copy);
	memcpy(copy, node, node->units * 16u);
	return copy;
}

static unsigned nodes_find(const struct nodes *nodes, const uint8_t *owner)
{
	unsigned at = 0;

	while (at < nodes->count && !name_equal(nodes->node[at]->name, owner))
		at++;
	return at;
}

static void patch(void *context, const uint8_t *owner)
{
	struct nodes *nodes = context;
	struct image_node *node = compile(nodes->set, owner);
	unsigned at = nodes_find(nodes, owner);

	if (at < nodes->count) {
		free(nodes->node[at]);
		nodes->node[at] = nodes->node[--nodes->count];
	}
	if (node != NULL) {
		assert_true(nodes->count < NODES);
		nodes->node[nodes->count++] = node;
	}
}

static void check_name(struct random *random, const struct nodes *nodes, const uint8_t *owner)
{
	struct image_node *node = compile(nodes->set, owner);
	unsigned at = nodes_find(nodes, owner);

	CHECK(random, (node == NULL) == (at == nodes->count));
	if (node == NULL)
		return;
	CHECK(random, node->units == nodes->node[at]->units);
	CHECK(random, memcmp(node, nodes->node[at], node->units * 16u) == 0);
	free(node);
}

static void check_all(struct random *random, const struct nodes *nodes)
{
	uint8_t owner[NAME_MAX_OCTETS];
	struct zone *zone;
	size_t at = 0;

	for (unsigned i = 0; i < nodes->count; i++)
		check_name(random, nodes, nodes->node[i]->name);
	while ((zone = zone_set_next(nodes->set, &at)) != NULL) {
		const uint8_t *apex = zone_apex(zone);

		for (unsigned skip = 0; skip <= name_labels(apex); skip++)
			check_name(random, nodes, name_skip(apex, skip));
		for (zone_name name = ZONE_APEX; name != ZONE_NO_NAME;
		     name = zone_next(zone, name)) {
			zone_owner(zone, name, owner);
			check_name(random, nodes, owner);
		}
	}
}

static void change_records(struct random *random, struct test_zone *zone)
{
	struct test_record record;

	for (unsigned changes = 1 + random_below(random, 6); changes > 0; changes--) {
		if (zone->count > 0 && random_below(random, 2) == 0) {
			test_zone_remove(zone, random_below(random, zone->count));
			continue;
		}
		random_record(random, zone->apex, &record);
		/* Cuts and DNAMEs move much with one record: more of them than elsewhere. */
		if (random_below(random, 4) == 0) {
			record.type = random_below(random, 2) == 0 ? TYPE_NS : TYPE_DNAME;
			record.length = 1;
			record.rdata[0] = 0;
		}
		if (zone->count < 60)
			test_zone_add(zone, &record);
	}
}

static void step(struct random *random, struct zone_set *set, struct nodes *nodes,
		 struct test_zone *records)
{
	unsigned which = random_below(random, APEXES);
	struct test_zone *zone = &records[which];
	uint8_t apex[NAME_MAX_OCTETS];
	struct zone *old, *new = NULL;

	test_name(apexes[which], apex);
	if (random_below(random, 5) == 0) {
		old = zone_set_take(set, apex);
	} else {
		if (zone_set_find(set, apex) == NULL)
			random_zone(random, apexes[which], 20, zone);
		else
			change_records(random, zone);
		new = test_zone_build(zone, 1);
		old = zone_set_put(set, new);
	}
	zone_set_diff(set, old, new, patch, nodes);
	zone_free(old);
}

static void patched_nodes_equal_nodes_made_anew(void **state)
{
	(void)state;
	static struct test_zone records[APEXES];
	static struct nodes nodes;

	for (uint64_t run = 0, first = random_first_seed(); run < RUNS; run++) {
		struct random random = random_start(first + run);
		struct zone_set *set = zone_set_new();

		nodes.set = set;
		for (unsigned i = 0; i < STEPS; i++) {
			step(&random, set, &nodes, records);
			check_all(&random, &nodes);
		}
		while (nodes.count > 0)
			free(nodes.node[--nodes.count]);
		zone_set_free(set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(patched_nodes_equal_nodes_made_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
