/* check.c: the walk over a zone, and what may stand beside what. */
#include "zones/check/check_private.h"

#include <stdarg.h>
#include <stdio.h>

enum {
	TYPE_SIG = 24,
	TYPE_KEY = 25,
	TYPE_NXT = 30,
};

/* A name on the way from the apex to the one being looked at. */
struct step {
	zone_name name;
	zone_name cut;	 /* at or above it, apex excluded */
	zone_name dname; /* at or above it */
};

/* What one name has. */
struct content {
	struct rrset_view soa, ns, cname, dname;
	struct rrset_view other; /* something that may not stand beside a CNAME */
	struct rrset_view data;	 /* something that a zone cut hides */
	struct rrset_view any;	 /* something that a DNAME above hides */
};

void check_report(struct check *check, enum severity severity, struct place place, zone_name name,
		  const char *format, ...)
{
	uint8_t owner[NAME_MAX_OCTETS];
	char text[NAME_MAX_TEXT], what[512];
	va_list arguments;

	zone_owner(check->zone, name, owner);
	name_to_text(owner, text);
	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	diagnostics_report(check->all, severity, place, 1, "%s %s", text, what);
}

struct place check_place(const struct zone *zone, zone_name name)
{
	struct rrset_view set;
	uint32_t at = 0;

	while (name != ZONE_NO_NAME) {
		if (zone_rrset_next(zone, name, &at, &set))
			return set.place;
		name = zone_next(zone, name);
		at = 0;
	}
	return (struct place){0};
}

static bool may_join_cname(uint16_t type)
{
	return type == TYPE_CNAME || type == TYPE_RRSIG || type == TYPE_NSEC || type == TYPE_KEY ||
	       type == TYPE_SIG || type == TYPE_NXT;
}

/* What a parent zone may hold at a cut, and glue. */
static bool may_join_cut(uint16_t type)
{
	return type == TYPE_NS || type == TYPE_DS || type == TYPE_NSEC || type == TYPE_NSEC3 ||
	       type == TYPE_RRSIG || type == TYPE_A || type == TYPE_AAAA;
}

static void look_at(const struct zone *zone, zone_name name, struct content *content)
{
	struct rrset_view set;
	uint32_t at = 0;

	*content = (struct content){0};
	while (zone_rrset_next(zone, name, &at, &set)) {
		if (set.type == TYPE_SOA)
			content->soa = set;
		else if (set.type == TYPE_NS)
			content->ns = set;
		else if (set.type == TYPE_CNAME)
			content->cname = set;
		else if (set.type == TYPE_DNAME)
			content->dname = set;
		if (!may_join_cname(set.type))
			content->other = set;
		if (!may_join_cut(set.type))
			content->data = set;
		if (set.type != TYPE_NSEC3 && set.type != TYPE_RRSIG)
			content->any = set;
	}
}

static void check_apex(struct check *check, const struct content *content)
{
	struct place place = check_place(check->zone, ZONE_APEX);

	if (content->soa.count == 0) {
		place.line = 1;
		check_report(check, SEVERITY_ERROR, place, ZONE_APEX,
			     "has no SOA, add one at the top of the zone");
	} else if (content->soa.count > 1) {
		check_report(check, SEVERITY_ERROR, content->soa.place, ZONE_APEX,
			     "has %u SOA records, keep one", content->soa.count);
	}
	if (content->ns.count == 0)
		check_report(check, SEVERITY_ERROR,
			     content->soa.count != 0 ? content->soa.place : place, ZONE_APEX,
			     "has no NS, add the zone's name servers");
}

static void check_single(struct check *check, zone_name name, const struct content *content)
{
	if (name != ZONE_APEX && content->soa.count != 0)
		check_report(check, SEVERITY_ERROR, content->soa.place, name,
			     "has a SOA but is not the apex of this zone, remove it or give it a "
			     "zone of its own");
	if (content->cname.count > 1)
		check_report(check, SEVERITY_ERROR, content->cname.place, name,
			     "has %u CNAME records, keep one", content->cname.count);
	if (content->dname.count > 1)
		check_report(check, SEVERITY_ERROR, content->dname.place, name,
			     "has %u DNAME records, keep one", content->dname.count);
	if (content->cname.count != 0 && content->other.count != 0)
		check_report(check, SEVERITY_ERROR, content->cname.place, name,
			     "has a CNAME and other data (line %u), remove one of them",
			     content->other.place.line);
}

