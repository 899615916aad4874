/* channel_file.h: control's own file in the runtime directory, and the lock that says who control
 * is.
 *
 * A good file of an earlier control is used again, so that a dataplane which has it mapped follows;
 * a missing or unusable one is made under another name, locked, and only then gets its name: nobody
 * ever sees half of one, nor one without a lock while its owner lives.
 *
 * Threads: control's only. Errors: one line for the user. */
#ifndef SKUA_CONTROL_PUBLISH_CHANNEL_FILE_H
#define SKUA_CONTROL_PUBLISH_CHANNEL_FILE_H

#include "zones/abi/channel.h"

#include <stdbool.h>
#include <stddef.h>

struct channel_file {
	int fd; /* holds the lock */
	struct channel *channel;
};

bool channel_file_open(int runtime_fd, const char *runtime_dir, struct channel_file *file,
		       char *error, size_t error_size);
/* Gives up the lock; the file stays for a running dataplane. */
void channel_file_close(struct channel_file *file);

#endif
