/* Admission: who has to go when all places are taken, and how long everybody may stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/stream/admission.h"

#include <stdlib.h>
#include <string.h>

#define IDLE 10000u

struct scene {
	struct admission admission;
	struct connection connection[64];
	unsigned used;
};

static struct scene *scene_of(uint32_t places, uint32_t each)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	assert_true(admission_open(&scene->admission, places, each, IDLE));
	return scene;
}

static void scene_end(struct scene *scene)
{
	struct connection *any;

	while ((any = admission_any(&scene->admission)) != NULL)
		admission_leave(&scene->admission, any, false);
	assert_int_equal(limits_count(scene->admission.limits), 0);
	admission_close(&scene->admission);
	free(scene);
}

/* A connection from 198.51.100.host that comes in at `now`; NULL if it is refused. */
static struct connection *enter(struct scene *scene, uint8_t host, uint64_t now)
{
	struct connection *connection = &scene->connection[scene->used++];

	assert_true(scene->used <= 64);
	connection->client = (struct client){.family = 4, .address = {198, 51, 100, host}};
	connection->entered = now; /* the round: one for each time here */
	return admission_enter(&scene->admission, connection, now) ? connection : NULL;
}

static struct connection *enter_asking(struct scene *scene, uint8_t host, uint64_t now)
{
	struct connection *connection = enter(scene, host, now);

	assert_non_null(connection);
	admission_replied(&scene->admission, connection, now);
	return connection;
}

static struct connection *victim(const struct scene *scene, uint64_t now)
{
	return admission_victim(&scene->admission, now, now, false);
}

static void strangers_go_before_askers(void **state)
{
	struct scene *scene = scene_of(4, 4);
	struct connection *asker = enter_asking(scene, 1, 1000);
	struct connection *first = enter(scene, 2, 2000), *second = enter(scene, 3, 2010);

	(void)state;
	/* Nobody who came in just now; and the asker may stay while strangers have a place. */
	assert_null(victim(scene, 2000 + ADMISSION_GRACE - 1));
	assert_ptr_equal(victim(scene, 2000 + ADMISSION_GRACE), first);
	admission_leave(&scene->admission, first, true);
	assert_ptr_equal(victim(scene, 2010 + ADMISSION_GRACE), second);
	admission_leave(&scene->admission, second, false);
	assert_ptr_equal(victim(scene, 3000), asker);
	scene_end(scene);
}

static void suspects_go_before_strangers(void **state)
{
	struct scene *scene = scene_of(4, 4);
	struct connection *again, *stranger;

	(void)state;
	admission_leave(&scene->admission, enter(scene, 2, 1000), true);
	stranger = enter(scene, 3, 1500);
	assert_ptr_equal(victim(scene, 2000), stranger);
	again = enter(scene, 2, 2000);
	/* While there is one, strangers have more time. */
	stranger->deadline.since = 1900;
	assert_null(victim(scene, 2000 + ADMISSION_SUSPECT_GRACE - 1));
	assert_ptr_equal(victim(scene, 2000 + ADMISSION_SUSPECT_GRACE), again);
	scene_end(scene);
}

/* Many may share an address: while one of them asks, the others are no suspects. */
static void who_asks_is_no_suspect(void **state)
{
	struct scene *scene = scene_of(4, 4);
	struct connection *again;

	(void)state;
	admission_leave(&scene->admission, enter(scene, 2, 1000), true);
	again = enter(scene, 2, 2000);
	admission_replied(&scene->admission, again, 2020);
	admission_leave(&scene->admission, enter(scene, 2, 2030), true);
	assert_non_null(enter(scene, 2, 3000));
	assert_null(victim(scene, 3000 + ADMISSION_GRACE - 1));
	assert_non_null(victim(scene, 3000 + ADMISSION_GRACE));
	scene_end(scene);
}

static void little_grace_when_many_wait(void **state)
{
	struct scene *scene = scene_of(4, 4);
	struct connection *stranger = enter(scene, 2, 1000);
	uint64_t grace = ADMISSION_GRACE / 8;

	(void)state;
	assert_null(admission_victim(&scene->admission, 1000 + grace - 1, 2000, true));
	assert_null(admission_victim(&scene->admission, 1000 + grace, 1000, true)); /* his round */
	assert_ptr_equal(admission_victim(&scene->admission, 1000 + grace, 2000, true), stranger);
	scene_end(scene);
}

static void clients_that_leave_themselves_are_no_suspects(void **state)
{
	struct scene *scene = scene_of(4, 4);

	(void)state;
	admission_leave(&scene->admission, enter(scene, 2, 1000), false);
	assert_non_null(enter(scene, 2, 2000));
	assert_null(victim(scene, 2000 + ADMISSION_SUSPECT_GRACE));
	scene_end(scene);
}

