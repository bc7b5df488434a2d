/* The other end: runs a client's tracer, JavaScript with the objects that geth 1.10.3 gives it (eth/tracers/tracer.go). */
#ifndef TRACEJS_ENGINE_H
#define TRACEJS_ENGINE_H

#include <stddef.h>

enum {
    TRACEJS_HEAP_MAX = 256 << 20, /* bytes that JavaScript may take */
    TRACEJS_SECONDS_MAX = 120,    /* of processor time; the node ends it long before */
};

/* Serves the node until it closes its end; for the whole of a process (wire.h says what the two sockets are). Returns the exit
 * code. */
int tracejs_serve(int stream, int talk);

/* The library of large numbers (js/, generated). */
struct tracejs_script {
    const char *name;
    const unsigned char *text;
    size_t len;
};
extern const struct tracejs_script tracejs_scripts[];
extern const size_t tracejs_script_count;

#endif
