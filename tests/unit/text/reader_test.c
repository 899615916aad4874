/* reader_test.c: what master file text means: owners, TTLs, classes, origins, directives, and
 * what is said about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reading.h"

#define A1 " A 0a000001\n"

static void class_and_ttl_in_either_order(void **state)
{
	(void)state;
	assert_read("a 5 IN A 10.0.0.1\nb IN 6 A 10.0.0.1\nc A 10.0.0.1\nd in a 10.0.0.1\n"
		    "e CLASS1 7 TYPE1 10.0.0.1\n",
		    "a.example. 5" A1 "b.example. 6" A1 "c.example. 6" A1 "d.example. 6" A1
		    "e.example. 7" A1,
		    "");
}

static void a_leading_blank_repeats_the_owner(void **state)
{
	(void)state;
	assert_read("a 5 A 10.0.0.1\n\tAAAA ::1\n   6 A 10.0.0.1",
		    "a.example. 5" A1 "a.example. 5 AAAA 00000000000000000000000000000001\n"
		    "a.example. 6" A1,
		    "");
	assert_read(" 5 A 10.0.0.1\n", "",
		    "t:1:2: no owner stands above to be repeated, write one\n");
	assert_read("a..b 5 A 10.0.0.1\n A 10.0.0.1\nc 5 A 10.0.0.1\n", "c.example. 5" A1,
		    "t:1:3: empty label in \"a..b\", remove the dot that is too much\n"
		    "t:2:2: the owner above could not be read, correct it first\n");
}

static void missing_ttls(void **state)
{
	(void)state;
	assert_read("a A 10.0.0.1\n", "",
		    "t:1:3: no TTL is known here, write one or put $TTL before\n");
	assert_read("$TTL 1h\na 5 A 10.0.0.1\nb A 10.0.0.1\n$TTL 2\nc A 10.0.0.1\n",
		    "a.example. 5" A1 "b.example. 3600" A1 "c.example. 2" A1, "");
	assert_read("@ SOA . . 1 2 3 4 90\na A 10.0.0.1\nb 7 A 10.0.0.1\nc A 10.0.0.1\n",
		    "example. 90 SOA 0000000000010000000200000003000000040000005a\n"
		    "a.example. 90" A1 "b.example. 7" A1 "c.example. 7" A1,
		    "");
}

static void ttl_units(void **state)
{
	(void)state;
	assert_read("a 1h30m A 10.0.0.1\nb 1W A 10.0.0.1\nc 1d2H3m4S A 10.0.0.1\n"
		    "d 2147483647 A 10.0.0.1\n",
		    "a.example. 5400" A1 "b.example. 604800" A1 "c.example. 93784" A1
		    "d.example. 2147483647" A1,
		    "");
	assert_read("a 1x A 10.0.0.1\nb 2147483648 A 10.0.0.1\nc 4000W A 10.0.0.1\n", "",
		    "t:1:3: \"1x\" is no TTL, write 0 to 2147483647 seconds or units such as "
		    "1h30m or 1W\n"
		    "t:2:3: \"2147483648\" is no TTL, write 0 to 2147483647 seconds or units such "
		    "as 1h30m or 1W\n"
		    "t:3:3: \"4000W\" is no TTL, write 0 to 2147483647 seconds or units such as "
		    "1h30m or 1W\n");
}

static void parentheses_comments_and_quotes(void **state)
{
	(void)state;
	assert_read("@ 5 SOA ns ( ; the first\n  host\n 1 2\n3 4 ; \"not a quote (\n5 )\n",
		    "example. 5 SOA 026e73076578616d706c650004686f7374076578616d706c6500"
		    "0000000100000002000000030000000400000005\n",
		    "");
	assert_read("a 5 TXT \"x;y (z)\" ( b\n\tc )\n\n ; nothing\n  \nb 5 A 10.0.0.1 ; x\n",
		    "a.example. 5 TXT 07783b7920287a2901620163\nb.example. 5" A1, "");
	assert_read("a 5 TXT a\"b c\"d\n",
		    "a.example. 5 TXT 016103622063"
		    "0164\n",
		    "");
}

static void line_ends_and_marks(void **state)
{
	(void)state;
	assert_read("\xef\xbb\xbf"
		    "a 5 A 10.0.0.1\r\n\tA 10.0.0.1\r\n\r\nb 5 A\t10.0.0.1",
		    "a.example. 5" A1 "a.example. 5" A1 "b.example. 5" A1, "");
	assert_read("", "", "");
	assert_read("\n;", "", "");
}

static void escapes_in_owners(void **state)
{
	(void)state;
	assert_read("a\\.b 5 A 10.0.0.1\n\\065\\;\\\"\\( 5 A 10.0.0.1\n\\$x 5 A 10.0.0.1\n"
		    "\\@ 5 A 10.0.0.1\n",
		    "a\\.b.example. 5" A1 "A\\;\\\"\\(.example. 5" A1 "\\$x.example. 5" A1
		    "\\@.example. 5" A1,
		    "");
	assert_read("a\\25 5 A 10.0.0.1\n", "",
		    "t:1:2: bad escape in \"a\\25\", write \\DDD (000 to 255) or \\X\n");
}

static void origins(void **state)
{
	(void)state;
	assert_read("$ORIGIN sub\na 5 A 10.0.0.1\n@ 5 A 10.0.0.1\nb. 5 A 10.0.0.1\n"
		    "$origin org.\nc 5 A 10.0.0.1\n$ORIGIN .\nd 5 NS e\n",
		    "a.sub.example. 5" A1 "sub.example. 5" A1 "b. 5" A1 "c.org. 5" A1
		    "d. 5 NS 016500\n",
		    "");
	assert_read("$ORIGIN\n$ORIGIN a b\n$ORIGIN a..b\n$FOO x\n$TTL x\n", "",
		    "t:1:1: too little for this directive, write $ORIGIN NAME\n"
		    "t:2:11: too much for this directive, write $ORIGIN NAME\n"
		    "t:3:11: empty label in \"a..b\", remove the dot that is too much\n"
		    "t:4:1: \"$FOO\" is no directive, write $ORIGIN, $TTL, $INCLUDE or $GENERATE, "
		    "or \\$ if it is a name\n"
		    "t:5:6: \"x\" is no TTL, write 0 to 2147483647 seconds or units such as 1h30m "
		    "or 1W\n");
}

static void mistakes_do_not_stop_the_reading(void **state)
{
	(void)state;
	assert_read("a 5 A 10.0.0.300\nb 5 FOO x\nc 5 CH TXT x\nd 5\ne 5 OPT \\# 0\n"
		    "f 5 MX 10 m x\ng 5 TXT \"x\nh 5 A 10.0.0.1)\ni 5 A 10.0.0.1\n",
		    "i.example. 5" A1,
		    "t:1:7: \"10.0.0.300\" is no IPv4 address, write four numbers of 0 to 255 such "
		    "as 192.0.2.1\n"
		    "t:2:5: \"FOO\" is no record type, write a known one, or TYPEnnn with \\# data "
		    "(RFC 3597)\n"
		    "t:3:5: class CH is not served, only IN is\n"
		    "t:4:3: the record ends before its type, add type and data or remove it\n"
		    "t:5:5: a record of type OPT never stands in a zone, remove it\n"
		    "t:6:13: \"x\" is too much for the MX record, remove it or put ; in front of a "
		    "comment\n"
		    "t:7:9: this quote is not closed on its line, add \" or escape it as \\\"\n"
		    "t:8:15: this parenthesis closes nothing, remove it or add ( before\n");
}

static void names_that_are_too_long(void **state)
{
	char text[400], label[65];

	(void)state;
	memset(label, 'a', 64);
	label[64] = '\0';
	sprintf(text, "b.%s 5 A 10.0.0.1\n", label);
	assert_read(
	    text, "",
	    "t:1:3: label longer than 63 octets in \"b.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "...\", shorten the label\n");
	label[62] = '\0';
	sprintf(text, "x 5 NS %s.%s.%s.%s.b\n", label, label, label, label);
	assert_read(text, "",
		    "t:1:260: name longer than 255 octets in "
		    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\", correct it\n");
}

static void an_open_parenthesis_is_shown_where_it_opens(void **state)
{
	(void)state;
	assert_read("a 5 A 10.0.0.1\nb 5 TXT ( x\nc 5 A 10.0.0.1\nd 5 A 10.0.0.1\n",
		    "a.example. 5" A1 "c.example. 5" A1 "d.example. 5" A1,
		    "t:2:9: this parenthesis is never closed, add )\n");
	assert_read("a 5 TXT (", "", "t:1:9: this parenthesis is never closed, add )\n");
}

/* Each costs a look at the rest: there is an end to it. */
static void many_open_parentheses_end_the_reading(void **state)
{
	char *text = malloc(20000);
	struct reading reading;

	(void)state;
	for (int i = 0; i < 1000; i++)
		memcpy(text + 10 * i, "a 5 TXT (\n", 10);
	reading_of_octets(&reading, text, 10000);
	assert_int_equal(reading.all.errors, 11);
	assert_non_null(strstr(reading.shown, "the rest of the file is not read"));
	reading_free(&reading);
	free(text);
}

