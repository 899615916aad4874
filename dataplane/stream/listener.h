/* listener.h: sockets that listen for DNS over TCP, and taking connections from them.
 *
 * Threads: one at a time. Errors: one line for the user. */
#ifndef SKUA_DATAPLANE_STREAM_LISTENER_H
#define SKUA_DATAPLANE_STREAM_LISTENER_H

#include "dataplane/io/packet_io.h"
#include "dataplane/stream/limits.h"

/* A non-blocking listening socket, or -1 with an error: port in use, no permission, not our
 * address. IPv6 sockets take IPv6 only. early: the address may still be on its way, as an IPv6 one
 * that is being checked for duplicates. */
int listener_open(const struct listen_address *address, bool early, char error[IO_ERROR_TEXT]);

/* Who waits to be accepted; MANY: they take a quarter of the kernel's queue or more. */
enum waiting { WAITING_NOBODY, WAITING_SOME, WAITING_MANY };
enum waiting listener_waiting(int listener);

enum accepted {
	ACCEPTED,	    /* *fd is open, non-blocking; *client is set */
	ACCEPTED_NONE,	    /* nobody waits, or he has left again */
	ACCEPTED_NO_FILES,  /* no descriptor was left: he has been let in and sent away */
	ACCEPTED_EXHAUSTED, /* the kernel is out of something: pause before trying again */
};

/* *reserve is a descriptor kept open for the moment when there is no other: it is given up to
 * accept and close, so that a waiting client learns it and the loop does not spin. */
enum accepted listener_accept(int listener, int *reserve, int *fd, struct client *client);
int listener_reserve(void);

/* "192.0.2.1:53" or "[2001:db8::1]:53" */
#define LISTENER_TEXT 64u
const char *listener_text(const struct listen_address *address, char text[LISTENER_TEXT]);

#endif
