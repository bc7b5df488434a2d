/*
 * `deploy` is the operator: the program `quorate`, which turns a network.yaml into a running network.
 *
 *     network/    the file: reading, checking, what it means
 *     genesis/    block 0 of a new network
 *     secrets/    where key material is kept;  keys/  what is kept there
 *     backup/     peers in one file, and back
 *     local/      a network on this machine: its folder, its processes, who supervises them
 *     kubernetes/ a network on clusters: what it is made of, as files and for real
 *     commands/   one file a command
 *
 * It speaks with nodes and transaction managers as any client does, and never links them.
 */
#ifndef DEPLOY_DEPLOY_H
#define DEPLOY_DEPLOY_H

#include "base/commands.h"

extern const struct commands_command deploy_attach;
extern const struct commands_command deploy_backup_command;
extern const struct commands_command deploy_demo;
extern const struct commands_command deploy_doctor;
extern const struct commands_command deploy_bundle_command;
extern const struct commands_command deploy_check;
extern const struct commands_command deploy_add_org;
extern const struct commands_command deploy_add_peer;
extern const struct commands_command deploy_remove_peer;
extern const struct commands_command deploy_demote;
extern const struct commands_command deploy_promote;
extern const struct commands_command deploy_init;
extern const struct commands_command deploy_keys;
extern const struct commands_command deploy_plan;
extern const struct commands_command deploy_render_command;
extern const struct commands_command deploy_restart;
extern const struct commands_command deploy_restore_command;
extern const struct commands_command deploy_schema;
extern const struct commands_command deploy_up;
extern const struct commands_command deploy_upgrade;
extern const struct commands_command deploy_down;
extern const struct commands_command deploy_status;
extern const struct commands_command deploy_logs;

/* The program: argv as main gets it. Returns the exit code. */
int deploy_main(int argc, char **argv);

/* "quorate: <message>" on standard error; the exit code (commands_complain). */
int deploy_complain(int code, const struct err_detail *detail);
/* The exit code of a command that ended with a status: 0, or complaint. */
int deploy_end(int status, const struct err_detail *detail);
/* Complaint about a command line. */
int deploy_refuse(const char *why);

#endif
