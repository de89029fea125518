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
