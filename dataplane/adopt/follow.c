/* follow.c: the main thread's side: which channel file is followed, which arenas are mapped. */
#include "dataplane/adopt/adopt.h"

#include "dataplane/adopt/adopt_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct followed *followed_now(const struct adopt *adopt)
{
	return atomic_load_explicit(&adopt->followed, memory_order_relaxed);
}

static uint64_t root_of(const struct followed *followed)
{
	return atomic_load_explicit(&followed->channel->root, memory_order_acquire);
}

static void drain_events(struct adopt *adopt)
{
	alignas(struct inotify_event) char events[4096];

	if (adopt->event_fd < 0)
		adopt->look = true;
	while (adopt->event_fd >= 0 && read(adopt->event_fd, events, sizeof(events)) > 0)
		adopt->look = true;
}

static bool is_file(const struct followed *followed, const struct stat *at)
{
	return followed != NULL && followed->device == at->st_dev && followed->inode == at->st_ino;
}

static void refuse_channel(struct adopt *adopt, const struct stat *at, const char *why)
{
	if (is_file(&adopt->refused_channel, at))
		return;
	adopt->refused_channel = (struct followed){.device = at->st_dev, .inode = at->st_ino};
	snprintf(adopt->refusal, sizeof(adopt->refusal), "%s/" CHANNEL_FILE ": %s",
		 adopt->runtime_dir, why);
}

static const char *channel_fault(const struct channel *channel, char *text, size_t size)
{
	if (channel->magic != CHANNEL_MAGIC)
		return "not a channel of skua-control: restart skua-control";
	if (channel->abi != IMAGE_ABI)
		snprintf(text, size,
			 "made by skua-control with image ABI %u, this skua-dataplane has %u: run "
			 "the same version of both",
			 channel->abi, IMAGE_ABI);
	else if (channel->size != sizeof(*channel))
		snprintf(text, size, "its size is %u, not %zu: run the same version of both",
			 channel->size, sizeof(*channel));
	else
		return NULL;
	return text;
}

