/* frame.h: an Ethernet frame <-> the DNS message in it.
 *
 * frame_receive() finds the message in a frame, or says why there is none for us; frame_reply()
 * turns the frame of a query into the frame of its reply, in place. What is taken: Ethernet II to
 * our link address, no or one 802.1Q tag, IPv4 without options or IPv6 without extension headers,
 * whole (no fragment), UDP, to a listening address and port, from an address and port that can be
 * answered.
 *
 * Threads:  any; no locks, no allocation, no globals. rules are read only.
 * Source:   RFC 894, IEEE 802.1Q, RFC 791, RFC 6864, RFC 8200, RFC 768, RFC 1122 3.2.1.3. */
#ifndef SKUA_DATAPLANE_NET_FRAME_H
#define SKUA_DATAPLANE_NET_FRAME_H

#include "dataplane/net/datagram.h"
#include "zones/abi/channel.h"

#include <stdbool.h>
#include <sys/socket.h>

#define FRAME_MIN      60u /* octets on an Ethernet, without FCS; shorter replies are padded */
#define FRAME_HEADERS4 42u /* octets in front of the message: Ethernet, IPv4, UDP; a tag adds 4 */
#define FRAME_HEADERS6 62u

/* How checksums are treated on receipt: UDP's as follows; that of IPv4's header is right, or
 * ignored too. Zero in UDP means "none" over IPv4 (RFC 768), and is refused over IPv6 (RFC
 * 8200 8.1) unless ignored. */
enum frame_checksum {
	FRAME_CHECKSUM_VERIFIED,
	/* Right, or exactly what a kernel leaves for a card to finish (CHECKSUM_PARTIAL): the
	 * folded sum of the pseudo header. Frames of a local sender that never touch a wire (veth,
	 * tap, virtio, a bridge to a container) carry that, and nothing marks them. A damaged frame
	 * matches one of two values instead of one: a chance of 2^-15 instead of 2^-16. */
	FRAME_CHECKSUM_PARTIAL_TOO,
	/* Whoever handed the frame over has looked at both, and dropped what is damaged. */
	FRAME_CHECKSUM_IGNORED,
};

struct frame_listen {
	uint8_t address[16]; /* network order; IPv4 in the first 4 */
	uint16_t port;	     /* host order */
	uint8_t family;	     /* 4 or 6 */
	bool any;	     /* every unicast address of that family */
};

struct frame_rules {
	unsigned listen_count;
	enum frame_checksum checksum;
	/* One that is listened on at any address, of each family; 0: none. By frame_rules_add(). */
	uint16_t any_port4, any_port6;
	/* Frames to any other are refused; 0: any unicast address will do. Octets in wire order at
	 * the lower addresses. Stored by the main thread, loaded by the workers, relaxed: alone. */
	_Atomic uint64_t link_address;
	struct frame_listen listen[LISTENS_MAX];
};

/* Adds AF_INET or AF_INET6 with its port; the unspecified address means any. False: another family,
 * or LISTENS_MAX are in already. */
bool frame_rules_add(struct frame_rules *rules, const struct sockaddr *address);

/* Takes frames to this address of the link alone. Any thread, while others receive. */
void frame_rules_set_link_address(struct frame_rules *rules, const uint8_t address[6]);

/* Requires: frame[length] readable, frame[room] writable; room >= FRAME_MIN is what the buffer and
 *           the interface (MTU and Ethernet header) allow a reply to have.
 * Ensures:  true: *query has payload, length, capacity, family, source, port and headers set, and
 *           payload + capacity lies inside room or length of the frame; capacity >= length. False:
 * *reason says why the frame is none for us; the frame is untouched. */
bool frame_receive(const struct frame_rules *rules, uint8_t *frame, uint32_t length, uint32_t room,
		   struct datagram *query, enum counter *reason);

/* Requires: *reply came from frame_receive(); 0 < length <= capacity, sum is that of the payload.
 * Ensures:  the frame (from payload - headers on) is the reply to its query: MAC and IP addresses
 *           and ports exchanged, tag and DSCP kept, ECN and flow label 0, hop limit 64, not to be
 *           fragmented, every length and checksum right, padded with zeros.
 * Returns the octets of the frame. */
uint32_t frame_reply(const struct datagram *reply);

#endif