static void offences_are_forgotten(void **state)
{
	struct scene *scene = scene_of(4, 4);
	uint64_t later = 1000 + OFFENDERS_MEMORY;

	(void)state;
	assert_non_null(enter(scene, 9, later)); /* starts the time until all is forgotten */
	admission_leave(&scene->admission, enter(scene, 2, later), true);
	assert_non_null(enter(scene, 2, later + OFFENDERS_MEMORY));
	admission_leave(&scene->admission, &scene->connection[0], false);
	assert_null(victim(scene, later + OFFENDERS_MEMORY + ADMISSION_SUSPECT_GRACE));
	scene_end(scene);
}

/* Of askers that wait for long, the one whose client holds most; never one that asked lately. */
static void stale_askers_of_the_largest_client_go_first(void **state)
{
	struct scene *scene = scene_of(6, 4);
	struct connection *single = enter_asking(scene, 1, 1000);
	struct connection *one = enter_asking(scene, 2, 1100);

	(void)state;
	enter_asking(scene, 2, 1200);
	enter_asking(scene, 2, 1300);
	assert_null(victim(scene, 1000 + ADMISSION_STALE - 1));
	assert_ptr_equal(victim(scene, 1000 + ADMISSION_STALE), single);
	assert_ptr_equal(victim(scene, 1100 + ADMISSION_STALE), one);
	admission_replied(&scene->admission, one, 2150);
	assert_ptr_equal(victim(scene, 2190), single);
	scene_end(scene);
}

static void limits_hold(void **state)
{
	struct scene *scene = scene_of(3, 2);

	(void)state;
	assert_non_null(enter(scene, 1, 1000));
	assert_non_null(enter(scene, 1, 1000));
	assert_null(enter(scene, 1, 1000));
	assert_false(limits_full(scene->admission.limits));
	assert_non_null(enter(scene, 2, 1000));
	assert_true(limits_full(scene->admission.limits));
	assert_null(enter(scene, 3, 1000));
	scene_end(scene);
}

static void strangers_have_less_time(void **state)
{
	struct scene *scene = scene_of(40, 4);
	struct connection *stranger = enter(scene, 1, 1000), *asker = enter(scene, 2, 1000);

	(void)state;
	admission_progress(&scene->admission, stranger, 2000); /* dripping does not help */
	admission_replied(&scene->admission, asker, 2000);
	assert_null(admission_late(&scene->admission, 1000 + ADMISSION_FIRST - 1));
	assert_int_equal(admission_wait(&scene->admission, 1000, 60000), ADMISSION_FIRST);
	assert_ptr_equal(admission_late(&scene->admission, 1000 + ADMISSION_FIRST), stranger);
	admission_leave(&scene->admission, stranger, true);
	admission_progress(&scene->admission, asker, 3000); /* has begun the next query */
	assert_null(admission_late(&scene->admission, 3000 + IDLE - 1));
	assert_ptr_equal(admission_late(&scene->admission, 3000 + IDLE), asker);
	scene_end(scene);
}

static void time_shrinks_as_askers_fill_the_house(void **state)
{
	struct scene *scene = scene_of(40, 4);

	(void)state;
	for (uint8_t i = 0; i < 10; i++)
		enter(scene, 100 + i, 1000); /* strangers shorten nobody's time */
	for (uint8_t i = 0; i < 30; i++)
		enter_asking(scene, i, 1000);
	assert_int_equal(admission_idle(&scene->admission), IDLE);
	for (uint8_t i = 0; i < 4; i++)
		admission_replied(&scene->admission, &scene->connection[i], 1000);
	assert_int_equal(admission_idle(&scene->admission), IDLE * 6 / 10);
	assert_null(admission_late(&scene->admission, 1000 + ADMISSION_FIRST - 1));
	for (uint8_t i = 4; i < 10; i++)
		admission_replied(&scene->admission, &scene->connection[i], 1000);
	assert_int_equal(admission_idle(&scene->admission), IDLE / 4);
	assert_null(admission_late(&scene->admission, 1000 + IDLE / 4 - 1));
	assert_non_null(admission_late(&scene->admission, 1000 + IDLE / 4));
	for (uint8_t i = 0; i < 10; i++)
		admission_leave(&scene->admission, &scene->connection[i], false);
	assert_int_equal(admission_idle(&scene->admission), IDLE);
	scene_end(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strangers_go_before_askers),
	    cmocka_unit_test(suspects_go_before_strangers),
	    cmocka_unit_test(who_asks_is_no_suspect),
	    cmocka_unit_test(little_grace_when_many_wait),
	    cmocka_unit_test(clients_that_leave_themselves_are_no_suspects),
	    cmocka_unit_test(offences_are_forgotten),
	    cmocka_unit_test(stale_askers_of_the_largest_client_go_first),
	    cmocka_unit_test(limits_hold),
	    cmocka_unit_test(strangers_have_less_time),
	    cmocka_unit_test(time_shrinks_as_askers_fill_the_house),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
