/* policy.h: what an instance says and to whom, beyond its zones: one block of an image.
 *
 * A root without one, and a zeroed one, mean: nothing of this is on. Immutable like everything that
 * a root reaches; a change makes a new block. Numbers here may be anything in a damaged image: a
 * reader bounds them. Byte order: the host's. */
#ifndef SKUA_ZONES_ABI_POLICY_H
#define SKUA_ZONES_ABI_POLICY_H

#include "zones/abi/image.h"

/* octets[0..length): any octets. length 0: not told. */
struct policy_text {
	uint8_t length;
	uint8_t octets[255];
};
static_assert(sizeof(struct policy_text) == 256, "layout");

/* What ANY gets (RFC 8482). Any other value means POLICY_ANY_ONE. */
enum policy_any {
	POLICY_ANY_ONE = 0,   /* over UDP one RRset, over TCP all */
	POLICY_ANY_ALL = 1,   /* all */
	POLICY_ANY_HINFO = 2, /* a made HINFO record */
};

#define POLICY_NSID_MOST     128u
#define POLICY_SECRETS	     4u
#define POLICY_SECRET_OCTETS 16u

/* secret[0] makes server cookies, each of secret[0..count) is accepted (RFC 9018 5). */
struct policy_cookies {
	uint8_t count; /* at most POLICY_SECRETS; 0: cookies are off */
	uint8_t reserved[15];
	uint8_t secret[POLICY_SECRETS][POLICY_SECRET_OCTETS];
};
static_assert(sizeof(struct policy_cookies) == 80, "layout");

/* What a response counts as for the rate limits: each has a bucket of its own per network of
 * clients and per name, zone, cut, or nothing more. */
enum policy_rate {
	POLICY_RATE_ANSWERS,   /* per name, or the wildcard or DNAME that answers for it */
	POLICY_RATE_NEGATIVE,  /* NODATA and NXDOMAIN: per zone */
	POLICY_RATE_REFERRALS, /* per zone cut */
	POLICY_RATE_ERRORS, /* REFUSED, FORMERR, and what is answered without a look at the zones */
	POLICY_RATES
};

/* How many responses over UDP go to one network of clients. */
struct policy_rate_limit {
	uint32_t rate[POLICY_RATES]; /* per second, by enum policy_rate; 0: no limit */
	uint8_t slip;		     /* each so manieth that is over is sent truncated; 0: none */
	uint8_t ipv4_length;	     /* bits of an address that tell its network: at most 32 */
	uint8_t ipv6_length;	     /* at most 64 */
	uint8_t reserved;
};

/* ---- Who asks. One longest-prefix match of the source address gives a class of clients.
 *
 * first4[i] is where range i begins, up to the octet before first4[i + 1]; first4[0] is 0.0.0.0, so
 * every address is in one; class4[i] is its class. A count of 0: class 0, as for all addresses that
 * no prefix is written for. The same for IPv6, whose IPv4-mapped addresses (RFC 4291 2.5.5.2) count
 * as IPv4. */

/* An IPv6 address, as two numbers. */
struct image_address {
	uint64_t high, low;
};

struct image_client_class {
	uint64_t rules; /* access rules that admit it: bit n - 1 is rule n (image_zone.acl) */
	uint8_t view;	/* whose zones it sees before those of all; 0: none */
	uint8_t flags;	/* enum image_client_flag */
	uint8_t reserved[6];
};
static_assert(sizeof(struct image_client_class) == 16, "layout");

#define IMAGE_ACCESS_RULES 64u

enum image_client_flag {
	IMAGE_CLIENT_EXEMPT = 1, /* from the rate limits */
};

/* The apex of a zone of a view. */
struct image_view_apex {
	uint64_t hash;	/* name_hash() of it */
	uint16_t flags; /* enum image_view_apex_flag; 0: this slot is free */
	uint8_t reserved[6];
};
static_assert(sizeof(struct image_view_apex) == 16, "layout");

enum image_view_apex_flag {
	IMAGE_VIEW_APEX = 1,
	IMAGE_VIEW_PARENT_COMMON =
	    2, /* the zone above it is one of those of all (RFC 4035 3.1.4.1) */
};

/* Which names are a view's: those at or below an apex of its zones. An apex is looked for from slot
 * hash & (slots - 1) on, round the end, in IMAGE_VIEW_PROBES slots at most. */
struct image_view {
	image_ref apexes;   /* struct image_view_apex[slots] */
	uint32_t slots;	    /* a power of two, or 0 */
	uint64_t labels[2]; /* bit n: an apex has n labels */
	uint16_t flags;	    /* enum image_view_flag */
	uint8_t reserved[6];
};
static_assert(sizeof(struct image_view) == 32, "layout");
#define IMAGE_VIEW_PROBES 16u

enum image_view_flag {
	IMAGE_VIEW_ECS = 1, /* the address in EDNS client subnet (RFC 7871) may choose it */
};

enum image_clients_flag {
	IMAGE_CLIENTS_ECS = 1, /* a view has IMAGE_VIEW_ECS */
	IMAGE_CLIENTS_SEE =
	    2, /* a class has rules or a view: what may be seen depends on who asks */
};

struct image_clients {
	image_ref first4; /* uint32_t[count4], host order, ascending */
	image_ref class4; /* uint16_t[count4] */
	image_ref first6; /* struct image_address[count6], ascending */
	image_ref class6; /* uint16_t[count6] */
	uint32_t count4;
	uint32_t count6;
	image_ref
	    classes; /* struct image_client_class[class_count]; 0: nothing depends on who asks */
	uint32_t class_count;
	image_ref views; /* struct image_view[view_count]; [0] is not used */
	uint32_t view_count;
	uint32_t flags; /* enum image_clients_flag */
	uint32_t reserved;
};
static_assert(sizeof(struct image_clients) == 48, "layout");

struct image_policy {
	struct policy_text version;  /* version.bind and version.server, class CH (RFC 4892) */
	struct policy_text identity; /* id.server and hostname.bind, class CH */
	struct policy_text nsid;     /* RFC 5001; at most POLICY_NSID_MOST octets are sent */
	struct policy_cookies cookies;
	uint8_t any;		 /* enum policy_any */
	uint8_t extended_errors; /* 1: errors say why (RFC 8914) */
	uint8_t reserved[2];
	uint32_t nsec3_hashes; /* SHA-1 blocks per second and worker over UDP; 0: no limit */
	struct image_clients clients;
	uint8_t reserved_too[8];
	struct policy_rate_limit rate_limit;
};

#endif
