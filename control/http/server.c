#include "control/http/server.h"

#include "runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MOST 64u
#define IDLE_SECONDS	 15u

struct http_server {
	struct MHD_Daemon *daemon;
	http_handler handler;
	void *context;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned open_handles;
	unsigned ended; /* connections, so far */
	char *unlink_path;
};

/* Legal states:  new -> asked (handler called) -> replied -> queued
 *                            asked -> suspended -> replied -> queued */
struct http_request {
	struct http_server *server;
	struct MHD_Connection *connection;
	bool asked, suspended, replied;
	unsigned status;
	const char *content_type;
	char *body;
	size_t length;
};

static void drive(struct http_server *server);

static void on_timer(uv_timer_t *timer)
{
	drive(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	drive(poll->data);
}

static void drive(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout;
	unsigned before;

	/* At its limit the library stops listening, and listens again only in the run after the one
	 * in which a connection ended: no event of its own would bring that about. */
	do {
		before = server->ended;
		MHD_run(server->daemon);
	} while (server->ended != before);
	if (MHD_get_timeout(server->daemon, &timeout) == MHD_YES)
		uv_timer_start(&server->timer, on_timer, timeout, 0);
	else
		uv_timer_stop(&server->timer);
}

static enum MHD_Result queue(struct http_request *request)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(request->length, request->body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	request->body = NULL;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, request->content_type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	result = MHD_queue_response(request->connection, request->status, response);
	MHD_destroy_response(response);
	return result;
}

/* Called at the head of a request, for each piece of its body (ignored), at its end, and again
 * after a resume. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **slot)
{
	struct http_server *server = cls;
	struct http_request *request = *slot;

	(void)version;
	(void)upload;
	if (request == NULL) {
		request = calloc(1, sizeof(*request));
		*slot = request;
		if (request == NULL)
			return MHD_NO;
		request->server = server;
		request->connection = connection;
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (!request->asked) {
		request->asked = true;
		server->handler(server->context, request, method, url);
	}
	if (request->replied)
		return queue(request);
	request->suspended = true;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **slot,
			 enum MHD_RequestTerminationCode code)
{
	struct http_request *request = *slot;

	(void)cls;
	(void)connection;
	(void)code;
	if (request == NULL)
		return;
	free(request->body);
	free(request);
	*slot = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **slot,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = cls;

	(void)connection;
	(void)slot;
	server->ended += code == MHD_CONNECTION_NOTIFY_CLOSED;
}

void http_reply(struct http_request *request, unsigned status, const char *content_type, char *body,
		size_t length)
{
	request->status = status;
	request->content_type = content_type;
	request->body = body;
	request->length = length;
	request->replied = true;
	if (!request->suspended)
		return;
	MHD_resume_connection(request->connection);
	/* Not from in here: the caller may itself stand inside MHD_run(). */
	uv_timer_start(&request->server->timer, on_timer, 0, 0);
}

static void log_trouble(void *cls, const char *format, va_list arguments)
{
	char text[512];

	(void)cls;
	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	log_debug("control.http", text);
}

static struct http_server *start(uv_loop_t *loop, int fd, http_handler handler, void *context)
{
	struct http_server *server = calloc(1, sizeof(*server));
	const union MHD_DaemonInfo *info;

	if (server == NULL)
		abort();
	server->handler = handler;
	server->context = context;
	server->daemon = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request,
	    server, MHD_OPTION_EXTERNAL_LOGGER, log_trouble, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MOST, MHD_OPTION_CONNECTION_TIMEOUT,
	    IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
	if (server->daemon == NULL) {
		free(server);
		return NULL;
	}
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	server->open_handles = 2;
	uv_poll_init(loop, &server->poll, info->epoll_fd);
	uv_timer_init(loop, &server->timer);
	server->poll.data = server;
	server->timer.data = server;
	uv_poll_start(&server->poll, UV_READABLE, on_poll);
	return server;
}

static struct http_server *refuse(int fd, const char *what, const char *advice, char *error,
				  size_t error_size)
{
	snprintf(error, error_size, "%s: can't listen for HTTP: %s; %s", what, strerror(errno),
		 advice);
	if (fd >= 0)
		close(fd);
	return NULL;
}

struct http_server *http_server_tcp(uv_loop_t *loop, const struct address *address,
				    http_handler handler, void *context, char *error,
				    size_t error_size)
{
	static const char advice[] = "choose another address with --http ADDR:PORT, or --http off";
	char text[ADDRESS_TEXT];
	int on = 1;
	int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct http_server *server;

	address_to_text(address, text);
	if (fd < 0)
		return refuse(fd, text, advice, error, error_size);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->storage.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&address->storage, address->length) != 0 ||
	    listen(fd, 64) != 0)
		return refuse(fd, text, advice, error, error_size);
	server = start(loop, fd, handler, context);
	return server != NULL ? server : refuse(fd, text, advice, error, error_size);
}

/* A listening socket; -1 with errno. The address goes through the directory's descriptor, since a
 * socket's path holds 107 octets only. */
static int listen_unix(int dir, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, name);
	unlinkat(dir, name, 0);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fd, 64) == 0)
		return fd;
	close(fd);
	return -1;
}

struct http_server *http_server_unix(uv_loop_t *loop, const char *directory, const char *name,
				     http_handler handler, void *context, char *error,
				     size_t error_size)
{
	static const char advice[] = "choose another directory with --runtime-dir";
	int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = dir < 0 ? -1 : listen_unix(dir, name);
	struct http_server *server = fd < 0 ? NULL : start(loop, fd, handler, context);

	if (server == NULL)
		refuse(fd, directory, advice, error, error_size);
	else if (asprintf(&server->unlink_path, "%s/%s", directory, name) < 0)
		abort();
	if (dir >= 0)
		close(dir);
	return server;
}

static void closed(uv_handle_t *handle)
{
	struct http_server *server = handle->data;

	if (--server->open_handles == 0)
		free(server);
}

void http_server_close(struct http_server *server)
{
	if (server == NULL)
		return;
	uv_poll_stop(&server->poll);
	if (server->unlink_path != NULL)
		unlink(server->unlink_path);
	free(server->unlink_path);
	MHD_stop_daemon(server->daemon); /* closes the listening socket, too */
	uv_close((uv_handle_t *)&server->poll, closed);
	uv_close((uv_handle_t *)&server->timer, closed);
}
