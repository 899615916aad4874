/* check_test.c: each finding on a zone that has it, and silence on its neighbour that has not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "zones/check/check.h"
#include "zones/name/name.h"
#include "zones/text/text.h"

struct checking {
	struct zone *zone;
	char shown[8192];
};

static void show(void *context, enum severity severity, const char *line)
{
	struct checking *checking = context;

	(void)severity;
	assert_true(strlen(checking->shown) + strlen(line) + 2 < sizeof(checking->shown));
	strcat(strcat(checking->shown, line), "\n");
}

static void take(void *context, const struct text_record *record)
{
	struct checking *checking = context;

	zone_add(checking->zone, record->owner, record->type, record->ttl, record->rdata,
		 record->rdata_length, record->place);
}

/* Checks text as the zone `apex`; exactly these lines are shown, and these many are errors. */
static void assert_checked_at(const char *apex, const char *text, const char *shown,
			      uint64_t errors)
{
	struct checking checking = {.shown = ""};
	uint8_t wire[NAME_MAX_OCTETS];
	struct diagnostics all;
	size_t length, bad_at;

	assert_int_equal(name_from_text(apex, strlen(apex), NULL, wire, &length, &bad_at), NAME_OK);
	checking.zone = zone_new(wire);
	diagnostics_init(&all, show, &checking);
	text_read_memory("t", text, strlen(text), false, wire, take, &checking, &all);
	assert_int_equal(all.errors, 0);
	zone_check(checking.zone, &all);
	assert_string_equal(checking.shown, shown);
	assert_int_equal(all.errors, errors);
	diagnostics_free(&all);
	zone_free(checking.zone);
}

#define HEAD "$TTL 5\n@ SOA ns . 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\n"

/* Behind three good records; the text begins at line 5. */
static void assert_checked(const char *text, const char *shown, uint64_t errors)
{
	char *whole = NULL;

	assert_true(asprintf(&whole, "%s%s", HEAD, text) >= 0);
	assert_checked_at("example.", whole, shown, errors);
	free(whole);
}

static void a_good_zone_is_silent(void **state)
{
	(void)state;
	assert_checked("", "", 0);
	assert_checked(
	    "a CNAME ns\na RRSIG CNAME 8 2 5 1 1 1 @ AQ==\na NSEC b CNAME RRSIG NSEC\n"
	    "m MX 10 ns\nm MX 0 .\ns SRV 0 0 1 ns\ns2 SRV 0 0 1 .\n"
	    "n NAPTR 1 1 s x \"\" s\nn NAPTR 1 1 a x \"\" ns\nn NAPTR 1 1 \"\" x \"\" n\n"
	    "n NAPTR 1 1 u x !.*!y! .\nx CNAME out.org.\n"
	    "*.w A 10.0.0.1\ny CNAME q.w\nz MX 1 q.r.w\n"
	    "sub NS ns.sub\nsub DS 1 8 2 ab\nns.sub A 10.0.0.1\nv MX 1 x.sub\n"
	    "d DNAME e\nu SRV 0 0 1 f.d\n",
	    "", 0);
}

static void apex(void **state)
{
	(void)state;
	assert_checked_at("example.", "$TTL 5\n\na A 10.0.0.1\n",
			  "t:1:1: example. has no SOA, add one at the top of the zone\n"
			  "t:1:1: example. has no NS, add the zone's name servers\n",
			  2);
	assert_checked_at("example.",
			  "$TTL 5\n@ SOA a. b. 1 2 3 4 5\n@ SOA a. b. 2 2 3 4 5\n@ NS a.\n",
			  "t:2:1: example. has 2 SOA records, keep one\n", 1);
	assert_checked_at("example.", "$TTL 5\n@ SOA a. b. 1 2 3 4 5\n",
			  "t:2:1: example. has no NS, add the zone's name servers\n", 1);
	assert_checked("x SOA a. b. 1 2 3 4 5\n",
		       "t:5:1: x.example. has a SOA but is not the apex of this zone, remove it or "
		       "give it a zone of its own\n",
		       1);
}

