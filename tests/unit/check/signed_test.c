/* signed_test.c: zones as signers made them are silent; broken in one way each they say just that.
 *
 * The zones in zones/ hold an apex, addresses, an alias, a wildcard, a DNAME, an empty
 * non-terminal, signed and unsigned delegations with glue, and an empty non-terminal above unsigned
 * delegations only. */
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

#define NOW   1798761600ull /* 2027-01-01 */
#define EDITS 12u

/* Of all lines that begin with `line`: `from` becomes `to`; without `from` the line goes. Without
 * `line`, `to` is a line more. */
struct edit {
	const char *line, *from, *to;
};

struct checking {
	struct zone *zone;
	char first[1024]; /* line, whole; of the others the place is cut */
	char shown[16384];
};

static void show(void *context, enum severity severity, const char *line)
{
	struct checking *checking = context;
	const char *what = strstr(line, "warning: ");

	assert_int_equal(severity, SEVERITY_WARNING);
	assert_non_null(what);
	if (checking->first[0] == '\0')
		snprintf(checking->first, sizeof(checking->first), "%s", line);
	what += strlen("warning: ");
	assert_true(strlen(checking->shown) + strlen(what) + 2 < sizeof(checking->shown));
	strcat(strcat(checking->shown, what), "\n");
}

static void take(void *context, const struct text_record *record)
{
	struct checking *checking = context;

	assert_int_equal(zone_add(checking->zone, record->owner, record->type, record->ttl,
				  record->rdata, record->rdata_length, record->place),
			 ZONE_ADDED);
}

static void edit_line(const struct edit edits[], char *line, char *text)
{
	for (unsigned i = 0; i < EDITS && (edits[i].line != NULL || edits[i].to != NULL); i++) {
		const struct edit *edit = &edits[i];

		if (edit->line == NULL || strncmp(line, edit->line, strlen(edit->line)) != 0)
			continue;
		if (edit->from == NULL)
			return;
		char *at = strstr(line, edit->from);
		if (at == NULL)
			continue;
		char *rest = strdup(at + strlen(edit->from));
		strcat(strcpy(at, edit->to), rest);
		free(rest);
	}
	strcat(strcat(text, line), "\n");
}

/* The file's text with the edits; each must have done something. */
static char *edited(const char *name, const struct edit edits[])
{
	char path[512], line[1024], *text = calloc(1, 1 << 17), *before = calloc(1, 1 << 17);

	snprintf(path, sizeof(path), "%s/%s.zone", SIGNED_ZONES, name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line) / 2, file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		strcat(strcat(before, line), "\n");
		edit_line(edits, line, text);
	}
	fclose(file);
	for (unsigned i = 0; i < EDITS; i++) {
		if (edits[i].line != NULL)
			assert_non_null(strstr(before, edits[i].line));
		else if (edits[i].to != NULL)
			strcat(strcat(text, edits[i].to), "\n");
	}
	free(before);
	return text;
}

static struct checking *check_text(const char *text, uint64_t now, uint64_t limit)
{
	struct checking *checking = calloc(1, sizeof(*checking));
	const uint8_t *apex = (const uint8_t *)"\7example";
	struct diagnostics all;

	checking->zone = zone_new(apex);
	diagnostics_init(&all, show, checking);
	all.limit = limit;
	text_read_memory("t", text, strlen(text), false, apex, take, checking, &all);
	zone_check_signatures(checking->zone, now, &all);
	assert_int_equal(all.errors, 0);
	diagnostics_free(&all);
	zone_free(checking->zone);
	return checking;
}

static struct checking *check_edited(const char *name, uint64_t now, const struct edit edits[])
{
	char *text = edited(name, edits);
	struct checking *checking = check_text(text, now, DIAGNOSTICS_LIMIT);

	free(text);
	return checking;
}

static void assert_says_at(const char *name, uint64_t now, const struct edit edits[],
			   const char *shown)
{
	struct checking *checking = check_edited(name, now, edits);

	assert_string_equal(checking->shown, shown);
	free(checking);
}

