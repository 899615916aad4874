/* image.h: the bytes of an image, shared by control (writer) and dataplane (reader).
 *
 * An arena is one file that control maps read-write and the dataplane read-only. Inside it, things
 * refer to each other by image_ref: a 32-bit count of 16-byte units from the start of the arena
 * (64 GiB of reach); 0 is "none". Everything that a published root reaches is immutable until every
 * live worker has seen a newer generation. An update writes new blocks and a new root block, and
 * becomes visible by one release-store of the root word in the channel (channel.h).
 *
 *   arena header
 *   root block: settings, limit, generation, top[256] ---> mid page: 2^depth refs ---> leaf page
 *   leaf page: 16 cache-line buckets of (tag, ref) ---> node: one name with all it can answer
 *
 * Byte order: integers here are the host's (one host shares them); names and tails are wire format.
 * Trust:      a reader checks every reference and length (image/reader.h); nothing here is
 * believed.
 */
#ifndef SKUA_ZONES_ABI_IMAGE_H
#define SKUA_ZONES_ABI_IMAGE_H

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>

#define IMAGE_MAGIC	 0x31414b5541554b53ull /* "SKUAUKA1", little-endian */
#define IMAGE_ROOT_MAGIC 0x544f4f52u	       /* "ROOT" */
#define IMAGE_ABI	 4u /* raise with every change of a layout in zones/abi */

#define IMAGE_UNIT 16u /* octets per reference step */
#define IMAGE_NODE_MAX                                                                             \
	(1u << 18)	 /* octets of the largest node; readers may overrun a reference by this */
#define IMAGE_NONE 0xffu /* "no such label count" in a node */

#define IMAGE_REPLICAS_MAX 16u /* the first included */

typedef uint32_t image_ref; /* 16-byte units from the start of the arena; 0: none */

/* At offset 0 of an arena. Written once, before the first root of this arena is published.
 *
 * An arena may be held several times, in the memory of one NUMA node each. References are offsets,
 * so the replicas are octet for octet the same, this header included: one root word and one
 * generation are those of all. */
struct image_header {
	uint64_t magic;	      /* IMAGE_MAGIC */
	uint32_t abi;	      /* IMAGE_ABI */
	uint32_t layout;      /* image_layout(): sizes of the structures below, folded */
	uint64_t arena_id;    /* which arena of this channel; never reused */
	uint64_t capacity;    /* octets of address space that a reader maps (the file is sparse) */
	uint64_t hash_key[2]; /* random per arena: keys name_hash() */
	uint16_t replicas;    /* 1 to IMAGE_REPLICAS_MAX */
	int16_t node[IMAGE_REPLICAS_MAX]; /* NUMA node of each replica; -1: of no certain one */
	uint8_t reserved[42];
	uint32_t checksum; /* CRC-32C of all octets before this one */
};
static_assert(sizeof(struct image_header) == 128, "layout");

/* How A and AAAA sets are turned. */
enum image_rotate {
	IMAGE_ROTATE_OFF = 0,	/* as they are stored */
	IMAGE_ROTATE_ON = 1,	/* round robin */
	IMAGE_ROTATE_FIXED = 2, /* each client always gets the same order */
};

/* Server-wide choices that the answer path needs; they change with a root like any record. */
struct image_settings {
	uint16_t udp_size; /* what we offer and the most that we send over UDP; default 1232 */
	uint8_t
	    additional; /* 1: NAPTR, SRV, MX and NS additionals are added; 0: only needed glue */
	uint8_t rotate; /* enum image_rotate; any other value means IMAGE_ROTATE_ON */
	uint8_t reserved[12];
};
static_assert(sizeof(struct image_settings) == 16, "layout");

struct image_top {
	image_ref mid;	/* mid page, or 0: nothing below */
	uint32_t depth; /* the mid page has 2^depth references; at most IMAGE_DEPTH_MAX */
};

#define IMAGE_TOP	256u
#define IMAGE_DEPTH_MAX 20u

/* Immutable once published. hash>>56 picks top[], the next `depth` bits pick the leaf page. */
struct image_root {
	uint32_t magic; /* IMAGE_ROOT_MAGIC */
	uint32_t check; /* CRC-32C of the header from `generation` up to `top`, not including top */
	uint64_t generation;
	uint64_t limit;	     /* octets of the arena in use; every reference lies below it */
	uint64_t name_count; /* nodes, empty non-terminals and ancestors of apexes included */
	image_ref zones;     /* a reference for each page of zones, zone_count / IMAGE_ZONES
				rounded up; or 0 */
	uint32_t zone_count;
	struct image_settings settings;
	image_ref policy; /* struct image_policy (policy.h), or 0: nothing set */
	uint8_t reserved[4];
	struct image_top top[IMAGE_TOP];
};
static_assert(sizeof(struct image_root) == 64 + IMAGE_TOP * 8, "layout");

