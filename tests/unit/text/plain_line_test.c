/* plain_line_test.c: the short way through a plain line against the lexer, on random lines of
 * pieces that are plain, nearly plain and not plain at all. A comment behind a line turns the short
 * way off and means nothing else, so both readings must give the same records, places and messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "zones/name/name.h"
#include "zones/text/text.h"

#define RUNS   20000u
#define LINES  6u
#define OCTETS 65536u

struct said {
	size_t used;
	unsigned records;
	char text[OCTETS];
};

static uint64_t state = 20260712;

static unsigned below(unsigned limit)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(state >> 33) % limit;
}

static void take(void *context, const struct text_record *record)
{
	struct said *said = context;
	char owner[NAME_MAX_TEXT];

	assert_int_equal(name_length(record->owner, record->owner_length), record->owner_length);
	name_to_text(record->owner, owner);
	said->used +=
	    (size_t)snprintf(said->text + said->used, OCTETS - said->used, "%s %u %u %u:%u ", owner,
			     record->ttl, record->type, record->place.line, record->column);
	for (unsigned i = 0; i < record->rdata_length; i++)
		said->used += (size_t)snprintf(said->text + said->used, OCTETS - said->used, "%02x",
					       record->rdata[i]);
	said->text[said->used++] = '\n';
	said->records++;
}

static void show(void *context, enum severity severity, const char *line)
{
	struct said *said = context;

	said->used += (size_t)snprintf(said->text + said->used, OCTETS - said->used, "%d %s\n",
				       (int)severity, line);
}

static void read_text(const char *text, const uint8_t *origin, struct said *said)
{
	struct diagnostics all;

	said->used = said->records = 0;
	diagnostics_init(&all, show, said);
	text_read_memory("t", text, strlen(text), false, origin, take, said, &all);
	diagnostics_free(&all);
	said->text[said->used] = '\0';
}

#define PICK(list) (list)[below(sizeof(list) / sizeof((list)[0]))]

static const char *owner(void)
{
	static const char *const plain[] = {"h1", "a",	 "H2.b",  "_sip._tcp",
					    "*",  "*.a", "a-b.c", "x.example."};
	static const char *const odd[] = {"@", ".",   "a..b", ".a",    "a.",	"a..",	 "-",
					  "1", "300", "IN",   "A",     "a\\.b", "\\065", "a/b",
					  " ", "\t",  "",     "\"q\"", "a$b",	"a@b",	 "$x"};
	static char text[300];
	unsigned length;

	if (below(3) != 0)
		return PICK(plain);
	if (below(4) != 0)
		return PICK(odd);
	/* Labels and names around the most that they may have. */
	length = 60 + below(8);
	memset(text, 'y', sizeof(text));
	for (unsigned at = length; at < 240; at += length + 1)
		text[at] = '.';
	text[below(2) ? length : 236 + below(20)] = '\0';
	return text;
}

static void line_make(char *to)
{
	static const char *const blanks[] = {" ", " ", "\t", "  ", " \t "};
	static const char *const heads[] = {
	    "",	    "",		  "IN ",	 "in ", "300 ",	       "7 IN ", "IN\t8 ",
	    "1h ",  "999999999 ", "4294967296 ", "0 ",	"9999999999 ", "CH ",	"IN IN ",
	    "5 6 ", "Inn ",	  "I ",		 "3x ", "CLASS1 "};
	static const char *const types[] = {"A", "A", "A", "a", "AAAA", "TYPE1", "NS", "B", ""};
	static const char *const data[] = {
	    "192.0.2.1",  "198.51.100.255", "0.0.0.0",	  "192.0.2",	"192.0.2.256",
	    "192.0.2.1.", "1.2.3.4.5",	    "01.2.3.004", "0001.2.3.4", "::1",
	    "1.2.3.",	  "\\# 4 01020304", "h.example.", "",		"1.2.3.4 5",
	    "1.2.3.4x",	  "\"1.2.3.4\""};
	static const char *const ends[] = {"", "", "", " ", "\t\r", "\r", "\f", "; said"};

	sprintf(to, "%s%s%s%s%s%s%s", owner(), PICK(blanks), PICK(heads), PICK(types), PICK(blanks),
		below(3) ? data[0] : PICK(data), PICK(ends));
}

/* Directives between the lines change what a plain line means. */
static const char *directive(void)
{
	static const char *const some[] = {"$TTL 60\n", "$TTL 1h\n", "$ORIGIN sub\n",
					   "$ORIGIN other.example.\n"};

	return below(4) == 0 ? PICK(some) : "";
}

