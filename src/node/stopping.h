/* Signals while the node is taken down: who is impatient is told how many more end it at once, as geth's users know it. */
#ifndef NODE_STOPPING_H
#define NODE_STOPPING_H

enum { NODE_IMPATIENT_SIGNALS = 10 }; /* after the first (GoQuorum, cmd/utils/cmd.go) */

/* Takes SIGINT and SIGTERM from whoever had them, until the program ends: each is told, and the last of NODE_IMPATIENT_SIGNALS ends
 * it with code 2. What was acknowledged is durable all the same. */
void node_stopping_begin(void);
/* Around what gives the signals back to the system: between the two they wait, provided that no other thread runs. */
void node_stopping_hold(void);
void node_stopping_release(void);

#endif