static void what_is_no_text_gives_one_message(void **state)
{
	static const char binary[] = "a 5 A 10.0.0.1\nb \1\2\0\3\nc\n\n\x7f";
	struct reading reading;

	(void)state;
	reading_of_octets(&reading, binary, sizeof(binary));
	assert_false(reading.result);
	assert_int_equal(reading.count, 0);
	assert_string_equal(reading.shown, "t:2:3: this is no text file (octet 0x01), give a zone "
					   "as plain UTF-8 or ASCII\n");
	reading_free(&reading);
}

static void generate(void **state)
{
	(void)state;
	assert_read("$TTL 5\n$GENERATE 1-2 h$ A 10.0.0.1\n$GENERATE 0-10/5 ${-0,3,d} 7 IN NS "
		    "x${10,4,x}.${1}.\n$GENERATE 1-1 a\\$$ TXT \"$ $\"\n$GENERATE 2-2 b TXT \"$\" "
		    "\"y$$\"\n$GENERATE 8-8 m MX \"10 $\"\n$GENERATE 171-171 ${0,3,n} A 10.0.0.1\n"
		    "$GENERATE 171-171 ${0,0,N}.${0,5,o} A 10.0.0.1\n",
		    "h1.example. 5" A1 "h2.example. 5" A1 "000.example. 7 NS 057830303061013100\n"
		    "005.example. 7 NS 057830303066013600\n"
		    "010.example. 7 NS 05783030313402313100\n"
		    "a\\$1.example. 5 TXT 01310131\n"
		    "b.example. 5 TXT 0132027924\n"
		    "m.example. 5 MX 000a0138076578616d706c6500\n"
		    "b.a.example. 5" A1 "B.A.00253.example. 5" A1,
		    "");
}

