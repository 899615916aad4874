/* metrics.h: a status as Prometheus text (exposition format 0.0.4).
 * Threads: any. Source: https://prometheus.io/docs/instrumenting/exposition_formats/ */
#ifndef SKUA_CONTROL_STATUS_METRICS_H
#define SKUA_CONTROL_STATUS_METRICS_H

#include "control/status/status.h"

#include <stdio.h>

void metrics_write(FILE *out, const struct status *status);

#endif
