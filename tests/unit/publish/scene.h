/* scene.h: a zone whose every generation can be told from every other, so that a reader notices any
 * mix of two generations and any block that was reused under it.
 *
 * One node carries the generation itself; the others come in groups that are always put and deleted
 * together, all with the stamp of the generation that put them, in tails of random length. */
#ifndef SKUA_TESTS_UNIT_PUBLISH_SCENE_H
#define SKUA_TESTS_UNIT_PUBLISH_SCENE_H

#include "control/publish/publish.h"
#include "tests/unit/image/fixture.h"

#include <stdbool.h>

#define SCENE_GROUPS 24u
#define SCENE_GROUP  6u /* nodes in a group */

/* A new directory on a tmpfs (or in /tmp), and its removal with all files in it. */
void scene_directory(char path[64]);
void scene_directory_remove(const char *path);
/* Files in it whose name starts so (and, if end is not NULL, ends so). */
unsigned scene_files(const char *path, const char *start, const char *end);

struct publisher *scene_open(const char *path, uint64_t capacity, unsigned replicas);
/* One transaction: some groups put anew, some deleted (all of them at first), and committed.
 * Returns the generation, 0 if it failed. */
uint64_t scene_publish(struct publisher *publisher, struct random *random, bool first);
/* Reclaims; then yields until little memory waits for readers, so that a reader which does not get
 * the processor for a while can't make us run out of it. False: it still waits, look again. */
bool scene_may_publish(struct publisher *publisher);
/* NULL if the image is one whole generation; else what is wrong with it. */
const char *scene_fault(const struct image *image);

#endif
