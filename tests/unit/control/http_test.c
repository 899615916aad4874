/* HTTP in the loop, and readiness: against a dataplane that is only a socket here. */
#include "control/cli/local_http.h"
#include "control/http/readiness.h"
#include "control/http/server.h"
#include "control/http/soa_query.h"
#include "zones/record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t apex[] = "\4test";

struct scene {
	char directory[64];
	uv_loop_t loop;
	struct http_server *server;
	struct http_request *waiting; /* of /later */
	uv_timer_t timer;
};

static void reply(struct http_request *request, unsigned status, const char *text)
{
	http_reply(request, status, "text/plain", strdup(text), strlen(text));
}

static void on_timer(uv_timer_t *timer)
{
	struct scene *scene = timer->data;

	reply(scene->waiting, 200, "late");
	scene->waiting = NULL;
}

static void on_request(void *context, struct http_request *request, const char *method,
		       const char *path)
{
	struct scene *scene = context;

	if (strcmp(path, "/later") == 0) {
		scene->waiting = request;
		uv_timer_start(&scene->timer, on_timer, 1, 0);
	} else if (strcmp(path, "/method") == 0) {
		reply(request, 200, method);
	} else {
		reply(request, 404, "none");
	}
}

static int scene_open(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	char error[256];

	strcpy(scene->directory, "/tmp/skua-http-XXXXXX");
	if (mkdtemp(scene->directory) == NULL)
		return -1;
	uv_loop_init(&scene->loop);
	uv_timer_init(&scene->loop, &scene->timer);
	scene->timer.data = scene;
	scene->server = http_server_unix(&scene->loop, scene->directory, "control.sock", on_request,
					 scene, error, sizeof(error));
	*state = scene;
	return scene->server == NULL;
}

static int scene_close(void **state)
{
	struct scene *scene = *state;
	int status;

	http_server_close(scene->server);
	uv_close((uv_handle_t *)&scene->timer, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	uv_loop_close(&scene->loop);
	status = rmdir(scene->directory); /* the socket is gone with the server */
	free(scene);
	return status;
}

/* Steps through a GET while the loop turns. */
static unsigned get(struct scene *scene, const char *path, char *text)
{
	struct local_get get;
	enum local_get_step step;
	const char *body = "";
	unsigned status;

	assert_true(local_get_start(&get, scene->directory, path));
	while ((step = local_get_step(&get)) == LOCAL_GET_MORE)
		uv_run(&scene->loop, UV_RUN_NOWAIT);
	assert_int_equal(step, LOCAL_GET_DONE);
	status = local_get_status(&get, &body);
	strcpy(text, body);
	local_get_end(&get);
	return status;
}

static void pages(void **state)
{
	char text[256];

	assert_int_equal(get(*state, "/method", text), 200);
	assert_string_equal(text, "GET");
	assert_int_equal(get(*state, "/nowhere", text), 404);
	assert_string_equal(text, "none");
	for (int i = 0; i < 300; i++) /* more than connections at once */
		assert_int_equal(get(*state, "/method", text), 200);
}

static void late_replies(void **state)
{
	char text[256];

	for (int i = 0; i < 50; i++) {
		assert_int_equal(get(*state, "/later", text), 200);
		assert_string_equal(text, "late");
	}
}

/* Others are served while one waits; and a client that leaves does not hurt. */
static void waiting_holds_nobody(void **state)
{
	struct scene *scene = *state;
	struct local_get waits;
	char text[256];

	assert_true(local_get_start(&waits, scene->directory, "/later"));
	while (scene->waiting == NULL)
		uv_run(&scene->loop, UV_RUN_NOWAIT);
	uv_timer_stop(&scene->timer);
	assert_int_equal(get(scene, "/method", text), 200);
	local_get_end(&waits);
	on_timer(&scene->timer);
	assert_int_equal(get(scene, "/method", text), 200);
}

static void port_in_use(void **state)
{
	struct scene *scene = *state;
	struct address address;
	struct http_server *first;
	char error[256], text[64];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(address_from_text("127.0.0.1:0", &address));
	assert_int_equal(bind(fd, (struct sockaddr *)&address.storage, address.length), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address.storage, &address.length), 0);
	first = http_server_tcp(&scene->loop, &address, on_request, scene, error, sizeof(error));
	assert_null(first);
	address_to_text(&address, text);
	assert_non_null(strstr(error, text));
	assert_non_null(strstr(error, "in use"));
	assert_non_null(strstr(error, "--http"));
	close(fd);
}

/* What answers in place of a dataplane: a datagram from this socket, changed by the test. */
struct server {
	int fd;
	uint8_t flags, rcode, answers;
	bool wrong_id, silent;
	unsigned asked;
};

struct asked {
	bool done;
	char reason[READINESS_REASON];
};

static struct dataplane_file file;
static struct readiness_target target;

static struct readiness_target look(void *context)
{
	(void)context;
	return target;
}

static void done(void *context, const char *reason)
{
	struct asked *asked = context;

	asked->done = true;
	snprintf(asked->reason, sizeof(asked->reason), "%s", reason == NULL ? "ready" : reason);
}

