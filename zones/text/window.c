/* window.c: see window.h. */
#include "zones/text/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zones/text/text.h"

#define WINDOW_START ((size_t)256 << 10)

void window_open_file(struct window *window, int fd, uint64_t size)
{
	*window = (struct window){.fd = fd, .size = size, .capacity = WINDOW_START};
	window->buffer = malloc(window->capacity);
	if (window->buffer == NULL)
		abort();
	window->at = window->end = window->buffer;
}

void window_open_memory(struct window *window, const char *text, size_t length)
{
	*window = (struct window){.fd = -1,
				  .at = text,
				  .end = text + length,
				  .last = true,
				  .size = length,
				  .read = length};
}

uint64_t window_left(const struct window *window)
{
	uint64_t unread = window->read < window->size ? window->size - window->read : 0;

	return unread + (uint64_t)(window->end - window->at);
}

void window_close(struct window *window)
{
	if (window->fd >= 0)
		close(window->fd);
	free(window->buffer);
	*window = (struct window){.fd = -1};
}

static bool is_control(uint8_t octet)
{
	return (octet < ' ' && octet != '\t' && octet != '\n' && octet != '\r' && octet != '\f') ||
	       octet == 127;
}

const char *window_control_octet(const char *at, const char *end)
{
	/* Blocks without a branch inside: the compiler makes vectors of them. */
	for (; end - at >= 64; at += 64) {
		unsigned bad = 0;

		for (unsigned i = 0; i < 64; i++) {
			uint8_t octet = (uint8_t)at[i];

			bad |= (octet < ' ') & (octet != '\t') & (octet != '\n') & (octet != '\r') &
			       (octet != '\f');
			bad |= octet == 127;
		}
		if (bad != 0)
			break;
	}
	for (; at < end; at++) {
		if (is_control((uint8_t)*at))
			return at;
	}
	return NULL;
}

/* Moves the text to the front; grows the window if it is full of it. False: as large as allowed. */
static bool make_room(struct window *window)
{
	size_t left = (size_t)(window->end - window->at);

	memmove(window->buffer, window->at, left);
	if (left == window->capacity) {
		if (window->capacity >= TEXT_RECORD_OCTETS)
			return false;
		window->capacity *= 2;
		window->buffer = realloc(window->buffer, window->capacity);
		if (window->buffer == NULL)
			abort();
	}
	window->at = window->buffer;
	window->end = window->buffer + left;
	return true;
}

enum window_result window_more(struct window *window, const char **bad)
{
	if (window->last)
		return WINDOW_READ;
	if (!make_room(window)) {
		window->at = window->buffer;
		window->end = window->buffer + window->capacity;
		return WINDOW_FULL;
	}
	char *to = window->buffer + (window->end - window->buffer);
	size_t room = window->capacity - (size_t)(window->end - window->buffer);
	ssize_t got;
	do {
		got = read(window->fd, to, room);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return WINDOW_FAILED;
	window->last = got == 0;
	window->read += (uint64_t)got;
	window->end = to + got;
	*bad = window_control_octet(to, window->end);
	return *bad == NULL ? WINDOW_READ : WINDOW_NOT_TEXT;
}
