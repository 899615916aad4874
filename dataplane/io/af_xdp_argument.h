/* af_xdp_argument.h: which interfaces and queues `--io af_xdp:…` names, and how.
 *
 *   eth0                    every queue of eth0
 *   eth0,eth1               every queue of both
 *   eth0/0-3+6,eth1/2       these queues
 *   eth0:copy,eth1          eth0 without zero-copy, even if the driver could
 *   eth0/0-3:zero-copy      with zero-copy, or not at all
 *
 * Pure: whether they exist is asked elsewhere. */
#ifndef SKUA_DATAPLANE_IO_AF_XDP_ARGUMENT_H
#define SKUA_DATAPLANE_IO_AF_XDP_ARGUMENT_H

#include "dataplane/io/packet_io.h"

#define AF_XDP_INTERFACES_MAX 8u
#define AF_XDP_QUEUES_MAX     256u /* of one interface; they are numbered from 0 */
#define AF_XDP_NAME	      64u  /* more than an interface's name has: a wrong one is shown */

enum af_xdp_copy { AF_XDP_AUTO, AF_XDP_ZERO_COPY, AF_XDP_COPY };

struct af_xdp_choice {
	char interface[AF_XDP_NAME];
	bool all; /* queues; else those of queue[] */
	bool queue[AF_XDP_QUEUES_MAX];
	enum af_xdp_copy copy;
};

struct af_xdp_argument {
	unsigned count; /* 0: the text was empty */
	struct af_xdp_choice choice[AF_XDP_INTERFACES_MAX];
};

/* False with a line for the user. */
bool af_xdp_argument_parse(const char *text, struct af_xdp_argument *out,
			   char error[IO_ERROR_TEXT]);

#endif
