#include "tests/unit/image/replicas.h"

#include "zones/image/writer_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void replicas_open(struct image_replicas *replicas, struct image_writer *writer, uint8_t *base,
		   uint64_t capacity, unsigned count)
{
	*replicas = (struct image_replicas){.count = count, .base = {base}};
	for (unsigned i = 0; i < IMAGE_REPLICAS_MAX; i++)
		replicas->node[i] = i < count ? (int16_t)(i % 2) : -1;
	for (unsigned i = 1; i < count; i++) {
		replicas->base[i] = mmap(NULL, capacity + IMAGE_NODE_MAX, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (replicas->base[i] == MAP_FAILED)
			abort();
	}
	image_writer_replicate(writer, replicas);
}

void replicas_close(struct image_replicas *replicas, uint64_t capacity)
{
	for (unsigned i = 1; i < replicas->count; i++)
		munmap(replicas->base[i], capacity + IMAGE_NODE_MAX);
	replicas->count = 0;
}

static const char *compare(const struct image_replicas *replicas, uint64_t at, uint64_t octets)
{
	static char fault[80];

	for (unsigned i = 1; i < replicas->count; i++) {
		if (memcmp(replicas->base[0] + at, replicas->base[i] + at, octets) == 0)
			continue;
		snprintf(fault, sizeof(fault), "replica %u differs in the block of %llu at %llu", i,
			 (unsigned long long)octets, (unsigned long long)at);
		return fault;
	}
	return NULL;
}

static const char *compare_span(const struct image_writer *writer, uint32_t index)
{
	const struct arena_span *span = &writer->arena.span[index];
	uint64_t at = (uint64_t)index * ARENA_SPAN, octets = (uint64_t)span->units * IMAGE_UNIT;
	const char *fault = NULL;

	if (span->state == ARENA_SPAN_LARGE)
		return compare(&writer->replicas, at, (uint64_t)span->run * ARENA_SPAN);
	if (span->state != ARENA_SPAN_SMALL)
		return NULL;
	for (uint32_t block = 0; fault == NULL && block < span->blocks; block++)
		if (!(span->vacant[block / 64] >> (block % 64) & 1))
			fault = compare(&writer->replicas, at + block * octets, octets);
	return fault;
}

const char *replicas_fault(const struct image_writer *writer)
{
	const char *fault = NULL;

	for (uint32_t i = 0; fault == NULL && i < writer->arena.spans; i++)
		fault = compare_span(writer, i);
	return fault;
}
