/* dialogue.c: asks what the files say, and compares the replies: see README.md. */
#include "dataplane/answer/answer.h"
#include "tests/unit/abi/ledger.h"
#include "dataplane/answer/option.h"
#include "tests/dialogues/words.h"
#include "tests/unit/answer/image_fixture.h"
#include "tests/unit/answer/message.h"
#include "zones/record/record.h"
#include "zones/text/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 8192u
#define RRS_MAX	  1024u /* in a section */

static const char *const section_name[3] = {"answer", "authority", "additional"};

static const struct rcode_name {
	const char *name;
	unsigned rcode;
} rcodes[] = {{"NOERROR", 0}, {"FORMERR", 1},  {"SERVFAIL", 2}, {"NXDOMAIN", 3}, {"NOTIMP", 4},
	      {"REFUSED", 5}, {"YXDOMAIN", 6}, {"NOTAUTH", 9},	{"BADVERS", 16}, {"BADCOOKIE", 23}};

static const struct flag_name {
	const char *name;
	uint16_t bit;
} flag_names[] = {{"aa", 0x0400}, {"tc", 0x0200}, {"rd", 0x0100}, {"cd", 0x0010}};

struct dialogue {
	const char *path;
	char *text;
	char *line[LINES_MAX];
	unsigned lines;
	unsigned at;
	struct image_fixture *fixture;
	struct image_settings settings;
	struct image_policy policy;
	const struct image *image;
	struct answer_state state;
};

/* One question and what came back. */
struct exchange {
	const char *title;
	unsigned line;
	uint8_t query[MESSAGE_MAX];
	size_t query_length;
	uint8_t options[512]; /* of the query's OPT record */
	size_t options_length;
	uint16_t family; /* of the client's address */
	uint64_t now;	 /* seconds; 0: that of the settings */
	bool ordered;	 /* the answer's records come in this order */
	uint8_t source[16];
	enum transport transport;
	uint8_t reply[MESSAGE_MAX];
	size_t reply_length;
	bool wants_reply;
	uint16_t wanted_flags;
	unsigned wanted_rcode;
	char *wanted[3][RRS_MAX];
	unsigned wanted_count[3];
	uint8_t wanted_options[512]; /* of the reply's OPT record */
	size_t wanted_options_length;
	bool counted[COUNTERS];	  /* what must have counted it once */
	char wrong[MESSAGE_TEXT]; /* empty: nothing */
};

static unsigned case_number, failures;

static void give_up(const struct dialogue *d, const char *what)
{
	fprintf(stderr, "%s:%u: %s\n", d->path, d->at + 1, what);
	exit(2);
}

static bool starts(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncmp(line, word, length) == 0 && (line[length] == ' ' || line[length] == '\0');
}

static bool is_indented(const struct dialogue *d)
{
	return d->at < d->lines && d->line[d->at][0] == '\t';
}

static void read_file(struct dialogue *d)
{
	FILE *file = fopen(d->path, "r");
	size_t length = 0;

	if (file == NULL)
		give_up(d, "can't be opened");
	d->text = malloc(1 << 20);
	length = fread(d->text, 1, (1 << 20) - 1, file);
	d->text[length] = '\0';
	fclose(file);
	for (char *line = d->text; line != NULL && d->lines < LINES_MAX;) {
		d->line[d->lines++] = line;
		line = strchr(line, '\n');
		if (line != NULL)
			*line++ = '\0';
	}
}

static void read_settings(struct dialogue *d, char *words)
{
	for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
		if (!setting_from_word(word, &d->settings, &d->policy, &d->state))
			give_up(d, "no such setting");
	}
	image_fixture_settings(d->fixture, d->settings);
}

/* "core 10.0.0.0/8 192.0.2.1" as the settings have it: "core=10.0.0.0/8,192.0.2.1". */
static void read_list(struct dialogue *d, char *words,
		      void (*add)(struct image_fixture *fixture, const char *text))
{
	char *at = strchr(words, ' ');

	if (at == NULL)
		give_up(d, "wants a NAME and ITEMs");
	*at = '=';
	while ((at = strchr(at, ' ')) != NULL)
		*at = ',';
	add(d->fixture, words);
}

