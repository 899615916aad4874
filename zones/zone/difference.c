/* difference.c: from two versions of a zone to the list of changes that lead from one to the other.
 */
#include "zones/zone/change.h"
#include "zones/zone/tree.h"

struct difference_list {
	const struct zone *old, *new;
	struct zone_changes *changes;
	size_t most;
};

static bool has_same(const struct zone *zone, zone_name name, const struct rrset_view *wanted)
{
	uint32_t at =
	    name == ZONE_NO_NAME ? 0 : rrset_find(zone, name, wanted->type, wanted->covered);
	struct rrset_view view;

	if (at == 0)
		return false;
	rrset_view_at(zone, name, at, &view);
	return view.count == wanted->count && view.ttl == wanted->ttl &&
	       view.octets == wanted->octets &&
	       memcmp(view.records, wanted->records, view.octets) == 0;
}

/* RRsets that go, then those that come or are others. */
static void list_name(void *context, const uint8_t *owner)
{
	struct difference_list *list = context;
	zone_name old = zone_find(list->old, owner), new = zone_find(list->new, owner);
	struct rrset_view view;
	uint32_t at = 0;

	if (list->changes->count >= list->most)
		return;
	while (old != ZONE_NO_NAME && zone_rrset_next(list->old, old, &at, &view)) {
		if (new != ZONE_NO_NAME && rrset_find(list->new, new, view.type, view.covered) != 0)
			continue;
		view.count = 0;
		zone_changes_set(list->changes, owner, &view);
	}
	at = 0;
	while (new != ZONE_NO_NAME && zone_rrset_next(list->new, new, &at, &view)) {
		if (!has_same(list->old, old, &view))
			zone_changes_set(list->changes, owner, &view);
	}
}

bool zone_changes_between(struct zone_changes *changes, const struct zone *old,
			  const struct zone *new, size_t most)
{
	struct difference_list list = {old, new, changes, most};

	zone_diff(old, new, list_name, &list);
	return changes->count < most;
}
