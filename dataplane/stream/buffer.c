#include "dataplane/stream/buffer.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST 256u

/* Rounded so that a buffer that grows octet by octet is copied a logarithmic number of times. */
static size_t rounded(size_t wanted)
{
	size_t capacity = SMALLEST;

	while (capacity < wanted)
		capacity += capacity / 2;
	return capacity;
}

bool buffer_reserve(struct buffer_pool *pool, struct buffer *buffer, size_t more)
{
	size_t length = buffer_length(buffer);
	size_t capacity;
	uint8_t *octets;

	if (buffer->capacity - buffer->end >= more)
		return true;
	capacity = rounded(length + more);
	if (capacity > UINT32_MAX || capacity > pool->most ||
	    pool->held - buffer->capacity > pool->most - capacity)
		return false;
	octets = malloc(capacity);
	if (!octets)
		return false;
	if (length > 0)
		memcpy(octets, buffer->octets + buffer->start, length);
	free(buffer->octets);
	pool->held += capacity - buffer->capacity;
	buffer->octets = octets;
	buffer->start = 0;
	buffer->end = (uint32_t)length;
	buffer->capacity = (uint32_t)capacity;
	return true;
}

bool buffer_append(struct buffer_pool *pool, struct buffer *buffer, const void *octets,
		   size_t length)
{
	if (length == 0)
		return true;
	if (!buffer_reserve(pool, buffer, length))
		return false;
	memcpy(buffer->octets + buffer->end, octets, length);
	buffer->end += (uint32_t)length;
	return true;
}

void buffer_consume(struct buffer_pool *pool, struct buffer *buffer, size_t length)
{
	buffer->start += (uint32_t)length;
	if (buffer->start >= buffer->end)
		buffer_free(pool, buffer);
}

void buffer_free(struct buffer_pool *pool, struct buffer *buffer)
{
	pool->held -= buffer->capacity;
	free(buffer->octets);
	*buffer = (struct buffer){0};
}
