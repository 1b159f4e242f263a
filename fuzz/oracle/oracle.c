/* Runs llhttp in strict mode. One function reports each part of a request to a callback, and returns the error. */

#include <stddef.h>

#include "llhttp.h"

/* The same numbers are in src/differential/llhttp.rs. */
enum what { METHOD, TARGET, VERSION, NAME, VALUE, FIELD_OVER, HEAD_OVER, BODY, MESSAGE_OVER };

typedef void (*tell_fn)(void *listener, int what, const char *bytes, size_t length, int number);

struct listening {
    void *listener;
    tell_fn tell;
};

static int tell(llhttp_t *parser, enum what what, const char *bytes, size_t length, int number) {
    struct listening *to = parser->data;
    to->tell(to->listener, what, bytes, length, number);
    return 0;
}

static int on_method(llhttp_t *parser, const char *bytes, size_t length) {
    return tell(parser, METHOD, bytes, length, 0);
}

static int on_url(llhttp_t *parser, const char *bytes, size_t length) {
    return tell(parser, TARGET, bytes, length, 0);
}

static int on_version(llhttp_t *parser, const char *bytes, size_t length) {
    return tell(parser, VERSION, bytes, length, 0);
}

static int on_header_field(llhttp_t *parser, const char *bytes, size_t length) {
    return tell(parser, NAME, bytes, length, 0);
}

static int on_header_value(llhttp_t *parser, const char *bytes, size_t length) {
    return tell(parser, VALUE, bytes, length, 0);
}

static int on_header_value_complete(llhttp_t *parser) {
    return tell(parser, FIELD_OVER, "", 0, 0);
}

static int on_headers_complete(llhttp_t *parser) {
    /* The tested handler accepts no upgrade (RFC 9110, section 7.8), so llhttp must not stop at an Upgrade field. */
    if (parser->method != HTTP_CONNECT) {
        parser->upgrade = 0;
    }
    return tell(parser, HEAD_OVER, "", 0, llhttp_should_keep_alive(parser));
}

static int on_body(llhttp_t *parser, const char *bytes, size_t length) {
    return tell(parser, BODY, bytes, length, 0);
}

static int on_message_complete(llhttp_t *parser) {
    return tell(parser, MESSAGE_OVER, "", 0, 0);
}

/* Parses requests until the bytes are used up or refused. Returns 0, or the number of the error, and sets `reason`. */
int ropewalk_oracle(const char *bytes, size_t length, void *listener, tell_fn tell_it, const char **reason) {
    struct listening to = {listener, tell_it};
    llhttp_settings_t settings;
    llhttp_t parser;
    llhttp_settings_init(&settings);
    settings.on_method = on_method;
    settings.on_url = on_url;
    settings.on_version = on_version;
    settings.on_header_field = on_header_field;
    settings.on_header_value = on_header_value;
    settings.on_header_value_complete = on_header_value_complete;
    settings.on_headers_complete = on_headers_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = &to;
    llhttp_errno_t verdict = llhttp_execute(&parser, bytes, length);
    *reason = llhttp_get_error_reason(&parser);
    return verdict;
}
