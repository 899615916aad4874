#include "control/http/readiness.h"

#include "control/config/address.h"
#include "control/http/soa_query.h"
#include "zones/record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESEND	   200u /* milliseconds between UDP queries */
#define HEARTBEATS 250u /* milliseconds in which every worker's `loops` must grow */

struct waiter {
	struct waiter *next;
	readiness_done done;
	void *context;
};

/* One probe: from ask to answer. Ends once; freed when its handles are closed. */
struct probe {
	struct readiness *owner; /* NULL: ended */
	uv_timer_t timeout, resend, heartbeat;
	union {
		uv_handle_t handle;
		uv_udp_t udp;
		uv_tcp_t tcp;
	} socket;
	uv_connect_t connect;
	uv_write_t write;
	unsigned open_handles;
	bool over_tcp, answered, beating, for_others;
	uint16_t id;
	struct address address;
	uint32_t pid;
	uint64_t loops[WORKERS_MAX];
	size_t query_length;
	uint8_t query[2 + SOA_QUERY_MOST]; /* with TCP's length in front */
	size_t got;
	uint8_t reply[2 + 65535];
};

struct readiness {
	uv_loop_t *loop;
	readiness_look look;
	void *context;
	struct waiter *waiters;
	struct probe *probe; /* the one under way, or NULL */
};

struct readiness *readiness_new(uv_loop_t *loop, readiness_look look, void *context)
{
	struct readiness *readiness = calloc(1, sizeof(*readiness));

	if (readiness == NULL)
		abort();
	readiness->loop = loop;
	readiness->look = look;
	readiness->context = context;
	return readiness;
}

static void tell_all(struct readiness *readiness, const char *reason)
{
	struct waiter *waiter = readiness->waiters;

	readiness->waiters = NULL;
	while (waiter != NULL) {
		struct waiter *next = waiter->next;

		waiter->done(waiter->context, reason);
		free(waiter);
		waiter = next;
	}
}

static void handle_closed(uv_handle_t *handle)
{
	struct probe *probe = handle->data;

	if (--probe->open_handles == 0)
		free(probe);
}

static void probe_end(struct probe *probe, const char *reason)
{
	struct readiness *readiness = probe->owner;

	if (readiness == NULL)
		return;
	probe->owner = NULL;
	readiness->probe = NULL;
	uv_close((uv_handle_t *)&probe->timeout, handle_closed);
	uv_close((uv_handle_t *)&probe->resend, handle_closed);
	uv_close((uv_handle_t *)&probe->heartbeat, handle_closed);
	uv_close(&probe->socket.handle, handle_closed);
	tell_all(readiness, reason);
}

static void probe_end_if_whole(struct probe *probe)
{
	if (probe->answered && probe->beating)
		probe_end(probe, NULL);
}

static void on_timeout(uv_timer_t *timer)
{
	struct probe *probe = timer->data;
	char text[ADDRESS_TEXT], reason[READINESS_REASON];

	address_to_text(&probe->address, text);
	snprintf(reason, sizeof(reason), "no answer from %s over %s within %u ms", text,
		 probe->over_tcp ? "TCP" : "UDP", READINESS_TIMEOUT);
	probe_end(probe, reason);
}

/* Takes what came back; false: it is not the answer. */
static bool judge(struct probe *probe, const uint8_t *message, size_t length)
{
	const char *wrong;

	if (length < 2 || get_u16(message) != probe->id)
		return false;
	wrong = soa_query_judge(message, length, probe->id, probe->for_others);
	if (wrong != NULL) {
		probe_end(probe, wrong);
		return true;
	}
	probe->answered = true;
	probe_end_if_whole(probe);
	return true;
}

static void offer_reply(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	struct probe *probe = handle->data;

	(void)suggested;
	*buffer = uv_buf_init((char *)probe->reply + probe->got,
			      (unsigned)(sizeof(probe->reply) - probe->got));
}

static void on_udp(uv_udp_t *udp, ssize_t length, const uv_buf_t *buffer,
		   const struct sockaddr *from, unsigned flags)
{
	struct probe *probe = udp->data;

	(void)buffer;
	(void)flags;
	if (length > 0 && from != NULL)
		judge(probe, probe->reply, (size_t)length);
}

