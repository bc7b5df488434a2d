/* The model, read from the contracts. */
#ifndef PERMISSION_LOAD_H
#define PERMISSION_LOAD_H

#include "permission/ask.h"
#include "permission/model.h"

/* Replaces the model's content by all records of the managers. On a failure it has a part of them, and `detail` names the
 * question. */
int permission_load(struct permission_asker *asker, struct permission_model *model,
                    const struct permission_config *config, bool raft,
                    struct err_detail *detail) BASE_NODISCARD;

#endif