#define ASSERT_SAYS(name, shown, ...)                                                              \
	assert_says_at(name, NOW, (const struct edit[EDITS]){__VA_ARGS__}, shown)

static void zones_of_signers_are_silent(void **state)
{
	static const char *const names[] = {"nsec_bind", "nsec_knot", "nsec3_bind", "optout_bind",
					    "optout_knot"};

	(void)state;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ASSERT_SAYS(names[i], "", {NULL});
}

static void unsigned_zones_are_silent(void **state)
{
	struct checking *checking =
	    check_text("$TTL 5\n@ SOA ns . 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\nsub NS ns\n"
		       "sub DS 1 8 2 ab\n",
		       NOW, 100);

	(void)state;
	assert_string_equal(checking->shown, "");
	free(checking);
}

static void missing_signature(void **state)
{
	(void)state;
	ASSERT_SAYS("nsec_bind", "ns.example. has no signature of A; sign the zone again\n",
		    {"ns.example. 3600 RRSIG A"});
	ASSERT_SAYS("nsec_bind", "secure.example. has no signature of DS; sign the zone again\n",
		    {"secure.example. 3600 RRSIG DS"});
	ASSERT_SAYS("nsec3_bind",
		    "61b73n7bkgd7bdac373qse1ora0cl2id.example. has no signature of NSEC3; sign the "
		    "zone again\n",
		    {"61B73N7BKGD7BDAC373QSE1ORA0CL2ID.example. 300 RRSIG"});
}

static void findings_name_the_record(void **state)
{
	struct checking *checking = check_edited(
	    "nsec_bind", NOW, (const struct edit[EDITS]){{"mail.example. 300 NSEC", " AAAA", ""}});

	(void)state;
	assert_string_equal(
	    checking->first,
	    "t:26:1: warning: mail.example. has AAAA, which its NSEC does not list; "
	    "sign the zone again");
	free(checking);
}

static void signatures_out_of_time(void **state)
{
	(void)state;
	ASSERT_SAYS(
	    "nsec_bind",
	    "ns.example. has a signature of A that expired at 2026-12-31 23:59:59 UTC; sign "
	    "the zone again\n",
	    {"ns.example. 3600 RRSIG A", "20360101000000", "20261231235959"});
	ASSERT_SAYS("nsec_bind",
		    "ns.example. has a signature of A that is not valid before 2027-01-01 00:00:01 "
		    "UTC; look at the clocks here and where the zone is signed\n",
		    {"ns.example. 3600 RRSIG A", "20260101000000", "20270101000001"});
	ASSERT_SAYS(
	    "nsec_bind",
	    "ns.example. has a signature of A that expires at 2027-01-07 00:00:00 UTC; sign "
	    "the zone again before\n",
	    {"ns.example. 3600 RRSIG A", "20360101000000", "20270107000000"});
	/* Eight days left; and six of a life of twelve: a signer renews in time. */
	ASSERT_SAYS("nsec_bind", "",
		    {"ns.example. 3600 RRSIG A", "20360101000000", "20270109000000"});
	ASSERT_SAYS("nsec_bind", "",
		    {"ns.example. 3600 RRSIG A", "20360101000000 20260101000000",
		     "20270107000000 20261226000000"});
}

static void a_kind_is_shown_ten_times(void **state)
{
	struct checking *checking = check_edited("nsec_bind", 2082844800ull /* 2036-01-02 */,
						 (const struct edit[EDITS]){{NULL}});
	char *text = edited("nsec_bind", (const struct edit[EDITS]){{NULL}});
	unsigned lines = 0;

	(void)state;
	for (const char *at = checking->shown; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 11);
	assert_non_null(
	    strstr(checking->shown, "\nexample. has 14 more signatures that have expired\n"));
	free(checking);
	checking = check_text(text, 2082844800ull, UINT64_MAX);
	assert_null(strstr(checking->shown, "more"));
	lines = 0;
	for (const char *at = checking->shown; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 24);
	free(checking);
	free(text);
}

