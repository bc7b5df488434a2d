#include "node/stopping.h"

#include "node/log/log.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

static sem_t arrived;
static bool watched;

static void on_signal(int number)
{
    (void)number;
    sem_post(&arrived); /* nothing else may be done here: the log has a lock */
}

static void take_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    if (!watched)
        return;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void *watch(void *context)
{
    (void)context;
    for (unsigned left = NODE_IMPATIENT_SIGNALS; left > 0;) {
        if (sem_wait(&arrived) != 0)
            continue;
        if (--left)
            NODE_LOG(NODE_LOG_WARN, "Already shutting down, interrupt more to panic.",
                     node_number("times", left));
    }
    static const char panic[] = "panic: boom\n";
    ssize_t written = write(STDERR_FILENO, panic, sizeof(panic) - 1);
    (void)written;
    _exit(2);
}

static void mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(how, &set, NULL);
}

void node_stopping_begin(void)
{
    pthread_t thread;
    mask(SIG_BLOCK); /* the thread is none that a signal could end */
    watched = sem_init(&arrived, 0, 0) == 0 && pthread_create(&thread, NULL, watch, NULL) == 0;
    if (watched)
        pthread_detach(thread);
    take_signals();
    mask(SIG_UNBLOCK);
}

void node_stopping_hold(void)
{
    mask(SIG_BLOCK);
}

void node_stopping_release(void)
{
    take_signals();
    mask(SIG_UNBLOCK);
}
