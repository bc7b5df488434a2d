/* activeExtensions.json: any bytes are a list that is written and read again as the same text, or are refused with a message. */
#include "base/fuzz/fuzz.h"
#include "extension/list.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct extension_list list, again;
    struct err_detail detail = {""};
    struct buf text = BUF_INIT, second = BUF_INIT;
    if (extension_list_parse(&list, bytes_of(data, size), &detail) != ERR_OK) {
        if (detail.text[0] == '\0')
            abort();
        return 0;
    }
    extension_list_write(&text, &list);
    if (extension_list_parse(&again, buf_bytes(&text), &detail) != ERR_OK)
        abort();
    extension_list_write(&second, &again);
    if (!bytes_equal(buf_bytes(&text), buf_bytes(&second)))
        abort();
    extension_list_release(&list);
    extension_list_release(&again);
    buf_release(&text);
    buf_release(&second);
    return 0;
}