static void signatures_by_others(void **state)
{
	(void)state;
	ASSERT_SAYS(
	    "nsec_bind",
	    "ns.example. has a signature of A by example.net., which is not this zone; sign "
	    "the zone again\n",
	    {"ns.example. 3600 RRSIG A", " example. ", " example.net. "});
	ASSERT_SAYS("nsec_bind",
		    "ns.example. has a signature of A by key 1 of algorithm 13, which DNSKEY has "
		    "not; add the key, or sign the zone again\n",
		    {"ns.example. 3600 RRSIG A", " 39333 ", " 1 "},
		    {"ns.example. 3600 RRSIG A", " 18517 ", " 1 "});
	ASSERT_SAYS(
	    "nsec_bind",
	    "ns.example. has no signature of A of algorithm 13, which DNSKEY has; sign the "
	    "zone again\n"
	    "ns.example. has a signature of A by key 18517 of algorithm 8, which DNSKEY has "
	    "not; add the key, or sign the zone again\n",
	    {"ns.example. 3600 RRSIG A", "RRSIG A 13", "RRSIG A 8"});
}

static void signatures_that_do_not_fit(void **state)
{
	(void)state;
	ASSERT_SAYS("nsec_bind",
		    "ns.example. has a signature of A with a labels field of 1, where 2 is right; "
		    "sign the zone again\n",
		    {"ns.example. 3600 RRSIG A", "A 13 2", "A 13 1"});
	ASSERT_SAYS("nsec_bind",
		    "*.wild.example. has a signature of TXT with a labels field of 3, where 2 is "
		    "right; sign the zone again\n",
		    {"*.wild.example. 3600 RRSIG TXT", "TXT 13 2", "TXT 13 3"});
	ASSERT_SAYS("nsec_bind",
		    "ns.example. has a signature of A for a TTL of 3600, but the TTL is 7200; sign "
		    "the zone again\n",
		    {"ns.example. 3600 A", "3600", "7200"});
	ASSERT_SAYS("nsec_bind",
		    "mail.example. has a signature of AAAA, which is not there; remove it, or sign "
		    "the zone again\n",
		    {"mail.example. 3600 AAAA"}, {"mail.example. 300 NSEC", " AAAA", ""});
	ASSERT_SAYS("nsec_bind",
		    "plain.example. has a signature of NS, which is not to be signed there; sign "
		    "the zone again\n",
		    {NULL, NULL,
		     "plain.example. 3600 RRSIG NS 13 2 3600 20360101000000 20260101000000 39333 "
		     "example. AAAA"});
	ASSERT_SAYS("nsec_bind",
		    "ns.plain.example. has a signature of A, which is not to be signed there; sign "
		    "the zone again\n",
		    {NULL, NULL,
		     "ns.plain.example. 3600 RRSIG A 13 3 3600 20360101000000 20260101000000 39333 "
		     "example. AAAA"});
}

static void keys(void **state)
{
	(void)state;
	ASSERT_SAYS("nsec_bind",
		    "example. has signatures or proofs, but the zone has no DNSKEY; sign it again, "
		    "or remove them\n",
		    {"example. 3600 DNSKEY"}, {"example. 3600 RRSIG DNSKEY"},
		    {"example. 300 NSEC", " DNSKEY", ""});
	ASSERT_SAYS("nsec_bind",
		    "example. has a DNSKEY that is no key of a zone (flags 0, protocol 3); it is "
		    "not used\n",
		    {NULL, NULL, "example. 3600 DNSKEY 0 3 13 AAAA"});
	struct checking *checking = check_edited(
	    "nsec_bind", NOW,
	    (const struct edit[EDITS]){{NULL, NULL, "example. 3600 DNSKEY 256 3 8 AwEAAcdu"}});
	assert_non_null(strstr(checking->shown, "example. has no signature of SOA of algorithm 8, "
						"which DNSKEY has; sign the zone again\n"));
	assert_non_null(strstr(checking->shown,
			       "example. has 13 more RRsets without a signature of an algorithm "
			       "that DNSKEY has\n"));
	free(checking);
}