static void cname_with_other_data(void **state)
{
	(void)state;
	assert_checked(
	    "x A 10.0.0.1\nx CNAME ns\n",
	    "t:6:1: x.example. has a CNAME and other data (line 5), remove one of them\n", 1);
	assert_checked("x CNAME ns\nx CNAME a.org.\n",
		       "t:5:1: x.example. has 2 CNAME records, keep one\n", 1);
	assert_checked("x DNAME a.org.\nx DNAME b.org.\n",
		       "t:5:1: x.example. has 2 DNAME records, keep one\n", 1);
	assert_checked("x KEY 512 3 8 AQ==\nx CNAME ns\n", "", 0);
}

static void hidden_data(void **state)
{
	(void)state;
	assert_checked("sub NS a.org.\nx.sub TXT a\nsub TXT b\ng.sub A 10.0.0.1\n",
		       "t:7:1: warning: sub.example. has data that the zone cut at sub.example. "
		       "hides, move it there or remove it\n"
		       "t:6:1: warning: x.sub.example. has data that the zone cut at sub.example. "
		       "hides, move it there or remove it\n",
		       0);
	assert_checked("sub NS a.org.\ny.sub NS b.org.\n",
		       "t:6:1: warning: y.sub.example. has data that the zone cut at sub.example. "
		       "hides, move it there or remove it\n",
		       0);
	assert_checked("d DNAME a.org.\nd A 10.0.0.1\nx.d A 10.0.0.1\n",
		       "t:7:1: warning: x.d.example. has data that the DNAME of d.example. hides, "
		       "move it there or remove it\n",
		       0);
}

static void glue(void **state)
{
	(void)state;
	assert_checked("sub NS ns.sub\nsub NS sub\nsub NS other\nsub NS x.cut\ncut NS a.org.\n",
		       "t:5:1: warning: sub.example. NS leads to ns.sub.example., which needs glue "
		       "to be found, add its A or AAAA to this zone\n"
		       "t:5:1: warning: sub.example. NS leads to sub.example., which needs glue to "
		       "be found, add its A or AAAA to this zone\n"
		       "t:5:1: warning: sub.example. NS leads to other.example., which does not "
		       "exist in this zone, add it or correct the name\n",
		       0);
}

static void dangling_targets(void **state)
{
	(void)state;
	assert_checked("m MX 10 gone\n",
		       "t:5:1: warning: m.example. MX leads to gone.example., which does not exist "
		       "in this zone, add it or correct the name\n",
		       0);
	assert_checked("c CNAME gone\n",
		       "t:5:1: warning: c.example. CNAME leads to gone.example., which does not "
		       "exist in this zone, add it or correct the name\n",
		       0);
	assert_checked("s SRV 0 0 1 s\n",
		       "t:5:1: warning: s.example. SRV leads to s.example., which has no A or "
		       "AAAA, add it or correct the name\n",
		       0);
	assert_checked("n NAPTR 1 1 s x \"\" ns\n",
		       "t:5:1: warning: n.example. NAPTR leads to ns.example., which has no SRV, "
		       "add it or correct the name\n",
		       0);
	assert_checked("n NAPTR 1 1 \"\" x \"\" ns\n",
		       "t:5:1: warning: n.example. NAPTR leads to ns.example., which has no NAPTR, "
		       "add it or correct the name\n",
		       0);
	assert_checked("n NAPTR 1 1 A x \"\" gone\n",
		       "t:5:1: warning: n.example. NAPTR leads to gone.example., which does not "
		       "exist in this zone, add it or correct the name\n",
		       0);
	assert_checked("*.w TXT a\nm MX 1 x.w\n",
		       "t:6:1: warning: m.example. MX leads to x.w.example., which has no A or "
		       "AAAA, add it or correct the name\n",
		       0);
	assert_checked_at("example.", "$TTL 5\n@ SOA a. b. 1 2 3 4 5\n@ NS ns\n",
			  "t:3:1: warning: example. NS leads to ns.example., which does not exist "
			  "in this zone, add it or correct the name\n",
			  0);
}