/* What answers need of a zone beyond its apex node. Indexed by image_node.zone_index. */
struct image_zone {
	image_ref
	    order; /* root of the order tree over NSEC/NSEC3 owners (image/order.h); 0: unsigned */
	uint16_t flags; /* enum image_zone_flag */
	uint16_t nsec3_iterations;
	uint8_t nsec3_salt_length; /* at most 255; the salt lies at the start of `salt` */
	uint8_t nsec3_algorithm;
	uint8_t acl; /* who may ask: IMAGE_ANYONE, or the number of an access rule (policy.h) */
	uint8_t reserved;
	image_ref salt; /* a block that holds the salt; 0: no salt */
};
static_assert(sizeof(struct image_zone) == 16, "layout");

/* Zones stand in pages, so that one that changes copies one page and the references. A page that
 * was never written is 0: all its entries are zero. */
#define IMAGE_ZONES 128u
struct image_zones {
	struct image_zone zone[IMAGE_ZONES];
};

#define IMAGE_ANYONE 0u

enum image_zone_flag {
	IMAGE_ZONE_NSEC = 1,  /* the order tree holds NSEC owners */
	IMAGE_ZONE_NSEC3 = 2, /* the order tree holds NSEC3 owners */
};

/* A name of view v lies in the directory at name_hash() ^ image_salt(v), so that all views share
 * one; no view's names, and hashes stored as targets, are at name_hash() itself. */
#define IMAGE_VIEWS 256u
static inline uint64_t image_salt(unsigned view)
{
	return view * 0x9e3779b97f4a7c15ull;
}

#define IMAGE_BUCKETS 16u /* buckets in a leaf page: hash & 15 */
#define IMAGE_SLOTS   10u /* slots in a bucket */

/* One cache line. A slot is free if ref[i] == 0; slots fill from 0 up without holes. */
struct image_bucket {
	uint16_t tag[IMAGE_SLOTS]; /* image_tag(hash) */
	uint16_t overflow; /* 1: a name of this bucket may lie in the next bucket of the page */
	uint16_t reserved;
	image_ref ref[IMAGE_SLOTS];
};
static_assert(sizeof(struct image_bucket) == 64, "one cache line per bucket");

/* Aligned to 64. An insertion that finds its bucket full goes on to the next ((i + 1) & 15),
 * setting `overflow` in each full one that it passes; it stops after IMAGE_PROBES buckets (then the
 * page splits). */
#define IMAGE_PROBES 4u
struct image_leaf {
	uint64_t
	    transaction; /* writer's: the transaction that may still change this page in place */
	uint32_t depth;	 /* writer's: how many bits below the top all names here share */
	uint32_t used;	 /* writer's: names in the page */
	uint8_t reserved[48];
	struct image_bucket bucket[IMAGE_BUCKETS];
};
static_assert(sizeof(struct image_leaf) == 64 + 64 * IMAGE_BUCKETS, "layout");

struct image_mid {
	uint64_t transaction; /* writer's, as in image_leaf */
	uint64_t reserved;
	image_ref leaf[]; /* 2^depth references, several may be equal */
};

static inline uint32_t image_top_index(uint64_t hash)
{
	return (uint32_t)(hash >> 56);
}
static inline uint32_t image_mid_index(uint64_t hash, uint32_t depth)
{
	return depth == 0 ? 0 : (uint32_t)((hash << 8) >> (64 - depth));
}
static inline uint32_t image_bucket_index(uint64_t hash)
{
	return (uint32_t)(hash & (IMAGE_BUCKETS - 1));
}
static inline uint16_t image_tag(uint64_t hash)
{
	return (uint16_t)(hash >> 4);
}

/* A name with everything that it can answer: one block, 16-byte aligned, `units` * 16 octets.
 *
 *   struct image_node | name (lower-case wire form) | pad to 4 | struct image_rrset[] by type |
 * tails
 *
 * Every ancestor of a node is a node of the same view too, up to the root name, whether or not it
 * has records. */
