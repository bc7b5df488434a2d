#include "console/engine.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "console/text.h"
#include "crypto/keccak.h"

#include <duktape.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct timer {
    unsigned id; /* 0: free */
    uint64_t due, every;
};

struct console_engine {
    struct console_engine_options options;
    duk_context *duk;
    struct timer timers[CONSOLE_TIMERS_MAX];
    unsigned last_timer;
    size_t timer_count; /* slots in use, from the front */
};

/* --- The heap --- */

static void *heap_alloc(void *context, duk_size_t size)
{
    (void)context;
    return size ? mem_alloc(size) : NULL;
}

static void *heap_realloc(void *context, void *ptr, duk_size_t size)
{
    (void)context;
    if (size)
        return mem_realloc(ptr, size);
    mem_free(ptr);
    return NULL;
}

static void heap_free(void *context, void *ptr)
{
    (void)context;
    mem_free(ptr);
}

/* Only for errors outside of a protected call, of which there are none but a lack of memory for the first page. */
static void heap_fatal(void *context, const char *message)
{
    (void)context;
    fprintf(stderr, "Fatal: the JavaScript engine: %s\n", message ? message : "failed");
    exit(1);
}

static struct console_engine *self(duk_context *duk)
{
    duk_memory_functions functions;
    duk_get_memory_functions(duk, &functions);
    return functions.udata;
}

/* --- Texts --- */

static void push_text(duk_context *duk, struct bytes utf8)
{
    struct buf b = BUF_INIT;
    console_text_to_engine(&b, utf8);
    duk_push_lstring(duk, buf_text(&b), b.len);
    buf_release(&b);
}

/* The string at `index` as UTF-8. */
static void get_text(duk_context *duk, duk_idx_t index, struct buf *ret_text)
{
    duk_size_t len;
    const char *text = duk_require_lstring(duk, index, &len);
    console_text_from_engine(ret_text, bytes_of(text, len));
}

static void print_line(duk_context *duk, duk_idx_t index)
{
    struct buf b = BUF_INIT;
    get_text(duk, index, &b);
    buf_append_byte(&b, '\n');
    fwrite(b.data, 1, b.len, stdout);
    fflush(stdout);
    buf_release(&b);
}

/* --- Natives --- */

static duk_ret_t native_send(duk_context *duk)
{
    struct console_engine *engine = self(duk);
    struct buf request = BUF_INIT, answer = BUF_INIT;
    struct err_detail detail = {""};
    get_text(duk, 0, &request);
    int status = console_client_ask(engine->options.client, &answer, buf_bytes(&request), &detail);
    buf_release(&request);
    if (status == ERR_OK)
        push_text(duk, buf_bytes(&answer));
    buf_release(&answer);
    if (status != ERR_OK)
        return duk_error(duk, DUK_ERR_ERROR, "%s", detail.text);
    return 1;
}

static duk_ret_t native_print(duk_context *duk)
{
    print_line(duk, 0);
    return 0;
}

static duk_ret_t native_keccak(duk_context *duk)
{
    struct buf data = BUF_INIT;
    struct hash256 hash;
    char text[64];
    int status = hex_decode(duk_require_string(duk, 0), &data);
    if (status == ERR_OK)
        crypto_keccak256(&hash, buf_bytes(&data));
    buf_release(&data);
    if (status != ERR_OK)
        return duk_error(duk, DUK_ERR_ERROR, "these are no hexadecimal digits");
    hex_encode(text, bytes_of(hash.b, 32));
    duk_push_lstring(duk, text, sizeof(text));
    return 1;
}

static duk_ret_t native_sleep(duk_context *duk)
{
    double seconds = duk_require_number(duk, 0);
    if (seconds > 0 && seconds < 1e9) {
        struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
        nanosleep(&t, NULL);
    }
    return 0;
}

/* The name of the time zone at a moment: UTC, CET. */
static duk_ret_t native_zone(duk_context *duk)
{
    double ms = duk_require_number(duk, 0);
    time_t seconds = ms > -9e15 && ms < 9e15 ? (time_t)(ms / 1000) : 0;
    struct tm tm;
    char name[32] = "";
    localtime_r(&seconds, &tm);
    strftime(name, sizeof(name), "%Z", &tm);
    duk_push_string(duk, name);
    return 1;
}

