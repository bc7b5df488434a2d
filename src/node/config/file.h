/* --config FILE and dumpconfig: one table of geth's configuration keys, each with the flag that says the same. */
#ifndef NODE_CONFIG_FILE_H
#define NODE_CONFIG_FILE_H

#include "node/config/config.h"

/* Sets what the file says; flags are read afterwards and win. Texts live as long as the program. ERR_NOTFOUND,
 * ERR_INPUT: "<file>, line 3: field 'x' is not defined in ethconfig.Config", …; ERR_NOMEM. */
int node_config_file_read(struct node_config *config, const char *path,
                          struct err_detail *detail) BASE_NODISCARD;

/* The configuration as such a file, with geth's keys in geth's order. */
void node_config_file_write(struct buf *b, const struct node_config *config);

#endif
