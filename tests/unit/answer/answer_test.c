/* answer_test.c: what holds of every reply, whatever is asked; batches, rotation, limits, counters.
 */
#include "tests/unit/answer/asking.h"
#include "tests/unit/answer/zones.h"
#include "zones/record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct query_options plain = {0};
static const struct query_options edns = {.edns = true};
static const struct query_options secure = {.edns = true, .dnssec_ok = true};

static const char *const names[] = {".",
				    "example.",
				    "n.example.",
				    "nothere.n.example.",
				    "x.y.z.n.example.",
				    "many.n.example.",
				    "alias2.n.example.",
				    "loop1.n.example.",
				    "self.n.example.",
				    "dangling.n.example.",
				    "toent.n.example.",
				    "outside.n.example.",
				    "tocut.n.example.",
				    "cdroot.n.example.",
				    "sub.n.example.",
				    "www.sub.n.example.",
				    "child.n.example.",
				    "x.child.n.example.",
				    "up.child.n.example.",
				    "a.wild.n.example.",
				    "a.b.c.wild.n.example.",
				    "a.wc.n.example.",
				    "a.wcloop.n.example.",
				    "a.wmx.n.example.",
				    "a.wsrv.n.example.",
				    "a.wnaptr.n.example.",
				    "a.wns.n.example.",
				    "naptr.n.example.",
				    "_sip._udp.n.example.",
				    "a.dn.n.example.",
				    "al.dn.n.example.",
				    "a.dnl.n.example.",
				    "a.dnx.n.example.",
				    "cdn.n.example.",
				    "svc.n.example.",
				    "big.n.example.",
				    "tobig.n.example.",
				    "crowd.n.example.",
				    "fan.n.example.",
				    "mxfan.n.example.",
				    "a.cutfan.n.example.",
				    "ptrs.n.example.",
				    "nothere.signed.test.",
				    "zzz.signed.test.",
				    "ent.signed.test.",
				    "a.wild.signed.test.",
				    "alias.signed.test.",
				    "www.secure.signed.test.",
				    "www.unsigned.signed.test.",
				    "a.c.x.w.example.",
				    "y.w.example.",
				    "mc.c.example.",
				    "a.z.w.example.",
				    "c.example.",
				    "internet.naptr.wild.test.",
				    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example."};
#define NAMES (sizeof(names) / sizeof(names[0]))

static const uint16_t types[] = {
    0,		TYPE_A,	    TYPE_NS,	TYPE_CNAME, TYPE_SOA,  TYPE_PTR,   TYPE_MX,    TYPE_TXT,
    TYPE_AAAA,	TYPE_SRV,   TYPE_NAPTR, TYPE_DNAME, TYPE_OPT,  TYPE_DS,	   TYPE_RRSIG, TYPE_NSEC,
    TYPE_NSEC3, TYPE_HTTPS, TYPE_TSIG,	TYPE_IXFR,  TYPE_AXFR, TYPE_MAILA, TYPE_ANY,   65280};
#define TYPES (sizeof(types) / sizeof(types[0]))

struct scene {
	struct image_fixture *fixture;
	struct asking asking;
};

static struct scene *open_scene(uint8_t rotate, uint16_t udp_size)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	scene->fixture = image_fixture_new(0);
	image_fixture_settings(
	    scene->fixture,
	    (struct image_settings){.udp_size = udp_size, .additional = 1, .rotate = rotate});
	test_zones_add(scene->fixture);
	scene->asking.image = image_fixture_image(scene->fixture);
	return scene;
}

static void close_scene(struct scene *scene)
{
	image_fixture_free(scene->fixture);
	free(scene);
}

static void for_every_question(struct scene *scene, const struct query_options *options,
			       void (*look)(struct scene *, const struct query_options *,
					    const struct message *))
{
	struct message message;

	for (unsigned n = 0; n < NAMES; n++) {
		for (unsigned t = 0; t < TYPES; t++) {
			ask_name(&scene->asking, names[n], types[t], options, &message);
			look(scene, options, &message);
			message_free(&message);
		}
	}
}

/* No RRset comes twice, and no record in two sections but NSEC's proofs. */
static void no_record_twice(const struct message *m)
{
	char one[MESSAGE_TEXT], other[MESSAGE_TEXT];

	for (unsigned s = 0; s < 3; s++) {
		for (unsigned i = 1; i < m->count[s] && m->count[s] < 100; i++) {
			message_record_text(&m->record[s][i], one);
			message_record_text(&m->record[s][i - 1], other);
			assert_string_not_equal(one, other);
		}
	}
	for (unsigned i = 0; i < m->count[2]; i++) {
		message_record_text(&m->record[2][i], one);
		for (unsigned a = 0; a < m->count[0]; a++) {
			message_record_text(&m->record[0][a], other);
			assert_string_not_equal(one, other);
		}
	}
}

