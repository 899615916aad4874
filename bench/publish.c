/* publish.c: what one changed name costs in an image that is held several times.
 *
 *   publish [NAMES [CHANGES [REPLICAS]]]        default 1,000,000 100,000 1
 * Prints one line per figure; judges nothing. */
#include "zones/image/writer.h"
#include "zones/name/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define CAPACITY (4ull << 30)

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool grow(void *context, uint64_t octets)
{
	(void)context;
	return octets <= CAPACITY;
}

static uint8_t *map(void)
{
	void *at = mmap(NULL, CAPACITY, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		abort();
	return at;
}

/* A node of 96 octets: a name with one A record is as large. */
static void put(struct image_writer *writer, unsigned number)
{
	_Alignas(16) uint8_t block[96] = {0};
	struct image_node *node = (void *)block;
	char text[64];
	size_t length, bad_at;

	*node = (struct image_node){
	    .units = sizeof(block) / IMAGE_UNIT,
	    .apex_labels = IMAGE_NONE,
	    .cut_labels = IMAGE_NONE,
	    .parent_apex_labels = IMAGE_NONE,
	};
	snprintf(text, sizeof(text), "host%07u.example.", number);
	if (name_from_text(text, strlen(text), NULL, node->name, &length, &bad_at) != NAME_OK)
		abort();
	node->name_length = (uint8_t)length;
	node->labels = (uint8_t)name_labels(node->name);
	if (image_put(writer, node) == 0)
		abort();
}

static void commit(struct image_writer *writer)
{
	if (image_commit(writer) == 0)
		abort();
	image_reclaim(writer, image_generation(writer));
}

int main(int argc, char **argv)
{
	unsigned names = argc > 1 ? (unsigned)atoi(argv[1]) : 1000000;
	unsigned changes = argc > 2 ? (unsigned)atoi(argv[2]) : 100000;
	struct image_replicas replicas = {.count = argc > 3 ? (unsigned)atoi(argv[3]) : 1};
	static const uint64_t key[2] = {1, 2};
	struct image_writer *writer;
	double start;

	if (names == 0 || replicas.count == 0 || replicas.count > IMAGE_REPLICAS_MAX)
		return 2;
	for (unsigned i = 0; i < replicas.count; i++)
		replicas.base[i] = map();
	writer = image_writer_new(replicas.base[0], CAPACITY, 1, key, 2, grow, NULL);
	if (writer == NULL)
		return 1;
	image_writer_replicate(writer, &replicas);

	start = now();
	image_begin(writer);
	for (unsigned i = 0; i < names; i++)
		put(writer, i);
	commit(writer);
	printf("all %u names at once, %u replicas: %.3f s\n", names, replicas.count, now() - start);
	start = now();
	for (unsigned i = 0; i < changes; i++) {
		image_begin(writer);
		put(writer, (unsigned)((uint64_t)i * 2654435761u % names));
		commit(writer);
	}
	if (changes > 0)
		printf("one name at a time: %.2f us each\n", (now() - start) * 1e6 / changes);
	image_writer_free(writer);
	return 0;
}
