/* model_test.c: answers against RFC 1034 4.3.2 written down plainly: a list of records that is
 * searched from end to end, over thousands of random zones and questions. Names are text here, of
 * few labels, so that they meet. A failure prints its seed. */
#include "tests/unit/answer/asking.h"
#include "tests/unit/answer/image_fixture.h"
#include "zones/record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WORLDS	  400u
#define QUESTIONS 200u
#define RECORDS	  60u
#define LINES	  80u
#define LINE	  700u
#define TEXT	  300u /* of a name that has grown by DNAMEs */
#define LINKS	  16u

static const char *const apexes[] = {"z.", "b.a.z.", "y."};
#define ZONES 3u

struct record {
	unsigned zone;
	char owner[64];
	char type[8];
	char rdata[80];
};

struct world {
	unsigned count;
	struct record record[RECORDS];
};

/* What a reply says, as text that can be compared. */
struct outcome {
	unsigned rcode;
	bool authoritative;
	unsigned count[2];
	char line[2][LINES][LINE];
};

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static unsigned below(uint64_t *state, unsigned limit)
{
	return (unsigned)(next(state) % limit);
}

/* ---- names as text ---- */

static const char *parent_of(const char *name)
{
	return strchr(name, '.') + 1;
}

static bool at_or_below(const char *name, const char *ancestor)
{
	size_t n = strlen(name), a = strlen(ancestor);

	return n >= a && strcmp(name + n - a, ancestor) == 0 && (n == a || name[n - a - 1] == '.');
}

static void random_name(uint64_t *state, const char *apex, char *name)
{
	static const char *const label[] = {"a", "b", "c", "*", "d"};
	unsigned depth = below(state, 4);

	*name = '\0';
	for (unsigned i = 0; i < depth; i++)
		sprintf(name + strlen(name), "%s.", label[below(state, 5)]);
	strcat(name, apex);
}

/* ---- random worlds ---- */

static bool has(const struct world *w, unsigned zone, const char *owner, const char *type)
{
	for (unsigned i = 0; i < w->count; i++) {
		const struct record *r = &w->record[i];

		if (r->zone == zone && strcmp(r->owner, owner) == 0 &&
		    (type == NULL || strcmp(r->type, type) == 0))
			return true;
	}
	return false;
}

static bool is_there(const struct world *w, const struct record *r)
{
	for (unsigned i = 0; i < w->count; i++) {
		const struct record *other = &w->record[i];

		if (other->zone == r->zone && strcmp(other->owner, r->owner) == 0 &&
		    strcmp(other->type, r->type) == 0 && strcmp(other->rdata, r->rdata) == 0)
			return true;
	}
	return false;
}

/* One CNAME or DNAME, and nothing beside a CNAME. */
static bool may_stand(const struct world *w, const struct record *r)
{
	bool alias = strcmp(r->type, "CNAME") == 0, dname = strcmp(r->type, "DNAME") == 0;

	if (has(w, r->zone, r->owner, "CNAME") || (alias && has(w, r->zone, r->owner, NULL)))
		return false;
	return !dname || !has(w, r->zone, r->owner, "DNAME");
}

static void add_random(uint64_t *state, struct world *w)
{
	static const char *const type[] = {"A",	    "A",  "A",	   "TXT",   "MX", "MX",
					   "CNAME", "NS", "CNAME", "DNAME", "A",  "DS"};
	struct record *r = &w->record[w->count];
	char target[64];

	r->zone = below(state, ZONES);
	random_name(state, apexes[r->zone], r->owner);
	random_name(state, apexes[below(state, ZONES)], target);
	strcpy(r->type, type[below(state, 12)]);
	if (strcmp(r->owner, apexes[r->zone]) == 0 && strcmp(r->type, "NS") == 0)
		return;
	if (strcmp(r->owner, apexes[r->zone]) == 0 && strcmp(r->type, "DS") == 0)
		return; /* belongs to the zone above */
	if (!may_stand(w, r))
		return;
	if (strcmp(r->type, "A") == 0)
		sprintf(r->rdata, "192.0.2.%u", w->count);
	else if (strcmp(r->type, "TXT") == 0)
		sprintf(r->rdata, "\"%u\"", w->count);
	else if (strcmp(r->type, "DS") == 0)
		sprintf(r->rdata, "%u 8 99 0000", w->count);
	else
		sprintf(r->rdata, "%s%s", strcmp(r->type, "MX") == 0 ? "10 " : "", target);
	if (!is_there(w, r))
		w->count++;
}