/* "example. view=NAME allow=ITEM,ITEM": to whom the zone is served. Returns its origin. */
static const char *read_terms(const struct dialogue *d, char *words)
{
	const char *origin = strtok(words, " ");
	const char *view = NULL, *allow = NULL;

	for (const char *word = strtok(NULL, " "); word != NULL; word = strtok(NULL, " ")) {
		if (strncmp(word, "view=", 5) == 0)
			view = word + 5;
		else if (strncmp(word, "allow=", 6) == 0)
			allow = word + 6;
		else
			give_up(d, "no such property of a zone");
	}
	image_fixture_terms(d->fixture, view, allow);
	return origin;
}

static void read_zone(struct dialogue *d, char *words)
{
	const char *origin = read_terms(d, words);
	char *text = calloc(1, 1 << 20);
	size_t length = 0;

	for (; is_indented(d); d->at++)
		length += (size_t)sprintf(text + length, "%s\n", d->line[d->at] + 1);
	image_fixture_text(d->fixture, origin, text);
	free(text);
}

static void read_option(const struct dialogue *d, const char *word, struct query_options *o,
			struct exchange *x)
{
	unsigned number;

	if (strcmp(word, "do") == 0)
		o->dnssec_ok = true;
	else if (strcmp(word, "rd") == 0)
		o->flags |= 0x0100;
	else if (strcmp(word, "cd") == 0)
		o->flags |= 0x0010;
	else if (strcmp(word, "tcp") == 0)
		x->transport = TRANSPORT_TCP;
	else if (strcmp(word, "noedns") == 0)
		o->edns = false;
	else if (strcmp(word, "class=CH") == 0)
		o->class = CLASS_CH;
	else if (strcmp(word, "class=4") == 0)
		o->class = 4;
	else if (strcmp(word, "class=ANY") == 0)
		o->class = CLASS_ANY;
	else if (sscanf(word, "size=%u", &number) == 1)
		o->udp_size = (uint16_t)number;
	else if (sscanf(word, "version=%u", &number) == 1)
		o->version = (uint8_t)number;
	else if (sscanf(word, "opcode=%u", &number) == 1)
		o->flags |= (uint16_t)(number << 11);
	else if (strncmp(word, "now=", 4) == 0)
		x->now = strtoull(word + 4, NULL, 10);
	else if (strncmp(word, "from=", 5) == 0) {
		if (!address_from_word(word + 5, x->source, &x->family))
			give_up(d, "no address");
	} else if (strncmp(word, "opt=", 4) != 0 ||
		   !option_from_word(word + 4, x->options, sizeof(x->options), &x->options_length))
		give_up(d, "no such option of a query");
}

static void read_query(const struct dialogue *d, char *words, struct exchange *x)
{
	struct query_options options = {.edns = true};
	const char *name = strtok(words, " ");
	const char *type_text = strtok(NULL, " ");
	uint16_t type;

	if (type_text == NULL || !type_from_text(type_text, strlen(type_text), &type))
		give_up(d, "a query is: query NAME TYPE [OPTION…]");
	for (const char *word = strtok(NULL, " "); word != NULL; word = strtok(NULL, " "))
		read_option(d, word, &options, x);
	options.options = x->options;
	options.options_length = (uint16_t)x->options_length;
	x->query_length = message_query_text(x->query, name, type, &options);
}

static void read_hex(const struct dialogue *d, const char *text, struct exchange *x)
{
	if (!octets_from_hex(text, x->query, sizeof(x->query), &x->query_length))
		give_up(d, "not hexadecimal");
}

static void read_reply_line(const struct dialogue *d, char *words, struct exchange *x)
{
	char *word = strtok(words, " ");
	bool known = false;

	x->wants_reply = word != NULL && strcmp(word, "none") != 0;
	for (unsigned i = 0; x->wants_reply && i < sizeof(rcodes) / sizeof(rcodes[0]); i++) {
		if (strcmp(rcodes[i].name, word) == 0) {
			x->wanted_rcode = rcodes[i].rcode;
			known = true;
		}
	}
	if (x->wants_reply && !known)
		give_up(d, "no such response code");
	while ((word = strtok(NULL, " ")) != NULL) {
		for (unsigned i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
			if (strcmp(flag_names[i].name, word) == 0)
				x->wanted_flags |= flag_names[i].bit;
		}
	}
}

