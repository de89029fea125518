#include <gmime/gmime.h>

// GObject's type tests and casts are macros, which Swift cannot call.
typedef enum {
    SHIM_PART_NONE, SHIM_PART_LEAF, SHIM_PART_TEXT, SHIM_PART_MULTIPART, SHIM_PART_MESSAGE, SHIM_PART_MESSAGE_PARTIAL
} shim_part_kind;

static inline shim_part_kind shim_kind(void *object) {
    if (object == NULL) return SHIM_PART_NONE;
    if (GMIME_IS_MULTIPART(object)) return SHIM_PART_MULTIPART;
    if (GMIME_IS_MESSAGE_PART(object)) return SHIM_PART_MESSAGE;
    if (GMIME_IS_MESSAGE_PARTIAL(object)) return SHIM_PART_MESSAGE_PARTIAL;
    if (GMIME_IS_TEXT_PART(object)) return SHIM_PART_TEXT;
    if (GMIME_IS_PART(object)) return SHIM_PART_LEAF;
    return SHIM_PART_NONE;
}
static inline int shim_is_group(void *address) { return INTERNET_ADDRESS_IS_GROUP(address); }
static inline int shim_is_mailbox(void *address) { return INTERNET_ADDRESS_IS_MAILBOX(address); }
static inline void shim_unref(void *object) { if (object != NULL) g_object_unref(object); }

// Parses one message out of a copy of the bytes; the caller owns the result and unrefs it. NULL for no message.
static inline void *shim_parse(const void *bytes, size_t length, GMimeParserOptions *options) {
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer((const char *) bytes, length);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_object_unref(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, options);
    g_object_unref(parser);
    return message;
}
static inline void *shim_root(void *message) { return g_mime_message_get_mime_part(GMIME_MESSAGE(message)); }
static inline void *shim_inner_message(void *part) { return g_mime_message_part_get_message(GMIME_MESSAGE_PART(part)); }
static inline int shim_child_count(void *multipart) { return g_mime_multipart_get_count(GMIME_MULTIPART(multipart)); }
static inline void *shim_child(void *multipart, int index) {
    return g_mime_multipart_get_part(GMIME_MULTIPART(multipart), index);
}
static inline const char *shim_prologue(void *multipart) {
    return g_mime_multipart_get_prologue(GMIME_MULTIPART(multipart));
}
static inline GMimeContentType *shim_content_type(void *object) {
    return g_mime_object_get_content_type(GMIME_OBJECT(object));
}
static inline const char *shim_disposition(void *object) { return g_mime_object_get_disposition(GMIME_OBJECT(object)); }
static inline const char *shim_disposition_parameter(void *object, const char *name) {
    return g_mime_object_get_content_disposition_parameter(GMIME_OBJECT(object), name);
}
static inline const char *shim_type_parameter(void *object, const char *name) {
    return g_mime_object_get_content_type_parameter(GMIME_OBJECT(object), name);
}
static inline const char *shim_content_id(void *object) { return g_mime_object_get_content_id(GMIME_OBJECT(object)); }
static inline const char *shim_raw_header(void *object, const char *name) {
    GMimeHeader *header = g_mime_header_list_get_header(g_mime_object_get_header_list(GMIME_OBJECT(object)), name);
    return header == NULL ? NULL : g_mime_header_get_raw_value(header);
}
// The decoded content of a leaf part; the caller frees the array. NULL when the part has none.
static inline GByteArray *shim_content(void *part) {
    GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(part));
    if (content == NULL) return g_byte_array_new();
    // Decoded is hardly ever longer than encoded: the array need not grow.
    gint64 length = g_mime_stream_length(g_mime_data_wrapper_get_stream(content));
    GByteArray *bytes = length > 0 && length < (1 << 28) ? g_byte_array_sized_new((guint) length) : g_byte_array_new();
    GMimeStream *stream = g_mime_stream_mem_new();
    g_mime_stream_mem_set_byte_array(GMIME_STREAM_MEM(stream), bytes);
    g_mime_data_wrapper_write_to_stream(content, stream);
    g_object_unref(stream);
    return bytes;
}
// Whether the part travelled as lines rather than in an encoding for bytes: 7bit, 8bit or nothing said.
static inline int shim_travels_as_lines(void *part) {
    switch (g_mime_part_get_content_encoding(GMIME_PART(part))) {
    case GMIME_CONTENT_ENCODING_DEFAULT: case GMIME_CONTENT_ENCODING_7BIT: case GMIME_CONTENT_ENCODING_8BIT: return 1;
    default: return 0;
    }
}
// The whole text of an object, header included; the caller frees the array.
static inline GByteArray *shim_written(void *object) {
    GByteArray *bytes = g_byte_array_new();
    GMimeStream *stream = g_mime_stream_mem_new();
    g_mime_stream_mem_set_byte_array(GMIME_STREAM_MEM(stream), bytes);
    g_mime_object_write_to_stream(GMIME_OBJECT(object), NULL, stream);
    g_object_unref(stream);
    return bytes;
}
