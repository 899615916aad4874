#include "dataplane/stream/connection.h"

#include "runtime/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

bool workbench_open(struct workbench *bench, uint64_t counts[], size_t pool_octets)
{
	/* Mapped, not allocated: only pages that replies really touch cost memory. */
	void *slots = mmap(NULL, ANSWER_BURST * sizeof(*bench->slot), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(bench, 0, sizeof(*bench));
	if (slots == MAP_FAILED)
		return false;
	bench->slot = slots;
	bench->counts = counts;
	bench->pool.most = pool_octets;
	return true;
}

void workbench_close(struct workbench *bench)
{
	if (bench->slot)
		munmap(bench->slot, ANSWER_BURST * sizeof(*bench->slot));
	bench->slot = NULL;
}

void connection_free(struct connection *connection, struct workbench *bench)
{
	buffer_free(&bench->pool, &connection->in);
	buffer_free(&bench->pool, &connection->out);
	close(connection->fd);
	free(connection);
}

/* Reset, or gone without a trace. */
static ssize_t broken(struct workbench *bench)
{
	bench->counts[COUNT_tcp_broken]++;
	return -1;
}

/* The pool of waiting octets is exhausted: this connection goes, so that the others can stay. */
static bool over_limit(struct workbench *bench)
{
	bench->counts[COUNT_tcp_refused]++;
	return false;
}

/* Octets of a client that are looked at in this turn: its buffer, or the bench fresh from a read.
 */
struct input {
	const uint8_t *octets;
	size_t length;
	size_t taken; /* by messages of this turn */
	bool bad;     /* what follows is garbage */
};

static bool whole_message(const uint8_t *octets, size_t length)
{
	const uint8_t *message;
	size_t needs;

	return framing_next(octets, length, &message, &needs) != FRAMING_PARTIAL;
}

/* recv() with EINTR tried again; 0: nothing there now; -1: broken. Sets ended. */
static ssize_t receive(struct connection *connection, struct workbench *bench, uint8_t *to,
		       size_t room)
{
	ssize_t got;

	do
		got = recv(connection->fd, to, room, 0);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		connection->ended = true;
	if (got < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : broken(bench);
	return got;
}

/* A started message goes on in its buffer; the buffer grows with what really came, not with what
 * the length field announces. */
static bool read_more(struct connection *connection, struct workbench *bench)
{
	struct buffer *in = &connection->in;
	ssize_t got;

	if (!buffer_reserve(&bench->pool, in, 1))
		return over_limit(bench);
	got = receive(connection, bench, in->octets + in->end, in->capacity - in->end);
	if (got > 0)
		in->end += (uint32_t)got;
	return got >= 0;
}

/* Finds what this turn works on: messages that wait, or else what one read brings. */
static bool take_input(struct connection *connection, struct workbench *bench, struct input *input)
{
	struct buffer *in = &connection->in;
	ssize_t got;

	*input = (struct input){0};
	if (buffer_length(in) == 0) {
		if (connection->ended)
			return true;
		got = receive(connection, bench, bench->read, sizeof(bench->read));
		if (got < 0)
			return false;
		input->octets = bench->read;
		input->length = (size_t)got;
		return true;
	}
	if (!connection->ended && !whole_message(in->octets + in->start, buffer_length(in)) &&
	    !read_more(connection, bench))
		return false;
	input->octets = in->octets + in->start;
	input->length = buffer_length(in);
	return true;
}

/* Up to `most` messages into slots first, first + 1, …; returns how many. */
static unsigned fill_slots(struct connection *connection, struct workbench *bench,
			   struct input *input, unsigned first, unsigned most)
{
	const uint8_t *message;
	size_t length;
	unsigned n;

	for (n = 0; n < most; n++) {
		struct datagram *query = &bench->burst[first + n];
		enum framing framing = framing_next(
		    input->octets + input->taken, input->length - input->taken, &message, &length);
		if (framing != FRAMING_WHOLE) {
			input->bad = framing == FRAMING_BAD;
			break;
		}
		query->payload = bench->slot[first + n] + FRAMING_PREFIX;
		query->length = (uint32_t)length;
		query->capacity = FRAMING_MESSAGE_MAX;
		query->sum = 0;
		query->family = connection->client.family;
		query->port = connection->client.port;
		memcpy(query->source, connection->client.address, sizeof(query->source));
		memcpy(query->payload, message, length);
		input->taken += FRAMING_PREFIX + length;
	}
	return n;
}

/* Puts the length in front of each reply that there is; returns the number of replies so far. */
static unsigned frame_replies(struct workbench *bench, unsigned first, unsigned n, unsigned replies,
			      size_t *octets)
{
	for (unsigned i = first; i < first + n; i++) {
		uint32_t length = bench->burst[i].length;
		if (length == 0 || length > FRAMING_MESSAGE_MAX)
			continue;
		bench->slot[i][0] = (uint8_t)(length >> 8);
		bench->slot[i][1] = (uint8_t)length;
		bench->reply[replies++] =
		    (struct iovec){bench->slot[i], FRAMING_PREFIX + (size_t)length};
		*octets += FRAMING_PREFIX + (size_t)length;
	}
	return replies;
}

/* Answers up to a batch of the input; returns the number of replies on the bench. */
static unsigned answer_input(struct connection *connection, struct workbench *bench,
			     const struct image *image, struct input *input)
{
	const uint64_t *hashes = &bench->counts[COUNT_nsec3_hashes], before = *hashes;
	unsigned group = connection->dear ? 1 : CONNECTION_GROUP;
	unsigned first = 0, replies = 0, n;
	size_t octets = 0;

	bench->answers.now = clock_realtime();
	do {
		n = fill_slots(connection, bench, input, first, group);
		if (n == 0)
			break;
		answer_batch(image, &bench->answers, bench->burst + first, n, TRANSPORT_TCP,
			     bench->counts);
		replies = frame_replies(bench, first, n, replies, &octets);
		first += n;
		connection->dear = *hashes - before >= CONNECTION_BATCH_HASHES;
	} while (n == group && first < ANSWER_BURST && octets < CONNECTION_BATCH_OCTETS &&
		 !connection->dear);
	return replies;
}

/* Octets that went out; 0 if there is no room now; -1: broken. */
static ssize_t send_some(int fd, struct workbench *bench, struct iovec *parts, unsigned count)
{
	struct msghdr header = {.msg_iov = parts, .msg_iovlen = count};
	ssize_t sent;

	do
		sent = sendmsg(fd, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : broken(bench);
	return sent;
}

/* Sends the replies on the bench; what the kernel does not take now waits in `out`. */
static bool send_replies(struct connection *connection, struct workbench *bench, unsigned replies)
{
	ssize_t sent;
	size_t skip;

	if (replies == 0)
		return true;
	sent = send_some(connection->fd, bench, bench->reply, replies);
	if (sent < 0)
		return false;
	skip = (size_t)sent;
	for (unsigned i = 0; i < replies; i++) {
		const struct iovec *reply = &bench->reply[i];
		size_t gone = skip < reply->iov_len ? skip : reply->iov_len;
		skip -= gone;
		if (!buffer_append(&bench->pool, &connection->out,
				   (const uint8_t *)reply->iov_base + gone, reply->iov_len - gone))
			return over_limit(bench);
	}
	return true;
}

static bool send_waiting(struct connection *connection, struct workbench *bench)
{
	struct buffer *out = &connection->out;
	struct iovec part = {out->octets + out->start, buffer_length(out)};
	ssize_t sent = send_some(connection->fd, bench, &part, 1);

	if (sent < 0)
		return false;
	buffer_consume(&bench->pool, out, (size_t)sent);
	return true;
}

/* What this turn did not take waits in `in`. */
static bool keep_rest(struct connection *connection, struct workbench *bench,
		      const struct input *input)
{
	if (input->octets != bench->read) {
		buffer_consume(&bench->pool, &connection->in, input->taken);
		return true;
	}
	return buffer_append(&bench->pool, &connection->in, input->octets + input->taken,
			     input->length - input->taken) ||
	       over_limit(bench);
}

static enum turn_next turn_next(struct connection *connection, struct workbench *bench)
{
	const struct buffer *in = &connection->in;

	if (connection_wants_write(connection))
		return TURN_WAIT;
	if (connection->closing)
		return TURN_CLOSE;
	if (buffer_length(in) > 0 && whole_message(in->octets + in->start, buffer_length(in)))
		return TURN_AGAIN;
	if (!connection->ended)
		return TURN_WAIT;
	if (buffer_length(in) > 0)
		bench->counts[COUNT_tcp_broken]++;
	return TURN_CLOSE;
}

/* Garbage: no boundary of a message can be found any more, so what follows is not read. */
static void end_at_garbage(struct connection *connection, struct workbench *bench)
{
	bench->counts[COUNT_tcp_framing]++;
	connection->closing = true;
	buffer_free(&bench->pool, &connection->in);
}

/* False: broken, or over the pool's limit. */
static bool send_turn(struct connection *connection, struct workbench *bench, struct turn *turn)
{
	if (!send_waiting(connection, bench))
		return false;
	turn->progress = !connection_wants_write(connection);
	return true;
}

static bool read_turn(struct connection *connection, struct workbench *bench,
		      const struct image *image, struct turn *turn)
{
	bool idle = buffer_length(&connection->in) == 0;
	struct input input;
	unsigned replies;

	if (!take_input(connection, bench, &input))
		return false;
	replies = answer_input(connection, bench, image, &input);
	turn->replied = replies > 0;
	turn->progress = input.taken > 0 || (idle && input.length > 0);
	if (!send_replies(connection, bench, replies))
		return false;
	if (input.bad) {
		end_at_garbage(connection, bench);
		return true;
	}
	return keep_rest(connection, bench, &input);
}

void connection_turn(struct connection *connection, struct workbench *bench,
		     const struct image *image, struct turn *turn)
{
	bool whole;

	*turn = (struct turn){0};
	if (connection_wants_write(connection))
		whole = send_turn(connection, bench, turn);
	else
		whole = read_turn(connection, bench, image, turn);
	turn->next = whole ? turn_next(connection, bench) : TURN_CLOSE;
}