static void the_apex(void **state)
{
	(void)state;
	ASSERT_SAYS("nsec_bind",
		    "example. has a DS at the apex, where it means nothing; it belongs into the "
		    "zone above\n",
		    {NULL, NULL, "example. 3600 DS 1 8 2 ab"});
	ASSERT_SAYS(
	    "nsec_bind",
	    "example. has both NSEC and NSEC3PARAM; only NSEC3 is used, remove the other\n"
	    "example. has no signature of NSEC3PARAM; sign the zone again\n"
	    "example. has NSEC3PARAM, but no NSEC3 that goes with it; sign the zone again\n",
	    {NULL, NULL, "example. 0 NSEC3PARAM 1 0 0 -"});
	ASSERT_SAYS("nsec_bind",
		    "example. has neither NSEC nor NSEC3PARAM: that a name does not exist can't be "
		    "proven; sign the zone again\n",
		    {"example. 300"}, {"alias.example. 300"}, {"host.empty.example. 300"},
		    {"mail.example. 300"}, {"moved.example. 300"}, {"ns.example. 300"},
		    {"one.only.example. 300"}, {"two.only.example. 300"}, {"plain.example. 300"},
		    {"secure.example. 300"}, {"*.wild.example. 300"});
	ASSERT_SAYS(
	    "nsec_bind",
	    "26doshvp1u4rc6nsis1rrpfm7knqm6ic.example. has no signature of NSEC3; sign the "
	    "zone again\n"
	    "26doshvp1u4rc6nsis1rrpfm7knqm6ic.example. has an NSEC3, but no NSEC3PARAM with "
	    "flags 0 says that it is used\n",
	    {NULL, NULL,
	     "26doshvp1u4rc6nsis1rrpfm7knqm6ic.example. 300 NSEC3 1 0 0 - "
	     "26doshvp1u4rc6nsis1rrpfm7knqm6ic A"});
}

static void nsec_names(void **state)
{
	(void)state;
	ASSERT_SAYS("nsec_bind",
		    "host.empty.example. has an NSEC to mail.example., which has no NSEC; sign the "
		    "zone again\n"
		    "mail.example. has no NSEC; sign the zone again\n"
		    "moved.example. has an NSEC that no other leads to; sign the zone again\n",
		    {"mail.example. 300"});
	ASSERT_SAYS("nsec_bind",
		    "ns.plain.example. has an NSEC, but its data is not this zone's; sign the zone "
		    "again\n",
		    {NULL, NULL, "ns.plain.example. 300 NSEC secure.example. A NSEC"});
	ASSERT_SAYS("nsec_bind", "ns.example. has 2 NSEC records, keep one\n",
		    {NULL, NULL, "ns.example. 300 NSEC zzz.example. A RRSIG NSEC"});
}

static void nsec_circle(void **state)
{
	(void)state;
	ASSERT_SAYS(
	    "nsec_bind",
	    "mail.example. has an NSEC to moved.example., which another NSEC leads to, too; "
	    "sign the zone again\n"
	    "mail.example. has an NSEC that no other leads to; sign the zone again\n",
	    {"host.empty.example. 300 NSEC", "mail.example.", "moved.example."});
	ASSERT_SAYS("nsec_bind",
		    "*.wild.example. has an NSEC to alias.example., which does not lie behind it; "
		    "sign the zone again\n"
		    "example. has an NSEC that no other leads to; sign the zone again\n",
		    {"*.wild.example. 300 NSEC", "NSEC example.", "NSEC alias.example."});
	ASSERT_SAYS("nsec_bind",
		    "host.empty.example. has an NSEC to main.example., which does not exist; sign "
		    "the zone again\n"
		    "mail.example. has an NSEC that no other leads to; sign the zone again\n",
		    {"host.empty.example. 300 NSEC", "mail.example.", "main.example."});
}

