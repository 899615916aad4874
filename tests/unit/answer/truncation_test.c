/* truncation_test.c: at sizes from 512 to 4096 octets a reply over UDP is either what TCP
 * would say, less some additional data, or says TC; and it says TC only if it must.
 *
 * What it must hold is known from the same question over TCP, to an image without additional data:
 * there nothing is left but answer, authority and the glue of referrals. */
#include "tests/unit/answer/asking.h"
#include "tests/unit/answer/zones.h"
#include "zones/record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define LEAST 512u
#define EACH  1600u /* up to here each size; from here on every fifth */
#define MOST  4096u

static const struct query_options edns = {.edns = true};
static const struct query_options secure = {.edns = true, .dnssec_ok = true};

/* Names with answers from some octets to some thousand. */
static const struct question {
	const char *name;
	uint16_t type;
} questions[] = {
    {"crowd.n.example.", TYPE_A},     {"crowd.n.example.", TYPE_AAAA},
    {"big.n.example.", TYPE_TXT},     {"tobig.n.example.", TYPE_TXT}, /* behind a CNAME */
    {"fan.n.example.", TYPE_SRV}, /* with 30 addresses beside it */
    {"mxfan.n.example.", TYPE_MX},    {"n.example.", TYPE_MX},
    {"naptr.n.example.", TYPE_NAPTR}, {"_sip._udp.n.example.", TYPE_SRV},
    {"ptrs.n.example.", TYPE_PTR}, /* larger than any of the sizes */
    {"sizes.test.", TYPE_TXT},	      {"a.wild.sizes.test.", TYPE_TXT},
    {"c1.sizes.test.", TYPE_TXT},     {"www.dname.sizes.test.", TYPE_TXT},
    {"nothere.signed.test.", TYPE_A}, {"a.wild.signed.test.", TYPE_A},
    {"alias.signed.test.", TYPE_A},   {"a.c.x.w.example.", TYPE_A},
    {"a.z.w.example.", TYPE_MX},
};

/* Referrals whose glue all lies below the cut. */
static const struct question referrals[] = {
    {"a.cutfan.n.example.", TYPE_A},
    {"www.cut.sizes.test.", TYPE_A},
    {"www.unsigned.signed.test.", TYPE_A},
};

static const char sizes_zone[] = "$TTL 3600\n"
				 "@ SOA ns host 1 3600 900 86400 300\n"
				 "@ NS ns\n"
				 "ns A 192.0.2.1\n"
				 "$GENERATE 10-49 @ TXT \"a text of some length, number $\"\n"
				 "$GENERATE 10-39 *.wild TXT \"a text of some length, number $\"\n"
				 "c1 CNAME c2\n"
				 "c2 CNAME c3.wild\n"
				 "dname DNAME wild\n"
				 "$GENERATE 1-13 cut NS ns$.cut\n"
				 "$GENERATE 1-13 ns$.cut A 192.0.2.$\n"
				 "$GENERATE 1-13 ns$.cut AAAA 2001:db8::$\n";

struct scene {
	struct image_fixture *fixture;
	struct asking *asking;
};

static struct scene scene_open(uint8_t additional)
{
	struct scene scene = {image_fixture_new(0), calloc(1, sizeof(struct asking))};

	image_fixture_settings(scene.fixture,
			       (struct image_settings){.udp_size = MOST, .additional = additional});
	test_zones_add(scene.fixture);
	image_fixture_text(scene.fixture, "sizes.test.", sizes_zone);
	scene.asking->image = image_fixture_image(scene.fixture);
	return scene;
}

static void scene_close(struct scene *scene)
{
	image_fixture_free(scene->fixture);
	free(scene->asking);
}

static void ask_over(struct scene *scene, enum transport transport, const struct question *question,
		     const struct query_options *options, struct message *message)
{
	scene->asking->transport = transport;
	ask_name(scene->asking, question->name, question->type, options, message);
}

/* Octets of what no reply may leave out. */
static uint32_t required(struct scene *bare, const struct question *question,
			 const struct query_options *options)
{
	struct message message;

	ask_over(bare, TRANSPORT_TCP, question, options, &message);
	assert_int_equal(message.flags & 0x0200, 0);
	message_free(&message);
	return bare->asking->length;
}

static void expect_same(const struct message *got, const struct message *full, unsigned section)
{
	char one[MESSAGE_TEXT], other[MESSAGE_TEXT];

	assert_int_equal(got->count[section], full->count[section]);
	for (unsigned i = 0; i < got->count[section]; i++) {
		message_record_text(&got->record[section][i], one);
		message_record_text(&full->record[section][i], other);
		assert_string_equal(one, other);
	}
}

/* One question at one size; returns true if the reply says TC. */
static bool look(struct scene *scene, const struct question *question,
		 const struct query_options *options, const struct message *full, uint32_t length)
{
	struct message message;
	bool cut;

	ask_over(scene, TRANSPORT_UDP, question, options, &message);
	cut = message.flags & 0x0200;
	assert_true(scene->asking->length <= options->udp_size);
	assert_int_equal(message.rcode, full->rcode);
	assert_true(message.count[2] <= full->count[2]);
	if (length <= options->udp_size) /* all of it fits */
		assert_int_equal(scene->asking->length, length);
	if (!cut) {
		expect_same(&message, full, 0);
		expect_same(&message, full, 1);
	}
	message_free(&message);
	return cut;
}

static void all_sizes(struct scene *scene, struct scene *bare, const struct question *question,
		      struct query_options options)
{
	struct message full;
	uint32_t least = required(bare, question, &options), length;

	ask_over(scene, TRANSPORT_TCP, question, &options, &full);
	length = scene->asking->length;
	for (uint32_t size = LEAST; size <= MOST; size += size < EACH ? 1 : 5) {
		options.udp_size = (uint16_t)size;
		bool cut = look(scene, question, &options, &full, length);
		if (cut != (least > size))
			fail_msg("%s type %u at %u octets: TC %d, though %u are needed",
				 question->name, question->type, size, cut, least);
	}
	message_free(&full);
}

static void for_all(const struct question *list, size_t count)
{
	struct scene scene = scene_open(1), bare = scene_open(0);

	for (size_t i = 0; i < count; i++) {
		all_sizes(&scene, &bare, &list[i], edns);
		all_sizes(&scene, &bare, &list[i], secure);
	}
	scene_close(&scene);
	scene_close(&bare);
}

static void test_answers_at_every_size(void **state)
{
	(void)state;
	for_all(questions, sizeof(questions) / sizeof(questions[0]));
}

/* RFC 9471 3.1: glue below the cut that does not fit is a reason for TC. */
static void test_referrals_at_every_size(void **state)
{
	(void)state;
	for_all(referrals, sizeof(referrals) / sizeof(referrals[0]));
}

/* Without EDNS, and with one that announces less, 512 octets are the limit (RFC 6891 6.2.3). */
static void test_the_smallest_limit(void **state)
{
	struct query_options small = {.edns = true, .udp_size = 1}, none = {0};
	struct scene scene = scene_open(1);
	struct message message;

	(void)state;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		ask_over(&scene, TRANSPORT_UDP, &questions[i], &none, &message);
		assert_true(scene.asking->length <= LEAST);
		message_free(&message);
		ask_over(&scene, TRANSPORT_UDP, &questions[i], &small, &message);
		assert_true(scene.asking->length <= LEAST);
		message_free(&message);
	}
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers_at_every_size),
	    cmocka_unit_test(test_referrals_at_every_size),
	    cmocka_unit_test(test_the_smallest_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
