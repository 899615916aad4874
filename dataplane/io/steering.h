/* steering.h: the XDP program on an interface, and what it is told: which addresses are ours and
 * which queue has which socket.
 *
 * The program hangs on a BPF link: it leaves the interface when the process ends, however it ends.
 * Threads: the main thread. Errors: one line for the user. Source: bpf(2), AF_XDP in the kernel's
 * documentation. */
#ifndef SKUA_DATAPLANE_IO_STEERING_H
#define SKUA_DATAPLANE_IO_STEERING_H

#include "dataplane/io/packet_io.h"
#include "dataplane/io/steer.h"

struct steering;

/* Loads the program and attaches it to the interface; it passes everything until it is told more.
 * listen is borrowed for as long as the steering lives; listen_count 0 stands for port 53 on all
 * the interface's addresses. NULL: error says what failed and what to do; another program on the
 * interface is named, never replaced. */
struct steering *steering_open(const char *interface, unsigned index, unsigned queues,
			       const struct listen_address *listen, unsigned listen_count,
			       char error[IO_ERROR_TEXT]);
/* In the driver, before the kernel has made anything of the frame; else the slower generic hook. */
bool steering_is_native(const struct steering *steering);
/* Frames of that queue that are for us go to the AF_XDP socket fd. */
bool steering_add_queue(struct steering *steering, unsigned queue, int fd,
			char error[IO_ERROR_TEXT]);
/* What the program has passed to the kernel on that queue (below STEER_QUEUES_MAX): it grows while
 * others read it. Borrowed from the steering. */
const struct steer_passed *steering_passed(const struct steering *steering, unsigned queue);
/* Makes the program's addresses those of now, of IP and of the link. Returns how many of IP there
 * are. */
unsigned steering_refresh(struct steering *steering);
/* The interface's addresses as the last steering_refresh() found them. */
struct interface_address;
unsigned steering_found(const struct steering *steering, const struct interface_address **found);
/* What steering_refresh() can't do without, as 1 << CAP_…, found out by trying. Nothing since Linux
 * 5.19, which lets whoever holds a map's descriptor change it. */
uint64_t steering_capabilities(const struct steering *steering);
void steering_close(struct steering *steering);

#endif