static void look_at_any(struct scene *scene, const struct query_options *options,
			const struct message *m)
{
	(void)scene;
	assert_int_equal(m->id, 0x1234);
	assert_true(m->has_question);
	assert_int_equal(m->edns, options->edns);
	assert_int_equal(m->dnssec_ok, options->dnssec_ok);
	assert_true(m->rcode == 0 || m->rcode == 1 || m->rcode == 3 || m->rcode == 4 ||
		    m->rcode == 5 || m->rcode == 6);
	/* RFC 2308 2.1: a negative answer, and no other, carries the SOA. */
	if (m->rcode == 3 && !(m->flags & 0x0200))
		assert_true(m->count[1] > 0 && m->record[1][0].type == TYPE_SOA);
	if (m->rcode == 5 || m->rcode == 4 || m->rcode == 1)
		assert_int_equal(m->count[0] + m->count[1] + m->count[2], 0);
	for (unsigned s = 0; s < 3; s++) {
		for (unsigned i = 0; i < m->count[s]; i++)
			assert_int_equal(m->record[s][i].class, CLASS_IN);
	}
	no_record_twice(m);
}

static void test_every_reply_is_sound(void **state)
{
	struct scene *scene = open_scene(0, 1232);

	(void)state;
	for_every_question(scene, &plain, look_at_any);
	for_every_question(scene, &edns, look_at_any);
	for_every_question(scene, &secure, look_at_any);
	scene->asking.transport = TRANSPORT_TCP;
	for_every_question(scene, &plain, look_at_any);
	for_every_question(scene, &secure, look_at_any);
	close_scene(scene);
}

static void look_at_limit(struct scene *scene, const struct query_options *options,
			  const struct message *m)
{
	(void)m;
	assert_true(scene->asking.length <= options->udp_size);
}

static void test_every_size(void **state)
{
	struct scene *scene = open_scene(1, 1500);
	struct query_options options = secure;

	(void)state;
	for (unsigned size = 512; size <= 1500; size += 23) {
		options.udp_size = (uint16_t)size;
		for_every_question(scene, &options, look_at_limit);
	}
	close_scene(scene);
}

/* A reply that has no room for more than the query had: still a whole message. */
static void test_smallest_capacity(void **state)
{
	struct scene *scene = open_scene(0, 1232);
	uint8_t query[NAME_MAX_OCTETS + 64];
	struct message message;

	(void)state;
	for (unsigned n = 0; n < NAMES; n++) {
		size_t length = message_query_text(query, names[n], TYPE_A, &secure);

		scene->asking.capacity = (uint32_t)length;
		ask(&scene->asking, query, length);
		assert_int_equal(scene->asking.length, length);
		assert_null(message_parse(scene->asking.reply, length, &message));
		assert_int_equal(message.count[0] + message.count[1] + message.count[2], 0);
		message_free(&message);
	}
	close_scene(scene);
}

static void test_no_image(void **state)
{
	struct asking *asking = calloc(1, sizeof(*asking));
	uint8_t query[NAME_MAX_OCTETS + 64];

	(void)state;
	ask(asking, query, message_query_text(query, "n.example.", TYPE_A, &plain));
	assert_int_equal(asking->length, 0);
	assert_int_equal(asking->counts[COUNT_received], 1);
	assert_int_equal(asking->counts[COUNT_drop_no_image], 1);
	assert_int_equal(asking->counts[COUNT_answers], 0);
	free(asking);
}

static void test_empty_image(void **state)
{
	struct image_fixture *fixture = image_fixture_new(0);
	struct asking *asking = calloc(1, sizeof(*asking));
	struct message message;

	(void)state;
	asking->image = image_fixture_image(fixture);
	ask_name(asking, ".", TYPE_NS, &edns, &message);
	assert_int_equal(message.rcode, 5);
	message_free(&message);
	ask_name(asking, "a.b.c.", TYPE_NS, &edns, &message);
	assert_int_equal(message.rcode, 5);
	message_free(&message);
	image_fixture_free(fixture);
	free(asking);
}

