/* Where a JSON value ends, in a buffer that grows: between a unix socket's answers stands nothing else. Pure. */
#ifndef CONSOLE_JSON_END_H
#define CONSOLE_JSON_END_H

#include "base/bytes.h"

enum console_json {
    CONSOLE_JSON_MORE, /* not complete */
    CONSOLE_JSON_DONE,
    CONSOLE_JSON_BAD, /* neither an object nor an array */
};

/* How far the first JSON value of `data` reaches; scanning goes on where it stopped. Zeroed before the first call. */
struct console_scan {
    size_t at, depth;
    bool in_string, escaped;
};

enum console_json console_json_end(struct console_scan *scan, struct bytes data);

#endif
