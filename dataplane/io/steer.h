/* steer.h: what the XDP program and its loader agree on. Included by steer.bpf.c, so nothing of
 * libc. */
#ifndef SKUA_DATAPLANE_IO_STEER_H
#define SKUA_DATAPLANE_IO_STEER_H

#include <linux/types.h>

#define STEER_PROGRAM	    "skua_steer" /* shown by `ip link` and bpftool; 15 octets at most */
#define STEER_QUEUES	    "skua_queues"
#define STEER_ADDRESSES	    "skua_addresses"
#define STEER_ADDRESSES_MAX 4096
#define STEER_QUEUES_MAX    256 /* of an interface */

/* Why a frame goes on to the kernel: pass_NAME of counters.def. */
enum steer_pass {
#define REASON(name, help) STEER_##name,
#include "zones/abi/frame_reasons.def"
#undef REASON
	STEER_no_socket,
	STEER_PASSES
};

/* Frames of one queue that went on to the kernel, since the program was loaded. Added to by the
 * program, atomically, since the generic hook may run on several cores for one queue; read by the
 * worker that has the queue. */
struct steer_passed {
	__u64 count[(STEER_PASSES + 7) / 8 * 8]; /* whole cache lines */
};

/* The program's variables (.bss), which its loader maps. */
struct steer_shared {
	/* Frames to any other address of the link are the kernel's; 0: to any. Octets in wire order
	 * at the lower addresses. Stored by the main thread in one piece. */
	__u64 link_address;
	__u64 reserved[7];
	struct steer_passed passed[STEER_QUEUES_MAX];
};

/* A UDP destination that is ours. All octets are set: the map compares them all. */
struct steer_key {
	__u8 address[16]; /* network order; IPv4 as ::ffff:a.b.c.d */
	__be16 port;
	__u16 family; /* 4 or 6: an IPv4 address in an IPv6 packet is not ours */
};

#endif