/* Data that no answer can show, since a zone cut or a DNAME stands above it. */
static void check_hidden(struct check *check, zone_name name, const struct step *above,
			 const struct content *content)
{
	const struct rrset_view *hidden = NULL;
	const char *by = "the zone cut at";
	zone_name hider = ZONE_NO_NAME;

	if (above->cut != ZONE_NO_NAME || (name != ZONE_APEX && content->ns.count != 0)) {
		hider = above->cut != ZONE_NO_NAME ? above->cut : name;
		hidden = &content->data;
		if (above->cut != ZONE_NO_NAME && content->ns.count != 0)
			hidden = &content->ns;
	} else if (above->dname != ZONE_NO_NAME) {
		by = "the DNAME of";
		hider = above->dname;
		hidden = &content->any;
	}
	if (hidden == NULL || hidden->count == 0)
		return;
	uint8_t owner[NAME_MAX_OCTETS];
	char text[NAME_MAX_TEXT];
	zone_owner(check->zone, hider, owner);
	name_to_text(owner, text);
	check_report(check, SEVERITY_WARNING, hidden->place, name,
		     "has data that %s %s hides, move it there or remove it", by, text);
}

static void check_all_targets(struct check *check, zone_name name)
{
	struct rrset_view set;
	uint32_t at = 0;

	while (zone_rrset_next(check->zone, name, &at, &set)) {
		if (rdata_layout(set.type) != RDATA_PLAIN)
			check_targets(check, name, &set);
	}
}

/* Most names: nothing stands above that hides them, and their records have no say in what stands
 * where. */
static bool is_plain(const struct check *check, zone_name name, const struct step *above)
{
	return name != ZONE_APEX && above->cut == ZONE_NO_NAME && above->dname == ZONE_NO_NAME &&
	       zone_leads_nowhere(check->zone, name);
}

static void check_name(struct check *check, struct step *step, const struct step *above)
{
	struct content content;

	if (is_plain(check, step->name, above)) {
		check_room(check, step->name);
		step->cut = step->dname = ZONE_NO_NAME;
		return;
	}
	look_at(check->zone, step->name, &content);
	if (step->name == ZONE_APEX)
		check_apex(check, &content);
	check_single(check, step->name, &content);
	check_room(check, step->name);
	check_hidden(check, step->name, above, &content);
	bool hidden = above->cut != ZONE_NO_NAME || above->dname != ZONE_NO_NAME;
	if (!hidden)
		check_all_targets(check, step->name);

	*step = (struct step){.name = step->name, .cut = above->cut, .dname = above->dname};
	if (step->cut == ZONE_NO_NAME && step->name != ZONE_APEX && content.ns.count != 0)
		step->cut = step->name;
	if (step->dname == ZONE_NO_NAME && content.dname.count != 0)
		step->dname = step->name;
}

/* Parents come before their children, so the way from the apex is kept as a stack. */
void zone_check(const struct zone *zone, struct diagnostics *all)
{
	struct check check = {.zone = zone, .all = all};
	const struct step nothing = {ZONE_NO_NAME, ZONE_NO_NAME, ZONE_NO_NAME};
	unsigned apex_labels = name_labels(zone_apex(zone)), depth = 0;
	struct step way[NAME_MAX_LABELS + 1] = {nothing};

	for (zone_name name = ZONE_APEX; name != ZONE_NO_NAME; name = zone_next(zone, name)) {
		zone_name parent = zone_parent(zone, name);

		while (depth > 0 && way[depth - 1].name != parent)
			depth--;
		way[depth].name = name;
		check_name(&check, &way[depth], depth > 0 ? &way[depth - 1] : &nothing);
		check_padding(&check, name, apex_labels + depth);
		depth++;
	}
}
