/* signed.c: the walk over a signed zone. */
#include "zones/check/signed_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const rest_of[FINDINGS] = {
#define FINDING(name, rest) [FINDING_##name] = rest,
#include "zones/check/signed.def"
#undef FINDING
};

const char *signed_type_text(uint16_t type, char text[SIGNED_TYPE_TEXT])
{
	switch (type) {
#define TYPE(name, number, layout)                                                                 \
	case number:                                                                               \
		return #name;
#include "zones/record/types.def"
#undef TYPE
	default:
		snprintf(text, SIGNED_TYPE_TEXT, "TYPE%u", type);
		return text;
	}
}

void signed_report(struct signed_check *check, enum finding finding, struct place place,
		   zone_name name, const char *format, ...)
{
	char what[512];
	va_list arguments;

	if (check->found[finding]++ >= check->each)
		return;
	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	check_report(&check->check, SEVERITY_WARNING, place, name, "%s", what);
}

static void report_rest(struct signed_check *check)
{
	struct place place = check_place(check->check.zone, ZONE_APEX);

	for (unsigned i = 0; i < FINDINGS; i++) {
		if (check->found[i] > check->each)
			check_report(
			    &check->check, SEVERITY_WARNING, place, ZONE_APEX, "has %llu more %s",
			    (unsigned long long)(check->found[i] - check->each), rest_of[i]);
	}
}

static void types_add(struct type_set *set, uint16_t type)
{
	uint8_t *window = set->octets + (type >> 8) * 32;

	if (type_set_has(set, type))
		return;
	for (unsigned i = 0; i < set->windows; i++) {
		if (set->window[i] == type >> 8)
			window = NULL;
	}
	if (window != NULL)
		set->window[set->windows++] = (uint8_t)(type >> 8);
	set->octets[type >> 3] |= (uint8_t)(0x80 >> (type & 7));
	set->count++;
}

static void types_clear(struct type_set *set)
{
	for (unsigned i = 0; i < set->windows; i++)
		memset(set->octets + set->window[i] * 32, 0, 32);
	set->windows = 0;
	set->count = 0;
}

/* RFC 4035 2.3: the parent's NSEC at a delegation lists what is the parent's. */
static void types_of_delegation(struct type_set *set)
{
	static const uint16_t own[] = {TYPE_NS, TYPE_DS, TYPE_RRSIG, TYPE_NSEC};
	bool has[sizeof(own) / sizeof(own[0])];

	for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		has[i] = type_set_has(set, own[i]);
	types_clear(set);
	for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (has[i])
			types_add(set, own[i]);
	}
}

/* What stands at a name, and how. above: the name above it. */
static void look_at(struct signed_check *check, struct visit *visit, const struct visit *above,
		    bool *has_dname)
{
	const struct zone *zone = check->check.zone;
	struct type_set *types = &check->types;
	struct rrset_view set;
	uint32_t at = 0;

	types_clear(types);
	while (zone_rrset_next(zone, visit->name, &at, &set)) {
		if (types->count == 0)
			visit->place = set.place;
		if (set.type != TYPE_DS || above != NULL) /* at the apex it is no one's */
			types_add(types, set.type);
	}
	visit->is_empty = types->count == 0;
	visit->has_ds = type_set_has(types, TYPE_DS);
	visit->has_signatures = type_set_has(types, TYPE_RRSIG);
	*has_dname = type_set_has(types, TYPE_DNAME);
	if (above != NULL && above->standing != STANDING_AUTHORITATIVE)
		visit->standing = STANDING_HIDDEN;
	else if (type_set_has(types, TYPE_NSEC3) && zone_is_nsec3_owner(zone, visit->name))
		visit->standing = STANDING_NSEC3_OWNER;
	else if (above != NULL && type_set_has(types, TYPE_NS))
		visit->standing = STANDING_DELEGATION;
	if (visit->standing == STANDING_DELEGATION)
		types_of_delegation(types);
	visit->wants_hash = (visit->standing == STANDING_AUTHORITATIVE && !visit->is_empty) ||
			    (visit->standing == STANDING_DELEGATION && visit->has_ds);
}

static void check_name(struct signed_check *check, const struct visit *visit)
{
	if (visit->standing != STANDING_HIDDEN)
		check->owner_length = zone_owner(check->check.zone, visit->name, check->owner);
	signatures_check(check, visit);
	if (check->nsec)
		nsec_check(check, visit);
	if (check->nsec3 && !visit->is_empty)
		nsec3_check(check, visit);
	if (!check->nsec3 && visit->standing == STANDING_NSEC3_OWNER)
		signed_report(check, FINDING_parameters, visit->place, visit->name,
			      "has an NSEC3, but no NSEC3PARAM with flags 0 says that it is used");
}