static void type_lists(void **state)
{
	(void)state;
	ASSERT_SAYS("nsec_bind",
		    "mail.example. has AAAA, which its NSEC does not list; sign the zone again\n",
		    {"mail.example. 300 NSEC", " AAAA", ""});
	ASSERT_SAYS("nsec_bind",
		    "mail.example. has no TYPE1234, but its NSEC lists it; sign the zone again\n",
		    {"mail.example. 300 NSEC", " A AAAA", " A AAAA TYPE1234"});
	ASSERT_SAYS("nsec_bind",
		    "plain.example. has no A, but its NSEC lists it; sign the zone again\n",
		    {"plain.example. 300 NSEC", " NS ", " A NS "});
	ASSERT_SAYS("nsec3_bind",
		    "mail.example. has AAAA, which its NSEC3 does not list; sign the zone again\n",
		    {"61B73N7BKGD7BDAC373QSE1ORA0CL2ID.example. 300 NSEC3", " AAAA", ""});
	ASSERT_SAYS("nsec3_bind",
		    "empty.example. has no A, but its NSEC3 lists it; sign the zone again\n",
		    {"8DE21SMSPSP76S3FTC5KV54SUR8JN84I.example. 300 NSEC3",
		     "D1G31TH41LUP3VVMN7FQNO290Q1DOUG6", "D1G31TH41LUP3VVMN7FQNO290Q1DOUG6 A"});
}

static void nsec3_names(void **state)
{
	(void)state;
	ASSERT_SAYS("nsec3_bind",
		    "mail.example. has no NSEC3; sign the zone again\n"
		    "53ig5i754aavgmpgre6ntc1rjglesjdk.example. has an NSEC3 that does not lead to "
		    "the next one; sign the zone again\n",
		    {"61B73N7BKGD7BDAC373QSE1ORA0CL2ID.example."});
	ASSERT_SAYS("nsec3_bind",
		    "empty.example. has no NSEC3; sign the zone again\n"
		    "79n50u9sh9pptkeak5if12lk9631obau.example. has an NSEC3 that does not lead to "
		    "the next one; sign the zone again\n",
		    {"8DE21SMSPSP76S3FTC5KV54SUR8JN84I.example."});
	ASSERT_SAYS("nsec3_bind",
		    "61b73n7bkgd7bdac373qse1ora0cl2id.example. has an NSEC3, but no name of the "
		    "zone has this hash; sign the zone again\n",
		    {"mail.example."});
	ASSERT_SAYS("nsec3_bind",
		    "foo.example. has an NSEC3, but its first label is no hash; sign the zone "
		    "again\n"
		    "mail.example. has no NSEC3; sign the zone again\n"
		    "53ig5i754aavgmpgre6ntc1rjglesjdk.example. has an NSEC3 that does not lead to "
		    "the next one; sign the zone again\n",
		    {"61B73N7BKGD7BDAC373QSE1ORA0CL2ID.example.",
		     "61B73N7BKGD7BDAC373QSE1ORA0CL2ID.example.", "foo.example."});
}

static void nsec3_opt_out(void **state)
{
	(void)state;
	/* plain.example. hashes to EAK7…, behind DC70…. */
	ASSERT_SAYS(
	    "optout_bind",
	    "plain.example. has no NSEC3, and the one before its hash has no opt-out; sign "
	    "the zone again\n",
	    {"DC70IGT3P708ET3BQGM1IRTGJNQJJQBR.example. 300 NSEC3", "NSEC3 1 1", "NSEC3 1 0"});
	/* A delegation that becomes a signed one has to be in the chain, and the name above it. */
	ASSERT_SAYS("optout_bind",
		    "one.only.example. has no signature of DS; sign the zone again\n"
		    "one.only.example. has no NSEC3; sign the zone again\n"
		    "only.example. has no NSEC3; sign the zone again\n",
		    {NULL, NULL, "one.only.example. 3600 DS 1 8 2 ab"});
}

