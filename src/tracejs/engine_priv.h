/* What the engine's two files share. */
#ifndef TRACEJS_ENGINE_PRIV_H
#define TRACEJS_ENGINE_PRIV_H

#include "tracejs/wire.h"

#include <duktape.h>

struct tracejs_frame {
    struct buf memory, input;
};

struct tracejs_engine {
    int stream, talk;
    duk_context *duk;
    struct tracejs_step step;     /* the last */
    struct buf message;           /* the last of the stream */
    struct buf found;             /* the last that was looked up */
    struct buf words;             /* the step's stack, the top first, 32 bytes each */
    struct tracejs_frame *frames; /* by depth; memory is the node's, kept up to date */
    uint32_t frame_count;
    size_t heap; /* bytes */
    bool threw;
};

/* The frame of the step. */
struct tracejs_frame *tracejs_frame_of(struct tracejs_engine *engine);
/* The engine of a context. */
struct tracejs_engine *tracejs_engine_of(duk_context *duk);

/* Puts the functions of the global object, and the objects `log` and `db`, which it leaves on the stack as properties of one object. */
void tracejs_push_natives(duk_context *duk);
/* A number as bigInt's, from 32 bytes. */
void tracejs_push_big(duk_context *duk, const uint8_t word[32]);
void tracejs_push_bytes(duk_context *duk, struct bytes bytes);

#endif
