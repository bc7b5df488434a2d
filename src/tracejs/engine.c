#include "tracejs/engine.h"

#include "base/mem.h"
#include "tracejs/engine_priv.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum {
    TRACER,
    STATE
}; /* places on Duktape's stack: the client's object, and what is passed to it */

struct tracejs_engine *tracejs_engine_of(duk_context *duk)
{
    duk_memory_functions functions;
    duk_get_memory_functions(duk, &functions);
    return functions.udata;
}

/* --- The heap, with an end --- */

enum { SIZE_ROOM = 16 }; /* before each block, so that it stays aligned */

static void *heap_realloc(void *context, void *ptr, duk_size_t size)
{
    struct tracejs_engine *engine = context;
    uint8_t *block = ptr ? (uint8_t *)ptr - SIZE_ROOM : NULL;
    size_t old = 0;
    if (block)
        memcpy(&old, block, sizeof(old));
    if (size == 0) {
        mem_free(block);
        engine->heap -= old;
        return NULL;
    }
    if (size > old && size - old > TRACEJS_HEAP_MAX - engine->heap)
        return NULL;
    block = mem_realloc(block, size + SIZE_ROOM);
    if (!block)
        return NULL;
    engine->heap += size - old;
    memcpy(block, &size, sizeof(size));
    return block + SIZE_ROOM;
}

static void *heap_alloc(void *context, duk_size_t size)
{
    return size ? heap_realloc(context, NULL, size) : NULL;
}

static void heap_free(void *context, void *ptr)
{
    (void)heap_realloc(context, ptr, 0);
}

static void heap_fatal(void *context, const char *message)
{
    (void)context;
    (void)
        message; /* out of memory where nothing can be thrown: the node sees that the process is gone */
    _Exit(1);
}

/* --- What the node asks --- */

static int tell(struct tracejs_engine *engine, enum tracejs_kind kind)
{
    duk_size_t len;
    const char *text = duk_safe_to_lstring(engine->duk, -1, &len);
    return tracejs_send(engine->talk, kind, bytes_of(text, len));
}

static bool has(duk_context *duk, const char *name)
{
    bool found = duk_get_prop_string(duk, TRACER, name);
    duk_pop(duk);
    return found;
}

/* The source is one expression; ret: 0 or what it threw is on top of the stack. */
static duk_ret_t load(duk_context *duk, void *context)
{
    static const char *const wanted[] = {"step", "fault", "result"};
    const struct bytes *code = context;
    duk_push_string(duk, "(");
    duk_push_lstring(duk, (const char *)code->data, code->len);
    duk_push_string(duk, ")");
    duk_concat(duk, 3);
    duk_push_string(duk, "eval");
    duk_compile(duk, DUK_COMPILE_EVAL);
    duk_call(duk, 0);
    if (!duk_is_object(duk, -1))
        duk_to_object(duk, -1); /* of null and undefined it throws */
    for (size_t i = 0; i < BASE_COUNT(wanted); i++)
        if (!has(duk, wanted[i])) {
            duk_push_sprintf(duk, "trace object must expose a function %s()", wanted[i]);
            (void)duk_throw(duk);
        }
    for (size_t i = 0; i < tracejs_script_count; i++) {
        duk_push_lstring(duk, (const char *)tracejs_scripts[i].text, tracejs_scripts[i].len);
        duk_push_string(duk, tracejs_scripts[i].name);
        duk_compile(duk, 0);
        duk_call(duk, 0);
        duk_pop(duk);
    }
    tracejs_push_natives(duk);
    return 2; /* tracer and state */
}

static int begin(struct tracejs_engine *engine)
{
    struct bytes code = buf_bytes(&engine->message);
    int thrown = duk_safe_call(engine->duk, load, &code, 0, 2);
    if (!thrown) {
        duk_push_string(engine->duk, "");
        int status = tell(engine, TRACEJS_DONE);
        duk_pop(engine->duk);
        return status;
    }
    duk_pop(engine->duk);
    (void)tell(engine, TRACEJS_THROWN);
    return ERR_INPUT;
}

/* Calls one of the tracer's functions; what it gives, or throws, is on top of the stack. */
static bool call(duk_context *duk, const char *method, const char *first)
{
    duk_push_string(duk, method);
    duk_get_prop_string(duk, STATE, first);
    duk_get_prop_string(duk, STATE, "db");
    return duk_pcall_prop(duk, TRACER, 2) == DUK_EXEC_SUCCESS;
}

