// The baseline of the benchmark `parse`: GMime alone reads the same mails as bare C can, that is without repairs, reply text,
// HTML to text or classification. Parses, reads subject and addresses, decodes every leaf, and turns text parts into UTF-8.
//
// Reads paths on standard input, one a line; loads all files first; prints one JSON line for each line "go" that follows.
#define _GNU_SOURCE
#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct { char *bytes; size_t length; } mail;

static size_t decoded;

static int load(const char *path, mail *into) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 0;
    fseek(file, 0, SEEK_END);
    into->length = (size_t) ftell(file);
    rewind(file);
    into->bytes = malloc(into->length + 1);
    into->length = fread(into->bytes, 1, into->length, file);
    fclose(file);
    return 1;
}

static void decode(GMimeObject *parent, GMimeObject *part, gpointer unused) {
    (void) parent;
    (void) unused;
    if (GMIME_IS_TEXT_PART(part)) {
        char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
        if (text != NULL) decoded += strlen(text);
        g_free(text);
    } else if (GMIME_IS_PART(part)) {
        GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(part));
        if (content == NULL) return;
        GMimeStream *stream = g_mime_stream_mem_new();
        g_mime_data_wrapper_write_to_stream(content, stream);
        decoded += (size_t) g_mime_stream_length(stream);
        g_object_unref(stream);
    } else if (GMIME_IS_MESSAGE_PART(part)) {
        GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part));
        if (message != NULL) g_mime_message_foreach(message, decode, NULL);
    }
}

static void addresses(InternetAddressList *list) {
    for (int index = 0; list != NULL && index < internet_address_list_length(list); index++) {
        InternetAddress *address = internet_address_list_get_address(list, index);
        const char *name = internet_address_get_name(address);
        if (name != NULL) decoded += strlen(name);
        if (INTERNET_ADDRESS_IS_MAILBOX(address)) {
            const char *text = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address));
            if (text != NULL) decoded += strlen(text);
        }
    }
}

static void read_mail(const mail *mail, GMimeParserOptions *options) {
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(mail->bytes, mail->length);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_object_unref(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, options);
    g_object_unref(parser);
    if (message == NULL) return;
    const char *subject = g_mime_message_get_subject(message);
    if (subject != NULL) decoded += strlen(subject);
    addresses(g_mime_message_get_from(message));
    addresses(g_mime_message_get_to(message));
    addresses(g_mime_message_get_cc(message));
    g_mime_message_get_date(message);
    g_mime_message_foreach(message, decode, NULL);
    g_object_unref(message);
}

int main(void) {
    static mail mails[100000];
    size_t count = 0;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    g_mime_init();
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_rfc2047_compliance_mode(options, GMIME_RFC_COMPLIANCE_LOOSE);
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        if (line[length - 1] == '\n') line[length - 1] = 0;
        if (strcmp(line, "go") != 0) {
            if (count < 100000 && load(line, &mails[count])) count++;
            continue;
        }
        struct timespec start, end;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
        decoded = 0;
        for (size_t index = 0; index < count; index++) read_mail(&mails[index], options);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        double seconds = (double) (end.tv_sec - start.tv_sec) + (double) (end.tv_nsec - start.tv_nsec) / 1e9;
        printf("{\"mails\": %zu, \"seconds\": %f, \"decoded\": %zu}\n", count, seconds, decoded);
        fflush(stdout);
    }
    return 0;
}