/* A full burst of all kinds answers as one by one. */
static void test_a_burst_answers_as_single_queries(void **state)
{
	struct scene *scene = open_scene(0, 1232);
	static uint8_t buffer[ANSWER_BURST][2048];
	struct datagram burst[ANSWER_BURST];
	struct answer_state idle = {0};
	uint64_t counts[COUNTERS] = {0};
	uint8_t query[NAME_MAX_OCTETS + 64];

	(void)state;
	for (unsigned from = 0; from < NAMES * TYPES; from += ANSWER_BURST) {
		for (unsigned i = 0; i < ANSWER_BURST; i++) {
			unsigned at = from + i;
			size_t length = message_query_text(buffer[i], names[at % NAMES],
							   types[at / 7 % TYPES], &secure);
			if (at % 11 == 0)
				buffer[i][2] |= 0x80;
			burst[i] = (struct datagram){.payload = buffer[i],
						     .length = (uint32_t)length,
						     .capacity = sizeof(buffer[i])};
		}
		answer_batch(scene->asking.image, &idle, burst, ANSWER_BURST, TRANSPORT_UDP,
			     counts);
		for (unsigned i = 0; i < ANSWER_BURST; i++) {
			unsigned at = from + i;
			size_t length = message_query_text(query, names[at % NAMES],
							   types[at / 7 % TYPES], &secure);
			if (at % 11 == 0)
				query[2] |= 0x80;
			ask(&scene->asking, query, length);
			assert_int_equal(burst[i].length, scene->asking.length);
			assert_memory_equal(burst[i].payload, scene->asking.reply, burst[i].length);
			assert_int_equal(burst[i].sum % 0xffffu,
					 plain_sum(burst[i].payload, burst[i].length));
		}
	}
	close_scene(scene);
}

/* Round robin: each record of the set comes first in its turn; none is ever missing. */
static void test_rotation(void **state)
{
	struct scene *scene = open_scene(1, 1232);
	unsigned first[256] = {0};
	struct message message;

	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		unsigned seen = 0;

		ask_name(&scene->asking, "many.n.example.", TYPE_A, i % 2 ? &edns : &secure,
			 &message);
		assert_int_equal(message.count[0], 3);
		for (unsigned r = 0; r < 3; r++)
			seen |= 1u << message.record[0][r].rdata[3];
		assert_int_equal(seen, 1u << 1 | 1u << 2 | 1u << 3);
		first[message.record[0][0].rdata[3]]++;
		message_free(&message);
	}
	assert_int_equal(first[1], 10);
	assert_int_equal(first[2], 10);
	assert_int_equal(first[3], 10);
	close_scene(scene);
}

static void test_no_rotation_of_others(void **state)
{
	struct scene *scene = open_scene(1, 1232);
	uint8_t before[MESSAGE_MAX];
	struct message message;

	(void)state;
	scene->asking.transport = TRANSPORT_TCP;
	ask_name(&scene->asking, "naptr.n.example.", TYPE_NAPTR, &plain, &message);
	size_t names_end = scene->asking.length;
	memcpy(before, scene->asking.reply, names_end);
	for (unsigned i = 0; i < 5; i++) {
		struct message again;

		ask_name(&scene->asking, "naptr.n.example.", TYPE_NAPTR, &plain, &again);
		assert_int_equal(again.count[0], message.count[0]);
		for (unsigned r = 0; r < message.count[0]; r++)
			assert_memory_equal(again.record[0][r].rdata, message.record[0][r].rdata,
					    message.record[0][r].rdata_length);
		message_free(&again);
	}
	message_free(&message);
	close_scene(scene);
}

/* Pointers reach 16 KiB at most: 1,200 PTR records pass that, and all names must be right. */
static void test_a_large_rrset_over_tcp(void **state)
{
	struct scene *scene = open_scene(0, 1232);
	struct message message;
	char wanted[64], got[NAME_MAX_TEXT];

	(void)state;
	scene->asking.transport = TRANSPORT_TCP;
	ask_name(&scene->asking, "ptrs.n.example.", TYPE_PTR, &edns, &message);
	assert_int_equal(message.count[0], 1200);
	for (unsigned i = 0; i < 1200; i++) {
		snprintf(wanted, sizeof(wanted), "a-rather-long-label-number-%u.n.example.", i + 1);
		name_to_text(message.record[0][i].rdata, got);
		assert_string_equal(got, wanted);
	}
	message_free(&message);
	close_scene(scene);
}

/* Names that are written out have no place to point to: their addresses are owned in full. */
static void test_additional_data_of_a_large_rrset(void **state)
{
	struct scene *scene = open_scene(0, 1232);
	struct message message;
	char owner[NAME_MAX_TEXT];

	(void)state;
	scene->asking.transport = TRANSPORT_TCP;
	ask_name(&scene->asking, "mxcrowd.n.example.", TYPE_MX, &edns, &message);
	assert_int_equal(message.count[0], 901);
	assert_int_equal(message.count[2], 2);
	for (unsigned i = 0; i < 2; i++) {
		name_to_text(message.record[2][i].owner, owner);
		assert_string_equal(owner, "ns.n.example.");
		assert_int_equal(message.record[2][i].type, i == 0 ? TYPE_A : TYPE_AAAA);
	}
	message_free(&message);
	close_scene(scene);
}

/* RFC 8945 5.3.2: the query's TSIG comes back. It stands where options that are longer than what
 * asked for them would go: they are left out rather than written over it. */
