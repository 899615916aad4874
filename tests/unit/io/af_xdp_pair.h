/* af_xdp_pair.h: the AF_XDP back end on one end of a veth pair, in a network namespace of this
 * process's own, and a raw socket on the other end: hand-made frames go in, and what comes out is
 * looked at. Needs root; without, pair_why_not says so, and tests are to be skipped.
 *
 * What goes wrong fails the test that calls. Only one back end is open at a time. */
#ifndef SKUA_TESTS_UNIT_IO_AF_XDP_PAIR_H
#define SKUA_TESTS_UNIT_IO_AF_XDP_PAIR_H

#include "dataplane/io/packet_io.h"

#include <sys/types.h>

#define PAIR_OURS	 "ax0" /* the back end's */
#define PAIR_PEER	 "ax1" /* the test's */
#define PAIR_PATIENCE_MS 20000

struct pair_frame {
	uint8_t octets[2048];
	uint32_t length;
};

extern const struct packet_io_class *const pair_class;
extern const char *pair_why_not; /* a reason to skip everything */
extern int pair_peer;		 /* raw socket on PAIR_PEER */
extern struct packet_io *pair_io;
extern const char pair_question[];
#define PAIR_QUESTION 29u /* its octets */

/* Of a group of tests. */
int pair_set_up(void **state);
/* After each test, whatever its end. */
int pair_close_after(void **state);
void pair_close(void);

void pair_put16(uint8_t *at, uint32_t value);
/* A query; vlan < 0: no tag. The UDP checksum is right. */
struct pair_frame pair_query4(const char *destination, uint16_t port, int vlan);
struct pair_frame pair_query6(const char *destination, uint16_t port);
void pair_transmit(const struct pair_frame *f);
/* The kernel takes the tag out of a frame before it shows it; it is put back. */
ssize_t pair_receive_frame(struct pair_frame *f);
/* The next frame that the back end sent: its destination is that of our queries' source. */
struct pair_frame pair_next_reply(void);
struct listen_address pair_address(const char *text, uint16_t port);
struct packet_io *pair_try_open(const char *interface, unsigned workers,
				const struct listen_address *listen, unsigned count,
				char error[IO_ERROR_TEXT]);
void pair_open(const char *interface, const struct listen_address *listen, unsigned count);
void pair_refused(const char *interface, unsigned workers, const char *words);
/* Until something came; *counts may have grown instead. */
unsigned pair_receive(struct io_queue *queue, struct datagram *burst, uint64_t counts[]);
void pair_answer(struct io_queue *queue, struct datagram *burst, unsigned n, uint64_t counts[]);
/* Whether it counts frames that went on to the kernel. */
bool pair_is_pass(enum counter counter);
/* One query goes in, its reply comes out. `ip` is the offset of the IP header. */
void pair_expect_answer(const struct pair_frame *query, uint32_t ip);
/* Puts a query behind the frame in question: when it arrives and nothing else has, the frame
 * went to the kernel. */
void pair_expect_passed(const struct pair_frame *f, enum counter reason);
void pair_expect_drop(const struct pair_frame *f, enum counter reason);
void pair_run(const char *command);
/* The descriptor of an XDP program that is not ours, called "somebody"; negative: none to be had.
 */
int pair_other_program(void);

#endif