/* Behind all that is below it: an empty non-terminal wants NSEC3 if something below does. */
static void leave(struct signed_check *check, struct visit *way, unsigned depth)
{
	const struct visit *visit = &way[depth];

	if (depth > 0)
		way[depth - 1].wants_hash |= visit->wants_hash;
	if (check->nsec3 && visit->is_empty) {
		types_clear(&check->types);
		check->owner_length = zone_owner(check->check.zone, visit->name, check->owner);
		nsec3_check(check, visit);
	}
}

static void walk(struct signed_check *check)
{
	const struct zone *zone = check->check.zone;
	unsigned apex_labels = name_labels(zone_apex(zone)), depth = 0;
	struct visit way[NAME_MAX_LABELS + 1] = {0};
	bool dname[NAME_MAX_LABELS + 1] = {false};

	for (zone_name name = ZONE_APEX; name != ZONE_NO_NAME; name = zone_next(zone, name)) {
		zone_name parent = zone_parent(zone, name);
		struct visit *visit;

		while (depth > 0 && way[depth - 1].name != parent)
			leave(check, way, --depth);
		visit = &way[depth];
		*visit = (struct visit){.name = name, .labels = apex_labels + depth};
		look_at(check, visit, depth > 0 ? visit - 1 : NULL, &dname[depth]);
		if (depth > 0 && dname[depth - 1])
			visit->standing = STANDING_HIDDEN;
		check_name(check, visit);
		depth++;
	}
	while (depth > 0)
		leave(check, way, --depth);
}

/* Where the zone's first record of DNSSEC stands that only a signed zone has. */
static bool find_signature(const struct zone *zone, zone_name *found, struct rrset_view *set)
{
	zone_name name = zone_counts(zone).proofs > 0 ? ZONE_APEX : ZONE_NO_NAME;

	for (; name != ZONE_NO_NAME; name = zone_next(zone, name)) {
		uint32_t at = 0;

		*found = name;
		while (zone_rrset_next(zone, name, &at, set)) {
			if (set->type == TYPE_RRSIG || set->type == TYPE_NSEC ||
			    set->type == TYPE_NSEC3)
				return true;
		}
	}
	return false;
}

static void check_apex(struct signed_check *check)
{
	const struct zone *zone = check->check.zone;
	struct rrset_view set, other;

	if (zone_rrset(zone, ZONE_APEX, TYPE_DS, &set))
		signed_report(check, FINDING_apex_ds, set.place, ZONE_APEX,
			      "has a DS at the apex, where it means nothing; it belongs into the "
			      "zone above");
	check->nsec3 = nsec3_is_used(zone);
	check->nsec = zone_rrset(zone, ZONE_APEX, TYPE_NSEC, &other);
	if (check->nsec && check->nsec3) {
		signed_report(check, FINDING_both, other.place, ZONE_APEX,
			      "has both NSEC and NSEC3PARAM; only NSEC3 is used, remove the other");
		check->nsec = false;
	}
}

/* True if the zone is to be walked: it has keys or signatures. */
static bool is_signed(struct signed_check *check)
{
	const struct zone *zone = check->check.zone;
	struct rrset_view set;
	zone_name name = ZONE_APEX;
	bool has_keys = zone_rrset(zone, ZONE_APEX, TYPE_DNSKEY, &set);

	if (!has_keys) {
		if (!find_signature(zone, &name, &set))
			return false;
		signed_report(check, FINDING_no_keys, set.place, name,
			      "has signatures or proofs, but the zone has no DNSKEY; sign it "
			      "again, or remove them");
	}
	if (!check->nsec && !check->nsec3)
		signed_report(check, FINDING_no_denial, set.place, ZONE_APEX,
			      "has neither NSEC nor NSEC3PARAM: that a name does not exist can't "
			      "be proven; sign the zone again");
	return true;
}

void zone_check_signatures(const struct zone *zone, uint64_t now, struct diagnostics *all)
{
	struct signed_check *check = calloc(1, sizeof(*check));

	if (check == NULL)
		abort();
	check->check = (struct check){.zone = zone, .all = all};
	check->now = (uint32_t)now;
	check->each = all->limit == UINT64_MAX ? UINT64_MAX : CHECK_EACH;
	check_apex(check);
	if (is_signed(check)) {
		signatures_begin(check);
		if (check->nsec3)
			nsec3_begin(check);
		walk(check);
		if (check->nsec)
			nsec_finish(check);
		if (check->nsec3)
			nsec3_finish(check);
	}
	report_rest(check);
	free(check->keys);
	free(check->nsec_chain.is_linked);
	free(check->nsec3_chain.list);
	free(check->nsec3_chain.starts);
	free(check);
}