static void test_options_beside_tsig(void **state)
{
	static const char tail[] = "\0\0\51\4\320\0\0\0\0\0\4\0\3\0\0"
				   "\3key\0\0\372\0\377\0\0\0\0\0\35"
				   "\13hmac-sha256\0\0\0\142\0\0\0\1\54\0\0\22\64\0\0\0\0";
	struct scene *scene = open_scene(0, 1232);
	struct image_policy policy = {.nsid = {.length = 100}};
	uint8_t query[300];
	size_t length = message_query_text(query, "n.example.", TYPE_A, &plain);

	(void)state;
	image_fixture_policy(scene->fixture, &policy);
	scene->asking.image = image_fixture_image(scene->fixture);
	memcpy(query + length, tail, sizeof(tail) - 1);
	put_u16(query + 10, 2);
	for (unsigned i = 0; i < 2; i++) {
		scene->asking.transport = i == 0 ? TRANSPORT_TCP : TRANSPORT_UDP;
		ask(&scene->asking, query, length + sizeof(tail) - 1);
		const uint8_t *reply = scene->asking.reply;
		uint32_t end = scene->asking.length;

		assert_int_equal(reply[3] & 15, 9); /* NOTAUTH */
		assert_int_equal(get_u16(reply + 10), 2);
		assert_memory_equal(reply + end - 44, tail + 15, 38); /* up to the fudge */
		assert_memory_equal(reply + end - 8, "\0\0\22\64\0\21\0\0", 8); /* BADKEY */
	}
	close_scene(scene);
}

static uint64_t counted(struct scene *scene, const char *name, uint16_t type,
			const struct query_options *options, enum counter counter)
{
	struct message message;
	uint64_t before = scene->asking.counts[counter];

	ask_name(&scene->asking, name, type, options, &message);
	message_free(&message);
	return scene->asking.counts[counter] - before;
}

static void test_counters(void **state)
{
	struct scene *scene = open_scene(0, 1232);
	struct query_options later = {.edns = true, .version = 1};
	struct query_options status = {.flags = 2 << 11};
	const char *n = "n.example.";

	(void)state;
	assert_int_equal(counted(scene, n, TYPE_A, &plain, COUNT_received), 1);
	assert_int_equal(counted(scene, n, TYPE_A, &plain, COUNT_queries_udp), 1);
	assert_int_equal(counted(scene, n, TYPE_A, &plain, COUNT_answers), 1);
	assert_int_equal(counted(scene, n, TYPE_A, &plain, COUNT_rcode_noerror), 1);
	assert_int_equal(counted(scene, n, TYPE_A, &plain, COUNT_nodata), 0);
	assert_int_equal(counted(scene, n, TYPE_PTR, &plain, COUNT_nodata), 1);
	assert_int_equal(counted(scene, "x.n.example.", TYPE_A, &plain, COUNT_rcode_nxdomain), 1);
	assert_int_equal(counted(scene, "x.sub.n.example.", TYPE_A, &plain, COUNT_referrals), 1);
	assert_int_equal(counted(scene, "x.sub.n.example.", TYPE_A, &plain, COUNT_nodata), 0);
	assert_int_equal(counted(scene, "x.wild.n.example.", TYPE_A, &plain, COUNT_wildcards), 1);
	assert_int_equal(counted(scene, "x.wild.n.example.", TYPE_MX, &plain, COUNT_wildcards), 1);
	assert_int_equal(
	    counted(scene, "big.n.example.", TYPE_TXT, &plain, COUNT_answers_truncated), 1);
	assert_int_equal(counted(scene, "foo.", TYPE_A, &plain, COUNT_rcode_refused), 1);
	assert_int_equal(counted(scene, n, TYPE_A, &later, COUNT_rcode_badvers), 1);
	assert_int_equal(counted(scene, n, TYPE_A, &status, COUNT_rcode_notimp), 1);
	assert_int_equal(counted(scene, n, TYPE_OPT, &plain, COUNT_rcode_formerr), 1);
	scene->asking.transport = TRANSPORT_TCP;
	assert_int_equal(counted(scene, n, TYPE_A, &plain, COUNT_queries_tcp), 1);
	close_scene(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_reply_is_sound),
	    cmocka_unit_test(test_every_size),
	    cmocka_unit_test(test_smallest_capacity),
	    cmocka_unit_test(test_no_image),
	    cmocka_unit_test(test_empty_image),
	    cmocka_unit_test(test_a_burst_answers_as_single_queries),
	    cmocka_unit_test(test_rotation),
	    cmocka_unit_test(test_no_rotation_of_others),
	    cmocka_unit_test(test_a_large_rrset_over_tcp),
	    cmocka_unit_test(test_additional_data_of_a_large_rrset),
	    cmocka_unit_test(test_options_beside_tsig),
	    cmocka_unit_test(test_counters),
	};
	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
