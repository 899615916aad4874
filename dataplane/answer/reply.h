/* reply.h: the records of a reply, written behind the question that the query left in place.
 *
 * RRsets go in whole or not at all (RFC 2181 5.1, 9). A tail is copied and then edited where it
 * does not stand in the place that it was compiled for:
 *   owners    the first two octets of each record: pointed to where the owner stands
 *   pointers  in rdata (RFC 1035 types only): moved to where the owner's labels stand now, and
 * along with the tail; where a pointer can't reach, the names are written out Threads:  any; no
 * allocation. Requires: base[limit] writable; question_end <= at <= limit <= 65535. Ensures:
 * nothing is written outside [question_end, limit); after anything but PUT_DONE the reply is as it
 * was, but for octets from `at` on. */
#ifndef SKUA_DATAPLANE_ANSWER_REPLY_H
#define SKUA_DATAPLANE_ANSWER_REPLY_H

#include "dataplane/answer/query.h"
#include "dataplane/answer/tail.h"

enum reply_section {
	SECTION_ANSWER,
	SECTION_AUTHORITY,
	SECTION_ADDITIONAL,
	SECTIONS,
};

struct reply {
	uint8_t *base;
	uint32_t at;	       /* where the next record goes */
	uint32_t limit;	       /* no record ends behind this */
	uint32_t question_end; /* where the first record goes */
	uint32_t tail_at;      /* where the tail of the last put starts; 0: it was written out */
	uint32_t rdata_at;     /* where the first rdata of the last put starts */
	uint16_t count[SECTIONS];
	uint16_t rcode; /* enum dns_rcode */
	uint16_t flags; /* DNS_AA, DNS_TC */
};

/* The owner of records to be put: some labels, then the name at an offset of the reply. */
struct owner {
	const uint8_t *labels; /* without a root label */
	uint32_t octets;       /* of labels; 0: the owner is what the pointer leads to */
	uint32_t pointer;      /* at most REPLY_POINTER_MAX */
	uint32_t length;       /* octets of the whole name */
};
#define REPLY_POINTER_MAX 0x3fffu /* RFC 1035 4.1.4 */

enum put_result {
	PUT_DONE,
	PUT_NO_ROOM,
	PUT_DAMAGED, /* the image holds no such records */
};

/* rotation: by how many records an A or AAAA set is turned. */
enum put_result reply_put(struct reply *reply, enum reply_section section,
			  const struct owner *owner, const struct tail *tail, uint32_t rotation);

/* Copies a tail whose records are all of one size (A, AAAA), turned: round robin by two copies.
 * Requires: to has tail->length octets. */
void reply_copy_rotated(uint8_t *to, const struct tail *tail, uint32_t rotation);

/* A single CNAME record (for DNAME, RFC 6672 3.1): owner, and target as labels + pointer. */
enum put_result reply_put_cname(struct reply *reply, const struct owner *owner, uint32_t ttl,
				const struct owner *target);

/* A record that is not stored anywhere. */
struct made_record {
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	const uint8_t *rdata; /* without compressed names */
	uint32_t length;
};
enum put_result reply_put_made(struct reply *reply, enum reply_section section,
			       const struct owner *owner, const struct made_record *record);

/* Offset in the reply of the octet at `offset` of the name that starts at `at`; 0: no label of it
 * starts there. */
uint32_t reply_octet(const struct reply *reply, uint32_t at, uint32_t offset);

/* The whole name at `at` in the reply, pointers followed, case kept. name has NAME_MAX_OCTETS.
 * Returns its length; 0: there is no legal name. */
size_t reply_name(const struct reply *reply, uint32_t at, uint8_t *name);

/* Takes all records back. */
void reply_clear(struct reply *reply);
/* The same, and TC says so: the client is to ask over TCP. */
void reply_truncate(struct reply *reply);

#endif
