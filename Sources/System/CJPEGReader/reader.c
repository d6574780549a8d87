#include "CJPEGReader.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

struct jpeg_reader {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    int message_code;
    char warnings[JPEG_READER_PIXEL_WARNING + 1][JMSG_LENGTH_MAX];
};

static void exit_on_error(j_common_ptr info) {
    jpeg_reader *reader = info->client_data;
    info->err->format_message(info, reader->message);
    reader->message_code = info->err->msg_code;
    longjmp(reader->jump, 1);
}

static jpeg_reader_warning_kind kind_of(int code) {
    switch (code) {
    case JWRN_EXTRANEOUS_DATA:
        return JPEG_READER_EXTRANEOUS_BYTES;
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_BOGUS_ICC:
        return JPEG_READER_HEADER_WARNING;
    default:
        return JPEG_READER_PIXEL_WARNING;
    }
}

static void record_message(j_common_ptr info, int level) {
    jpeg_reader *reader = info->client_data;
    if (level >= 0) return;
    info->err->num_warnings++;
    char *warning = reader->warnings[kind_of(info->err->msg_code)];
    if (warning[0] == 0) info->err->format_message(info, warning);
}

static void do_nothing(j_decompress_ptr info) { (void)info; }

// libjpeg then suspends, and its functions report that they need more data.
static boolean has_no_more_data(j_decompress_ptr info) {
    (void)info;
    return FALSE;
}

static void skip(j_decompress_ptr info, long count) {
    struct jpeg_source_mgr *source = info->src;
    if (count <= 0) return;
    size_t skipped = (size_t)count < source->bytes_in_buffer ? (size_t)count : source->bytes_in_buffer;
    source->next_input_byte += skipped;
    source->bytes_in_buffer -= skipped;
}

jpeg_reader *jpeg_reader_new(const uint8_t *bytes, size_t count) {
    jpeg_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return NULL;
    reader->info.err = jpeg_std_error(&reader->errors);
    reader->errors.error_exit = exit_on_error;
    reader->errors.emit_message = record_message;
    reader->info.client_data = reader;
    if (setjmp(reader->jump)) {
        jpeg_destroy_decompress(&reader->info);
        free(reader);
        return NULL;
    }
    jpeg_create_decompress(&reader->info);
    reader->info.client_data = reader;
    reader->source.init_source = do_nothing;
    reader->source.fill_input_buffer = has_no_more_data;
    reader->source.skip_input_data = skip;
    reader->source.resync_to_restart = jpeg_resync_to_restart;
    reader->source.term_source = do_nothing;
    reader->source.next_input_byte = bytes;
    reader->source.bytes_in_buffer = count;
    reader->info.src = &reader->source;
    return reader;
}

void jpeg_reader_free(jpeg_reader *reader) {
    if (reader == NULL) return;
    jpeg_destroy_decompress(&reader->info);
    free(reader);
}

jpeg_reader_status jpeg_reader_read_header(jpeg_reader *reader, size_t *width, size_t *height, int *components) {
    if (setjmp(reader->jump)) return JPEG_READER_ERROR;
    int status;
    do {
        status = jpeg_read_header(&reader->info, FALSE);
    } while (status == JPEG_HEADER_TABLES_ONLY);
    if (status == JPEG_SUSPENDED) return JPEG_READER_END_OF_FILE;
    *width = reader->info.image_width;
    *height = reader->info.image_height;
    *components = reader->info.num_components;
    return JPEG_READER_DONE;
}

jpeg_reader_status jpeg_reader_start(jpeg_reader *reader, int components) {
    if (setjmp(reader->jump)) return JPEG_READER_ERROR;
    reader->info.out_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
    return jpeg_start_decompress(&reader->info) ? JPEG_READER_DONE : JPEG_READER_END_OF_FILE;
}

jpeg_reader_status jpeg_reader_read_row(jpeg_reader *reader, uint8_t *row) {
    if (setjmp(reader->jump)) return JPEG_READER_ERROR;
    return jpeg_read_scanlines(&reader->info, &row, 1) == 1 ? JPEG_READER_DONE : JPEG_READER_END_OF_FILE;
}

jpeg_reader_status jpeg_reader_finish(jpeg_reader *reader) {
    if (setjmp(reader->jump)) return JPEG_READER_ERROR;
    return jpeg_finish_decompress(&reader->info) ? JPEG_READER_DONE : JPEG_READER_END_OF_FILE;
}

const char *jpeg_reader_message(const jpeg_reader *reader) { return reader->message; }

int jpeg_reader_lacks_memory(const jpeg_reader *reader) { return reader->message_code == JERR_OUT_OF_MEMORY; }

const char *jpeg_reader_warning(const jpeg_reader *reader, jpeg_reader_warning_kind kind) {
    return reader->warnings[kind][0] == 0 ? NULL : reader->warnings[kind];
}
