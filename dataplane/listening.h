/* listening.h: the addresses that are answered on: those of --listen, or the back end's own, which
 * come and go. TCP listens there, and control is shown them.
 *
 * Threads: the main thread. */
#ifndef SKUA_DATAPLANE_LISTENING_H
#define SKUA_DATAPLANE_LISTENING_H

#include "dataplane/io/packet_io.h"
#include "dataplane/stream/stream.h"

struct listening {
	struct listen_address address[STREAM_LISTENS_MAX];
	unsigned count;
	bool follows;		   /* the back end's own */
	unsigned missing;	   /* of them without TCP for now */
	char error[IO_ERROR_TEXT]; /* why, as last logged */
};

/* Takes those of --listen, or where there are none the back end's of now. */
void listening_start(struct listening *listening, const struct listen_address *listen,
		     unsigned count, const struct packet_io_class *io_class,
		     const struct packet_io *io);
/* Shows them to control; of none it says 0.0.0.0:53 and [::]:53: whatever address comes. */
void listening_show(const struct listening *listening, struct dataplane_file *file);
/* After the back end was refreshed: TCP (NULL: none is offered) and control learn of what has come
 * and gone. True: call again soon, whatever happens. */
bool listening_follow(struct listening *listening, const struct packet_io_class *io_class,
		      const struct packet_io *io, struct stream *stream,
		      struct dataplane_file *file);

#endif
