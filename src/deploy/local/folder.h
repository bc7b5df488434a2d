/* Folders as a whole. */
#ifndef DEPLOY_LOCAL_FOLDER_H
#define DEPLOY_LOCAL_FOLDER_H

#include "base/error.h"

/* Removes a folder and all below it; links are not followed. One that is not there is fine. ERR_IO. */
int deploy_folder_remove(const char *path, struct err_detail *detail);

#endif
