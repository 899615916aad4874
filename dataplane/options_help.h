/* options_help.h: what --help prints. */
#ifndef SKUA_DATAPLANE_OPTIONS_HELP_H
#define SKUA_DATAPLANE_OPTIONS_HELP_H

extern const char options_help[];

#endif
