/* connection.h: one client on one TCP connection: octets in, messages, answers, octets out.
 *
 * Each turn does a bounded amount of work: at most one read and one batch of answers with one
 * system call for all of them. While replies wait for the client, nothing more is read from it
 * (back-pressure), so what it can make us hold is bounded too.
 *
 * Threads: one, the stream's. Nothing here blocks, allocates per message, or looks at a clock. */
#ifndef SKUA_DATAPLANE_STREAM_CONNECTION_H
#define SKUA_DATAPLANE_STREAM_CONNECTION_H

#include "dataplane/answer/answer.h"
#include "dataplane/stream/buffer.h"
#include "dataplane/stream/deadlines.h"
#include "dataplane/stream/framing.h"
#include "dataplane/stream/limits.h"

#include <sys/queue.h>
#include <sys/uio.h>

/* Answers of a batch: at most ANSWER_BURST, and no further group of GROUP queries once the replies
 * fill BATCH_OCTETS, or have taken BATCH_HASHES SHA-1 blocks for NSEC3 proofs, which nothing else
 * bounds over TCP; then the next batch is of groups of one. */
#define CONNECTION_GROUP	8u
#define CONNECTION_BATCH_OCTETS 65536u
#define CONNECTION_BATCH_HASHES 4096u
#define CONNECTION_READ		16384u /* octets of one read into the bench */

/* What all connections of the thread share while one has its turn. */
struct workbench {
	uint8_t read[CONNECTION_READ];
	struct datagram burst[ANSWER_BURST];
	struct iovec reply[ANSWER_BURST];
	uint8_t (*slot)[FRAMING_MOST]; /* ANSWER_BURST of them: length field, then the message */
	struct buffer_pool pool;
	struct answer_state answers;
	uint64_t *counts; /* COUNTERS entries */
};

bool workbench_open(struct workbench *bench, uint64_t counts[], size_t pool_octets);
void workbench_close(struct workbench *bench);

/* Legal states:  in empty, out empty: idle      in: a part of a message, or messages that wait for
 * the next turn      out: replies wait for the client, and nothing is read until they are gone. */
struct connection {
	struct deadline deadline;	  /* first: a deadline is its connection */
	TAILQ_ENTRY(connection) again_at; /* in the list of those who get another turn at once */
	struct buffer in, out;
	struct client client;
	int fd;
	bool again;	  /* is in that list */
	bool ended;	  /* the client sends no more; what it asked for still goes out */
	bool closing;	  /* sent garbage: closed once its earlier replies are out */
	bool writing;	  /* epoll waits for room to write, not for something to read */
	bool dear;	  /* its last batch ended for what it hashed */
	uint64_t served;  /* the round of its last turn: one turn per round */
	uint64_t entered; /* the round that it came in */
};

enum turn_next {
	TURN_WAIT,  /* until epoll says more */
	TURN_AGAIN, /* whole messages wait: another turn in the next round */
	TURN_CLOSE, /* ended, broken, or garbage */
};

/* What a turn has brought. progress: the client gets a new span of time: it began or completed a
 * message, took all its replies, or has replies to take since now. */
struct turn {
	enum turn_next next;
	bool replied; /* it asked something that has a reply */
	bool progress;
};

/* Does one turn. image as for answer_batch(). */
void connection_turn(struct connection *connection, struct workbench *bench,
		     const struct image *image, struct turn *turn);

/* True if epoll is to wait for room to write. */
static inline bool connection_wants_write(const struct connection *connection)
{
	return buffer_length(&connection->out) > 0;
}

void connection_free(struct connection *connection, struct workbench *bench);

#endif
