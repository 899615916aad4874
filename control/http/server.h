/* server.h: a small HTTP server in the event loop, for control's own pages.
 *
 * A request is answered at once or later, by http_reply(); a slow answer holds nobody up.
 * Threads: the loop's. Library: libmicrohttpd, driven from outside through its epoll descriptor. */
#ifndef SKUA_CONTROL_HTTP_SERVER_H
#define SKUA_CONTROL_HTTP_SERVER_H

#include "control/config/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct http_server;
struct http_request;

/* Must lead to exactly one http_reply() of this request, now or later. */
typedef void (*http_handler)(void *context, struct http_request *request, const char *method,
			     const char *path);

/* On a TCP address. NULL with a line for the user: port in use, no permission, not our address. */
struct http_server *http_server_tcp(uv_loop_t *loop, const struct address *address,
				    http_handler handler, void *context, char *error,
				    size_t error_size);
/* On a unix socket in a directory, in place of one that was left behind. */
struct http_server *http_server_unix(uv_loop_t *loop, const char *directory, const char *name,
				     http_handler handler, void *context, char *error,
				     size_t error_size);
/* Requests that wait are dropped; http_reply() must not be called any more. NULL is fine. The loop
 * must run on until its handles are closed. */
void http_server_close(struct http_server *server);

/* body: malloc()ed; the server frees it. */
void http_reply(struct http_request *request, unsigned status, const char *content_type, char *body,
		size_t length);

#endif
