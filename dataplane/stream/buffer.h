/* buffer.h: octets that wait: what a client sent of a message so far, or what it has not read yet.
 *
 * An empty buffer holds no memory, so that thousands of silent connections cost little. What all
 * buffers hold together is bounded by a pool: a crowd that sends halves of huge messages can't eat
 * the host. Threads: one. */
#ifndef SKUA_DATAPLANE_STREAM_BUFFER_H
#define SKUA_DATAPLANE_STREAM_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer_pool {
	size_t held;
	size_t most;
};

struct buffer {
	uint8_t *octets;
	uint32_t start; /* the first octet that still waits */
	uint32_t end;
	uint32_t capacity;
};

static inline uint32_t buffer_length(const struct buffer *buffer)
{
	return buffer->end - buffer->start;
}

/* Makes room for `more` octets behind the end. False: the pool or the memory is exhausted; nothing
 * changed. */
bool buffer_reserve(struct buffer_pool *pool, struct buffer *buffer, size_t more);
bool buffer_append(struct buffer_pool *pool, struct buffer *buffer, const void *octets,
		   size_t length);
/* Takes octets off the front; the memory goes back with the last one. */
void buffer_consume(struct buffer_pool *pool, struct buffer *buffer, size_t length);
void buffer_free(struct buffer_pool *pool, struct buffer *buffer);

#endif