static void serve(struct server *server)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	uint8_t message[512];
	ssize_t got = recvfrom(server->fd, message, sizeof(message), MSG_DONTWAIT,
			       (struct sockaddr *)&from, &length);

	if (got <= 0)
		return;
	server->asked++;
	assert_int_equal(get_u16(message + got - 4), TYPE_SOA);
	assert_memory_equal(message + 12, apex, sizeof(apex));
	message[2] |= server->flags;
	message[3] = server->rcode;
	message[7] = server->answers;
	if (server->wrong_id)
		message[0] ^= 1;
	if (!server->silent)
		sendto(server->fd, message, (size_t)got, 0, (struct sockaddr *)&from, length);
}

static const char *probe(struct scene *scene, struct server *server)
{
	static struct asked asked;
	struct readiness *readiness = readiness_new(&scene->loop, look, NULL);

	memset(&asked, 0, sizeof(asked));
	readiness_ask(readiness, done, &asked);
	while (!asked.done) {
		if (server != NULL)
			serve(server);
		uv_run(&scene->loop, UV_RUN_NOWAIT);
	}
	readiness_close(readiness);
	return asked.reason;
}

static struct server listen_on(const char *where)
{
	struct server server = {.flags = 0x84, .answers = 1};
	struct address address;

	memset(&file, 0, sizeof(file));
	assert_true(address_from_text(where, &address));
	server.fd = socket(address.storage.ss_family, SOCK_DGRAM, 0);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&address.storage, address.length), 0);
	getsockname(server.fd, (struct sockaddr *)&address.storage, &address.length);
	address_to_text(&address, file.listen[0][0]);
	file.listening = 1;
	file.pid = 77;
	strcpy(file.worker[0].io, "socket");
	target = (struct readiness_target){&file, 5, apex, false, 0};
	return server;
}

static void readiness_by_answer(void **state)
{
	struct server server = listen_on("127.0.0.1:0");

	assert_string_equal(probe(*state, &server), "ready");
	assert_int_equal(server.asked, 1);
	server.rcode = 5;
	assert_string_equal(probe(*state, &server), "the dataplane answers REFUSED");
	server.rcode = 0;
	server.answers = 0;
	assert_string_equal(probe(*state, &server), "the dataplane's answer holds no SOA");
	server.answers = 1;
	server.wrong_id = true;
	assert_non_null(strstr(probe(*state, &server), "no answer from 127.0.0.1:"));
	server.wrong_id = false;
	server.silent = true;
	server.asked = 0;
	assert_non_null(strstr(probe(*state, &server), "over UDP"));
	assert_true(server.asked > 1);
	close(server.fd);
}

static void readiness_needs(void **state)
{
	struct server server = listen_on("0.0.0.0:0");

	assert_string_equal(probe(*state, &server), "ready"); /* through the loopback */
	target.zone = NULL;
	assert_string_equal(probe(*state, NULL), "no zone is loaded");
	target.zone = apex;
	target.generation = 0;
	assert_string_equal(probe(*state, NULL), "no zone is loaded");
	target.generation = 5;
	file.listening = 0;
	assert_string_equal(probe(*state, NULL),
			    "the dataplane listens nowhere: it has no address");
	target.dataplane = NULL;
	assert_string_equal(probe(*state, NULL), "no dataplane of this version is running");
	close(server.fd);
}

/* Back ends off the kernel: TCP is refused here, since nobody listens. */
static void readiness_over_tcp(void **state)
{
	struct server server = listen_on("127.0.0.1:0");

	strcpy(file.worker[0].io, "af_xdp eth0");
	strcpy(file.worker[1].io, "stream");
	file.worker_count = 2;
	assert_non_null(strstr(probe(*state, &server), "TCP to 127.0.0.1:"));
	assert_int_equal(server.asked, 0);
	close(server.fd);
}

struct tcp_server {
	int fd;
	bool beats;
};

static void *answer_tcp(void *context)
{
	struct tcp_server *server = context;
	uint8_t message[512];
	int fd = accept(server->fd, NULL, NULL);
	ssize_t got = recv(fd, message, sizeof(message), 0);

	atomic_fetch_add(&file.line[1].loops, 1);
	if (server->beats)
		atomic_fetch_add(&file.line[0].loops, 1);
	message[2 + 2] |= 0x84;
	message[2 + 7] = 1;
	if (got > 0)
		send(fd, message, (size_t)got, 0);
	close(fd);
	return NULL;
}

