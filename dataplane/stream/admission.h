/* admission.h: who has a place, how long, and who gives it up when none is left and someone waits.
 *
 * A connection comes in as a stranger and is an asker from its first reply on. A stranger has
 * ADMISSION_FIRST from accept to its first whole query, however it drips. An asker has `idle` to
 * begin a query, as much to end it, and as much to read its replies. When more than three quarters
 * of all places are askers', `idle` shrinks, down to a quarter with the last place.
 *
 * When no place is left, one goes, of those who wait longest:
 *
 *  - a suspect after ADMISSION_SUSPECT_GRACE: a stranger whose client has lately held a connection
 *    for nothing, and asked nothing on any other;
 *  - a stranger after ADMISSION_GRACE, twice that while there is a suspect to go soon;
 *  - if strangers and suspects have less than one place in ADMISSION_DOORS, an asker that for
 *    ADMISSION_STALE neither asked nor took its replies: of the ADMISSION_SAMPLE that wait longest,
 *    the one whose client has the most connections.
 *
 * If nobody has to go yet, newcomers stay in the kernel's queue, where what they send is kept. When
 * many wait there, the graces are an eighth: the queue has given them time to send. In the round
 * that he came in nobody goes, so that what he has sent by then is looked at.
 *
 * Threads: one. Ownership: connections belong to the caller. Times: milliseconds.
 * Source: RFC 7766 6.2.3, RFC 7828 3.3.2 and 3.4, RFC 9210 4.2 (closing what is idle under load).
 */
#ifndef SKUA_DATAPLANE_STREAM_ADMISSION_H
#define SKUA_DATAPLANE_STREAM_ADMISSION_H

#include "dataplane/stream/connection.h"
#include "dataplane/stream/deadlines.h"
#include "dataplane/stream/limits.h"
#include "dataplane/stream/offenders.h"

#define ADMISSION_FIRST		3000u
#define ADMISSION_SUSPECT_GRACE 8u
#define ADMISSION_GRACE		104u
#define ADMISSION_STALE		1000u
#define ADMISSION_SAMPLE	16u
#define ADMISSION_DOORS		64u

/* Every connection is in exactly one of the three lists. */
struct admission {
	struct deadlines suspects, strangers, askers;
	struct offenders offenders;
	struct limits *limits;
	uint32_t places;
	uint64_t idle; /* milliseconds, without pressure */
};

/* False: no memory. places: connections in all; each: per client; idle: milliseconds. */
bool admission_open(struct admission *admission, uint32_t places, uint32_t each, uint64_t idle);
void admission_close(struct admission *admission);

/* Gives the connection of connection->client a place, or returns false: over one of the limits. */
bool admission_enter(struct admission *admission, struct connection *connection, uint64_t now);
/* It got a reply, for the first time or again; or made other progress (as connection_turn() says).
 */
void admission_replied(struct admission *admission, struct connection *connection, uint64_t now);
void admission_progress(struct admission *admission, struct connection *connection, uint64_t now);
/* Gives up its place. blame: we close it, not the client. */
void admission_leave(struct admission *admission, struct connection *connection, bool blame);

/* The one to go next, or NULL: nobody. round: connections of this round stay. many: a good
 * part of the kernel's queue is taken. */
struct connection *admission_victim(const struct admission *admission, uint64_t now, uint64_t round,
				    bool many);
/* The first whose time is over, or NULL. */
struct connection *admission_late(struct admission *admission, uint64_t now);
/* Milliseconds until somebody's time is over; at most `most`. */
uint64_t admission_wait(const struct admission *admission, uint64_t now, uint64_t most);
/* Any connection, or NULL: none is left. */
struct connection *admission_any(const struct admission *admission);

/* The idle time that clients may be told now; always what the askers' deadlines go by. */
static inline uint64_t admission_idle(const struct admission *admission)
{
	return admission->askers.span;
}

#endif