static void the_short_way_reads_what_the_lexer_reads(void **unused)
{
	static const uint8_t origin[] = "\7example";
	static struct said quick, slow;
	unsigned records = 0;

	(void)unused;
	for (unsigned run = 0; run < RUNS; run++) {
		char line[1024], plain[8192], commented[8192];
		int used = 0, used_commented = 0;

		for (unsigned i = 0; i < LINES; i++) {
			const char *before = directive();

			line_make(line);
			used += sprintf(plain + used, "%s%s\n", before, line);
			used_commented +=
			    sprintf(commented + used_commented, "%s%s ;\n", before, line);
		}
		const uint8_t *given = below(8) == 0 ? NULL : origin;
		read_text(plain, given, &quick);
		read_text(commented, given, &slow);
		if (strcmp(quick.text, slow.text) != 0)
			print_error("%s", plain);
		assert_string_equal(quick.text, slow.text);
		records += quick.records;
	}
	assert_true(records > RUNS); /* lines that are good are among them */
}

#define MANY 100u

/* Of lines in a row: the records come one by one, and each time those that lie behind it are told
 * of next, however many that are. */
struct row {
	unsigned records, promised, most;
	uint32_t next[MANY]; /* addresses that were promised, from `records` on */
	uint64_t left;
};

static uint32_t address_of(const struct text_record *record)
{
	const uint8_t *a = record->rdata;

	return (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
}

static void take_row(void *context, const struct text_record *record)
{
	struct row *row = context;

	if (row->promised > 0) {
		assert_int_equal(record->more, row->promised - 1);
		assert_int_equal(address_of(record), row->next[row->records]);
	}
	for (unsigned i = 1; i <= record->more; i++)
		row->next[row->records + i] = address_of(&record[i]);
	row->promised = record->more;
	row->most = record->more > row->most ? record->more : row->most;
	if (record->left > 0) { /* the lexer does not say */
		assert_true(row->left == 0 || record->left <= row->left);
		row->left = record->left;
	}
	assert_int_equal(address_of(record), row->records);
	assert_int_equal(record->place.line, row->records + 1);
	row->records++;
}

static void lines_in_a_row_are_told_of_ahead(void **unused)
{
	static const uint8_t origin[] = "\7example";
	struct row row = {0};
	struct diagnostics all;
	char text[MANY * 40];
	int used = 0;

	(void)unused;
	/* The last line has the owner of the one before. */
	for (unsigned i = 0; i < MANY; i++)
		used += sprintf(text + used, "%s%.0u 60 A 0.0.0.%u\n", i + 1 < MANY ? "h" : " ",
				i + 1 < MANY ? i + 1 : 0, i);
	diagnostics_init(&all, NULL, NULL);
	text_read_memory("t", text, (size_t)used, false, origin, take_row, &row, &all);
	assert_int_equal(all.errors, 0);
	diagnostics_free(&all);
	assert_int_equal(row.records, MANY);
	assert_int_equal(row.promised, 0);
	assert_true(row.most > 1);
	assert_in_range(row.left, 1, 40);
}

struct last_owner {
	uint8_t name[NAME_MAX_OCTETS];
	size_t length;
};

static void take_last(void *context, const struct text_record *record)
{
	struct last_owner *last = context;

	memcpy(last->name, record->owner, record->owner_length);
	last->length = record->owner_length;
}

static void an_owner_left_out_is_that_of_the_line_before(void **unused)
{
	static const uint8_t origin[] = "\7example";
	static const char text[] = "a 60 A 192.0.2.1\nb 60 A 192.0.2.2\nc 60 A 192.0.2.3\n"
				   " 60 AAAA 2001:db8::1\n";
	struct last_owner last = {0};
	struct diagnostics all;

	(void)unused;
	diagnostics_init(&all, NULL, NULL);
	text_read_memory("t", text, sizeof(text) - 1, false, origin, take_last, &last, &all);
	assert_int_equal(all.errors, 0);
	diagnostics_free(&all);
	assert_int_equal(last.length, 11);
	assert_memory_equal(last.name, "\1c\7example", 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_short_way_reads_what_the_lexer_reads),
	    cmocka_unit_test(lines_in_a_row_are_told_of_ahead),
	    cmocka_unit_test(an_owner_left_out_is_that_of_the_line_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
