/* window.h: a text file seen through a window that moves forward, and text in memory seen the
 * same way. Files are read, not mapped: a file that shrinks while it is read must not be a fatal
 * signal.
 * Threads:   any, one window each. Ownership: the window owns its buffer and descriptor; pointers
 * into the text are good until the next window_more(). */
#ifndef SKUA_ZONES_TEXT_WINDOW_H
#define SKUA_ZONES_TEXT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window {
	const char *at;	 /* what is not taken yet */
	const char *end; /* what has been read */
	bool last;	 /* nothing follows end */
	uint64_t size;	 /* octets that the file had; those read so far are counted in `read` */
	uint64_t read;
	int fd;	      /* -1: text in memory */
	char *buffer; /* NULL: text in memory */
	size_t capacity;
};

enum window_result {
	WINDOW_READ,	 /* more text is there, or last is set */
	WINDOW_FULL,	 /* what is not taken fills the largest window (TEXT_RECORD_OCTETS) */
	WINDOW_NOT_TEXT, /* a control octet came: *bad points to it */
	WINDOW_FAILED,	 /* read(2) failed: errno */
};

/* fd becomes the window's. size: octets of the file, for window_left() only. */
void window_open_file(struct window *window, int fd, uint64_t size);
void window_open_memory(struct window *window, const char *text, size_t length);
void window_close(struct window *window);

/* About how many octets are not taken yet: a file may change while it is read. */
uint64_t window_left(const struct window *window);

/* Drops what lies before window->at and reads on; window->at moves with its text. */
enum window_result window_more(struct window *window, const char **bad);

/* The first octet in [at, end) that no text has (NUL, other controls than tab, line feed, form
 * feed and carriage return, DEL), or NULL. */
const char *window_control_octet(const char *at, const char *end);

#endif
