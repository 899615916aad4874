#include "dataplane/stream/handover.h"

#include "dataplane/io/address.h"
#include "dataplane/stream/listener.h"

#include <unistd.h>

void handover_start(struct handover *handover)
{
	for (unsigned i = 0; i < STREAM_LISTENS_MAX; i++) {
		atomic_init(&handover->place[i].wanted, -1);
		atomic_init(&handover->place[i].taken, -1);
	}
}

static int wanted_at(const struct handover_place *place)
{
	return atomic_load_explicit(&place->wanted, memory_order_relaxed); /* our own store */
}

/* The stream has seen what we asked for last; all that it did before is seen here. */
static bool is_settled(const struct handover_place *place)
{
	return atomic_load_explicit(&place->taken, memory_order_acquire) == wanted_at(place);
}

static void ask_for(struct handover_place *place, int fd)
{
	atomic_store_explicit(&place->wanted, fd, memory_order_release);
}

static bool is_listed(const struct listen_address *listen, unsigned count,
		      const struct listen_address *address)
{
	for (unsigned i = 0; i < count; i++)
		if (address_equal(&listen[i].address, &address->address))
			return true;
	return false;
}

/* *late: how many can't be withdrawn yet. */
static unsigned withdraw(struct handover *handover, const struct listen_address *listen,
			 unsigned count, unsigned *late)
{
	unsigned changed = 0;

	*late = 0;

	for (unsigned i = 0; i < STREAM_LISTENS_MAX; i++) {
		struct handover_place *place = &handover->place[i];

		if (wanted_at(place) < 0 || is_listed(listen, count, &place->address))
			continue;
		if (!is_settled(place)) {
			(*late)++;
			continue;
		}
		ask_for(place, -1);
		changed++;
	}
	return changed;
}

static bool has(const struct handover *handover, const struct listen_address *address)
{
	for (unsigned i = 0; i < STREAM_LISTENS_MAX; i++)
		if (wanted_at(&handover->place[i]) >= 0 &&
		    address_equal(&handover->place[i].address.address, &address->address))
			return true;
	return false;
}

/* A place that is empty on both sides, or NULL. While an address's old socket is on its way out,
 * the address can't be bound again: none either. */
static struct handover_place *place_for(struct handover *handover,
					const struct listen_address *address)
{
	struct handover_place *found = NULL;

	for (unsigned i = 0; i < STREAM_LISTENS_MAX; i++) {
		struct handover_place *place = &handover->place[i];

		if (wanted_at(place) >= 0)
			continue;
		if (is_settled(place))
			found = found ? found : place;
		else if (address_equal(&place->address.address, &address->address))
			return NULL;
	}
	return found;
}

unsigned handover_follow(struct handover *handover, const struct listen_address *listen,
			 unsigned count, bool early, unsigned *missing, char error[IO_ERROR_TEXT])
{
	unsigned changed = withdraw(handover, listen, count, missing);

	error[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		struct handover_place *place;
		int fd = -1;

		if (has(handover, &listen[i]))
			continue;
		place = place_for(handover, &listen[i]);
		if (place)
			fd = listener_open(&listen[i], early, error);
		if (fd < 0) {
			(*missing)++;
			continue;
		}
		place->address = listen[i];
		ask_for(place, fd);
		changed++;
	}
	return changed;
}

void handover_end(struct handover *handover)
{
	for (unsigned i = 0; i < STREAM_LISTENS_MAX; i++) {
		struct handover_place *place = &handover->place[i];

		if (wanted_at(place) >= 0 && !is_settled(place))
			close(wanted_at(place));
		ask_for(place, -1);
	}
}
