/* cookie.c: see cookie.h.
 *
 *   client cookie (8) | version (1) | reserved (3) | timestamp (4) | hash (8)
 *
 * hash: SipHash-2-4 over all before it and the client's address (RFC 9018 4.4). */
#include "dataplane/answer/cookie.h"

#include "zones/record/record.h"

#include <sodium/crypto_shorthash.h>
#include <string.h>

#define VERSION	     1u
#define VERSION_AT   8u
#define RESERVED_AT  9u
#define TIMESTAMP_AT 12u
#define HASH_AT	     16u
#define HASH_OCTETS  8u

/* RFC 9018 4.3, in seconds. */
#define PAST_MOST   3600
#define FUTURE_MOST 300
#define RENEW_AFTER 1800

static_assert(crypto_shorthash_BYTES == HASH_OCTETS, "RFC 9018 4.4");
static_assert(crypto_shorthash_KEYBYTES == POLICY_SECRET_OCTETS, "RFC 9018 4.4");

static void hash_cookie(const uint8_t *secret, const uint8_t *cookie, const struct datagram *client,
			uint8_t hash[HASH_OCTETS])
{
	uint8_t input[HASH_AT + 16];
	size_t address = client->family == 4 ? 4 : 16;

	memcpy(input, cookie, HASH_AT);
	memcpy(input + HASH_AT, client->source, address);
	crypto_shorthash(hash, input, HASH_AT + address, secret);
}

/* One comparison of 64 bits: it takes as long wherever they differ. */
static bool is_hash(const uint8_t *a, const uint8_t *b)
{
	uint64_t x, y;

	memcpy(&x, a, HASH_OCTETS);
	memcpy(&y, b, HASH_OCTETS);
	return x == y;
}

static unsigned secret_count(const struct policy_cookies *secrets)
{
	return secrets->count < POLICY_SECRETS ? secrets->count : POLICY_SECRETS;
}

/* Which secret made the cookie; none: their number. */
static unsigned find_secret(const struct policy_cookies *secrets, const uint8_t *cookie,
			    const struct datagram *client)
{
	uint8_t hash[HASH_OCTETS];
	unsigned i;

	for (i = 0; i < secret_count(secrets); i++) {
		hash_cookie(secrets->secret[i], cookie, client, hash);
		if (is_hash(hash, cookie + HASH_AT))
			break;
	}
	return i;
}

static void make(const uint8_t *secret, const uint8_t *asked, const struct datagram *client,
		 uint32_t now, uint8_t reply[COOKIE_OCTETS])
{
	memcpy(reply, asked, COOKIE_CLIENT_OCTETS);
	reply[VERSION_AT] = VERSION;
	memset(reply + RESERVED_AT, 0, TIMESTAMP_AT - RESERVED_AT);
	put_u32(reply + TIMESTAMP_AT, now);
	hash_cookie(secret, reply, client, reply + HASH_AT);
}

enum cookie_verdict cookie_check(const struct policy_cookies *secrets,
				 const struct query_cookie *asked, const struct datagram *client,
				 uint32_t now, uint8_t reply[COOKIE_OCTETS])
{
	static const uint8_t reserved[TIMESTAMP_AT - RESERVED_AT];
	const uint8_t *cookie = asked->octets;
	enum cookie_verdict verdict = COOKIE_INVALID;
	bool fresh = false;

	if (asked->length == COOKIE_CLIENT_OCTETS) {
		verdict = COOKIE_NONE;
	} else if (asked->length == COOKIE_OCTETS && cookie[VERSION_AT] == VERSION) {
		/* RFC 1982: the clock goes round in 2106. */
		int32_t age = (int32_t)(now - get_u32(cookie + TIMESTAMP_AT));
		unsigned secret = secret_count(secrets);

		if (age <= PAST_MOST && age >= -FUTURE_MOST)
			secret = find_secret(secrets, cookie, client);
		if (secret < secret_count(secrets))
			verdict = COOKIE_VALID;
		/* Made by the newest secret and as we make them, or it is made anew (RFC 9018 5).
		 */
		fresh = secret == 0 && age <= RENEW_AFTER &&
			memcmp(cookie + RESERVED_AT, reserved, sizeof(reserved)) == 0;
	}
	if (fresh)
		memcpy(reply, cookie, COOKIE_OCTETS);
	else
		make(secrets->secret[0], cookie, client, now, reply);
	return verdict;
}