static void generate_mistakes(void **state)
{
	(void)state;
	assert_read("$TTL 5\n$GENERATE 2-1 a A 10.0.0.1\n$GENERATE 1-2 a\n"
		    "$GENERATE 0-1000000 a A 10.0.0.1\n$GENERATE 0-1 a${x} A 10.0.0.1\n"
		    "$GENERATE 0-1 a${-5} A 10.0.0.1\n$GENERATE 1-2/0 a A 10.0.0.1\n"
		    "$GENERATE 255-256 a$ A 10.0.0.$\nb A 10.0.0.1\n",
		    "a255.example. 5 A 0a0000ff\nb.example. 5" A1,
		    "t:2:11: \"2-1\" is no range, write START-STOP or START-STOP/STEP with START "
		    "not above STOP\n"
		    "t:3:1: write $GENERATE START-STOP[/STEP] OWNER [TTL] [CLASS] TYPE DATA\n"
		    "t:4:11: more than 1000000 records from one line, split the range\n"
		    "t:5:1: bad ${offset,width,base}, base is one of d o x X n N\n"
		    "t:6:1: a value below 0, or a record of more than 4096 octets, correct range "
		    "or offset\n"
		    "t:7:11: \"1-2/0\" is no range, write START-STOP or START-STOP/STEP with START "
		    "not above STOP\n"
		    "t:8:1: generated record: \"10.0.0.256\" is no IPv4 address, write four "
		    "numbers of 0 to 255 such as 192.0.2.1\n");
}

