/* steering.h: the XDP program on an interface, and what it is told: which addresses are ours and
 * which queue has which socket.
 *
 * The program hangs on a BPF link: it leaves the interface when the process ends, however it ends.
 * Where libxdp's dispatcher is, it joins that instead (steering_dispatcher.h).
 * Threads: the main thread. Errors: one line for the user. Source: bpf(2), AF_XDP in the kernel's
 * documentation. */
#ifndef SKUA_DATAPLANE_IO_STEERING_H
#define SKUA_DATAPLANE_IO_STEERING_H

#include "dataplane/io/packet_io.h"
#include "dataplane/io/steer.h"

struct steering;

/* Loads the program and attaches it to the interface; it passes everything until it is told more.
 * listen is borrowed for as long as the steering lives; listen_count 0 stands for port 53 on all
 * addresses that steering_refresh() is given, as do 0.0.0.0 and [::] for those of their family.
 * NULL: error says what failed and what to do; another program on the interface is named, never
 * replaced. */
struct steering *steering_open(const char *interface, unsigned index, unsigned queues,
			       const struct listen_address *listen, unsigned listen_count,
			       char error[IO_ERROR_TEXT]);
/* In the driver, before the kernel has made anything of the frame; else the slower generic hook,
 * and the errno with which the driver refused. */
bool steering_is_native(const struct steering *steering);
int steering_native_error(const struct steering *steering);
/* Frames of that queue that are for us go to the AF_XDP socket fd. */
bool steering_add_queue(struct steering *steering, unsigned queue, int fd,
			char error[IO_ERROR_TEXT]);
/* What the program has passed to the kernel on that queue (below STEER_QUEUES_MAX): it grows while
 * others read it. Borrowed from the steering. */
const struct steer_passed *steering_passed(const struct steering *steering, unsigned queue);
/* A queue's passed frames as far as one worker has counted them; counted[] starts as zeroes. */
struct steering_seen {
	const struct steer_passed *passed;
	uint64_t counted[STEER_PASSES];
};
/* Adds those since the last time to that worker's counters. Any thread. */
void steering_count(struct steering_seen *seen, uint64_t counts[]);
/* Makes the program's addresses those given, as far as they are listened on, and the link's that of
 * now. */
struct interface_address;
void steering_refresh(struct steering *steering, const struct interface_address *addresses,
		      unsigned count);
/* What steering_refresh() can't do without, as 1 << CAP_…, found out by trying. Nothing since Linux
 * 5.19, which lets whoever holds a map's descriptor change it. */
uint64_t steering_capabilities(const struct steering *steering);
void steering_close(struct steering *steering);

#endif