static const char *probe_tcp(struct scene *scene, bool beats, uint64_t seen)
{
	struct tcp_server server = {.beats = beats};
	struct address address;
	pthread_t thread;
	const char *reason;

	assert_true(address_from_text("127.0.0.1:0", &address));
	server.fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&address.storage, address.length), 0);
	getsockname(server.fd, (struct sockaddr *)&address.storage, &address.length);
	listen(server.fd, 1);
	memset(&file, 0, sizeof(file));
	address_to_text(&address, file.listen[0][0]);
	file.listening = 1;
	file.worker_count = 2;
	file.line[0].seen = seen;
	file.line[1].seen = WORKER_OFFLINE;
	strcpy(file.worker[0].io, "dpdk port 0");
	strcpy(file.worker[1].io, "stream");
	target = (struct readiness_target){&file, 5, apex, false, 0};
	pthread_create(&thread, NULL, answer_tcp, &server);
	reason = probe(scene, NULL);
	pthread_join(thread, NULL);
	close(server.fd);
	return reason;
}

/* Who would answer is not even asked. */
static void readiness_of_what_is_known_to_be_broken(void **state)
{
	struct server server = listen_on("127.0.0.1:0");

	strcpy(file.worker[0].io, "af_xdp dns0");
	target.stuck = 0x28;
	assert_string_equal(probe(*state, NULL), "worker 3 stands still");
	target.stuck = 0;
	file.interface = INTERFACE_DOWN;
	assert_string_equal(probe(*state, NULL), "the interface has no link (af_xdp dns0)");
	file.interface = INTERFACE_GONE;
	assert_string_equal(probe(*state, NULL), "the interface was removed (af_xdp dns0)");
	file.interface = INTERFACE_REPLACED;
	assert_non_null(strstr(probe(*state, NULL), "start again"));
	assert_int_equal(server.asked, 0);
	file.interface = INTERFACE_UP;
	strcpy(file.worker[0].io, "socket");
	assert_string_equal(probe(*state, &server), "ready");
	file.interface = 12345; /* of a file that lies */
	assert_string_equal(probe(*state, &server), "ready");
	close(server.fd);
}

static void readiness_by_heartbeat(void **state)
{
	assert_string_equal(probe_tcp(*state, true, 5), "ready");
	assert_string_equal(probe_tcp(*state, true, WORKER_OFFLINE), "ready");
	assert_string_equal(probe_tcp(*state, false, 5), "worker 0 stands still");
	assert_string_equal(probe_tcp(*state, true, 4),
			    "worker 0 has not seen the newest generation");
}

/* A worker that goes round while nobody answers: what it does is all that is known of it. */
static void beat(uv_idle_t *idle)
{
	(void)idle;
	atomic_fetch_add(&file.line[0].loops, 1);
}

static void readiness_without_tcp(void **state)
{
	struct scene *scene = *state;
	struct server server = listen_on("127.0.0.1:0");
	uv_idle_t idle;

	strcpy(file.worker[0].io, "dpdk port 0");
	file.worker_count = 1;
	file.line[0].seen = 5;
	assert_string_equal(probe(scene, NULL), "worker 0 stands still");
	uv_idle_init(&scene->loop, &idle);
	uv_idle_start(&idle, beat);
	assert_string_equal(probe(scene, NULL), "ready");
	file.line[0].seen = 4;
	assert_string_equal(probe(scene, NULL), "worker 0 has not seen the newest generation");
	file.worker_count = 2; /* its second worker is not there yet */
	file.line[0].seen = 5;
	assert_string_equal(probe(scene, NULL), "worker 1 stands still");
	uv_close((uv_handle_t *)&idle, NULL);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
	close(server.fd);
}

static void readiness_is_shared(void **state)
{
	struct scene *scene = *state;
	struct server server = listen_on("127.0.0.1:0");
	struct readiness *readiness = readiness_new(&scene->loop, look, NULL);
	struct asked asked[10] = {0};

	for (int i = 0; i < 10; i++)
		readiness_ask(readiness, done, &asked[i]);
	while (!asked[9].done || !asked[0].done) {
		serve(&server);
		uv_run(&scene->loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(server.asked, 1);
	readiness_ask(readiness, done, &asked[0]);
	readiness_close(readiness);
	assert_string_equal(asked[0].reason, "control is stopping");
	close(server.fd);
}

static void soa_query(void **state)
{
	uint8_t query[SOA_QUERY_MOST];
	static const uint8_t expected[] = {0x12, 0x34, 0,   0,	 0,   1,   0, 0, 0, 0, 0,
					   0,	 4,    't', 'e', 's', 't', 0, 0, 6, 0, 1};

	(void)state;
	assert_int_equal(soa_query_make(apex, 0x1234, query), sizeof(expected));
	assert_memory_equal(query, expected, sizeof(expected));
	assert_non_null(
	    soa_query_judge(query, sizeof(expected), 0x1234, false)); /* a query is no answer */
	assert_non_null(soa_query_judge(query, 11, 0x1234, false));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(pages),
	    TEST(late_replies),
	    TEST(waiting_holds_nobody),
	    TEST(port_in_use),
	    TEST(readiness_by_answer),
	    TEST(readiness_needs),
	    TEST(readiness_over_tcp),
	    TEST(readiness_of_what_is_known_to_be_broken),
	    TEST(readiness_by_heartbeat),
	    TEST(readiness_without_tcp),
	    TEST(readiness_is_shared),
	    cmocka_unit_test(soa_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
