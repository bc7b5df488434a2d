/* Files that are made in memory first, so that what would be refused is refused before any is written. */
#ifndef DEPLOY_KUBERNETES_FILES_H
#define DEPLOY_KUBERNETES_FILES_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

enum { DEPLOY_FILES_PATH_MAX = 512 };

struct deploy_file {
    char path[DEPLOY_FILES_PATH_MAX]; /* below the folder that all are written to */
    struct buf content;
    bool secret; /* mode 0600, in a folder of mode 0700 */
};

struct deploy_files {
    struct deploy_file *items;
    size_t count, capacity;
};
#define DEPLOY_FILES_INIT {NULL, 0, 0}

/* Wipes, too. */
void deploy_files_release(struct deploy_files *files);

/* "<folder>/<file>", a copy of `text`. ERR_NOMEM, ERR_LIMIT (a path too long). */
int deploy_files_add(struct deploy_files *files, const char *folder, const char *file,
                     struct bytes text, bool secret, struct err_detail *detail) BASE_NODISCARD;
/* The same of a model, as YAML or as JSON. */
int deploy_files_add_yaml(struct deploy_files *files, const char *folder, const char *file,
                          const json_t *value, bool secret,
                          struct err_detail *detail) BASE_NODISCARD;
int deploy_files_add_json(struct deploy_files *files, const char *folder, const char *file,
                          const json_t *value, struct err_detail *detail) BASE_NODISCARD;

/* NULL: none of that path. */
const struct deploy_file *deploy_files_find(const struct deploy_files *files, const char *path);

/* Writes one below `folder`, whatever is there. ERR_IO, ERR_NOSPACE, ERR_EXISTS (a file in a folder's place). */
int deploy_files_write_one(const struct deploy_file *file, const char *folder,
                           struct err_detail *detail) BASE_NODISCARD;
/* Writes all. */
int deploy_files_write(const struct deploy_files *files, const char *folder,
                       struct err_detail *detail) BASE_NODISCARD;

#endif
