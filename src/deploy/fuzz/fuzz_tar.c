/* Blocks of an archive that anybody may have written: a file below the folder, the end, or a refusal; what was read is written and read
 * again as the same. */
#include "base/fuzz/fuzz.h"
#include "deploy/backup/tar.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err_detail detail;
    for (size_t at = 0; at + DEPLOY_TAR_BLOCK <= size; at += DEPLOY_TAR_BLOCK) {
        struct deploy_tar_file file, again;
        uint8_t block[DEPLOY_TAR_BLOCK];
        bool end;
        int status = deploy_tar_parse(&file, &end, data + at, &detail);
        if (status == ERR_CORRUPT || (status == ERR_OK && end))
            continue;
        if (status != ERR_OK || !deploy_tar_name_is_safe(file.name) ||
            file.size > DEPLOY_TAR_SIZE_MAX)
            abort();
        if (deploy_tar_head(block, &file, 0, &detail) != ERR_OK)
            continue; /* its name was split where it need not be */
        if (deploy_tar_parse(&again, &end, block, &detail) != ERR_OK || end ||
            strcmp(again.name, file.name) != 0 || again.size != file.size)
            abort();
    }
    return 0;
}
