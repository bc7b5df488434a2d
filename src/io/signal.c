#include "io/signal.h"

#include "base/mem.h"
#include "io/internal.h"

struct io_signal {
    uv_signal_t uv;
    io_fn *fn;
    void *context;
};

static void on_signal(uv_signal_t *uv, int signum)
{
    (void)signum;
    struct io_signal *sig = uv->data;
    sig->fn(sig->context);
}

static void on_close(uv_handle_t *handle)
{
    mem_free(handle->data);
}

int io_signal_new(struct io_signal **ret_signal, struct io_loop *loop, int signum, io_fn *fn,
                  void *context)
{
    struct io_signal *sig = mem_alloc_zeroed(1, sizeof(*sig));
    if (!sig)
        return ERR_NOMEM;
    sig->fn = fn;
    sig->context = context;
    if (uv_signal_init(&loop->uv, &sig->uv) < 0) {
        mem_free(sig);
        return ERR_IO;
    }
    sig->uv.data = sig;
    if (uv_signal_start(&sig->uv, on_signal, signum) < 0) {
        uv_close((uv_handle_t *)&sig->uv, on_close);
        return ERR_IO;
    }
    *ret_signal = sig;
    return 0;
}

void io_signal_free(struct io_signal *sig)
{
    if (sig)
        uv_close((uv_handle_t *)&sig->uv, on_close);
}
