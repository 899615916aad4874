#include "dataplane/stream/admission.h"

#include <string.h>

#define HASTE	 8u /* the graces are divided by it when many wait */
#define PATIENCE 2u /* strangers have so much more grace while there are suspects */

bool admission_open(struct admission *admission, uint32_t places, uint32_t each, uint64_t idle)
{
	memset(admission, 0, sizeof(*admission));
	admission->limits = limits_new(places, each);
	admission->places = places;
	admission->idle = idle;
	deadlines_start(&admission->suspects, idle < ADMISSION_FIRST ? idle : ADMISSION_FIRST);
	deadlines_start(&admission->strangers, idle < ADMISSION_FIRST ? idle : ADMISSION_FIRST);
	deadlines_start(&admission->askers, idle);
	return admission->limits != NULL;
}

void admission_close(struct admission *admission)
{
	limits_free(admission->limits);
	admission->limits = NULL;
}

/* Strangers do not count: whoever opens connections for nothing shortens nobody's time. */
static void set_idle(struct admission *admission)
{
	uint64_t places = admission->places, askers = admission->askers.count;
	uint64_t least = admission->idle / 4;

	admission->askers.span = admission->idle;
	if (askers * 4 <= places * 3)
		return;
	admission->askers.span =
	    askers >= places ? least : admission->idle * (places - askers) * 4 / places;
	if (admission->askers.span < least)
		admission->askers.span = least;
}

bool admission_enter(struct admission *admission, struct connection *connection, uint64_t now)
{
	uint64_t hash = limits_hash(admission->limits, &connection->client);

	if (!limits_enter(admission->limits, &connection->client))
		return false;
	offenders_age(&admission->offenders, now);
	deadline_set(offenders_has(&admission->offenders, hash) ? &admission->suspects
								: &admission->strangers,
		     &connection->deadline, now);
	return true;
}

void admission_replied(struct admission *admission, struct connection *connection, uint64_t now)
{
	if (connection->deadline.list != &admission->askers)
		offenders_asked(&admission->offenders,
				limits_hash(admission->limits, &connection->client));
	deadline_set(&admission->askers, &connection->deadline, now);
	set_idle(admission);
}

void admission_progress(struct admission *admission, struct connection *connection, uint64_t now)
{
	if (connection->deadline.list == &admission->askers)
		deadline_set(&admission->askers, &connection->deadline, now);
}

void admission_leave(struct admission *admission, struct connection *connection, bool blame)
{
	if (blame && connection->deadline.list != &admission->askers)
		offenders_add(&admission->offenders,
			      limits_hash(admission->limits, &connection->client));
	limits_leave(admission->limits, &connection->client);
	deadline_clear(&connection->deadline);
	set_idle(admission);
}

static struct connection *connection_of(struct deadline *deadline)
{
	return (struct connection *)deadline;
}

/* The one that waits longest, if it does so for `least` and did not come in this round. */
static struct connection *longest(const struct deadlines *list, uint64_t least, uint64_t now,
				  uint64_t round)
{
	struct deadline *first = deadlines_first(list);

	if (!first || now < first->since + least || connection_of(first)->entered == round)
		return NULL;
	return connection_of(first);
}

static struct connection *stale_asker(const struct admission *admission, uint64_t now)
{
	struct deadline *at = deadlines_first(&admission->askers);
	struct connection *found = NULL;
	uint32_t most = 0;

	for (unsigned i = 0; at && i < ADMISSION_SAMPLE && now >= at->since + ADMISSION_STALE;
	     i++) {
		uint32_t count = limits_client(admission->limits, &connection_of(at)->client);
		if (count > most) {
			most = count;
			found = connection_of(at);
		}
		at = deadline_next(at);
	}
	return found;
}

struct connection *admission_victim(const struct admission *admission, uint64_t now, uint64_t round,
				    bool many)
{
	uint32_t suspects = admission->suspects.count, strangers = admission->strangers.count;
	uint64_t haste = many ? HASTE : 1;
	uint64_t grace = ADMISSION_GRACE * (suspects > 0 ? PATIENCE : 1);
	struct connection *found =
	    longest(&admission->suspects, ADMISSION_SUSPECT_GRACE / haste, now, round);

	if (!found)
		found = longest(&admission->strangers, grace / haste, now, round);
	if (!found && ((uint64_t)suspects + strangers) * ADMISSION_DOORS < admission->places)
		found = stale_asker(admission, now);
	return found;
}

struct connection *admission_late(struct admission *admission, uint64_t now)
{
	struct deadline *due = deadlines_due(&admission->suspects, now);

	if (!due)
		due = deadlines_due(&admission->strangers, now);
	if (!due)
		due = deadlines_due(&admission->askers, now);
	return due ? connection_of(due) : NULL;
}

uint64_t admission_wait(const struct admission *admission, uint64_t now, uint64_t most)
{
	most = deadlines_wait(&admission->suspects, now, most);
	most = deadlines_wait(&admission->strangers, now, most);
	return deadlines_wait(&admission->askers, now, most);
}

struct connection *admission_any(const struct admission *admission)
{
	struct deadline *any = deadlines_first(&admission->suspects);

	if (!any)
		any = deadlines_first(&admission->strangers);
	if (!any)
		any = deadlines_first(&admission->askers);
	return any ? connection_of(any) : NULL;
}
