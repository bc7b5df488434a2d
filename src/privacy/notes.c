/* Notes to other parties' nodes over the managers (quorate-tm's alone: tm/api/note.c). */
#include "base/base64.h"
#include "privacy/internal.h"

#include <jansson.h>
#include <stdio.h>

static void write_field(struct buf *b, const char *name, struct bytes value)
{
    buf_append_format(b, "\"%s\":\"", name);
    buf_append_bytes(b, value); /* base64, or a topic */
    buf_append_text(b, "\",");
}

static bool is_base64(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '+' && c != '/' && c != '=')
            return false;
    }
    return true;
}

int privacy_note_send(struct privacy_tm *tm, const struct privacy_note *note, const char *topic,
                      struct err_detail *detail)
{
    struct buf body = BUF_INIT;
    struct privacy_answer answer = {.body = BUF_INIT};
    if (!is_base64(note->from) || !is_base64(note->to))
        return err_set(detail, PRIVACY_FAILED, "a party's key is no base64");
    buf_append_byte(&body, '{');
    write_field(&body, "from", note->from);
    write_field(&body, "to", note->to);
    write_field(&body, "topic", bytes_str(topic));
    buf_append_text(&body, "\"note\":\"");
    base64_append(&body, note->text);
    buf_append_text(&body, "\"}");
    int err = buf_status(&body);
    if (!err)
        err = privacy_ask_json(tm, &answer, "POST", "/note", buf_bytes(&body), detail);
    buf_release(&answer.body);
    buf_release(&body);
    return err;
}

static bool read_text(struct bytes *ret, const json_t *object, const char *name,
                      struct arena *arena, int *ret_err)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value))
        return false;
    *ret = arena_copy(arena, bytes_of(json_string_value(value), json_string_length(value)));
    if (!ret->data && json_string_length(value))
        *ret_err = ERR_NOMEM;
    return !*ret_err;
}

static bool read_note(struct privacy_note *note, const json_t *object, struct arena *arena,
                      int *ret_err)
{
    struct bytes text;
    size_t len;
    if (!read_text(&note->from, object, "from", arena, ret_err) ||
        !read_text(&note->to, object, "to", arena, ret_err) ||
        !read_text(&text, object, "note", arena, ret_err))
        return false;
    uint8_t *data = arena_alloc(arena, base64_room(text.len) + 1);
    if (!data)
        *ret_err = ERR_NOMEM;
    if (!data || !base64_decode_into(data, &len, text))
        return false;
    note->text = bytes_of(data, len);
    return true;
}

bool privacy_parse_notes(struct privacy_notes *ret_notes, struct bytes json, struct arena *arena,
                         int *ret_err)
{
    json_error_t error;
    *ret_err = 0;
    json_t *whole = json_loadb((const char *)json.data, json.len, JSON_DISABLE_EOF_CHECK, &error);
    json_t *list = json_object_get(whole, "notes");
    size_t count = json_array_size(list);
    struct privacy_note *notes = arena_alloc_zeroed(arena, count + 1, sizeof(*notes));
    bool good = notes && json_is_array(list);
    if (!notes)
        *ret_err = ERR_NOMEM;
    for (size_t i = 0; i < count && good; i++)
        good = read_note(&notes[i], json_array_get(list, i), arena, ret_err);
    if (good)
        *ret_notes = (struct privacy_notes){notes, count};
    json_decref(whole);
    return good;
}

int privacy_note_take(struct privacy_tm *tm, struct privacy_notes *ret_notes, const char *topic,
                      struct arena *arena, struct err_detail *detail)
{
    char path[128];
    struct privacy_answer answer;
    snprintf(path, sizeof(path), "/notes/%s", topic);
    int err = privacy_ask_json(tm, &answer, "GET", path, bytes_none(), detail);
    if (err == PRIVACY_FAILED && answer.status == 404)
        err = err_set(detail, ERR_UNSUPPORTED,
                      "this node's transaction manager takes no notes: that of Quorate does");
    else if (!err && !privacy_parse_notes(ret_notes, buf_bytes(&answer.body), arena, &err) && !err)
        err = err_set(detail, PRIVACY_FAILED,
                      "unable to decode response body for (method:GET,path:%s)", path);
    buf_release(&answer.body);
    return err;
}