static bool run_file(struct console_engine *engine, const char *path, struct err_detail *detail);

static duk_ret_t native_run(duk_context *duk)
{
    struct err_detail detail = {""};
    if (!run_file(self(duk), duk_require_string(duk, 0), &detail))
        return duk_error(duk, DUK_ERR_ERROR, "%s", detail.text);
    return 1;
}

static duk_ret_t native_ask(duk_context *duk)
{
    const struct console_engine *engine = self(duk);
    const char *answer = engine->options.ask ? engine->options.ask(engine->options.context,
                                                                   duk_require_string(duk, 0),
                                                                   duk_to_boolean(duk, 1))
                                             : NULL;
    if (!answer)
        return 0;
    push_text(duk, bytes_str(answer));
    return 1;
}

static duk_ret_t native_clear_history(duk_context *duk)
{
    const struct console_engine *engine = self(duk);
    if (engine->options.clear_history)
        engine->options.clear_history(engine->options.context);
    return 0;
}

/* timer(f, ms, again, arguments): f and its arguments stand in the stash under the timer's number. */
static duk_ret_t native_timer(duk_context *duk)
{
    struct console_engine *engine = self(duk);
    double ms = duk_to_number(duk, 1);
    uint64_t wait = ms > 0 && ms < 1e12 ? (uint64_t)ms : 0;
    size_t slot = 0;
    while (slot < engine->timer_count && engine->timers[slot].id)
        slot++;
    if (slot == CONSOLE_TIMERS_MAX)
        return duk_error(duk, DUK_ERR_RANGE_ERROR, "there are %d timers already",
                         CONSOLE_TIMERS_MAX);
    duk_require_function(duk, 0);
    duk_push_heap_stash(duk);
    duk_push_array(duk);
    duk_dup(duk, 0);
    duk_put_prop_index(duk, -2, 0);
    duk_dup(duk, 3);
    duk_put_prop_index(duk, -2, 1);
    duk_put_prop_index(duk, -2, ++engine->last_timer);
    if (slot == engine->timer_count)
        engine->timer_count++;
    engine->timers[slot] = (struct timer){engine->last_timer, base_now_ms() + wait,
                                          duk_to_boolean(duk, 2) ? (wait ? wait : 1) : 0};
    duk_push_uint(duk, engine->last_timer);
    return 1;
}

static void forget_timer(struct console_engine *engine, struct timer *timer)
{
    duk_push_heap_stash(engine->duk);
    duk_del_prop_index(engine->duk, -1, timer->id);
    duk_pop(engine->duk);
    timer->id = 0;
}

static duk_ret_t native_clear_timer(duk_context *duk)
{
    struct console_engine *engine = self(duk);
    unsigned id = duk_to_uint(duk, 0);
    for (size_t i = 0; i < engine->timer_count; i++)
        if (engine->timers[i].id == id && id)
            forget_timer(engine, &engine->timers[i]);
    return 0;
}

static duk_ret_t native_clear_timers(duk_context *duk)
{
    struct console_engine *engine = self(duk);
    for (size_t i = 0; i < engine->timer_count; i++)
        if (engine->timers[i].id)
            forget_timer(engine, &engine->timers[i]);
    return 0;
}

static const duk_function_list_entry natives[] = {
    {"send", native_send, 1},
    {"print", native_print, 1},
    {"keccak", native_keccak, 1},
    {"sleep", native_sleep, 1},
    {"zone", native_zone, 1},
    {"run", native_run, 1},
    {"ask", native_ask, 2},
    {"clearHistory", native_clear_history, 0},
    {"timer", native_timer, 4},
    {"clearTimer", native_clear_timer, 1},
    {"clearTimers", native_clear_timers, 0},
    {NULL, NULL, 0},
};

/* --- Running --- */

