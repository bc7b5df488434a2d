/* The commands on networks whose organizations have `k8s`: what `up`, `plan`, `status`, … turn to when the file, or the
 * data folder, is of such a network. */
#ifndef DEPLOY_COMMANDS_CLUSTER_H
#define DEPLOY_COMMANDS_CLUSTER_H

#include "deploy/kubernetes/target.h"

/* Options that these commands have beside their own. */
struct deploy_cluster_words {
    const char *data, *image, *database_image, *charts, *checkout;
    uint64_t wait_seconds;
};

enum { DEPLOY_CLUSTER_WAIT_SECONDS = 900 }; /* images are pulled, volumes are made */

#define DEPLOY_CLUSTER_ROWS(words)                                                                 \
    {"image", "NAME:TAG", OPTIONS_TEXT, &(words).image,                                            \
     "on clusters: the image of all our programs (default: quorate in the file's registry)"},      \
        {"database-image", "NAME:TAG", OPTIONS_TEXT, &(words).database_image,                      \
         "on clusters: the image of the managers' databases (default: the chart's)"},              \
        {"charts", "FOLDER", OPTIONS_TEXT, &(words).charts,                                        \
         "on clusters: where the charts are (default charts)"},                                    \
        {"git", "CHECKOUT", OPTIONS_TEXT, &(words).checkout,                                       \
         "on clusters: write releases into this checkout and push them, for Flux, instead of "     \
         "installing them"}

/* ERR_USAGE when one of them was given and the network is on this machine. */
int deploy_cluster_unused(const struct deploy_cluster_words *words,
                          struct err_detail *detail) BASE_NODISCARD;

/* Whether a network file is for clusters; false for one that cannot be read, whose errors are then told as usual. */
bool deploy_cluster_is(const char *path);
/* Whether the network in a data folder is; its file's path. */
bool deploy_cluster_was(char *ret_path, const char *data);

/* What a plan prints for scripts: {"file", "changes", "warnings", "problems"}. `changes` is borrowed. */
int deploy_plan_print(const json_t *changes, const struct deploy_report *report,
                      struct err_detail *detail) BASE_NODISCARD;

/* Each returns the exit code. */
int deploy_cluster_run_up(const char *path, const struct deploy_cluster_words *words);
int deploy_cluster_run_plan(const char *path, const struct deploy_cluster_words *words,
                            bool as_json);
/* An organization that is in the file already is brought up beside the others. */
int deploy_cluster_run_add(const char *path, const struct deploy_cluster_words *words,
                           const char *organization);
int deploy_cluster_run_status(const char *path, const char *data, bool as_json);
int deploy_cluster_run_doctor(const char *path, const char *data);
int deploy_cluster_run_down(const char *path, const char *data, bool purge);

/* Changes of a network that runs (change_cluster.c): each alters the file, then does what `up` does with it. Images that
 * are not named are those that run. */
int deploy_cluster_run_add_peer(const char *path, const struct deploy_cluster_words *words,
                                const char *organization, const char *peer, bool validator);
int deploy_cluster_run_remove_peer(const char *path, const struct deploy_cluster_words *words,
                                   const char *name);
int deploy_cluster_run_vote(const char *path, const struct deploy_cluster_words *words,
                            const char *name, bool in);

#endif
