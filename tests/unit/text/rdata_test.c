/* rdata_test.c: rdata of every type from text, against what dnspython and BIND 9 make of the same
 * text; and text that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "zones/record/record.h"
#include "zones/text/text.h"

struct sample {
	const char *type, *text, *wire;
};

/* Relative names are below "example." */
static const struct sample samples[] = {
    {"SOA", "ns hostmaster 1 1h 15m 1w 1d",
     "026e73076578616d706c65000a686f73746d6173746572076578616d706c65000000000100000e100000038400093"
     "a8000015180"},
    {"NS", "ns", "026e73076578616d706c6500"},
    {"A", "192.0.2.1", "c0000201"},
    {"AAAA", "2001:db8::1", "20010db8000000000000000000000001"},
    {"AAAA", "::ffff:192.0.2.1", "00000000000000000000ffffc0000201"},
    {"CNAME", "a.b\\.c", "016103622e63076578616d706c6500"},
    {"PTR", "@", "076578616d706c6500"},
    {"MX", "10 mail", "000a046d61696c076578616d706c6500"},
    {"TXT", "\"hello world\" plain \"with \\\"quotes\\\" \\\\ \\065\\200\" \"\"",
     "0b68656c6c6f20776f726c6405706c61696e1277697468202271756f74657322205c2041c800"},
    {"TXT", "\"a\" \"b\" \"c;d\"", "0161016203633b64"},
    {"SRV", "1 2 5060 target", "0001000213c406746172676574076578616d706c6500"},
    {"NAPTR", "100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:\\\\1@example.com!\" .",
     "0064000a0175074532552b73697019215e2e2a24217369703a5c31406578616d706c652e636f6d2100"},
    {"NAPTR", "100 10 \"a\" \"x-3gpp-pgw:x-s5-gtp\" \"\" topon.s5.pgw",
     "0064000a016113782d336770702d7067773a782d73352d6774700005746f706f6e02733503706777076578616d706"
     "c6500"},
    {"DNAME", "target", "06746172676574076578616d706c6500"},
    {"DS", "60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118",
     "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
    {"CDS", "0 0 0 00", "0000000000"},
    {"DNSKEY",
     "256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3 Cbl+BBZH4b/0PY1kxkmvHjcZc8no "
     "kfzj31GajIQKY+5CptLr3buXA10h WqTkF7H6RfoRqXQeogmMHfpftf6z Mv1LyBUgia7za6ZEzOJBOztyvhjL "
     "742iU/TpPSEDhm2SNKLijfUppn1U aNvv4w==",
     "010003050103d22a6ca77f35b893206fd35e4c506d8378843709b97e041647e1bff43d8d64c649af1e371973c9e89"
     "1fce3df519a8c840a63ee42a6d2ebddbb97035d215aa4e417b1fa45fa11a9741ea2098c1dfa5fb5feb332fd4bc815"
     "2089aef36ba644cce2413b3b72be18cbef8da253f4e93d2103866d9234a2e28df529a67d5468dbefe3"},
    {"DNSKEY", "257 3 RSASHA256 AQPSKmyn", "010103080103d22a6ca7"},
    {"CDNSKEY", "257 3 8 AQPSKmyn", "010103080103d22a6ca7"},
    {"KEY", "512 3 8 AQPSKmyn", "020003080103d22a6ca7"},
    {"RRSIG",
     "A 5 3 86400 20030322173103 20030220173103 2642 example.com. "
     "oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip8WTr PYGv07h108dUKGMeDPKijVCHX3DDKdfb+v6o "
     "B9wfuh3DTJXUAfI/M0zmO/zz8bW0Rznl8O3t GNazPwQKkRN20XPXV6nwwfoXmJQbsLNrLfkG "
     "J5D6fwFm8nN+6pBzeDQfsS3Ap3o=",
     "00010503000151803e7c9dd73e5510d70a52076578616d706c6503636f6d00a090755ba58d1affa576f4375831b43"
     "10920e481218d18a9f164eb3d81afd3b875d3c75428631e0cf2a28d50875f70c329d7dbfafea807dc1fba1dc34c95"
     "d401f23f334ce63bfcf3f1b5b44739e5f0eded18d6b33f040a911376d173d757a9f0c1fa1798941bb0b36b2df9062"
     "790fa7f0166f2737eea907378341fb12dc0a77a"},
    {"NSEC", "host A MX RRSIG NSEC TYPE1234",
     "04686f7374076578616d706c65000006400100000003041b000000000000000000000000000000000000000000000"
     "000000020"},
    {"NSEC3", "1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG",
     "0101000c04aabbccdd1417f3df17b2b2adaef615257de4d2020b80ac6c7c0006400000000002"},
    {"NSEC3", "1 1 12 - 2vptu5timamqttgl4luu9kg21e0aor3t",
     "0101000c001417f3df17b2b2adaef615257de4d2020b80ac6c7d"},
    {"NSEC3PARAM", "1 0 12 aabbccdd", "0100000c04aabbccdd"},
    {"NSEC3PARAM", "1 0 12 -", "0100000c00"},
    {"TLSA", "3 1 1 d2abde240d7cd3ee6b4b28c54df034b9 7983a1d16e8a410e4561cb106618e971",
     "030101d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"},
    {"SMIMEA", "3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971",
     "030101d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"},
    {"SSHFP", "2 1 123456789abcdef67890123456789abcdef67890",
     "0201123456789abcdef67890123456789abcdef67890"},
    {"HINFO", "\"PC Intel\" Linux", "08504320496e74656c054c696e7578"},
    {"RP", "mbox txt.foo.", "046d626f78076578616d706c65000374787403666f6f00"},
    {"AFSDB", "1 server", "000106736572766572076578616d706c6500"},
    {"RT", "10 relay", "000a0572656c6179076578616d706c6500"},
    {"X25", "311061700956", "0c333131303631373030393536"},
    {"ISDN", "\"150862028003217\" \"004\"", "0f31353038363230323830303332313703303034"},
    {"ISDN", "150862028003217", "0f313530383632303238303033323137"},
    {"PX", "10 map822 mapx400",
     "000a066d6170383232076578616d706c6500076d617078343030076578616d706c6500"},
    {"KX", "10 kx", "000a026b78076578616d706c6500"},
    {"GPOS", "-32.6882 116.8652 10.0", "082d33322e36383832083131362e383635320431302e30"},
    {"LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
     "000016138b3cf018810cbce0009895b8"},
    {"LOC", "42 21 54 N 71 06 18 W -24m 30m", "0033161389172dd070be15f000988d20"},
    {"LOC", "51 30 12.748 N 00 07 39.611 W 0.00m 0.00m 0.00m 0.00m",
     "000000008b0d2c8c7ff8fca500989680"},
    {"LOC", "60 N 10 E 5m", "001216138cdfe6008225510000989874"},
    {"LOC", "1 2 3.5 S 4 5 6.789 W 100000m 20m 2000m 20m", "002325237fc72f147f1f979b01312d00"},
    {"CERT", "PKIX 1 RSASHA256 AQPSKmyn", "00010001080103d22a6ca7"},
    {"CERT", "65534 65535 254 AQPSKmyn", "fffefffffe0103d22a6ca7"},
    {"APL", "1:192.168.32.0/21 !1:192.168.38.0/28 2:2001:db8::/32 1:0.0.0.0/0",
     "00011503c0a82000011c83c0a8260002200420010db800010000"},
    {"APL", "", ""},
    {"IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
     "0a0102c0000226010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7801"},
    {"IPSECKEY", "10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
     "0a0002010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7801"},
    {"IPSECKEY", "10 3 2 gw AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
     "0a0302026777076578616d706c6500010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82a"
     "b7801"},
    {"IPSECKEY", "10 2 2 2001:db8::5 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
     "0a020220010db8000000000000000000000005010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0"
     "521af82ab7801"},
    {"IPSECKEY", "10 0 0 .", "0a0000"},
    {"HIP",
     "2 200100107B1A74DF365639CC39F1D578 "
     "AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p9+LrV4e19WzK00+CI6zBCQTdtWsuxKbWIy87UOoJTwkUs7lBu+"
     "Upr1gsNrut79ryra+bSRGQb1slImA8YVJyuIDsj7kwzG7jnERNqnWxZ48AWkskmdHaVDP4BcelrTI3rMXdXF5D rvs1 "
     "rvs2.example.com.",
     "10020084200100107b1a74df365639cc39f1d57803010001b771ca136e4aeb5ce44333c53b3d2c13c22243851fc70"
     "8bcce29f7e2eb5787b5f56ccad34f8223acc10904ddb56b2ec4a6d6232f3b50ea094f0914b3b941bbe529af582c36"
     "bbadefdaf2adaf9b4911906f5b2522603c615272b880ec8fb930cc6ee39c444daa75b1678f005a4b2499d1da5433f"
     "805c7a5ad3237acc5dd5c5e430472767331076578616d706c65000472767332076578616d706c6503636f6d00"},
    {"DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
     "000201636fc0b8271c82825bb1ac5c41cf5351aa69b4febd94e8f17cdb95000da48c40"},
    {"NSAP", "0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00",
     "47000580005a0000000001e133ffffff00016100"},
    {"NSAP-PTR", "foo", "03666f6f076578616d706c6500"},
    {"SPF", "\"v=spf1 -all\"", "0b763d73706631202d616c6c"},
    {"OPENPGPKEY", "AQPSKmyn", "0103d22a6ca7"},
    {"CSYNC", "66 3 A NS AAAA", "000000420003000460000008"},
    {"SVCB", "1 foo port=8443 alpn=h2,h3",
     "000103666f6f076578616d706c6500000100060268320268330003000220fb"},
    {"SVCB", "0 foo.example.com.", "000003666f6f076578616d706c6503636f6d00"},
    {"SVCB", "16 . port=53", "001000000300020035"},
    {"SVCB", "1 foo key667=\"hello\\210qoo\"",
     "000103666f6f076578616d706c6500029b000968656c6c6fd2716f6f"},
    {"SVCB", "1 foo ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
     "000103666f6f076578616d706c65000006002020010db800000000000000000000000120010db8000000000000000"
     "000530001"},
    {"SVCB", "1 foo alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
     "000103666f6f076578616d706c65000000000400010004000100090268320568332d313900040004c0000201"},
    {"SVCB", "16 foo alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
     "001003666f6f076578616d706c65000001000c08665c6f6f2c626172026832"},
    {"SVCB", "16 foo alpn=f\\\\\\092oo\\092,bar,h2",
     "001003666f6f076578616d706c65000001000c08665c6f6f2c626172026832"},
    {"HTTPS", "1 . alpn=h2 no-default-alpn ech=AEj+DQBE",
     "0001000001000302683200020000000500060048fe0d0044"},
    {"HTTPS", "1 . alpn=\"h2,h3\" ipv4hint=192.0.2.1,192.0.2.2",
     "0001000001000602683202683300040008c0000201c0000202"},
    {"NID", "10 0014:4fff:ff20:ee64", "000a00144fffff20ee64"},
    {"L32", "10 10.1.2.0", "000a0a010200"},
    {"L64", "10 2001:0DB8:1140:1000", "000a20010db811401000"},
    {"LP", "10 l64-subnet", "000a0a6c36342d7375626e6574076578616d706c6500"},
    {"EUI48", "00-00-5e-00-53-2a", "00005e00532a"},
    {"EUI64", "00-00-5e-ef-10-00-00-2a", "00005eef1000002a"},
    {"URI", "10 1 \"ftp://ftp1.example.com/public\"",
     "000a00016674703a2f2f667470312e6578616d706c652e636f6d2f7075626c6963"},
    {"CAA", "0 issue \"ca.example.net; policy=ev\"",
     "0005697373756563612e6578616d706c652e6e65743b20706f6c6963793d6576"},
    {"CAA", "128 iodef mailto:security@example.com",
     "8005696f6465666d61696c746f3a7365637572697479406578616d706c652e636f6d"},
    {"DLV", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
     "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
    {"MINFO", "rmail email", "05726d61696c076578616d706c650005656d61696c076578616d706c6500"},
    {"MB", "mb", "026d62076578616d706c6500"},
    {"MG", "mb", "026d62076578616d706c6500"},
    {"MR", "mb", "026d62076578616d706c6500"},
    {"MD", "mb", "026d62076578616d706c6500"},
    {"MF", "mb", "026d62076578616d706c6500"},
    {"WKS", "192.0.2.1 TCP smtp 80", "c0000201060000004000000000000080"},
    {"WKS", "192.0.2.2 17 53", "c00002021100000000000004"},
    {"TALINK", "a b", "0161076578616d706c65000162076578616d706c6500"},
    {"EID", "12AB", "12ab"},
    {"NIMLOC", "12AB", "12ab"},
    {"SIG", "A 5 3 86400 20030322173103 20030220173103 2642 example.com. oJB1W6WNGv+ldvQ3WDG0MQ==",
     "00010503000151803e7c9dd73e5510d70a52076578616d706c6503636f6d00a090755ba58d1affa576f4375831b43"
     "1"},
    {"ATMA", "39246f000e7c9c031200010001000012345678", "0039246f000e7c9c031200010001000012345678"},
    {"ZONEMD",
     "2018031500 1 1 616c6c6f77656420627574206967 "
     "6e6f7265642e20616c6c6f77656420627574abcd00112233445566778899aabbcc",
     "7848b78c0101616c6c6f776564206275742069676e6f7265642e20616c6c6f77656420627574abcd0011223344556"
     "6778899aabbcc"},
    {"ATMA", "+61200000000", "013631323030303030303030"},
    {"A", "\\# 4 0a000001", "0a000001"},
    {"MX", "\\# 7 000a 03 666f6f 00", "000a03666f6f00"},
    {"TYPE65280", "\\# 4 0a00 0001", "0a000001"},
    {"TYPE65280", "\\# 0", ""},
    {"type257", "0 issue ca", "000569737375656361"},
};

static const uint8_t origin[] = "\7example";

static bool read_sample(const char *type_text, const char *text, uint16_t *type, uint8_t *rdata,
			uint16_t *length, char *message)
{
	if (!type_from_text(type_text, strlen(type_text), type))
		fail_msg("%s is no type", type_text);
	return rdata_from_text(*type, text, strlen(text), origin, rdata, length, message, 256);
}

static void every_type_agrees_with_others(void **state)
{
	static uint8_t rdata[65535];
	char message[256], wire[4096];
	uint16_t type, length;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *s = &samples[i];

		if (!read_sample(s->type, s->text, &type, rdata, &length, message))
			fail_msg("%s %s: %s", s->type, s->text, message);
		wire[0] = '\0';
		for (uint16_t j = 0; j < length; j++)
			sprintf(wire + 2 * j, "%02x", rdata[j]);
		if (strcmp(wire, s->wire) != 0)
			fail_msg("%s %s: %s, not %s", s->type, s->text, wire, s->wire);
	}
}

/* What is printed for rdata reads back as the same rdata, whatever ldns prints. */
static void text_of_every_type_reads_back(void **state)
{
	static uint8_t rdata[65535], again[65535];
	static char text[200000];
	uint16_t type, length, again_length;
	char message[256];

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *s = &samples[i];

		assert_true(read_sample(s->type, s->text, &type, rdata, &length, message));
		if (!text_of_rdata(type, rdata, length, text, sizeof(text)))
			fail_msg("%s %s has no text", s->type, s->text);
		if (!rdata_from_text(type, text, strlen(text), NULL, again, &again_length, message,
				     sizeof(message)))
			fail_msg("%s %s: %s", s->type, text, message);
		assert_int_equal(again_length, length);
		assert_memory_equal(again, rdata, length);
	}
}