/* Leaves the value, or what was thrown, on the stack. */
static bool compile_and_run(duk_context *duk, const char *name, struct bytes text)
{
    struct buf b = BUF_INIT;
    console_text_to_engine(&b, text);
    duk_push_string(duk, name);
    bool compiled = duk_pcompile_lstring_filename(duk, 0, buf_text(&b), b.len) == 0;
    buf_release(&b);
    return compiled && duk_pcall(duk, 0) == 0;
}

static duk_ret_t as_text(duk_context *duk, void *which)
{
    duk_get_global_string(duk, "__pretty");
    duk_get_prop_string(duk, -1, which);
    duk_dup(duk, -3);
    duk_call(duk, 1);
    duk_to_string(duk, -1);
    return 1;
}

/* Replaces the value on top by how it is printed. */
static void make_pretty(duk_context *duk, bool thrown)
{
    const char *which = thrown ? "error" : "value";
    if (duk_safe_call(duk, as_text, (void *)(uintptr_t)which, 1, 1) != DUK_EXEC_SUCCESS)
        duk_safe_to_string(duk, -1);
}

void console_engine_evaluate(struct console_engine *engine, struct bytes text)
{
    duk_context *duk = engine->duk;
    bool ok = compile_and_run(duk, "<eval>", text);
    make_pretty(duk, !ok);
    print_line(duk, -1);
    duk_pop(duk);
}

bool console_engine_text(struct console_engine *engine, struct buf *ret_text, const char *code)
{
    bool ok = compile_and_run(engine->duk, "<console>", bytes_str(code));
    duk_safe_to_string(engine->duk, -1);
    get_text(engine->duk, -1, ret_text);
    duk_pop(engine->duk);
    return ok;
}

enum { SCRIPT_PATH_MAX = 4096 };

static void find_script(char ret_path[SCRIPT_PATH_MAX], const struct console_engine *engine,
                        const char *name)
{
    const char *root = name[0] == '/' ? NULL : engine->options.docroot;
    snprintf(ret_path, SCRIPT_PATH_MAX, "%s%s%s", root ? root : "", root ? "/" : "", name);
}

/* Leaves the last value on the stack, and nothing when it fails. */
static int run_script(struct console_engine *engine, const char *name, struct err_detail *detail)
{
    char full[SCRIPT_PATH_MAX];
    struct buf text = BUF_INIT;
    find_script(full, engine, name);
    int status = file_read(full, CONSOLE_SCRIPT_MAX, &text, detail);
    if (status == ERR_NOTFOUND)
        err_set(detail, status, "open %.300s: no such file or directory", full);
    if (status == ERR_OK) {
        if (!compile_and_run(engine->duk, full, buf_bytes(&text))) {
            status = err_set(detail, ERR_INPUT, "%.480s", duk_safe_to_string(engine->duk, -1));
            duk_pop(engine->duk);
        }
    }
    buf_release(&text);
    return status;
}

int console_engine_run_file(struct console_engine *engine, const char *path,
                            struct err_detail *detail)
{
    int status = run_script(engine, path, detail);
    if (status == ERR_OK)
        duk_pop(engine->duk);
    return status;
}

/* For loadScript: in the words of geth's. */
static bool run_file(struct console_engine *engine, const char *name, struct err_detail *detail)
{
    char path[SCRIPT_PATH_MAX];
    find_script(path, engine, name);
    int status = run_script(engine, name, detail);
    if (status == ERR_INPUT)
        err_prefix(detail, status, "Error while compiling or running script");
    else if (status != ERR_OK)
        err_prefix(detail, status, "Could not read file %.300s", path);
    return status == ERR_OK;
}

/* --- Timers --- */

static duk_ret_t fire(duk_context *duk, void *context)
{
    const unsigned *id = context;
    duk_push_heap_stash(duk);
    duk_get_prop_index(duk, -1, *id);
    duk_get_prop_index(duk, -1, 0);
    duk_push_string(duk, "apply");
    duk_push_undefined(duk);
    duk_get_prop_index(duk, -4, 1);
    duk_call_prop(duk, -4, 2);
    return 0;
}

