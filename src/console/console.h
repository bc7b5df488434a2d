/*
 * `console` is geth's JavaScript console: an embedded engine (Duktape), a web3-shaped library of our own in js/, and a
 * client that asks a node by unix socket, HTTP or WebSocket.
 *
 *   console.h       this file: a whole session
 *   client.h        requests and answers, one at a time; wire.h the formats of the two web transports
 *   engine.h        JavaScript: natives, scripts, printing, timers
 *   terminal.c      the prompt: editing, history, completion
 *   js/             bignumber.js, pretty.js, web3.js, namespaces.js (the table of methods), contract.js
 *
 * It blocks, and knows nothing of the node it talks to.
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include "console/client.h"

/* Texts are borrowed. NULL: not given. */
struct console_options {
    struct console_client_options client;
    const char *exec;     /* a statement whose value is printed; else a session at the terminal */
    const char *print;    /* a statement whose value, a text, is printed as it is; ends */
    const char *preload;  /* scripts to run before, separated by commas */
    const char *docroot;  /* where relative names of scripts begin; NULL: the current folder */
    const char *history;  /* file of what was typed */
    char *const *scripts; /* run these and end (`js`) */
    size_t script_count;
};

/* Connects, runs, ends. ERR_IO "dial unix …: connect: …", …: connecting failed; ERR_INPUT: a script did. What a
 * statement throws is printed and is no failure, as in geth. */
int console_run(const struct console_options *options, struct err_detail *detail) BASE_NODISCARD;

#endif
