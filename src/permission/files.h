/*
 * permissioned-nodes.json and disallowed-nodes.json, kept in step with the contracts (GoQuorum, UpdatePermissionedNodes and
 * UpdateDisallowedNodes). A URL is in a file or not by its exact text.
 */
#ifndef PERMISSION_FILES_H
#define PERMISSION_FILES_H

#include "permission/events.h"

enum { PERMISSION_FILE_MAX = 4 << 20 }; /* bytes */

/* Changes the files of a folder. permissioned-nodes.json must be there (ERR_NOTFOUND), the other one is made. ERR_INPUT: one is
 * no array of strings; ERR_IO, ERR_NOSPACE, ERR_LIMIT, ERR_NOMEM. */
int permission_files_change(const char *folder, enum permission_node_change change, const char *url,
                            struct err_detail *detail) BASE_NODISCARD;

#endif