int console_engine_timers(struct console_engine *engine)
{
    uint64_t now = base_now_ms(), next = UINT64_MAX;
    for (size_t i = 0; i < engine->timer_count; i++) {
        struct timer *t = &engine->timers[i];
        unsigned id = t->id;
        if (id && t->due <= now) {
            if (t->every)
                t->due = now + t->every;
            if (duk_safe_call(engine->duk, fire, &id, 0, 1) != DUK_EXEC_SUCCESS) {
                make_pretty(engine->duk, true);
                print_line(engine->duk, -1);
            }
            duk_pop(engine->duk);
            if (!t->every && t->id == id)
                forget_timer(engine, t);
        }
        if (t->id && t->due < next)
            next = t->due;
    }
    return next == UINT64_MAX ? -1
           : next > now       ? (int)(next - now < 60000 ? next - now : 60000)
                              : 0;
}

/* --- Completion --- */

static const char complete_code[] =
    "(function (word) {"
    "  var parts = word.split('.'), last = parts.pop(), at = this, found = [];"
    "  for (var i = 0; i < parts.length; i++) {"
    "    at = at[parts[i]];"
    "    if (at === undefined || at === null) return '';"
    "  }"
    "  for (var o = Object(at); o; o = Object.getPrototypeOf(o))"
    "    Object.getOwnPropertyNames(o).forEach(function (k) {"
    "      if (k.indexOf(last) === 0 && k.charAt(0) !== '_' && found.indexOf(k) < 0 &&"
    "          (o !== Object.prototype || last)) found.push(k);"
    "    });"
    "  found.sort();"
    "  if (found.length === 1 && found[0] === last) {"
    "    var v = at[last];"
    "    if (typeof v === 'function') found[0] += '(';"
    "    else if (typeof v === 'object' && v !== null) found[0] += '.';"
    "  }"
    "  return found.map(function (k) { return parts.concat(k).join('.'); }).join('\\n');"
    "}).call(this, __word)";

void console_engine_complete(struct console_engine *engine, struct buf *ret_words, const char *word)
{
    struct buf text = BUF_INIT;
    push_text(engine->duk, bytes_str(word));
    duk_put_global_string(engine->duk, "__word");
    if (console_engine_text(engine, &text, complete_code))
        buf_append_bytes(ret_words, buf_bytes(&text));
    buf_release(&text);
}

/* --- Making --- */

static duk_ret_t put_natives(duk_context *duk, void *context)
{
    const struct console_engine *engine = context;
    duk_push_object(duk);
    duk_put_function_list(duk, -1, natives);
    duk_push_boolean(duk, engine->options.colour);
    duk_put_prop_string(duk, -2, "colour");
    duk_put_global_string(duk, "__native");
    return 0;
}

int console_engine_new(struct console_engine **ret_engine,
                       const struct console_engine_options *options, struct err_detail *detail)
{
    struct console_engine *engine = mem_alloc_zeroed(1, sizeof(*engine));
    if (!engine)
        return err_set(detail, ERR_NOMEM, "out of memory");
    engine->options = *options;
    engine->duk = duk_create_heap(heap_alloc, heap_realloc, heap_free, engine, heap_fatal);
    if (!engine->duk) {
        mem_free(engine);
        return err_set(detail, ERR_NOMEM, "out of memory");
    }
    int status = ERR_OK;
    if (duk_safe_call(engine->duk, put_natives, engine, 0, 1) != DUK_EXEC_SUCCESS)
        status = err_set(detail, ERR_NOMEM, "out of memory");
    duk_pop(engine->duk);
    for (size_t i = 0; status == ERR_OK && i < console_script_count; i++) {
        const struct console_script *script = &console_scripts[i];
        if (!compile_and_run(engine->duk, script->name, bytes_of(script->text, script->len)))
            status = err_set(detail, ERR_INPUT, "%s: %.400s", script->name,
                             duk_safe_to_string(engine->duk, -1));
        duk_pop(engine->duk);
    }
    if (status == ERR_OK)
        *ret_engine = engine;
    else
        console_engine_free(engine);
    return status;
}

void console_engine_free(struct console_engine *engine)
{
    if (!engine)
        return;
    duk_destroy_heap(engine->duk);
    mem_free(engine);
}