static void usual_types_have_their_own_text(void **state)
{
	static const struct sample cases[] = {
	    {"A", "192.0.2.1", "192.0.2.1"},
	    {"MX", "10 mail", "10 mail.example."},
	    {"SRV", "1 2 5060 a.b.", "1 2 5060 a.b."},
	    {"TXT", "abc \"d e\"", "\"abc\" \"d e\""},
	};
	uint8_t rdata[512];
	char text[512], message[256];
	uint16_t type, length;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(
		    read_sample(cases[i].type, cases[i].text, &type, rdata, &length, message));
		assert_true(text_of_rdata(type, rdata, length, text, sizeof(text)));
		assert_string_equal(text, cases[i].wire);
		assert_false(text_of_rdata(type, rdata, length, text, 5));
	}
	assert_false(text_of_rdata(TYPE_A, rdata, 3, text, sizeof(text)));
}

/* What must not pass, some of which ldns takes, or leaks memory for. */
static const char *const wrong[][2] = {
    {"A", "192.0.2.256"},
    {"A", "192.0.2"},
    {"A", "192.0.2.1 2"},
    {"A", ""},
    {"A", "0192.0.2.1"},
    {"AAAA", "2001:db8"},
    {"AAAA", "192.0.2.1"},
    {"NS", "a..b"},
    {"NS", ""},
    {"MX", "mail"},
    {"MX", "65536 mail"},
    {"MX", "1 mail x"},
    {"TXT", ""},
    {"TXT", "\"a\\256\""},
    {"TXT", "a\\"},
    {"SRV", "1 2 3"},
    {"NAPTR", "1 1 a b c"},
    {"DS", "1 8 2 abc"},
    {"DS", "1 8 2 zz"},
    {"DS", "1 256 2 ab"},
    {"DNSKEY", "256 3 8 A"},
    {"DNSKEY", "256 3 8 A=A="},
    {"DNSKEY", "256 3 8 AQ"},
    {"NSEC", "a A FOO"},
    {"NSEC", "a TYPE0"},
    {"NSEC3", "1 0 1 zz 2vptu5timamqttgl4luu9kg21e0aor3s"},
    {"APL", "1:192.0.2.0/33"},
    {"APL", "3:1/1"},
    {"WKS", "192.0.2.1 foo 25"},
    {"WKS", "192.0.2.1 tcp nosuchservice"},
    {"NSAP", "47.00"},
    {"NSAP", "0x4"},
    {"IPSECKEY", "1 4 1 . AQ=="},
    {"IPSECKEY", "1 0 1 a. AQ=="},
    {"LOC", "garbage"},
    {"CAA", "0 is-sue x"},
    {"CAA", "256 issue x"},
    {"RRSIG", "A 5 3 1 20031322173103 20030220173103 1 a. AQ=="},
    {"RRSIG", "A 5 3 1 20030431173103 20030220173103 1 a. AQ=="},
    {"SVCB", "1 a port=x"},
    {"SVCB", "1 a port"},
    {"SVCB", "1 a port=1 port=2"},
    {"SVCB", "1 a foo=1"},
    {"SVCB", "1 a alpn="},
    {"SVCB", "1 a mandatory=port"},
    {"SVCB", "1 a mandatory=mandatory"},
    {"SVCB", "1 a ipv4hint=1.2.3"},
    {"SVCB", "1 a alpn=a,,b"},
    {"SVCB", "1 a key65535=x"},
    {"SVCB", "1 a no-default-alpn=x"},
    {"SVCB", "1 a mandatory=port,port port=1"},
    {"A", "\\# 3 0a0000"},
    {"A", "\\# 4 0a0000"},
    {"A", "\\# x 0a000001"},
    {"A", "\\#"},
    {"MX", "\\# 4 000ac000"},
    {"KX", "\\# 4 000ac000"},
    {"TYPE65280", "abc"},
    {"NULL", "abc"},
    {"SOA", "a b 1 2 3 4"},
    {"SOA", "a b 4294967296 2 3 4 5"},
    {"HIP", "2 0 AQ=="},
    {"HIP", "x 00 AQ=="},
    {"HIP", "256 00 AQ=="},
    {"HIP", "2 zz AQ=="},
    {"HIP", "2 00"},
    {"NSEC", "a. FOO"},
    {"NSEC", "a. A OPT FOO"},
    {"NSAP", "0x"},
    {"NSAP", "0x1"},
    {"ISDN", ""},
    {"SVCB", "1 a alpn=\\256"},
    {"SVCB", "1 a key667=\\25"},
    {"EUI48", "00-00"},
    {"L32", "10 1.2.3"},
    {"TXT", "\"open"},
    {"TXT", "(a"},
    {"TXT", "a)"},
    {"DS", "1 FOO 2 ab"},
    {"TLSA", "x 1 1 ab"},
    {"TLSA", "3 x 1 ab"},
    {"TLSA", "3 1 x ab"},
    {"CERT", "FOO 1 8 AQ=="},
    {"CERT", "1 1 FOO AQ=="},
    {"CERT", "65536 1 8 AQ=="},
    {"NID", "1 x"},
    {"EUI64", "00-00"},
    {"NSEC3", "1 0 1 - zz!"},
    {"LOC", "1 N 2 E"},
    {"LOC", "91 N 2 E 1m"},
    {"LOC", "1 N 181 E 1m"},
    {"LOC", "1 60 N 1 E 1m"},
    {"LOC", "1 N 2 E xm"},
    {"LOC", "1 N 2 E 1m 2m 3m 4m 5m"},
    {"DNSKEY", "256 3 FOO AQ=="},
};