struct tracejs_frame *tracejs_frame_of(struct tracejs_engine *engine)
{
    static struct tracejs_frame none;
    return engine->step.depth < engine->frame_count ? &engine->frames[engine->step.depth] : &none;
}

static int make_frames(struct tracejs_engine *engine, uint32_t count)
{
    enum { MORE = 16 };
    if (count <= engine->frame_count)
        return ERR_OK;
    struct tracejs_frame *frames =
        mem_realloc(engine->frames, (count + MORE) * sizeof(*engine->frames));
    if (!frames)
        return ERR_NOMEM;
    memset(frames + engine->frame_count, 0,
           (count + MORE - engine->frame_count) * sizeof(*engine->frames));
    engine->frames = frames;
    engine->frame_count = count + MORE;
    return ERR_OK;
}

/* What came behind the step; `rest` is what is left of the message. */
static int take_frame(struct tracejs_engine *engine, struct bytes rest)
{
    const struct tracejs_step *step = &engine->step;
    size_t words = 32 * (size_t)step->stack_size;
    if (rest.len != words + step->patch_len + step->input_len || step->depth > 4096)
        return ERR_IO;
    buf_clear(&engine->words);
    buf_append_bytes(&engine->words, bytes_slice(rest, 0, words));
    int status = make_frames(engine, step->depth + 1);
    if (status != ERR_OK)
        return status;
    struct tracejs_frame *frame = tracejs_frame_of(engine);
    if (step->is_new_frame) {
        buf_clear(&frame->memory);
        buf_clear(&frame->input);
        buf_append_bytes(&frame->input,
                         bytes_slice(rest, words + step->patch_len, step->input_len));
    }
    size_t end = step->patch_at + step->patch_len;
    if (end > frame->memory.len) {
        size_t more = end - frame->memory.len;
        uint8_t *added = buf_extend(&frame->memory, more);
        if (added)
            memset(added, 0, more);
    }
    if (buf_status(&frame->memory) == ERR_OK && step->patch_len)
        memcpy(frame->memory.data + step->patch_at, rest.data + words, step->patch_len);
    status = buf_status(&frame->memory);
    if (status == ERR_OK)
        status = buf_status(&engine->words);
    return status != ERR_OK ? status : buf_status(&frame->input);
}

static int take_step(struct tracejs_engine *engine)
{
    struct bytes message = buf_bytes(&engine->message);
    if (message.len < sizeof(engine->step))
        return ERR_IO;
    memcpy(&engine->step, message.data, sizeof(engine->step));
    return take_frame(
        engine, bytes_slice(message, sizeof(engine->step), message.len - sizeof(engine->step)));
}

/* Only the error is another one than at the last step. */
static int take_fault(struct tracejs_engine *engine)
{
    engine->step.has_error = true;
    engine->step.waits = false;
    snprintf(engine->step.error, sizeof(engine->step.error), "%s", buf_text(&engine->message));
    return ERR_OK;
}

/* After the first that threw the tracer is shown no more. */
static int step(struct tracejs_engine *engine, const char *method)
{
    int status = ERR_OK;
    if (!engine->threw) {
        engine->threw = !call(engine->duk, method, "log");
        if (engine->threw) {
            /* The words around it are the reference's (wrapError). */
            duk_push_sprintf(engine->duk, "%s    in server-side tracer function '%s'",
                             duk_safe_to_string(engine->duk, -1), method);
            status = tell(engine, TRACEJS_THROWN_BEFORE);
            duk_pop(engine->duk);
        }
        duk_pop(engine->duk);
    }
    if (status == ERR_OK && engine->step.waits)
        status = tracejs_send(engine->talk, TRACEJS_DONE, bytes_none());
    return status;
}

/* --- The result --- */

static void put_number(duk_context *duk, const char *name, uint64_t number)
{
    duk_push_number(duk, (double)number);
    duk_put_prop_string(duk, -2, name);
}

static void put_bytes(duk_context *duk, const char *name, struct bytes bytes)
{
    tracejs_push_bytes(duk, bytes);
    duk_put_prop_string(duk, -2, name);
}

static void put_text(duk_context *duk, const char *name, const char *text)
{
    duk_push_string(duk, text);
    duk_put_prop_string(duk, -2, name);
}

static void put_big(duk_context *duk, const char *name, const uint8_t word[32])
{
    tracejs_push_big(duk, word);
    duk_put_prop_string(duk, -2, name);
}

