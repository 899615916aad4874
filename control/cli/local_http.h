/* local_http.h: GET over control's unix socket.
 *
 * local_get_*: in steps that never wait, for a caller with a loop of its own; local_get(): at once,
 * with a time-out.
 * Threads: one. Source: RFC 9112, as HTTP/1.0: the reply ends with the connection. */
#ifndef SKUA_CONTROL_CLI_LOCAL_HTTP_H
#define SKUA_CONTROL_CLI_LOCAL_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct local_get {
	int fd; /* -1: none under way; else to wait on for reading */
	char *reply;
	size_t length;
};

/* False: nobody listens there. */
bool local_get_start(struct local_get *get, const char *runtime_dir, const char *path);
enum local_get_step {
	LOCAL_GET_MORE,	  /* not all is there yet */
	LOCAL_GET_DONE,	  /* get->reply is whole, NUL-terminated */
	LOCAL_GET_FAILED, /* the connection broke */
};
enum local_get_step local_get_step(struct local_get *get);
void local_get_end(struct local_get *get);

/* Status code and body of a whole reply; 0 if it is none. */
unsigned local_get_status(const struct local_get *get, const char **body);

/* The body, to free(), or NULL: nobody listens, or no answer within `milliseconds`. */
char *local_get(const char *runtime_dir, const char *path, int milliseconds, unsigned *status);

#endif