static void make_world(uint64_t *state, struct world *w)
{
	w->count = 0;
	for (unsigned z = 0; z < ZONES; z++) {
		struct record *soa = &w->record[w->count++], *ns = &w->record[w->count++];

		*soa = (struct record){z, "", "SOA", "m. r. 1 2 3 4 300"};
		*ns = (struct record){z, "", "NS", "ns.elsewhere."};
		strcpy(soa->owner, apexes[z]);
		strcpy(ns->owner, apexes[z]);
	}
	while (w->count < RECORDS - below(state, 30))
		add_random(state, w);
}

static struct image_fixture *build(const struct world *w)
{
	struct image_fixture *fixture = image_fixture_new(64 << 20);
	static char text[RECORDS * 256];

	for (unsigned z = 0; z < ZONES; z++) {
		size_t length = 0;

		for (unsigned i = 0; i < w->count; i++) {
			const struct record *r = &w->record[i];
			if (r->zone == z)
				length += (size_t)sprintf(text + length, "%s 300 %s %s\n", r->owner,
							  r->type, r->rdata);
		}
		image_fixture_text(fixture, apexes[z], text);
	}
	return fixture;
}

/* ---- the model ---- */

static void say(struct outcome *o, unsigned section, const char *owner, const char *type,
		const char *rdata)
{
	assert_true(o->count[section] < LINES);
	sprintf(o->line[section][o->count[section]++], "%s 300 %s %s", owner, type, rdata);
}

static unsigned say_all(const struct world *w, struct outcome *o, unsigned section, unsigned zone,
			const char *owner, const char *type, const char *as)
{
	unsigned said = 0;

	for (unsigned i = 0; i < w->count; i++) {
		const struct record *r = &w->record[i];

		if (r->zone != zone || strcmp(r->owner, owner) != 0 || strcmp(r->type, type) != 0)
			continue;
		say(o, section, as, type, r->rdata);
		said++;
	}
	return said;
}

static int zone_of(const char *name, bool strictly)
{
	int best = -1;

	for (unsigned z = 0; z < ZONES; z++) {
		if (!at_or_below(name, apexes[z]) || (strictly && strcmp(name, apexes[z]) == 0))
			continue;
		if (best < 0 || strlen(apexes[z]) > strlen(apexes[best]))
			best = (int)z;
	}
	return best;
}

/* The topmost name strictly below the apex, at or above `name` (strictly above for DNAME), that has
 * the type; the apex, too, for DNAME. */
static const char *topmost(const struct world *w, unsigned zone, const char *name, const char *type)
{
	bool dname = strcmp(type, "DNAME") == 0;
	const char *found = NULL;

	for (const char *at = dname ? (strcmp(name, apexes[zone]) ? parent_of(name) : "") : name;
	     *at != '\0' && at_or_below(at, apexes[zone]); at = parent_of(at)) {
		if (has(w, zone, at, type) && (dname || strcmp(at, apexes[zone]) != 0))
			found = at;
	}
	return found;
}

/* RFC 4592 2.2.2: a name exists if it has records, or a name below it has. What a DNAME occludes is
 * not there; apexes of deeper zones are. */
static bool exists(const struct world *w, unsigned zone, const char *name)
{
	for (unsigned z = 0; z < ZONES; z++) {
		if (at_or_below(apexes[z], name) && at_or_below(apexes[z], apexes[zone]))
			return true;
	}
	for (unsigned i = 0; i < w->count; i++) {
		const struct record *r = &w->record[i];

		if (r->zone == zone && at_or_below(r->owner, name) &&
		    zone_of(r->owner, false) == (int)zone &&
		    topmost(w, zone, r->owner, "DNAME") == NULL)
			return true;
	}
	return false;
}

struct chain {
	char name[LINKS + 2][TEXT];
	unsigned links;
};

/* Follows an alias unless it has been there. Returns false at the end. */
static bool follow(struct chain *c, const char *target)
{
	if (c->links == LINKS)
		return false;
	for (unsigned i = 0; i <= c->links; i++) {
		if (strcmp(c->name[i], target) == 0)
			return false;
	}
	strcpy(c->name[++c->links], target);
	return true;
}