/* "owner ttl TYPE rdata" as message_record_text() would write it. */
static char *canonical(const struct dialogue *d, const char *line)
{
	static uint8_t rdata[MESSAGE_MAX];
	char owner[NAME_MAX_TEXT], type_text[TEXT_TYPE_MAX], message[256];
	struct message_record record = {.rdata = rdata};
	size_t length, bad;
	char *text = malloc(MESSAGE_TEXT);
	int rest;

	if (strlen(line) > 3 && strcmp(line + strlen(line) - 3, "...") == 0)
		return strcpy(text, line);
	if (sscanf(line, "%1024s %u %15s %n", owner, &record.ttl, type_text, &rest) != 3 ||
	    name_from_text(owner, strlen(owner), NULL, record.owner, &length, &bad) != NAME_OK ||
	    !type_from_text(type_text, strlen(type_text), &record.type))
		give_up(d, "a record is: OWNER TTL TYPE RDATA");
	if (!rdata_from_text(record.type, line + rest, strlen(line + rest), (const uint8_t *)"",
			     rdata, &record.rdata_length, message, sizeof(message)))
		give_up(d, message);
	message_record_text(&record, text);
	return text;
}

static void read_section(struct dialogue *d, struct exchange *x, unsigned section)
{
	for (; is_indented(d); d->at++) {
		if (x->wanted_count[section] == RRS_MAX)
			give_up(d, "too many records");
		x->wanted[section][x->wanted_count[section]++] = canonical(d, d->line[d->at] + 1);
	}
}

static void read_wanted_options(struct dialogue *d, struct exchange *x)
{
	for (; is_indented(d); d->at++) {
		if (!option_from_word(d->line[d->at] + 1, x->wanted_options,
				      sizeof(x->wanted_options), &x->wanted_options_length))
			give_up(d, "no such option");
	}
}

static void complain(struct exchange *x, const char *what, const char *detail)
{
	size_t used = strlen(x->wrong);

	snprintf(x->wrong + used, sizeof(x->wrong) - used, "#   %s%s%s\n", what,
		 *detail ? ": " : "", detail);
}

static bool matches(const char *wanted, const char *got)
{
	size_t length = strlen(wanted);

	if (length > 3 && strcmp(wanted + length - 3, "...") == 0)
		return strncmp(wanted, got, length - 3) == 0;
	return strcmp(wanted, got) == 0;
}

static void compare_section(struct exchange *x, const struct message *m, unsigned section)
{
	bool found[RRS_MAX] = {false};
	char text[MESSAGE_TEXT];

	for (unsigned i = 0; i < m->count[section]; i++) {
		unsigned w = 0;

		message_record_text(&m->record[section][i], text);
		while (w < x->wanted_count[section] &&
		       (found[w] || !matches(x->wanted[section][w], text)))
			w++;
		if (w < x->wanted_count[section])
			found[w] = true;
		else
			complain(x, section_name[section], text);
	}
	for (unsigned w = 0; w < x->wanted_count[section]; w++) {
		if (!found[w])
			complain(x, "missing", x->wanted[section][w]);
	}
}

static void compare_order(struct exchange *x, const struct message *m)
{
	char text[MESSAGE_TEXT];

	for (unsigned i = 0; i < m->count[0] && i < x->wanted_count[0]; i++) {
		message_record_text(&m->record[0][i], text);
		if (!matches(x->wanted[0][i], text))
			complain(x, "in another order", text);
	}
}

