/* Where tests find the public test suites, and how they walk and read them. */
#ifndef TESTS_SUPPORT_FIXTURES_H
#define TESTS_SUPPORT_FIXTURES_H

#include "base/buf.h"

#include <jansson.h>

/* The folder: $QUORATE_FIXTURES, or ../shared/fixtures beside the project. NULL when it is not
 * there. */
const char *fixtures_folder(void);

/* Skips the running cmocka test, naming what is missing and which public project has it, unless
 * `subfolder` of the fixtures is there. */
void fixtures_require(const char *subfolder, const char *public_source);

/* Calls fn for every .json file under `subfolder` (or for that one file), in the order of names.
 * Returns how many. */
size_t fixtures_each(const char *subfolder, void (*fn)(const char *path, void *context),
                     void *context);

/* The same for vectors of our own, which lie beside the tests; `subfolder` counts from the root of the
 * sources. */
size_t fixtures_each_own(const char *subfolder, void (*fn)(const char *path, void *context),
                         void *context);

/* The path of a file of the project itself. */
void fixtures_own_path(char *ret_path, size_t size, const char *name);

/* The parsed file; fails the test with path, line and cause when it is not JSON. Freed by
 * json_decref. */
json_t *fixtures_json(const char *path);

/* The decoded bytes of a hex string of `object` (0x optional); fails the test when it is none. `b`
 * is cleared first. False when the key is missing. */
bool fixtures_hex(const json_t *object, const char *key, struct buf *b);

#endif