static void wrong_text_is_refused(void **state)
{
	static uint8_t rdata[65535];
	char message[256];
	uint16_t type, length;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		message[0] = '\0';
		if (read_sample(wrong[i][0], wrong[i][1], &type, rdata, &length, message))
			fail_msg("%s %s passed", wrong[i][0], wrong[i][1]);
		assert_true(strlen(message) > 10);
	}
}

static void long_rdata(void **state)
{
	static char text[400000];
	static uint8_t rdata[65535];
	char message[256];
	uint16_t length;

	(void)state;
	/* 255 strings of 256 octets are 65,280; one more of 255 fits, and nothing then. */
	size_t used = 0;
	for (int i = 0; i < 255; i++)
		used += (size_t)sprintf(text + used, "\"%0255d\" ", i);
	sprintf(text + used, "%0254d", 1);
	assert_true(rdata_from_text(TYPE_TXT, text, strlen(text), NULL, rdata, &length, message,
				    sizeof(message)));
	assert_int_equal(length, 65535);
	strcat(text, " x");
	assert_false(rdata_from_text(TYPE_TXT, text, strlen(text), NULL, rdata, &length, message,
				     sizeof(message)));
	assert_non_null(strstr(message, "65,535"));
	sprintf(text, "%0256d", 1);
	assert_false(rdata_from_text(TYPE_TXT, text, strlen(text), NULL, rdata, &length, message,
				     sizeof(message)));
	assert_non_null(strstr(message, "255 octets"));
}

static void type_names(void **state)
{
	char text[TEXT_TYPE_MAX];
	uint16_t type;

	(void)state;
	assert_string_equal(text_of_type(35, text), "NAPTR");
	assert_string_equal(text_of_type(65280, text), "TYPE65280");
	assert_true(type_from_text("nApTr", 5, &type));
	assert_int_equal(type, 35);
	assert_true(type_from_text("type35", 6, &type));
	assert_int_equal(type, 35);
	assert_false(type_from_text("TYPE65536", 9, &type));
	assert_false(type_from_text("TYPE", 4, &type));
	assert_false(type_from_text("TYPE1x", 6, &type));
	assert_false(type_from_text("FOO", 3, &type));
	assert_false(type_from_text("", 0, &type));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_type_agrees_with_others),
	    cmocka_unit_test(text_of_every_type_reads_back),
	    cmocka_unit_test(usual_types_have_their_own_text),
	    cmocka_unit_test(wrong_text_is_refused),
	    cmocka_unit_test(long_rdata),
	    cmocka_unit_test(type_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
