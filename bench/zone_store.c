/* zone_store.c: what a zone costs in time and memory, and what compiling its names costs.
 *
 *   zone_store [NAMES]        default 1,000,000
 * Prints one line per figure; judges nothing. */
#include "zones/compile/compile.h"
#include "zones/name/name.h"
#include "zones/record/record.h"
#include "zones/zone/zone_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void wire(const char *text, uint8_t *name)
{
	size_t length, bad_at;

	if (name_from_text(text, strlen(text), NULL, name, &length, &bad_at) != NAME_OK)
		abort();
}

static void host(unsigned number, uint8_t *name)
{
	char text[64];

	snprintf(text, sizeof(text), "host%07u.example.", number);
	wire(text, name);
}

static void add_address(struct zone *zone, const uint8_t *owner, uint32_t address)
{
	const struct place place = {.file = 1, .line = 1};
	uint8_t rdata[4];

	put_u32(rdata, 0x0a000000u + address);
	zone_add(zone, owner, TYPE_A, 300, rdata, sizeof(rdata), place);
}

static uint8_t *make_owners(unsigned count)
{
	uint8_t *owners = malloc((size_t)count * 32);

	if (owners == NULL)
		abort();
	for (unsigned i = 0; i < count; i++)
		host(i, owners + (size_t)i * 32);
	return owners;
}

static struct zone *fill(const uint8_t *apex, const uint8_t *owners, unsigned count)
{
	struct zone *zone = zone_new(apex);

	for (unsigned i = 0; i < count; i++)
		add_address(zone, owners + (size_t)i * 32, i);
	return zone;
}

static unsigned differences;
static void count_difference(void *context, const uint8_t *owner)
{
	(void)context;
	(void)owner;
	differences++;
}

static void compile_all(struct zone_set *zones, const uint8_t *owners, unsigned count)
{
	static const uint64_t key[2] = {1, 2};
	struct image_node *block = aligned_alloc(16, IMAGE_NODE_MAX);
	uint64_t octets = 0;
	double start = now();

	if (block == NULL)
		abort();
	for (unsigned i = 0; i < count; i++) {
		if (compile_node(zones, key, owners + (size_t)i * 32, block) == COMPILE_NODE)
			octets += block->units * 16u;
	}
	printf("compile            %8.0f ns per name, %.1f octets per node\n",
	       (now() - start) / count * 1e9, (double)octets / count);
	free(block);
}

static void churn(struct zone *zone, const uint8_t *owners, unsigned count)
{
	unsigned changes = count < 1000000 ? count : 1000000;
	size_t before = zone_memory(zone);
	double start = now();

	for (unsigned i = 0; i < changes; i++) {
		const uint8_t *owner = owners + (size_t)(i * 7919ull % count) * 32;

		zone_remove(zone, owner, TYPE_A, NULL, 0);
		add_address(zone, owner, i);
	}
	printf("remove and add     %8.0f ns each, memory %+.1f MB\n",
	       (now() - start) / changes * 1e9, ((double)zone_memory(zone) - (double)before) / 1e6);
}

static void large_rrset(const uint8_t *apex)
{
	struct zone *zone = zone_new(apex);
	double start = now();

	for (unsigned i = 0; i < 4000; i++)
		add_address(zone, apex, i);
	printf("RRset of 4,000     %8.0f ns per record\n", (now() - start) / 4000 * 1e9);
	zone_free(zone);
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
	uint8_t apex[NAME_MAX_OCTETS];
	struct zone_set *zones = zone_set_new();

	if (count == 0)
		return 2;
	wire("example.", apex);
	uint8_t *owners = make_owners(count);
	double start = now();
	struct zone *zone = fill(apex, owners, count);
	double end = now();
	printf("insert             %8.0f ns per name, %.3f s, %.1f MB, %.1f octets per record\n",
	       (end - start) / count * 1e9, end - start, (double)zone_memory(zone) / 1e6,
	       (double)zone_memory(zone) / count);
	struct zone *same = fill(apex, owners, count);
	start = now();
	zone_diff(same, zone, count_difference, NULL);
	printf("diff of equal zones%8.0f ns per name, %u differ\n", (now() - start) / count * 1e9,
	       differences);
	zone_free(same);
	churn(zone, owners, count);
	large_rrset(apex);
	zone_set_put(zones, zone);
	compile_all(zones, owners, count);
	start = now();
	zone_set_free(zones);
	printf("free               %8.3f s\n", now() - start);
	free(owners);
	return 0;
}