static void compare_header(struct exchange *x, const struct message *m)
{
	uint16_t asked = get_u16(x->query + 2);
	uint16_t copied = asked & 0x7910; /* opcode, RD, CD */
	char text[64];

	snprintf(text, sizeof(text), "rcode %u, flags %04x", m->rcode, m->flags);
	if (m->rcode != x->wanted_rcode)
		complain(x, "another response code", text);
	if ((m->flags & 0x0600) != (x->wanted_flags & 0x0600))
		complain(x, "AA or TC", text);
	if ((m->flags & 0xf9f0) != (0x8000 | copied))
		complain(x, "QR, opcode, RD, RA, Z, AD or CD", text);
	if (m->id != get_u16(x->query))
		complain(x, "another ID", "");
	if (m->has_question &&
	    memcmp(x->query + 12, x->reply + 12, name_length(m->name, NAME_MAX_OCTETS) + 4) != 0)
		complain(x, "the question is not as sent", "");
}

/* What the query's OPT asks for, if the query is well-formed and gets more than an error. */
static void compare_edns(const struct dialogue *d, struct exchange *x, const struct message *m)
{
	struct message query;
	bool sound = message_parse(x->query, x->query_length, &query) == NULL;
	uint32_t limit = query.edns && query.udp_size > 512 ? query.udp_size : 512;

	message_free(&query);
	if (limit > d->settings.udp_size)
		limit = d->settings.udp_size;
	if (x->transport == TRANSPORT_UDP && x->reply_length > limit)
		complain(x, "larger than allowed", "");
	if (!sound || x->wanted_rcode == 1 || x->wanted_rcode == 16)
		return;
	if (m->edns != query.edns || (m->edns && m->udp_size != d->settings.udp_size))
		complain(x, "OPT", m->edns ? "not asked for, or another size" : "missing");
	if (m->edns && m->dnssec_ok != query.dnssec_ok)
		complain(x, "DO is not the query's", "");
}

static void compare_options(struct exchange *x, const struct message *m)
{
	char text[2 * sizeof(x->wanted_options) + 1] = "";

	if (m->options_length == x->wanted_options_length &&
	    (m->options_length == 0 ||
	     memcmp(m->options, x->wanted_options, m->options_length) == 0))
		return;
	for (unsigned i = 0; i < m->options_length && 2 * i + 2 < sizeof(text); i++)
		sprintf(text + 2 * i, "%02x", m->options[i]);
	complain(x, "other options", text);
}

/* RFC 1071, octet by octet. */
static unsigned plain_sum(const uint8_t *at, size_t length)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += (unsigned long)at[i] << (i % 2 == 0 ? 8 : 0);
	return (unsigned)(sum % 0xffff);
}

static void compare_counts(struct exchange *x, const uint64_t counts[])
{
	const char *wrong = ledger_wrong(counts);
	char text[64];

	if (wrong != NULL)
		complain(x, "counters", wrong);
	for (unsigned i = 0; i < COUNTERS; i++) {
		snprintf(text, sizeof(text), "line %u of counters.def: %llu", i + 1,
			 (unsigned long long)counts[i]);
		if (x->counted[i] && counts[i] != 1)
			complain(x, "not counted once", text);
	}
}

static void read_counts(const struct dialogue *d, char *words, struct exchange *x)
{
	for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
		enum counter counter = counter_from_word(word);

		if (counter == COUNTERS)
			give_up(d, "no such counter");
		x->counted[counter] = true;
	}
}