static void negative(const struct world *w, struct outcome *o, unsigned zone, unsigned rcode)
{
	o->rcode = rcode;
	say_all(w, o, 1, zone, apexes[zone], "SOA", apexes[zone]);
}

/* RFC 2181 5: the set is in the answer already, since the chain came along it. */
static bool said_dname(const struct outcome *o, const char *owner)
{
	bool said = false;

	for (unsigned i = 0; i < o->count[0]; i++)
		said |= strstr(o->line[0][i], "DNAME") != NULL &&
			strncmp(o->line[0][i], owner, strlen(owner)) == 0 &&
			o->line[0][i][strlen(owner)] == ' ';
	return said;
}

/* Step 3a and 3c at a node; true: go on at an alias. */
static bool match(const struct world *w, struct outcome *o, unsigned zone, const char *node,
		  const char *type, struct chain *c)
{
	const char *name = c->name[c->links];

	if (strcmp(type, "DNAME") == 0 && said_dname(o, name))
		return false;
	if (say_all(w, o, 0, zone, node, type, name) > 0)
		return false;
	if (has(w, zone, node, "CNAME") && say_all(w, o, 0, zone, node, "CNAME", name) == 1) {
		const char *line = o->line[0][o->count[0] - 1];
		char target[TEXT];

		sscanf(strstr(line, "CNAME ") + 6, "%299s", target);
		return follow(c, target);
	}
	negative(w, o, zone, 0);
	return false;
}

static bool redirect(const struct world *w, struct outcome *o, unsigned zone, const char *owner,
		     const char *type, struct chain *c)
{
	const char *name = c->name[c->links];
	char target[TEXT + 80];

	for (unsigned i = 0; i < w->count; i++) {
		const struct record *r = &w->record[i];
		if (r->zone == zone && strcmp(r->owner, owner) == 0 && !strcmp(r->type, "DNAME"))
			sprintf(target, "%.*s%s", (int)(strlen(name) - strlen(owner)), name,
				r->rdata);
	}
	if (!said_dname(o, owner))
		say_all(w, o, 0, zone, owner, "DNAME", owner);
	say(o, 0, name, "CNAME", target);
	return strcmp(type, "CNAME") != 0 && follow(c, target);
}

/* One name; true: go on at the next. */
static bool step(const struct world *w, struct outcome *o, const char *type, struct chain *c)
{
	const char *name = c->name[c->links];
	bool ds = strcmp(type, "DS") == 0;
	int zone = zone_of(name, false);
	char wildcard[TEXT + 2];

	if (zone < 0) {
		o->rcode = c->links == 0 ? 5 : 0;
		return false;
	}
	/* RFC 4035 3.1.4.1 */
	bool parent_side = ds && strcmp(name, apexes[zone]) == 0 && zone_of(name, true) >= 0;
	if (parent_side)
		zone = zone_of(name, true);
	const char *cut = topmost(w, (unsigned)zone, name, "NS");
	const char *dname = topmost(w, (unsigned)zone, name, "DNAME");
	if (cut != NULL && !(ds && strcmp(cut, name) == 0) &&
	    (dname == NULL || strlen(cut) <= strlen(dname))) {
		say_all(w, o, 1, (unsigned)zone, cut, "NS", cut);
		return false;
	}
	o->authoritative |= c->links == 0;
	if (dname != NULL)
		return redirect(w, o, (unsigned)zone, dname, type, c);
	if (parent_side) { /* whatever else is there is the child's */
		if (say_all(w, o, 0, (unsigned)zone, name, "DS", name) == 0)
			negative(w, o, (unsigned)zone, 0);
		return false;
	}
	if (exists(w, (unsigned)zone, name))
		return match(w, o, (unsigned)zone, name, type, c);
	const char *encloser = parent_of(name);
	while (!exists(w, (unsigned)zone, encloser))
		encloser = parent_of(encloser);
	sprintf(wildcard, "*.%s", encloser);
	if (exists(w, (unsigned)zone, wildcard))
		return match(w, o, (unsigned)zone, wildcard, type, c);
	negative(w, o, (unsigned)zone, 3);
	return false;
}

static void model(const struct world *w, const char *name, const char *type, struct outcome *o)
{
	struct chain chain = {.links = 0};

	memset(o, 0, sizeof(*o));
	strcpy(chain.name[0], name);
	while (step(w, o, type, &chain))
		;
}

