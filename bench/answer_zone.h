/* answer_zone.h: a zone of the names that a mobile core has, and questions for it by kind.
 *
 * The zone holds `names` hosts with an A record, and a tenth as many (at least one) of each other
 * kind. Every run makes the same zone and the same questions.
 * Threads: one makes, any read. Errors: abort() on lack of memory. */
#ifndef SKUA_BENCH_ANSWER_ZONE_H
#define SKUA_BENCH_ANSWER_ZONE_H

#include "dataplane/net/datagram.h"
#include "tests/unit/answer/image_fixture.h"

#define QUESTION_SLOT 128u /* octets for a question, zero behind its end */

struct question_kind {
	const char *name;   /* a word */
	const char *text;   /* for people */
	const char *format; /* of the owner asked for, by number */
	uint16_t type;
	unsigned share; /* of the hosts: 1 or 10 */
	bool secure;	/* DO */
	bool cookie;	/* a client cookie: the answer gets a server cookie */
	unsigned mixed; /* per cent of this kind in the kind "mixed", which has no format */
};
extern const struct question_kind question_kind[];
extern const unsigned question_kinds;
/* NULL: there is no such kind. */
const struct question_kind *question_kind_find(const char *name);

/* hosts_only: nothing but the hosts, for kinds that ask for nothing else. */
struct image_fixture *answer_zone_build(unsigned names, bool hosts_only);

enum distribution {
	RANDOM_NAMES, /* each as likely */
	ZIPF_NAMES,   /* the nth likeliest name 1/n as likely as the first */
};
extern const char *const distribution_text[2];

struct questions {
	unsigned count; /* a multiple of ANSWER_BURST */
	uint8_t *length;
	uint8_t *slot; /* count * QUESTION_SLOT */
};
/* Ensures: enough different questions that a large zone does not shrink to those asked for. */
void questions_make(struct questions *questions, const struct question_kind *kind, unsigned names,
		    enum distribution distribution);
void questions_free(struct questions *questions);

/* A burst as a driver would have received it: each question copied to its packet buffer. */
#define PACKET_ROOM 2048u
void questions_receive(const struct questions *questions, unsigned from,
		       uint8_t packets[][PACKET_ROOM], struct datagram *burst);

#endif
