/* arena_file.h: a file that holds an arena, on tmpfs or on hugetlbfs; arena_set.h has its replicas.
 *
 * The file is as long as the arena's address space from the start and has memory only as far as
 * arena_file_grow() was asked; it never shrinks, so that no reader of a mapping meets its end. It
 * is made under another name and gets its own (arena.<id>, arena.<id>.<replica>) when its header is
 * written.
 *
 * Threads: control's only.
 * Errors:  one line for the user: what failed and what to set. */
#ifndef SKUA_CONTROL_PUBLISH_ARENA_FILE_H
#define SKUA_CONTROL_PUBLISH_ARENA_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena_place {
	const char *runtime_dir;
	int runtime_fd;		    /* of the directory */
	const char *huge_pages_dir; /* a hugetlbfs mount, or NULL */
};

struct arena_file {
	int fd;
	uint32_t id;
	unsigned replica;
	int node;	   /* whose memory it is to have; -1: any */
	bool bound;	   /* and the kernel was told so */
	uint8_t *base;	   /* read-write mapping of `capacity` octets */
	uint64_t capacity; /* rounded up to the file system's pages */
	uint64_t page;	   /* octets by which the file system gives memory */
	uint64_t backed;
	uint64_t
	    elsewhere;	 /* of that, octets in memory of other nodes, by a look at each page size */
	uint64_t rested; /* `backed` at the last arena_file_rest() that did something */
	bool huge;
	bool small_only;	    /* on tmpfs: this kernel makes no large pages of small ones */
	char path[PATH_MAX];	    /* of the file itself */
	char error[PATH_MAX + 256]; /* why the last arena_file_grow() failed, or "" */
};

/* Makes the file and maps it. It has no memory yet. node: -1, or the one to take memory from; where
 * the kernel does not let us, errno says why and `bound` is false. */
bool arena_file_make(const struct arena_place *place, uint32_t id, unsigned replica, int node,
		     uint64_t capacity, struct arena_file *file, char *error, size_t error_size);
/* Gives memory to the first `octets` octets. False: why is in file->error. */
bool arena_file_grow(struct arena_file *file, uint64_t octets);
/* Gives the file its name in the runtime directory: a dataplane may map it from now on. */
bool arena_file_show(const struct arena_place *place, struct arena_file *file, char *error,
		     size_t error_size);
/* After much was written: takes the pages out of this process's page tables, not out of the file,
 * so that control isn't as large as the image a second time. What is touched again comes back. */
void arena_file_rest(struct arena_file *file);
/* Unmaps and closes; the file stays. */
void arena_file_close(struct arena_file *file);

/* Removes the names of an arena and its replicas; who has it mapped keeps its memory until he lets
 * go. */
void arena_file_remove(const struct arena_place *place, uint32_t id);
/* Removes every arena but `keep` (0: none kept), and files that a killed control did not finish.
 * Returns the largest id that was found. Requires: the lock on the channel. */
uint32_t arena_files_sweep(const struct arena_place *place, uint32_t keep);

#endif