static duk_ret_t put_context(duk_context *duk, void *context)
{
    struct bytes message = *(const struct bytes *)context;
    struct tracejs_context c;
    memcpy(&c, message.data, sizeof(c));
    message = bytes_slice(message, sizeof(c), message.len - sizeof(c));
    duk_push_object(duk);
    put_text(duk, "type", c.is_creation ? "CREATE" : "CALL");
    put_bytes(duk, "from", bytes_of(c.from.b, sizeof(c.from.b)));
    put_bytes(duk, "to", bytes_of(c.to.b, sizeof(c.to.b)));
    put_bytes(duk, "input", bytes_slice(message, 0, c.input_len));
    put_bytes(duk, "output", bytes_slice(message, c.input_len, c.output_len));
    put_number(duk, "gas", c.gas);
    put_number(duk, "gasUsed", c.gas_used);
    put_number(duk, "intrinsicGas", c.intrinsic_gas);
    put_number(duk, "block", c.block);
    put_big(duk, "value", c.value);
    put_big(duk, "gasPrice", c.gas_price);
    put_text(duk, "time", c.time);
    if (c.has_error)
        put_text(duk, "error", c.error);
    duk_put_prop_string(duk, STATE, "ctx");
    return 0;
}

static duk_ret_t to_json(duk_context *duk, void *context)
{
    (void)context;
    duk_json_encode(duk, -1);
    if (!duk_is_string(duk, -1)) { /* undefined, a function */
        duk_pop(duk);
        duk_push_string(duk, "null");
    }
    return 1;
}

static bool is_context(struct bytes message)
{
    struct tracejs_context c;
    if (message.len < sizeof(c))
        return false;
    memcpy(&c, message.data, sizeof(c));
    return c.input_len <= message.len && c.output_len <= message.len &&
           sizeof(c) + c.input_len + c.output_len == message.len;
}

static int result(struct tracejs_engine *engine)
{
    struct bytes message = buf_bytes(&engine->message);
    if (!is_context(message))
        return ERR_IO;
    bool fine = duk_safe_call(engine->duk, put_context, &message, 0, 1) == DUK_EXEC_SUCCESS;
    if (fine) {
        duk_pop(engine->duk);
        fine = call(engine->duk, "result", "ctx") &&
               duk_safe_call(engine->duk, to_json, NULL, 1, 1) == DUK_EXEC_SUCCESS;
    }
    int status = tell(engine, fine ? TRACEJS_DONE : TRACEJS_THROWN);
    duk_pop(engine->duk);
    return status;
}

/* --- Life --- */

static void set_limits(void)
{
    struct rlimit seconds = {TRACEJS_SECONDS_MAX, TRACEJS_SECONDS_MAX}, none = {0, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setrlimit(RLIMIT_CPU, &seconds);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_FSIZE, &none);
    setrlimit(RLIMIT_NPROC, &none);
}

static int serve_one(struct tracejs_engine *engine, enum tracejs_kind kind)
{
    int status = ERR_IO;
    switch (kind) {
    case TRACEJS_STEP:
        status = take_step(engine);
        return status == ERR_OK ? step(engine, "step") : status;
    case TRACEJS_FAULT:
        status = take_fault(engine);
        return status == ERR_OK ? step(engine, "fault") : status;
    case TRACEJS_RESULT:
        return result(engine);
    default:
        return status;
    }
}

int tracejs_serve(int stream, int talk)
{
    struct tracejs_engine engine = {.stream = stream, .talk = talk};
    enum tracejs_kind kind;
    set_limits();
    engine.duk = duk_create_heap(heap_alloc, heap_realloc, heap_free, &engine, heap_fatal);
    if (!engine.duk)
        return 1;
    int status = tracejs_receive(stream, &kind, &engine.message, 0);
    if (status == ERR_OK)
        status = kind == TRACEJS_CODE ? begin(&engine) : ERR_IO;
    while (status == ERR_OK) {
        status = tracejs_receive(stream, &kind, &engine.message, 0);
        if (status == ERR_OK)
            status = serve_one(&engine, kind);
    }
    duk_destroy_heap(engine.duk);
    for (uint32_t i = 0; i < engine.frame_count; i++) {
        buf_release(&engine.frames[i].memory);
        buf_release(&engine.frames[i].input);
    }
    mem_free(engine.frames);
    buf_release(&engine.message);
    buf_release(&engine.found);
    buf_release(&engine.words);
    return 0;
}
