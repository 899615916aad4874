/* runtime_files.h: an instance as the files in its runtime directory show it, without asking it.
 *
 * Whoever wrote a file holds a lock on it as long as it lives (zones/abi/channel.h).
 * Threads: one. Ownership: copies, taken at one moment; they stay until
 * runtime_files_close(). */
#ifndef SKUA_CONTROL_CLI_RUNTIME_FILES_H
#define SKUA_CONTROL_CLI_RUNTIME_FILES_H

#include "zones/abi/channel.h"

#include <stdbool.h>

struct runtime_files {
	struct dataplane_file *dataplane; /* of a dataplane that runs, else NULL */
	struct channel *channel;	  /* there may be one without control */
	bool control_runs;
	const char *mismatch; /* why a file that is there can't be read, or NULL */
};

void runtime_files_open(const char *runtime_dir, struct runtime_files *files);
void runtime_files_close(struct runtime_files *files);

/* Gives back the memory of an instance that has stopped: removes its arenas, wherever they lie,
 * and the file of a dataplane that may not do so itself.
 * Does nothing while control or dataplane lives. The channel stays, so that generations go on
 * growing.
 */
void runtime_files_sweep(const char *runtime_dir);

#endif
