/* af_xdp_interface.h: one of the interfaces that AF_XDP takes queries from: what is known of it,
 * its XDP program, and what becomes of it. Its sockets belong to the workers.
 *
 * The sockets hang on the interface, not on its name: it may be renamed, and another may come under
 * its name once it is gone.
 *
 * Threads: the main thread; `room` is read by the workers. Errors: one line for the user. */
#ifndef SKUA_DATAPLANE_IO_AF_XDP_INTERFACE_H
#define SKUA_DATAPLANE_IO_AF_XDP_INTERFACE_H

#include "dataplane/io/af_xdp_argument.h"
#include "dataplane/io/interface.h"
#include "dataplane/io/steering.h"

#include <net/if.h>
#include <stdatomic.h>

struct af_xdp_interface {
	char name[IF_NAMESIZE];
	char given[IF_NAMESIZE]; /* the name that it had at the start */
	unsigned index;
	unsigned mtu;		       /* at the start: it sets the size of frames */
	unsigned queue_count;	       /* that it had at the start */
	bool chosen[STEER_QUEUES_MAX]; /* those with a socket */
	unsigned chosen_count;
	enum af_xdp_copy copy;
	enum interface_state state;
	bool missing;	       /* not there at the start: it has but its name, state and watch */
	unsigned least_queues; /* of one that is missing: fewer, and a new start would refuse it */
	bool too_few_queues;   /* it is there without them; said once */
	bool removed;	       /* it, whatever has its name now */
	bool more_queues;      /* than at the start; said once */
	_Atomic unsigned room; /* octets of the longest frame; relaxed: a lone number */
	int watch;	       /* netlink: something about interfaces has changed; -1: none */
	struct steering *steering;
	unsigned found_count;
	struct interface_address *found; /* its addresses as last looked up */
};

/* How many queues are chosen of it now. Of one that is not there: 0, and *absent grows by as many
 * as it may have. */
unsigned af_xdp_interface_queues(const struct af_xdp_choice *choice, unsigned *absent);
/* *interface is all zeroes. Finds it, and settles which of its queues are taken. True with
 * `missing` set: there is none of that name at the moment. */
bool af_xdp_interface_find(struct af_xdp_interface *interface, const struct af_xdp_choice *choice,
			   char error[IO_ERROR_TEXT]);
/* That there is none of that name; always false. */
bool af_xdp_interface_refuse(const char *name, char error[IO_ERROR_TEXT]);
/* That the others go on without it, which is missing. */
void af_xdp_interface_log_missing(const struct af_xdp_interface *interface);
/* Not for one that is missing. Puts our XDP program there, which passes all to the kernel until it
 * is told of addresses. listen is borrowed as steering_open() says. */
bool af_xdp_interface_attach(struct af_xdp_interface *interface,
			     const struct listen_address *listen, unsigned listen_count,
			     char error[IO_ERROR_TEXT]);
/* Looks up what has changed, its addresses too. */
void af_xdp_interface_look(struct af_xdp_interface *interface);
/* The program leaves it. The sockets are still there. */
void af_xdp_interface_detach(struct af_xdp_interface *interface);
void af_xdp_interface_close(struct af_xdp_interface *interface);

#endif
