/* double.h: what stands in for the answer path and adoption, so that the stream is tested alone.
 *
 * The answer to a query is the query with QR set. If its octets 12..15 say "BIG!", the reply is
 * longer: as many octets as the next four say, filled with the octet at 20. "MUTE" gets no reply,
 * "HASH" none either but counts DOUBLE_HASHES as hashed. A message with QR set gets none. */
#ifndef SKUA_TESTS_UNIT_STREAM_DOUBLE_H
#define SKUA_TESTS_UNIT_STREAM_DOUBLE_H

#include "dataplane/adopt/adopt.h"

extern struct dataplane_file double_file;
/* Times that the thread slept while it still held an image, or answered while it held none. */
extern _Atomic unsigned double_misuses;
extern _Atomic unsigned double_batches;
extern _Atomic unsigned double_largest_batch;
#define DOUBLE_HASHES 5000u /* blocks that an answer to "HASH" takes */
/* The ports of the clients that asked, query by query, as far as they fit. */
#define DOUBLE_PORTS 65536u
extern uint16_t double_port[DOUBLE_PORTS];
extern _Atomic unsigned double_ports;
/* What the last batch was told of the idle time. */
extern _Atomic uint16_t double_idle;

#endif
