/* Server cookies: the vectors of RFC 9018, and what makes one invalid or old. */
#include "dataplane/answer/cookie.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define SECRET	   "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define SECRET_OLD "dd3bdf9344b678b185a6f5cb60fca715"
#define SECRET_NEW "445536bcd2513298075a5d379663c962"
#define CLIENT_6   "2001:db8:220:1:59de:d0f4:8769:82b8"

static size_t from_hex(const char *text, uint8_t *octets)
{
	size_t length = strlen(text) / 2;

	for (size_t i = 0; i < length; i++)
		assert_int_equal(sscanf(text + 2 * i, "%2hhx", &octets[i]), 1);
	return length;
}

static struct policy_cookies secrets_of(const char *first, const char *second)
{
	struct policy_cookies secrets = {.count = second == NULL ? 1 : 2};

	from_hex(first, secrets.secret[0]);
	if (second != NULL)
		from_hex(second, secrets.secret[1]);
	return secrets;
}

static struct datagram client_of(const char *address)
{
	struct datagram client = {.family = strchr(address, ':') ? 6 : 4};

	assert_int_equal(inet_pton(client.family == 4 ? AF_INET : AF_INET6, address, client.source),
			 1);
	return client;
}

static struct query_cookie cookie_of(const char *text)
{
	struct query_cookie cookie;

	cookie.length = (uint8_t)from_hex(text, cookie.octets);
	return cookie;
}

static void expect(const struct policy_cookies *secrets, const char *address, const char *asked,
		   uint32_t now, enum cookie_verdict verdict, const char *reply)
{
	struct datagram client = client_of(address);
	struct query_cookie cookie = cookie_of(asked);
	uint8_t got[COOKIE_OCTETS], wanted[COOKIE_OCTETS];

	assert_int_equal(cookie_check(secrets, &cookie, &client, now, got), verdict);
	from_hex(reply, wanted);
	assert_memory_equal(got, wanted, COOKIE_OCTETS);
}

static void test_vectors(void **state)
{
	struct policy_cookies secrets = secrets_of(SECRET, NULL);
	struct policy_cookies rolled = secrets_of(SECRET_NEW, SECRET_OLD);

	(void)state;
	/* A.1: a new client; A.2: its cookie is 40 minutes old. */
	expect(&secrets, "198.51.100.100", "2464c4abcf10c957", 1559731985, COOKIE_NONE,
	       "2464c4abcf10c957010000005cf79f111f8130c3eee29480");
	expect(&secrets, "198.51.100.100", "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
	       1559734385, COOKIE_VALID, "2464c4abcf10c957010000005cf7a871d4a564a1442aca77");
	/* A.3: reserved bits are hashed as they came. In the RFC's story it comes back after 1 h
	 * 52 min, which 4.3 calls too old; when young it is good, and made anew without them. */
	expect(&secrets, "203.0.113.203", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
	       1559734700, COOKIE_INVALID, "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
	struct query_cookie odd = cookie_of("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5");
	struct datagram client = client_of("203.0.113.203");
	uint8_t reply[COOKIE_OCTETS];
	assert_int_equal(cookie_check(&secrets, &odd, &client, 1559727985, reply), COOKIE_VALID);
	assert_memory_equal(reply + 8, "\1\0\0\0\x5c\xf7\x8f\x71", 8);
	/* A.4: over IPv6, made with a secret that is being replaced. */
	expect(&rolled, CLIENT_6, "22681ab97d52c298010000005cf7c57926556bd0934c72f8", 1559741961,
	       COOKIE_VALID, "22681ab97d52c298010000005cf7c609a6bb79d16625507a");
	rolled.count = 1;
	expect(&rolled, CLIENT_6, "22681ab97d52c298010000005cf7c57926556bd0934c72f8", 1559741961,
	       COOKIE_INVALID, "22681ab97d52c298010000005cf7c609a6bb79d16625507a");
}

/* RFC 9018 5, stage 1: the new secret is known everywhere before anybody makes cookies with it. */
static void test_second_secret_is_accepted(void **state)
{
	struct policy_cookies staged = secrets_of(SECRET_OLD, SECRET_NEW);

	(void)state;
	expect(&staged, CLIENT_6, "22681ab97d52c298010000005cf7c57926556bd0934c72f8", 1559741961,
	       COOKIE_VALID, "22681ab97d52c298010000005cf7c57926556bd0934c72f8");
}

/* RFC 9018 4.3: an hour back, five minutes ahead, renewed after half an hour. */
static void test_ages(void **state)
{
	static const struct {
		uint32_t made; /* also around the end of 32 bits */
		int32_t age;
		enum cookie_verdict verdict;
		bool same;
	} cases[] = {
	    {1559731985, 0, COOKIE_VALID, true},       {1559731985, 1800, COOKIE_VALID, true},
	    {1559731985, 1801, COOKIE_VALID, false},   {1559731985, 3600, COOKIE_VALID, false},
	    {1559731985, 3601, COOKIE_INVALID, false}, {1559731985, -300, COOKIE_VALID, true},
	    {1559731985, -301, COOKIE_INVALID, false}, {0xfffffff0, 100, COOKIE_VALID, true},
	    {0xfffffff0, 4000, COOKIE_INVALID, false}, {100, -200, COOKIE_VALID, true},
	    {100, INT32_MIN, COOKIE_INVALID, false},
	};
	struct policy_cookies secrets = secrets_of(SECRET, NULL);
	struct datagram client = client_of("192.0.2.1");
	struct query_cookie cookie;
	uint8_t reply[COOKIE_OCTETS];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cookie = cookie_of("0102030405060708");
		cookie_check(&secrets, &cookie, &client, cases[i].made, reply);
		cookie.length = COOKIE_OCTETS;
		memcpy(cookie.octets, reply, COOKIE_OCTETS);
		assert_int_equal(cookie_check(&secrets, &cookie, &client,
					      cases[i].made + (uint32_t)cases[i].age, reply),
				 cases[i].verdict);
		assert_int_equal(memcmp(reply, cookie.octets, COOKIE_OCTETS) == 0, cases[i].same);
	}
}

/* Any changed bit of cookie or address, another version, another length. */
static void test_forgeries(void **state)
{
	struct policy_cookies secrets = secrets_of(SECRET, NULL);
	struct datagram client = client_of("198.51.100.100");
	struct query_cookie good = cookie_of("2464c4abcf10c957010000005cf79f111f8130c3eee29480"),
			    bad;
	uint8_t reply[COOKIE_OCTETS];

	(void)state;
	assert_int_equal(cookie_check(&secrets, &good, &client, 1559731985, reply), COOKIE_VALID);
	for (unsigned bit = 0; bit < 8 * COOKIE_OCTETS; bit++) {
		bad = good;
		bad.octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(cookie_check(&secrets, &bad, &client, 1559731985, reply),
				 COOKIE_INVALID);
	}
	for (unsigned bit = 0; bit < 32; bit++) {
		struct datagram other = client;

		other.source[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(cookie_check(&secrets, &good, &other, 1559731985, reply),
				 COOKIE_INVALID);
	}
	for (uint8_t length = 16; length <= 40; length++) {
		bad = good;
		bad.length = length;
		assert_int_equal(cookie_check(&secrets, &bad, &client, 1559731985, reply),
				 length == 24 ? COOKIE_VALID : COOKIE_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_second_secret_is_accepted),
	    cmocka_unit_test(test_ages),
	    cmocka_unit_test(test_forgeries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
