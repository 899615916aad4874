/* interface_watch.h: the kernel tells when interfaces or their addresses change.
 *
 * What has changed is looked up afresh (interface.h): a message may be lost, and the state of now
 * is what counts. Threads: the main thread. Source: rtnetlink(7). */
#ifndef SKUA_DATAPLANE_IO_INTERFACE_WATCH_H
#define SKUA_DATAPLANE_IO_INTERFACE_WATCH_H

#include <stdbool.h>

/* A descriptor that is readable once something has changed; -1: the kernel has none to give. */
int interface_watch_open(void);
/* Reads all that is there. True: the interface of that index was removed meanwhile, whatever has
 * that index now. fd -1 is fine. */
bool interface_watch_drain(int fd, unsigned index);
void interface_watch_close(int fd);

#endif