static struct followed *channel_open(struct adopt *adopt)
{
	int fd =
	    openat(adopt->runtime_fd, CHANNEL_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct followed *followed = NULL;
	const char *fault = "can't be mapped: restart skua-control";
	void *channel = MAP_FAILED;
	struct stat at;
	char text[160];

	if (fd < 0)
		return NULL;
	if (fstat(fd, &at) == 0 && at.st_size >= (off_t)sizeof(struct channel))
		channel = mmap(NULL, sizeof(struct channel), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (channel != MAP_FAILED)
		fault = channel_fault(channel, text, sizeof(text));
	if (fault == NULL)
		followed = malloc(sizeof(*followed));
	if (followed != NULL) {
		*followed = (struct followed){channel, ++adopt->serials, at.st_dev, at.st_ino};
		return followed;
	}
	if (channel != MAP_FAILED)
		munmap(channel, sizeof(struct channel));
	if (fault != NULL)
		refuse_channel(adopt, &at, fault);
	return NULL;
}

void followed_drop(struct followed **followed)
{
	if (*followed == NULL)
		return;
	munmap((void *)(uintptr_t)(*followed)->channel, sizeof(struct channel));
	free(*followed);
	*followed = NULL;
}

/* Arenas that belong to a channel which is gone before any worker followed it. */
static void forget_next(struct adopt *adopt)
{
	for (unsigned i = 0; i < ADOPT_ARENAS; i++)
		if (adopt->slot[i].key >> 32 == adopt->next->serial)
			arena_unmap(&adopt->slot[i]);
	followed_drop(&adopt->next);
}

/* A file with another inode has the name: control found the old one unusable, or somebody emptied
 * the directory. In the latter case our own file is gone too, so that control would not see what we
 * hold and reuse it under us: then we stay with what we have. */
static void look_for_channel(struct adopt *adopt)
{
	struct stat at;

	if (fstatat(adopt->runtime_fd, CHANNEL_FILE, &at, AT_SYMLINK_NOFOLLOW) != 0 ||
	    is_file(followed_now(adopt), &at) || is_file(adopt->next, &at) ||
	    is_file(&adopt->refused_channel, &at))
		return;
	if (followed_now(adopt) == NULL) {
		atomic_store_explicit(&adopt->followed, channel_open(adopt), memory_order_release);
		return;
	}
	if (!own_file_is_named(adopt)) {
		refuse_channel(adopt, &at,
			       "the runtime directory was emptied while this skua-dataplane ran: "
			       "restart it");
		return;
	}
	if (adopt->next != NULL)
		forget_next(adopt);
	adopt->next = channel_open(adopt);
}

static void map_wanted(struct adopt *adopt, const struct followed *followed, uint64_t arena_id)
{
	uint64_t key = arena_key(followed->serial, arena_id);

	if (arena_id != 0 && key != adopt->refused_key && slot_of(adopt, key) == NULL)
		arena_map(adopt, followed->serial, (uint32_t)arena_id);
}

/* The arena of the newest root; and that of a control which has not published yet, so that nobody
 * has to wait for it when it does. */
static void map_arenas(struct adopt *adopt, const struct followed *followed)
{
	uint64_t id = root_of(followed) >> 32;
	uint32_t newest;

	map_wanted(adopt, followed, id);
	if (!adopt->look)
		return;
	newest = arena_newest_file(adopt->runtime_fd);
	if (newest > id)
		map_wanted(adopt, followed, newest);
}

/* A newer channel file is followed only once its first root can be adopted: until then the old
 * one's image is what we have. */
static void go_over(struct adopt *adopt)
{
	uint64_t root;

	if (adopt->next == NULL || adopt->older != NULL)
		return;
	root = root_of(adopt->next);
	if (root == 0 || slot_of(adopt, arena_key(adopt->next->serial, root >> 32)) == NULL)
		return;
	adopt->older = (struct followed *)(uintptr_t)followed_now(adopt);
	atomic_store_explicit(&adopt->followed, adopt->next, memory_order_release);
	adopt->next = NULL;
}

static bool all_settled(const struct adopt *adopt, uint32_t held)
{
	for (unsigned i = 0; i < adopt->workers; i++) {
		uint32_t has = atomic_load_explicit(&adopt->worker[i].held, memory_order_acquire);

		if (has != HELD_NOTHING && has != held)
			return false;
	}
	return true;
}

static uint64_t newest_key(const struct adopt *adopt, uint32_t serial)
{
	uint64_t newest = 0;

	for (unsigned i = 0; i < ADOPT_ARENAS; i++) {
		uint64_t key = atomic_load_explicit(&adopt->slot[i].key, memory_order_relaxed);

		if (key >> 32 == serial && key > newest)
			newest = key;
	}
	return newest;
}

/* Older arenas and channels go once all workers have settled (adopt_private.h says why that is
 * enough). Between the arena of the root and a newer one lie only those of controls that died
 * before they published: a control makes its arena after the death of the one before, so after the
 * newer file was there, no root can name them any more. */
static void release_older(struct adopt *adopt)
{
	const struct followed *followed = followed_now(adopt);
	uint64_t newest = newest_key(adopt, followed->serial);
	uint64_t root = arena_key(followed->serial, root_of(followed) >> 32);
	const struct arena_slot *current = slot_of(adopt, root);
	bool settled;

	channel_fence(); /* between the load of the root and those of `held` */
	if (current == NULL)
		return;
	settled = all_settled(adopt, 1 + (uint32_t)(current - adopt->slot));
	for (unsigned i = 0; i < ADOPT_ARENAS; i++) {
		uint64_t key = atomic_load_explicit(&adopt->slot[i].key, memory_order_relaxed);

		if (key != 0 && ((key < root && settled) || (key > root && key < newest)))
			arena_unmap(&adopt->slot[i]);
	}
	if (settled)
		followed_drop(&adopt->older);
}

bool adopt_poll(struct adopt *adopt, const char **refused)
{
	const struct followed *followed;
	uint64_t root;

	*refused = NULL;
	adopt->refusal[0] = '\0';
	drain_events(adopt);
	look_for_channel(adopt);
	if (adopt->next != NULL)
		map_arenas(adopt, adopt->next);
	go_over(adopt);
	followed = followed_now(adopt);
	if (followed != NULL) {
		if (adopt->next == NULL)
			map_arenas(adopt, followed);
		release_older(adopt);
		atomic_store_explicit(&adopt->file->mapped_arena,
				      newest_key(adopt, adopt->next != NULL ? adopt->next->serial
									    : followed->serial) &
					  UINT32_MAX,
				      memory_order_release);
	}
	adopt->look = false;
	if (adopt->refusal[0] != '\0')
		*refused = adopt->refusal;
	if (followed == NULL)
		return false;
	root = root_of(followed);
	return root != 0 && slot_of(adopt, arena_key(followed->serial, root >> 32)) != NULL;
}