struct image_node {
	uint16_t units;	     /* size of the block in 16-octet units */
	uint8_t name_length; /* octets of the name, the root label included: 1..255 */
	uint8_t labels;	     /* labels of the name, the root not counted: 0..127 */
	uint8_t apex_labels; /* labels of the apex of the zone that it belongs to; IMAGE_NONE: no
				zone */
	uint8_t
	    cut_labels; /* labels of the zone cut at or above it in that zone; IMAGE_NONE: none */
	uint8_t parent_apex_labels; /* only at an apex whose parent side we serve too: that zone's
				       apex */
	uint8_t flags;		    /* enum image_node_flag */
	uint16_t zone_index; /* at an apex, and with IMAGE_NODE_ACL: index into the root's zones */
	uint8_t rrset_count;
	uint8_t view; /* whose zones it belongs to; 0: those of all */
	uint8_t name[];
};
static_assert(sizeof(struct image_node) == 12, "layout");

enum image_node_flag {
	IMAGE_NODE_APEX = 1,	 /* is the apex of a zone that we serve */
	IMAGE_NODE_CUT = 2,	 /* has NS records and is no apex: cut_labels == labels */
	IMAGE_NODE_WILDCARD = 4, /* the name "*" + this name is a node in the same zone */
	IMAGE_NODE_CNAME = 8,	 /* has a CNAME record */
	IMAGE_NODE_DNAME = 16,	 /* has a DNAME record; then no node lies below it in this zone */
	IMAGE_NODE_ACL = 32,	 /* its zone may not be asked by anyone: image_zone.acl */
};

/* The answer of one type at one node.
 *
 * A tail is the message from behind the question on, as it is when the owner is the question: each
 * record is C0 0C, type, class, TTL, rdlength, rdata. The plain part is first; RRSIGs that cover
 * the set follow it. Names in the rdata of NS, CNAME, PTR, MX and SOA (and of no other type, RFC
 * 3597 4) may end in a compression pointer, to an offset in that same message: header (12), the
 * owner as question name, its type and class (4), the tail. All other names in rdata are spelled
 * out.
 *
 * Behind the tail, at the next multiple of 8 in the block, stand target_count struct image_target.
 * Type 0, at an apex only: the SOA for negative answers, its TTL cut to MINIMUM (RFC 2308 5). */
struct image_rrset {
	uint16_t type;
	uint16_t tail;	 /* offset of the tail in the block, in units of 4 octets */
	uint16_t count;	 /* records in the plain part */
	uint16_t length; /* octets of the plain part */
	uint16_t sum;	 /* ones' complement sum of the plain part as big-endian words, folded, odd
			    tail padded with 0 */
	uint16_t signed_count; /* records, RRSIGs included; == count if there are none */
	uint16_t signed_length;
	uint16_t signed_sum;
	uint16_t target_count;
	uint16_t flags; /* enum image_rrset_flag */
};
static_assert(sizeof(struct image_rrset) == 20, "layout");

#define IMAGE_TYPE_NEGATIVE_SOA 0u

enum image_rrset_flag {
	IMAGE_RRSET_POINTERS = 1,    /* rdata holds compression pointers */
	IMAGE_RRSET_PARENT_SIDE = 2, /* DS at an apex: belongs to the zone above */
};

/* A name in the rdata whose own records belong into the additional section. */
struct image_target {
	uint64_t hash;	 /* name_hash() of the lower-case target, whatever the view */
	uint16_t offset; /* of the target's name, from the start of the tail */
	uint8_t kind;	 /* enum image_target_kind */
	uint8_t reserved;
	uint32_t rank; /* the table is in this order: what clients try first, they need first */
};
static_assert(sizeof(struct image_target) == 16, "layout");

enum image_target_kind {
	IMAGE_TARGET_ADDRESS = 1, /* wants A and AAAA */
	IMAGE_TARGET_SRV = 2,	  /* NAPTR "s": wants SRV, and A and AAAA of its targets */
	IMAGE_TARGET_NAPTR = 3,	  /* NAPTR with empty flags: leads to another NAPTR */
	IMAGE_TARGET_ALIAS = 4,	  /* CNAME: the chain goes on there (not additional data) */
	IMAGE_TARGET_SERVICE = 5, /* SVCB, HTTPS: wants A and AAAA, and records of the same type */
	IMAGE_TARGET_OWNER = 6,	  /* SVCB, HTTPS with "." in ServiceMode: wants A and AAAA of the
				     owner itself; hash and offset mean nothing */
};

/* Folds what two builds must agree on; part of the header, so that a mismatch is refused. */
static inline uint32_t image_layout(void)
{
	return (uint32_t)(sizeof(struct image_root) ^ sizeof(struct image_leaf) << 4 ^
			  sizeof(struct image_node) << 12 ^ sizeof(struct image_rrset) << 18 ^
			  sizeof(struct image_target) << 24);
}

#endif