/* ---- comparing ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void sort(struct outcome *o)
{
	for (unsigned s = 0; s < 2; s++)
		qsort(o->line[s], o->count[s], sizeof(o->line[s][0]), by_text);
}

static void served(struct asking *asking, const char *name, uint16_t type, struct outcome *o)
{
	static const struct query_options options = {.edns = true};
	char text[MESSAGE_TEXT];
	struct message m;

	memset(o, 0, sizeof(*o));
	ask_name(asking, name, type, &options, &m);
	o->rcode = m.rcode;
	o->authoritative = m.flags & 0x0400;
	for (unsigned s = 0; s < 2; s++) {
		for (unsigned i = 0; i < m.count[s]; i++) {
			assert_true(o->count[s] < LINES);
			message_record_text(&m.record[s][i], text);
			size_t end = strlen(text); /* a bitmap or hexadecimal ends in a blank */
			if (text[end - 1] == ' ')
				text[--end] = '\0';
			assert_true(end < LINE);
			memcpy(o->line[s][o->count[s]++], text, end + 1);
		}
	}
	message_free(&m);
}

static void show(const char *who, const struct outcome *o)
{
	printf("%s: rcode %u aa %d\n", who, o->rcode, o->authoritative);
	for (unsigned s = 0; s < 2; s++) {
		for (unsigned i = 0; i < o->count[s]; i++)
			printf("   %u %s\n", s, o->line[s][i]);
	}
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	if (a->rcode != b->rcode || a->authoritative != b->authoritative)
		return false;
	for (unsigned s = 0; s < 2; s++) {
		if (a->count[s] != b->count[s])
			return false;
		for (unsigned i = 0; i < a->count[s]; i++) {
			if (strcmp(a->line[s][i], b->line[s][i]) != 0)
				return false;
		}
	}
	return true;
}

static void compare(const struct world *w, struct asking *asking, const char *name,
		    const char *type_text, uint16_t type)
{
	static struct outcome wanted, got;

	model(w, name, type_text, &wanted);
	served(asking, name, type, &got);
	sort(&wanted);
	sort(&got);
	if (same(&wanted, &got))
		return;
	for (unsigned i = 0; i < w->count; i++)
		printf("%u %s %s %s\n", w->record[i].zone, w->record[i].owner, w->record[i].type,
		       w->record[i].rdata);
	show("model", &wanted);
	show("served", &got);
	fail_msg("%s %s", name, type_text);
}

static uint64_t seed(void)
{
	const char *given = getenv("SKUA_TEST_SEED");
	uint64_t state;

	if (given != NULL)
		state = strtoull(given, NULL, 0);
	else
		assert_int_equal(getrandom(&state, sizeof(state), 0), sizeof(state));
	printf("SKUA_TEST_SEED=0x%llx\n", (unsigned long long)state);
	fflush(stdout);
	return state;
}

static void test_random_worlds(void **state)
{
	static const struct {
		const char *text;
		uint16_t type;
	} types[] = {{"A", TYPE_A},	{"MX", TYPE_MX},       {"TXT", TYPE_TXT},
		     {"NS", TYPE_NS},	{"CNAME", TYPE_CNAME}, {"DNAME", TYPE_DNAME},
		     {"SOA", TYPE_SOA}, {"DS", TYPE_DS},       {"AAAA", TYPE_AAAA}};
	struct asking *asking = calloc(1, sizeof(*asking));
	uint64_t random = seed();
	static struct world w;
	char name[64];

	(void)state;
	asking->transport = TRANSPORT_TCP; /* so that all fits */
	for (unsigned world = 0; world < WORLDS; world++) {
		make_world(&random, &w);
		struct image_fixture *fixture = build(&w);
		asking->image = image_fixture_image(fixture);
		for (unsigned i = 0; i < QUESTIONS; i++) {
			unsigned t = below(&random, sizeof(types) / sizeof(types[0]));

			random_name(&random, apexes[below(&random, ZONES)], name);
			compare(&w, asking, name, types[t].text, types[t].type);
		}
		image_fixture_free(fixture);
	}
	free(asking);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_worlds),
	};
	return cmocka_run_group_tests_name("answers against a model", tests, NULL, NULL);
}
