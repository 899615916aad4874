/* target.c: names that NS, MX, SRV, NAPTR and CNAME records lead to, as far as this zone knows. */
#include "zones/check/check_private.h"

#include <string.h>

enum state {
	STATE_UNKNOWN, /* out of the zone, or below a cut or a DNAME: not ours to judge */
	STATE_MISSING,
	STATE_CNAME,
	STATE_THERE,
};

struct target {
	enum state state;
	zone_name name; /* what answers for it, a wildcard perhaps; for STATE_THERE, STATE_CNAME */
	zone_name cut;	/* the zone cut that it lies at or below, or ZONE_NO_NAME */
};

/* The child "*" of a name, or ZONE_NO_NAME. */
static zone_name wildcard_of(const struct zone *zone, zone_name name)
{
	uint8_t owner[2 + NAME_MAX_OCTETS] = {1, '*'};

	if (!zone_has_wildcard(zone, name) || zone_owner(zone, name, owner + 2) > 253)
		return ZONE_NO_NAME;
	return zone_find(zone, owner);
}

static struct target find(const struct zone *zone, const uint8_t *wire)
{
	struct target target = {.state = STATE_UNKNOWN, .cut = ZONE_NO_NAME};
	struct rrset_view set;

	zone_name deepest = zone_deepest(zone, wire);
	if (deepest == ZONE_NO_NAME)
		return target;
	struct zone_place place = zone_place_of(zone, deepest);
	target.cut = place.cut;
	target.name = zone_find(zone, wire);
	if (place.cut != ZONE_NO_NAME || place.dname != ZONE_NO_NAME ||
	    (target.name == ZONE_NO_NAME && zone_rrset(zone, deepest, TYPE_DNAME, &set)))
		return target;
	if (target.name == ZONE_NO_NAME)
		target.name = wildcard_of(zone, deepest);
	if (target.name == ZONE_NO_NAME)
		target.state = STATE_MISSING;
	else
		target.state =
		    zone_rrset(zone, target.name, TYPE_CNAME, &set) ? STATE_CNAME : STATE_THERE;
	return target;
}

static bool has(const struct zone *zone, zone_name name, uint16_t type)
{
	struct rrset_view set;

	return zone_rrset(zone, name, type, &set);
}

static bool has_address(const struct zone *zone, zone_name name)
{
	return has(zone, name, TYPE_A) || has(zone, name, TYPE_AAAA);
}

/* What a record expects at its target. */
enum want { WANT_NAME, WANT_ADDRESS, WANT_SRV, WANT_NAPTR };

static const char *lack(const struct check *check, const struct target *target, enum want want)
{
	if (target->state == STATE_MISSING)
		return "does not exist in this zone";
	if (target->state != STATE_THERE)
		return NULL;
	if (want == WANT_ADDRESS && !has_address(check->zone, target->name))
		return "has no A or AAAA";
	if (want == WANT_SRV && !has(check->zone, target->name, TYPE_SRV))
		return "has no SRV";
	if (want == WANT_NAPTR && !has(check->zone, target->name, TYPE_NAPTR))
		return "has no NAPTR";
	return NULL;
}

static void report(struct check *check, zone_name name, const struct rrset_view *set,
		   const char *type, const uint8_t *wire, const char *what)
{
	char text[NAME_MAX_TEXT];

	name_to_text(wire, text);
	check_report(check, SEVERITY_WARNING, set->place, name, "%s leads to %s, which %s", type,
		     text, what);
}

/* Servers of a delegation that lie at or below it are found through their glue only. */
static void check_glue(struct check *check, zone_name name, const struct rrset_view *set,
		       const uint8_t *wire)
{
	zone_name server = zone_find(check->zone, wire);

	if (server == ZONE_NO_NAME || !has_address(check->zone, server))
		report(check, name, set, "NS", wire,
		       "needs glue to be found, add its A or AAAA to this zone");
}

static enum want naptr_want(const uint8_t *rdata, uint16_t length)
{
	switch (naptr_flag(rdata, length)) {
	case 's':
		return WANT_SRV;
	case 'a':
		return WANT_ADDRESS;
	case 0:
		return WANT_NAPTR;
	default:
		return WANT_NAME;
	}
}

static void check_target(struct check *check, zone_name name, const struct rrset_view *set,
			 const char *type, enum want want, const uint8_t *wire)
{
	struct target target = find(check->zone, wire);
	bool delegates = set->type == TYPE_NS && name != ZONE_APEX;

	if (delegates && target.cut == name) {
		check_glue(check, name, set, wire);
		return;
	}
	if (target.state == STATE_CNAME &&
	    (set->type == TYPE_NS || set->type == TYPE_MX || set->type == TYPE_SRV)) {
		report(check, name, set, type, wire,
		       "is a CNAME; name the host that it stands for");
		return;
	}
	const char *what = lack(check, &target, want);
	char text[64] = "";
	if (what == NULL)
		return;
	strcat(strcat(text, what), ", add it or correct the name");
	report(check, name, set, type, wire, text);
}

static bool kind_of(uint16_t type, const char **text, enum want *want)
{
	*want = WANT_ADDRESS;
	switch (type) {
	case TYPE_NS:
		*text = "NS";
		return true;
	case TYPE_MX:
		*text = "MX";
		return true;
	case TYPE_SRV:
		*text = "SRV";
		return true;
	case TYPE_NAPTR:
		*text = "NAPTR";
		return true;
	case TYPE_CNAME:
		*text = "CNAME";
		*want = WANT_NAME;
		return true;
	default:
		return false;
	}
}

void check_targets(struct check *check, zone_name name, const struct rrset_view *set)
{
	const uint8_t *rdata;
	const char *type;
	uint16_t length;
	enum want want;
	uint32_t at = 0;

	if (!kind_of(set->type, &type, &want))
		return;
	while (rrset_record_next(set, &at, &rdata, &length)) {
		int offset = rdata_name_offset(set->type, rdata, length);

		/* The root as a target says that there is none (RFC 2782, RFC 7505, RFC 3403). */
		if (offset < 0 || rdata[offset] == 0)
			continue;
		if (set->type == TYPE_NAPTR)
			want = naptr_want(rdata, length);
		check_target(check, name, set, type, want, rdata + offset);
	}
}