static void targets_that_are_aliases(void **state)
{
	(void)state;
	assert_checked("c CNAME ns\nm MX 1 c\ns SRV 0 0 1 c\nsub NS c\nn NAPTR 1 1 a x \"\" c\n",
		       "t:6:1: warning: m.example. MX leads to c.example., which is a CNAME; name "
		       "the host that it stands for\n"
		       "t:7:1: warning: s.example. SRV leads to c.example., which is a CNAME; name "
		       "the host that it stands for\n"
		       "t:8:1: warning: sub.example. NS leads to c.example., which is a CNAME; "
		       "name the host that it stands for\n",
		       0);
}

static void mnc_and_mcc_have_three_digits(void **state)
{
	static const char head[] = "$TTL 5\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\n";

	(void)state;
	assert_checked_at("epc.mnc01.mcc262.3gppnetwork.org.", head,
			  "t:2:1: warning: epc.mnc01.mcc262.3gppnetwork.org. has \"mnc01\", which "
			  "is not found by others; write the MNC with three digits, zeros in "
			  "front\n",
			  0);
	assert_checked_at("epc.mnc001.mcc262.3gppnetwork.org.", head, "", 0);
	assert_checked_at("mnc01.mcc262.example.org.", head, "", 0);
	assert_checked_at(
	    "3gppnetwork.org.",
	    "$TTL 5\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\nx.epc.mnc1.mcc0262.pub A 10.0.0.1\n"
	    "epc.mnc002.mcc262 A 10.0.0.1\nmnc01.node.epc.mnc002.mcc262 A 10.0.0.1\n",
	    "t:4:1: warning: mcc0262.pub.3gppnetwork.org. has \"mcc0262\", which is not found "
	    "by others; write the MCC with three digits\n"
	    "t:4:1: warning: mnc1.mcc0262.pub.3gppnetwork.org. has \"mnc1\", which is not "
	    "found by others; write the MNC with three digits, zeros in front\n",
	    0);
}

/* owner, type, and so many octets of rdata, in the presentation of RFC 3597 5. */
static void print_record(FILE *out, const char *owner_and_type, unsigned octets)
{
	fprintf(out, "%s \\# %u %0*d\n", owner_and_type, octets, 2 * (int)octets, 0);
}

static void a_name_has_an_end(void **state)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	assert_non_null(out);
	for (unsigned i = 300; i < 304; i++) {
		char type[16];

		snprintf(type, sizeof(type), "x TYPE%u", i);
		print_record(out, type, 65300);
	}
	fflush(out);
	assert_checked(text, "", 0);
	print_record(out, "x TYPE304", 2000);
	print_record(out, "x TYPE305", 2000);
	print_record(out, "y TYPE304", 2000);
	assert_int_equal(fclose(out), 0);
	assert_checked(text,
		       "t:9:1: x.example. has more records than a name can hold (262144 octets, "
		       "255 types), from its TYPE304 on; spread them over several names\n",
		       1);
	free(text);
}

static void signatures_that_fit_into_no_message(void **state)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	assert_non_null(out);
	print_record(out, "x TYPE300", 65300);
	fputs("x RRSIG TYPE300 8 2 5 1 1 1 @ ", out);
	for (unsigned i = 0; i < 100; i++)
		fputs("AQEB", out);
	fputc('\n', out);
	assert_int_equal(fclose(out), 0);
	assert_checked(text,
		       "t:6:1: warning: x.example. has signatures with which TYPE300 fits into no "
		       "message, and is answered without them; make the RRset smaller\n",
		       0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_zone_is_silent),
	    cmocka_unit_test(apex),
	    cmocka_unit_test(cname_with_other_data),
	    cmocka_unit_test(hidden_data),
	    cmocka_unit_test(glue),
	    cmocka_unit_test(dangling_targets),
	    cmocka_unit_test(targets_that_are_aliases),
	    cmocka_unit_test(mnc_and_mcc_have_three_digits),
	    cmocka_unit_test(a_name_has_an_end),
	    cmocka_unit_test(signatures_that_fit_into_no_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
