/* Enclaves with keys that a test can name. */
#ifndef TM_TEST_ENCLAVE_KIT_H
#define TM_TEST_ENCLAVE_KIT_H

#include "tm/enclave/enclave.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka comes last, it needs those
#include <cmocka.h>

/* NaCl, with `count` new keys. */
struct tm_enclave *kit_enclave(size_t count);
/* With the keys of TM n of a recorded network. */
struct tm_enclave *kit_recorded_enclave(const json_t *network, size_t n);
void kit_add_key(struct tm_enclave *enclave, const char *public_key, const char *private_key);
/* The bytes of a base64 member, or of a text; in the arena. */
struct bytes kit_base64(struct arena *arena, const json_t *text);

#endif
