/* words.h: what stands in one word of a dialogue: README.md. Threads: one. */
#ifndef SKUA_TESTS_DIALOGUES_WORDS_H
#define SKUA_TESTS_DIALOGUES_WORDS_H

#include "dataplane/answer/answer.h"

/* additional=off udp=600 nsid=here cookie=HEX … False: no such setting. */
bool setting_from_word(const char *word, struct image_settings *settings,
		       struct image_policy *policy, struct answer_state *state);

/* NAME or CODE, and what the option holds as hexadecimal digits: "nsid", "cookie:2464…",
 * "65001:abcd"; behind the name a blank does as well. Appends it. */
bool option_from_word(const char *word, uint8_t *options, size_t most, size_t *length);

/* Digits with blanks between them. Appends. */
bool octets_from_hex(const char *text, uint8_t *octets, size_t most, size_t *length);

/* COUNTERS: there is no such counter. */
enum counter counter_from_word(const char *word);

bool address_from_word(const char *word, uint8_t source[16], uint16_t *family);

#endif
