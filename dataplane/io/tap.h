/* tap.h: a network interface of the kernel whose frames come to and from this process.
 *
 * The interface is persistent: it stays, with its addresses and routes, when this process ends in
 * whatever way, and the next start takes it again; `ip link del NAME` removes it. Meanwhile it has
 * no carrier. Frames are whole Ethernet frames without
 * FCS, each with a struct virtio_net_hdr in front.
 *
 * Threads: tap_read, tap_write: one; tap_set_carrier: any; the rest: the main thread.
 * Source:  Documentation/networking/tuntap.rst, linux/if_tun.h, netdevice(7). */
#ifndef SKUA_DATAPLANE_IO_TAP_H
#define SKUA_DATAPLANE_IO_TAP_H

#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct tap {
	int fd; /* -1: not open; never blocks, readable when the kernel has sent a frame */
	char name[IF_NAMESIZE];
};

/* What the interface gets if it is new, or has more now: an operator may have lowered it. Asked
 * for, it gets that in any case. */
struct tap_mtu {
	unsigned octets;
	bool asked;
};

/* Makes the interface or takes the one that is there, gives it the MAC address, sets it up. False
 * with a line for the user: no privilege, no /dev/net/tun, no tap of that name, taken by another
 * process. */
bool tap_open(struct tap *tap, const char *name, const uint8_t mac[6], const struct tap_mtu *mtu,
	      char *error, size_t error_size);
/* Whether the descriptor gets no frames, and yet keeps the interface: another one of this process
 * has them. False: a tap of one queue can't. */
bool tap_set_aside(const struct tap *tap, bool aside);
/* Octets of the frame that was read into parts[1] and on (parts[0] is its virtio_net_hdr); 0: there
 * is none now. One that is larger than the room is cut. */
size_t tap_read(const struct tap *tap, const struct iovec *parts, int count);
/* False: the interface did not take it (it is set down). */
bool tap_write(const struct tap *tap, const struct iovec *parts, int count);
void tap_set_carrier(const struct tap *tap, bool on);
void tap_close(struct tap *tap);

#endif