static void nsec3_parameters(void **state)
{
	struct checking *checking = check_edited(
	    "nsec3_bind", NOW,
	    (const struct edit[EDITS]){{"example. 0 NSEC3PARAM", "AABBCCDD", "AABBCCDE"}});

	(void)state;
	assert_non_null(strstr(checking->shown,
			       "26doshvp1u4rc6nsis1rrpfm7knqm6ic.example. has an NSEC3 with "
			       "another salt, algorithm or number of iterations than NSEC3PARAM; "
			       "sign the zone again\n"));
	assert_non_null(strstr(checking->shown, "example. has NSEC3PARAM, but no NSEC3 that goes "
						"with it; sign the zone again\n"
						"example. has 4 more NSEC3 of other parameters\n"));
	free(checking);
	ASSERT_SAYS(
	    "nsec3_bind",
	    "61b73n7bkgd7bdac373qse1ora0cl2id.example. has an NSEC3 with another salt, "
	    "algorithm or number of iterations than NSEC3PARAM; sign the zone again\n"
	    "mail.example. has no NSEC3; sign the zone again\n"
	    "53ig5i754aavgmpgre6ntc1rjglesjdk.example. has an NSEC3 that does not lead to "
	    "the next one; sign the zone again\n",
	    {"61B73N7BKGD7BDAC373QSE1ORA0CL2ID.example. 300 NSEC3", "NSEC3 1 0 0", "NSEC3 1 0 1"});
	ASSERT_SAYS("nsec3_bind",
		    "example. has several NSEC3PARAM; only the first chain is used, remove the "
		    "others\n",
		    {NULL, NULL, "example. 0 NSEC3PARAM 1 0 0 01"});
	/* One that is not ready yet (RFC 5155 4.1.2) is no other chain. */
	ASSERT_SAYS("nsec3_bind", "", {NULL, NULL, "example. 0 NSEC3PARAM 1 1 0 01"});
}

static void iterations(void **state)
{
	struct checking *checking =
	    check_edited("nsec3_bind", NOW,
			 (const struct edit[EDITS]){{"example. 0 NSEC3PARAM", "1 0 0", "1 0 150"}});

	(void)state;
	assert_non_null(strstr(checking->shown,
			       "example. has NSEC3PARAM with 150 iterations, which help nobody "
			       "(RFC 9276 3.1); use 0\n"));
	free(checking);
	checking =
	    check_edited("nsec3_bind", NOW,
			 (const struct edit[EDITS]){{"example. 0 NSEC3PARAM", "1 0 0", "1 0 151"}});
	assert_non_null(strstr(checking->shown,
			       "example. has NSEC3PARAM with 151 iterations: above 150 validators "
			       "take the zone for unsigned"));
	free(checking);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(zones_of_signers_are_silent),
	    cmocka_unit_test(unsigned_zones_are_silent),
	    cmocka_unit_test(missing_signature),
	    cmocka_unit_test(findings_name_the_record),
	    cmocka_unit_test(signatures_out_of_time),
	    cmocka_unit_test(a_kind_is_shown_ten_times),
	    cmocka_unit_test(signatures_by_others),
	    cmocka_unit_test(signatures_that_do_not_fit),
	    cmocka_unit_test(keys),
	    cmocka_unit_test(the_apex),
	    cmocka_unit_test(nsec_names),
	    cmocka_unit_test(nsec_circle),
	    cmocka_unit_test(type_lists),
	    cmocka_unit_test(nsec3_names),
	    cmocka_unit_test(nsec3_opt_out),
	    cmocka_unit_test(nsec3_parameters),
	    cmocka_unit_test(iterations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
