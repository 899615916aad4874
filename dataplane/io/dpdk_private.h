/* dpdk_private.h: what dpdk.c (bursts), dpdk_open.c and dpdk_follow.c share. */
#ifndef SKUA_DATAPLANE_IO_DPDK_PRIVATE_H
#define SKUA_DATAPLANE_IO_DPDK_PRIVATE_H

#include "dataplane/io/dpdk_kernel.h"
#include "dataplane/io/dpdk_port.h"
#include "dataplane/io/dpdk_rules.h"
#include "dataplane/io/dpdk_visit.h"

/* One queue of one port. */
struct lane {
	const struct dpdk_rules *rules;
	_Atomic unsigned taken; /* of the rules, as dpdk_rules.h says */
	uint16_t port;
	uint16_t index;
	bool by_visit; /* dpdk_visit.h */
	struct dpdk_kernel_queue kernel;
};

/* What one worker polls: the queue of its number on each port. */
struct io_queue {
	alignas(64) struct lane lane[DPDK_PORTS_MAX];
	unsigned lanes;
	unsigned at; /* of the lane that the last burst came from; the worker's own */
	struct dpdk_visit visit;
	char text[96];
};

/* The housekeeping thread's. */
struct io_housekeeping {
	struct dpdk_kernel *kernel[DPDK_PORTS_MAX];
	unsigned kernels; /* 0: no port is shared */
	unsigned idle;	  /* rounds in a row that moved nothing */
	struct dpdk_bell bell;
	char text[96];
};

/* A port with what the main thread follows of it. */
struct shared_port {
	struct dpdk_rules rules;
	struct dpdk_kernel *kernel;  /* NULL: no interface of ours */
	unsigned index;		     /* of the kernel's interface; 0: the port is ours alone */
	char interface[IF_NAMESIZE]; /* that one, by its name of now */
	bool removed;		     /* that interface */
	bool complained;	     /* about addresses that are left out */
};

struct packet_io {
	struct io_queue queue[DPDK_QUEUES_MAX];
	struct dpdk_visit *visit[DPDK_QUEUES_MAX];
	unsigned queues;
	struct dpdk_port port[DPDK_PORTS_MAX];
	struct shared_port shared[DPDK_PORTS_MAX];
	unsigned ports;
	struct io_housekeeping housekeeping;
	bool trust_checksums;
	unsigned listen_count;
	struct listen_address listen[LISTENS_MAX];
	int watch; /* netlink; -1: none */
};

struct packet_io *dpdk_open(const struct io_config *config, char error[IO_ERROR_TEXT]);
void dpdk_close(struct packet_io *io);

/* What the port's workers are to take now. False: it can't be said, or not all fits; as
 * dpdk_ruling_make(). */
bool dpdk_follow_ruling(const struct packet_io *io, unsigned port, struct dpdk_ruling *out);
/* As in packet_io.h. */
enum interface_state dpdk_refresh(struct packet_io *io);
unsigned dpdk_ports(struct packet_io *io, struct io_port port[PORTS_MAX]);
unsigned dpdk_addresses(const struct packet_io *io, struct listen_address *out, unsigned most);

#endif