static void on_resend(uv_timer_t *timer)
{
	struct probe *probe = timer->data;
	uv_buf_t query = uv_buf_init((char *)probe->query + 2, (unsigned)probe->query_length);

	/* A failure to send shows as no answer. */
	uv_udp_try_send(&probe->socket.udp, &query, 1,
			(const struct sockaddr *)&probe->address.storage);
}

static void start_udp(struct probe *probe)
{
	uv_udp_init(probe->owner->loop, &probe->socket.udp);
	probe->socket.udp.data = probe;
	on_resend(&probe->resend); /* first: it binds the socket in the address's family */
	uv_udp_recv_start(&probe->socket.udp, offer_reply, on_udp);
	uv_timer_start(&probe->resend, on_resend, RESEND, RESEND);
}

static void on_tcp(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
	struct probe *probe = stream->data;

	(void)buffer;
	if (length < 0) {
		uv_read_stop(stream);
		if (!probe->answered)
			probe_end(probe, "the dataplane closed the TCP connection unanswered");
		return;
	}
	probe->got += (size_t)length;
	if (probe->got >= 2 && probe->got >= 2u + get_u16(probe->reply) && !probe->answered &&
	    !judge(probe, probe->reply + 2, get_u16(probe->reply)))
		probe_end(probe, "what came back over TCP is no answer to our query");
}

static void on_connect(uv_connect_t *connect, int status)
{
	struct probe *probe = connect->data;
	uv_buf_t query = uv_buf_init((char *)probe->query, (unsigned)probe->query_length + 2);
	char text[ADDRESS_TEXT], reason[READINESS_REASON];

	if (status == UV_ECANCELED)
		return;
	if (status < 0) {
		address_to_text(&probe->address, text);
		snprintf(reason, sizeof(reason), "TCP to %s: %s", text, uv_strerror(status));
		probe_end(probe, reason);
		return;
	}
	uv_write(&probe->write, connect->handle, &query, 1, NULL);
	uv_read_start(connect->handle, offer_reply, on_tcp);
}

static void remember_loops(struct probe *probe, const struct dataplane_file *file)
{
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		probe->loops[i] = atomic_load_explicit(&file->line[i].loops, memory_order_relaxed);
}

/* Every worker has gone round since, and holds the newest generation (or nothing, asleep). */
static void on_heartbeat(uv_timer_t *timer)
{
	struct probe *probe = timer->data;
	struct readiness_target target = probe->owner->look(probe->owner->context);
	const struct dataplane_file *file = target.dataplane;
	char reason[READINESS_REASON];

	if (file == NULL || file->pid != probe->pid) {
		probe_end(probe, "no dataplane of this version is running");
		return;
	}
	for (unsigned i = 0; i < file->worker_count && i < WORKERS_MAX; i++) {
		uint64_t loops = atomic_load_explicit(&file->line[i].loops, memory_order_relaxed);
		uint64_t seen = atomic_load_explicit(&file->line[i].seen, memory_order_relaxed);

		if (loops != probe->loops[i] && seen >= target.generation)
			continue;
		snprintf(reason, sizeof(reason),
			 loops == probe->loops[i] ? "worker %u stands still"
						  : "worker %u has not seen the newest generation",
			 i);
		probe_end(probe, reason);
		return;
	}
	probe->beating = true;
	probe_end_if_whole(probe);
}

static bool has_stream(const struct dataplane_file *file)
{
	for (unsigned i = 0; i < file->worker_count && i < WORKERS_MAX; i++) {
		if (strncmp(file->worker[i].io, "stream", sizeof(file->worker[i].io)) == 0)
			return true;
	}
	return false;
}

static void start_tcp(struct probe *probe, const struct dataplane_file *file)
{
	int status;

	uv_tcp_init(probe->owner->loop, &probe->socket.tcp);
	probe->socket.tcp.data = probe;
	probe->connect.data = probe;
	remember_loops(probe, file);
	uv_timer_start(&probe->heartbeat, on_heartbeat, HEARTBEATS, 0);
	/* DPDK has its port alone: where nothing answers over TCP the kernel can't reach us at all,
	 * and the heartbeats are what can be known from here. */
	probe->answered = !has_stream(file);
	if (probe->answered)
		return;
	status = uv_tcp_connect(&probe->connect, &probe->socket.tcp,
				(const struct sockaddr *)&probe->address.storage, on_connect);
	if (status < 0)
		probe_end(probe, uv_strerror(status));
}