static void exchange(struct dialogue *d, struct exchange *x)
{
	uint64_t counts[COUNTERS] = {0};
	struct datagram datagram = {
	    .payload = x->reply, .length = (uint32_t)x->query_length, .capacity = MESSAGE_MAX};
	struct message m;

	memcpy(x->reply, x->query, x->query_length);
	if (x->now != 0)
		d->state.now = x->now * 1000000000u;
	datagram.family = x->family;
	memcpy(datagram.source, x->source, sizeof(datagram.source));
	answer_batch(d->image, &d->state, &datagram, 1, x->transport, counts);
	compare_counts(x, counts);
	x->reply_length = datagram.length;
	if (x->reply_length == 0 || !x->wants_reply) {
		if ((x->reply_length != 0) != x->wants_reply)
			complain(x, x->wants_reply ? "no reply" : "a reply", "");
		return;
	}
	if (plain_sum(x->reply, x->reply_length) != datagram.sum % 0xffffu)
		complain(x, "the sum is wrong", "");
	const char *wrong = message_parse(x->reply, x->reply_length, &m);
	if (wrong != NULL)
		complain(x, "malformed", wrong);
	compare_header(x, &m);
	compare_edns(d, x, &m);
	compare_options(x, &m);
	if (counts[COUNT_rcode_noerror] + counts[COUNT_rcode_nxdomain] +
		    counts[COUNT_rcode_yxdomain] ==
		0 &&
	    x->transport == TRANSPORT_UDP && counts[COUNT_cookies_valid] == 0 &&
	    x->reply_length > x->query_length)
		complain(x, "an error that is larger than the query", "");
	for (unsigned s = 0; s < 3 && wrong == NULL; s++)
		compare_section(x, &m, s);
	if (x->ordered)
		compare_order(x, &m);
	message_free(&m);
}

static void read_exchange(struct dialogue *d, struct exchange *x)
{
	while (d->at < d->lines && !starts(d->line[d->at], "case")) {
		char *line = d->line[d->at++];

		if (starts(line, "query"))
			read_query(d, line + 5, x);
		else if (starts(line, "hex"))
			read_hex(d, line + 3, x);
		else if (starts(line, "client")) {
			if (!address_from_word(line + 7, x->source, &x->family))
				give_up(d, "no address");
		} else if (starts(line, "reply"))
			read_reply_line(d, line + 5, x);
		else if (starts(line, "counts"))
			read_counts(d, line + 6, x);
		else if (strcmp(line, "options") == 0)
			read_wanted_options(d, x);
		else if (*line == '#' || *line == '\0')
			continue;
		else if (strcmp(line, "answer in order") == 0) {
			x->ordered = true;
			read_section(d, x, 0);
		} else {
			unsigned s = 0;

			while (s < 3 && strcmp(line, section_name[s]) != 0)
				s++;
			if (s == 3)
				give_up(d, "neither query, hex, client, reply, counts, options nor "
					   "a section");
			read_section(d, x, s);
		}
	}
}

static void run_case(struct dialogue *d)
{
	struct exchange *x = calloc(1, sizeof(*x));

	x->title = d->line[d->at] + 5;
	x->line = ++d->at;
	read_exchange(d, x);
	exchange(d, x);
	bool good = x->wrong[0] == '\0';
	printf("%sok %u - %s:%u %s\n%s", good ? "" : "not ", ++case_number, d->path, x->line,
	       x->title, x->wrong);
	failures += !good;
	for (unsigned s = 0; s < 3; s++) {
		for (unsigned i = 0; i < x->wanted_count[s]; i++)
			free(x->wanted[s][i]);
	}
	free(x);
}

static void run_file(const char *path)
{
	struct dialogue *d = calloc(1, sizeof(*d));

	d->path = path;
	d->settings = (struct image_settings){.udp_size = 1232, .additional = 1};
	d->fixture = image_fixture_new(0);
	read_file(d);
	while (d->at < d->lines) {
		char *line = d->line[d->at];

		if (starts(line, "case")) {
			if (d->image == NULL)
				image_fixture_policy(d->fixture, &d->policy);
			if (d->image == NULL)
				d->image = image_fixture_image(d->fixture);
			run_case(d);
			continue;
		}
		d->at++;
		if (starts(line, "settings"))
			read_settings(d, line + 8);
		else if (starts(line, "zone"))
			read_zone(d, line + 5);
		else if (starts(line, "acl"))
			read_list(d, line + 4, image_fixture_acl);
		else if (starts(line, "view"))
			read_list(d, line + 5, image_fixture_view);
		else if (*line != '#' && *line != '\0')
			give_up(d, "neither settings, acl, view, zone nor case");
	}
	image_fixture_free(d->fixture);
	free(d->text);
	free(d);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_file(argv[i]);
	printf("1..%u\n", case_number);
	return failures == 0 && case_number > 0 ? 0 : 1;
}
