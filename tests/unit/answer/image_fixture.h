/* image_fixture.h: zones as text become an image in this process's memory, by the code that the
 * programs use: text -> zone -> store -> compile -> writer -> image_open(). For tests, dialogues,
 * fuzzing and benchmarks.
 *
 * Threads: one. Errors: a message on stderr and abort(): the caller's zones are constants. */
#ifndef SKUA_TESTS_UNIT_ANSWER_IMAGE_FIXTURE_H
#define SKUA_TESTS_UNIT_ANSWER_IMAGE_FIXTURE_H

#include "control/store/zone_terms.h"
#include "zones/image/reader.h"
#include "zones/zone/zone.h"

struct image_fixture;

/* capacity: octets of address space; memory is taken as it is used. 0: 1 GiB. */
struct image_fixture *image_fixture_new(uint64_t capacity);
void image_fixture_free(struct image_fixture *fixture);

/* Before the first image_fixture_image(); default: 1232, additional data, no rotation. */
void image_fixture_settings(struct image_fixture *fixture, struct image_settings settings);

/* With the next image_fixture_image(), after the settings. NULL: nothing of it. */
void image_fixture_policy(struct image_fixture *fixture, const struct image_policy *policy);

/* Who is who, as for the keys acl and views: "core=10.0.0.0/8", "partner=198.51.100.0/24,ecs". */
void image_fixture_acl(struct image_fixture *fixture, const char *text);
void image_fixture_view(struct image_fixture *fixture, const char *text);
/* Who has no rate limit: ITEM,ITEM…. */
void image_fixture_exempt(struct image_fixture *fixture, const char *items);
/* To whom the zones that are added from here on are served: a view, or NULL; ITEM,ITEM…, or NULL.
 */
void image_fixture_terms(struct image_fixture *fixture, const char *view, const char *allow);

/* A zone each. origin: "example.". They come in force with the next image_fixture_image(). */
void image_fixture_text(struct image_fixture *fixture, const char *origin, const char *text);
/* FILE, ORIGIN=FILE or a directory, as on the command line. */
void image_fixture_files(struct image_fixture *fixture, const char *argument);
/* Takes the zone over. */
void image_fixture_zone(struct image_fixture *fixture, struct zone *zone);

/* All that was added, as a worker sees it. Borrowed until the next call or the free. */
const struct image *image_fixture_image(struct image_fixture *fixture);

/* The octets of the arena in use, writable: for tests that damage an image. */
uint8_t *image_fixture_octets(struct image_fixture *fixture, uint64_t *length);

#endif
