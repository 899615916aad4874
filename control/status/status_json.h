/* status_json.h: a status as JSON: what /status answers and `skua status --json` prints.
 * Threads: any. */
#ifndef SKUA_CONTROL_STATUS_STATUS_JSON_H
#define SKUA_CONTROL_STATUS_STATUS_JSON_H

#include "control/status/status.h"

#include <jansson.h>

/* A new reference. */
json_t *status_to_json(const struct status *status);

#endif
