/*
 * A folder that `quorate render` writes into again and again: it knows its own files from those of people, by a record in the folder.
 *
 *     .rendered.json            {"files": {path: SHA-256 or null}, "writing": {the same, while files are being written}}
 *     <org>/secrets/.rendered.json   {name: SHA-256}, mode 0600, of the files beside it: null above, since a hash says too much of a short
 *                                    password in a file that goes into git
 *
 * A file is its own as long as it holds what was written. What it no longer writes it removes; what a person has changed or added stays.
 */
#ifndef DEPLOY_KUBERNETES_RENDERED_H
#define DEPLOY_KUBERNETES_RENDERED_H

#include "deploy/kubernetes/files.h"

#define DEPLOY_RENDERED_RECORD ".rendered.json"

struct deploy_rendered {
    json_t *written;  /* paths: new, or with another content than before */
    json_t *replaced; /* of these, those that a person had changed or added */
    json_t *removed;  /* its own that are no longer of the network */
    json_t *kept;     /* the same, but a person has changed them */
    size_t unchanged;
    bool unknown; /* the folder had files, and no record of an earlier rendering */
};
void deploy_rendered_release(struct deploy_rendered *rendered);

/*
 * Makes `folder` hold `files`. Interrupted and done again, with these files or others, it completes. ERR_EXISTS, and nothing is
 * written: a person has changed or added one of the files; with `overwrite` it is replaced, and changed ones are removed too.
 * ERR_CORRUPT (the record), ERR_IO, ERR_NOSPACE, ERR_NOMEM. `*ret` is released by the caller in any case.
 */
int deploy_rendered_apply(struct deploy_rendered *ret, const struct deploy_files *files,
                          const char *folder, bool overwrite,
                          struct err_detail *detail) BASE_NODISCARD;

#endif