/* What the dataplane or its watcher says of itself; NULL: nothing is wrong. */
static const char *trouble(const struct readiness_target *target, char reason[READINESS_REASON])
{
	static const char *const interface[] = {
	    [INTERFACE_DOWN] = "the interface has no link",
	    [INTERFACE_GONE] = "the interface was removed",
	    [INTERFACE_REPLACED] = "there is an interface that only a new start can take: the "
				   "dataplane is about to start again",
	};
	unsigned state = atomic_load_explicit(&target->dataplane->interface, memory_order_relaxed);

	if (target->stuck != 0) {
		snprintf(reason, READINESS_REASON, "worker %u stands still",
			 (unsigned)__builtin_ctzll(target->stuck));
		return reason;
	}
	if (state >= sizeof(interface) / sizeof(interface[0]) || interface[state] == NULL)
		return NULL;
	snprintf(reason, READINESS_REASON, "%s (%.*s)", interface[state],
		 (int)sizeof(target->dataplane->worker[0].io) - 1, target->dataplane->worker[0].io);
	return reason;
}

/* Why there is nothing to probe; NULL: there is, and *address is where. */
static const char *obstacle(const struct readiness_target *target, struct address *address,
			    char reason[READINESS_REASON])
{
	char text[LISTEN_TEXT];

	if (target->dataplane == NULL)
		return "no dataplane of this version is running";
	if (target->generation == 0 || target->zone == NULL)
		return "no zone is loaded";
	if (trouble(target, reason) != NULL)
		return reason;
	if (dataplane_listens(target->dataplane) == 0)
		return "the dataplane listens nowhere: it has no address";
	dataplane_listen(target->dataplane, 0, text);
	if (!address_from_text(text, address))
		return "the dataplane's listen address can't be read";
	address_make_reachable(address);
	return NULL;
}

static struct probe *probe_new(struct readiness *readiness)
{
	struct probe *probe = calloc(1, sizeof(*probe));

	if (probe == NULL || uv_random(NULL, NULL, &probe->id, sizeof(probe->id), 0, NULL) != 0)
		abort();
	probe->owner = readiness;
	probe->open_handles = 4;
	uv_timer_init(readiness->loop, &probe->timeout);
	uv_timer_init(readiness->loop, &probe->resend);
	uv_timer_init(readiness->loop, &probe->heartbeat);
	probe->timeout.data = probe;
	probe->resend.data = probe;
	probe->heartbeat.data = probe;
	return probe;
}

static void probe_start(struct readiness *readiness)
{
	struct readiness_target target = readiness->look(readiness->context);
	struct address address;
	char reason[READINESS_REASON];
	const char *why = obstacle(&target, &address, reason);
	struct probe *probe;

	if (why != NULL) {
		tell_all(readiness, why);
		return;
	}
	probe = probe_new(readiness);
	readiness->probe = probe;
	probe->address = address;
	probe->pid = target.dataplane->pid;
	probe->for_others = target.for_others;
	probe->query_length = soa_query_make(target.zone, probe->id, probe->query + 2);
	put_u16(probe->query, (uint16_t)probe->query_length);
	uv_timer_start(&probe->timeout, on_timeout, READINESS_TIMEOUT, 0);
	probe->over_tcp = strncmp(target.dataplane->worker[0].io, "socket", 6) != 0;
	probe->beating = !probe->over_tcp;
	if (probe->over_tcp)
		start_tcp(probe, target.dataplane);
	else
		start_udp(probe);
}

void readiness_ask(struct readiness *readiness, readiness_done done, void *context)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (waiter == NULL)
		abort();
	waiter->done = done;
	waiter->context = context;
	waiter->next = readiness->waiters;
	readiness->waiters = waiter;
	if (readiness->probe == NULL)
		probe_start(readiness);
}

void readiness_close(struct readiness *readiness)
{
	if (readiness == NULL)
		return;
	if (readiness->probe != NULL)
		probe_end(readiness->probe, "control is stopping");
	free(readiness);
}