static void generate_forms(void **state)
{
	static const char *const ranges[] = {"a-1", "1", "1-x", "1-2/x", "1-2/2x", "4294967296-1"};
	static const char *const owners[] = {"a${0,x}", "a${0,256}", "a${0,1,q}", "a${0",
					     "a${0,1,d"};
	char text[256], wanted[256];

	(void)state;
	assert_read("$TTL 5\n$GENERATE 171-172 a TXT \"${0,4,X}\"\n",
		    "a.example. 5 TXT 0430304142\na.example. 5 TXT 0430304143\n", "");
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		snprintf(text, sizeof(text), "$GENERATE %s a 5 A 10.0.0.1\n", ranges[i]);
		snprintf(wanted, sizeof(wanted),
			 "t:1:11: \"%s\" is no range, write START-STOP or START-STOP/STEP with "
			 "START not above STOP\n",
			 ranges[i]);
		assert_read(text, "", wanted);
	}
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		snprintf(text, sizeof(text), "$GENERATE 1-1 %s 5 A 10.0.0.1\n", owners[i]);
		assert_read(text, "",
			    "t:1:1: bad ${offset,width,base}, base is one of d o x X n N\n");
	}
}

/* Numbers of 255 digits each fill the line that a record is written to. */
static void a_generated_record_is_bounded(void **state)
{
	char text[512] = "$GENERATE 1-1 a 5 TXT";

	(void)state;
	for (unsigned i = 0; i < 17; i++)
		strcat(text, " ${0,255}");
	strcat(text, "\nb 5 A 10.0.0.1\n");
	assert_read(text, "b.example. 5" A1,
		    "t:1:1: a value below 0, or a record of more than 4096 octets, correct range "
		    "or offset\n");
}

static void places(void **state)
{
	struct reading reading;

	(void)state;
	reading_of_text(&reading, "\n\na 5 TXT ( x\n y )\n");
	assert_int_equal(reading.last_place.line, 3);
	assert_string_equal(diagnostics_file_name(&reading.all, reading.last_place.file), "t");
	reading_free(&reading);
	assert_read("$INCLUDE x\n", "", "t:1:1: $INCLUDE is not allowed here, remove it\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(class_and_ttl_in_either_order),
	    cmocka_unit_test(a_leading_blank_repeats_the_owner),
	    cmocka_unit_test(missing_ttls),
	    cmocka_unit_test(ttl_units),
	    cmocka_unit_test(parentheses_comments_and_quotes),
	    cmocka_unit_test(line_ends_and_marks),
	    cmocka_unit_test(escapes_in_owners),
	    cmocka_unit_test(origins),
	    cmocka_unit_test(mistakes_do_not_stop_the_reading),
	    cmocka_unit_test(names_that_are_too_long),
	    cmocka_unit_test(an_open_parenthesis_is_shown_where_it_opens),
	    cmocka_unit_test(many_open_parentheses_end_the_reading),
	    cmocka_unit_test(what_is_no_text_gives_one_message),
	    cmocka_unit_test(generate),
	    cmocka_unit_test(generate_mistakes),
	    cmocka_unit_test(generate_forms),
	    cmocka_unit_test(a_generated_record_is_bounded),
	    cmocka_unit_test(places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
