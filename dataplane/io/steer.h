/* steer.h: what the XDP program and its loader agree on. Included by steer.bpf.c, so nothing of
 * libc. */
#ifndef SKUA_DATAPLANE_IO_STEER_H
#define SKUA_DATAPLANE_IO_STEER_H

#include <linux/types.h>

#define STEER_PROGRAM	    "skua_steer" /* shown by `ip link` and bpftool; 15 octets at most */
#define STEER_QUEUES	    "skua_queues"
#define STEER_ADDRESSES	    "skua_addresses"
#define STEER_ADDRESSES_MAX 4096

/* A UDP destination that is ours. All octets are set: the map compares them all. */
struct steer_key {
	__u8 address[16]; /* network order; IPv4 as ::ffff:a.b.c.d */
	__be16 port;
	__u16 zero;
};

#endif
