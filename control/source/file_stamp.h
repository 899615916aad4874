/* file_stamp.h: has a file changed since it was read, without reading it?
 *
 * Equal stamps mean: same file, same size, same time of change. A file that changed so shortly
 * before it was read that its time could not tell a later change apart is "fresh", and is to be
 * read again once. Threads: any. */
#ifndef SKUA_CONTROL_SOURCE_FILE_STAMP_H
#define SKUA_CONTROL_SOURCE_FILE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

struct file_stamp {
	bool exists;
	bool fresh;
	uint64_t device, inode, size;
	uint64_t modified, changed; /* nanoseconds, CLOCK_REALTIME */
};

/* File times step with the kernel's tick, at most 10 ms. */
#define FILE_STAMP_STEP 15000000u

/* read_at: when reading of the file began, CLOCK_REALTIME in nanoseconds. */
struct file_stamp file_stamp_take(const char *path, uint64_t read_at);
/* True if the file may hold something else now than when the stamp was taken. */
bool file_stamp_differs(const struct file_stamp *stamp, const char *path);

uint64_t file_stamp_now(void);

#endif
