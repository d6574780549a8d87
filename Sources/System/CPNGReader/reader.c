#include "CPNGReader.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

enum { MESSAGE_LENGTH = 128 };

struct png_reader {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t count;
    size_t position;
    int reached_end_of_file;
    // Rows with pixels in all passes, and those that were decoded.
    size_t rows;
    size_t decoded_rows;
    jmp_buf jump;
    char message[MESSAGE_LENGTH];
    char warnings[PNG_READER_MAXIMUM_WARNINGS][MESSAGE_LENGTH];
    int warning_count;
};

static void copy_message(char *target, const char *message) {
    strncpy(target, message, MESSAGE_LENGTH - 1);
    target[MESSAGE_LENGTH - 1] = 0;
}

static void exit_on_error(png_structp png, png_const_charp message) {
    png_reader *reader = png_get_error_ptr(png);
    copy_message(reader->message, message);
    longjmp(reader->jump, 1);
}

static void record_warning(png_structp png, png_const_charp message) {
    png_reader *reader = png_get_error_ptr(png);
    for (int index = 0; index < reader->warning_count; index++) {
        if (strncmp(reader->warnings[index], message, MESSAGE_LENGTH - 1) == 0) return;
    }
    if (reader->warning_count == PNG_READER_MAXIMUM_WARNINGS) return;
    copy_message(reader->warnings[reader->warning_count++], message);
}

static void read_bytes(png_structp png, png_bytep target, size_t count) {
    png_reader *reader = png_get_io_ptr(png);
    if (count > reader->count - reader->position) {
        reader->reached_end_of_file = 1;
        png_error(png, "the file ends too early");
    }
    memcpy(target, reader->bytes + reader->position, count);
    reader->position += count;
}

// libpng calls this for each row with pixels, after the filters.
static void count_row(png_structp png, png_row_infop row, png_bytep data) {
    (void)row;
    (void)data;
    png_reader *reader = png_get_user_transform_ptr(png);
    reader->decoded_rows++;
}

// Reports an unknown chunk as handled. Otherwise, libpng rejects a file with an unknown critical chunk.
static int ignore_chunk(png_structp png, png_unknown_chunkp chunk) {
    (void)png;
    (void)chunk;
    return 1;
}

png_reader *png_reader_new(const uint8_t *bytes, size_t count, size_t block) {
    png_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return NULL;
    reader->bytes = bytes;
    reader->count = count;
    if (setjmp(reader->jump)) {
        png_reader_free(reader);
        return NULL;
    }
    reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, exit_on_error, record_warning);
    if (reader->png == NULL || (reader->info = png_create_info_struct(reader->png)) == NULL) {
        png_reader_free(reader);
        return NULL;
    }
    png_set_read_fn(reader->png, reader, read_bytes);
    png_set_benign_errors(reader->png, 1);
    png_set_crc_action(reader->png, PNG_CRC_WARN_USE, PNG_CRC_WARN_USE);
    png_set_keep_unknown_chunks(reader->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_read_user_chunk_fn(reader->png, reader, ignore_chunk);
    // The caller checks the number of pixels.
    png_set_user_limits(reader->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Some encoders declare a smaller window than they use.
    png_set_option(reader->png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
    png_set_compression_buffer_size(reader->png, block);
    return reader;
}

void png_reader_free(png_reader *reader) {
    if (reader == NULL) return;
    png_destroy_read_struct(&reader->png, &reader->info, NULL);
    free(reader);
}

static size_t rows_with_pixels(const png_reader_header *header) {
    if (!header->is_interlaced) return header->height;
    size_t rows = 0;
    for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; pass++) {
        if (PNG_PASS_COLS(header->width, pass) > 0) rows += PNG_PASS_ROWS(header->height, pass);
    }
    return rows;
}

static void read_transparency(png_reader *reader, png_reader_header *header) {
    png_bytep alpha = NULL;
    png_color_16p color = NULL;
    int count = 0;
    if (!png_get_tRNS(reader->png, reader->info, &alpha, &count, &color)) return;
    if (header->color_type == PNG_COLOR_TYPE_PALETTE) {
        header->palette_alpha_count = count < 256 ? count : 256;
        memcpy(header->palette_alpha, alpha, (size_t)header->palette_alpha_count);
    } else if (color != NULL) {
        int is_grey = header->color_type == PNG_COLOR_TYPE_GRAY;
        header->has_transparent_color = 1;
        header->transparent_color[0] = is_grey ? color->gray : color->red;
        header->transparent_color[1] = is_grey ? color->gray : color->green;
        header->transparent_color[2] = is_grey ? color->gray : color->blue;
    }
}

png_reader_status png_reader_read_header(png_reader *reader, png_reader_header *header) {
    memset(header, 0, sizeof *header);
    if (setjmp(reader->jump)) return PNG_READER_ERROR;
    png_read_info(reader->png, reader->info);
    header->width = png_get_image_width(reader->png, reader->info);
    header->height = png_get_image_height(reader->png, reader->info);
    header->depth = png_get_bit_depth(reader->png, reader->info);
    header->color_type = png_get_color_type(reader->png, reader->info);
    header->is_interlaced = png_get_interlace_type(reader->png, reader->info) != PNG_INTERLACE_NONE;
    png_colorp palette = NULL;
    if (png_get_PLTE(reader->png, reader->info, &palette, &header->palette_count)) {
        for (int index = 0; index < header->palette_count && index < 256; index++) {
            header->palette[index][0] = palette[index].red;
            header->palette[index][1] = palette[index].green;
            header->palette[index][2] = palette[index].blue;
        }
    }
    read_transparency(reader, header);
    reader->rows = rows_with_pixels(header);
    return PNG_READER_DONE;
}

png_reader_status png_reader_start(png_reader *reader, size_t *row_bytes) {
    if (setjmp(reader->jump)) return PNG_READER_ERROR;
    png_set_packing(reader->png);
    png_set_interlace_handling(reader->png);
    png_set_read_user_transform_fn(reader->png, count_row);
    png_set_user_transform_info(reader->png, reader, 0, 0);
    // The caller decides what an index beyond the palette means.
    png_set_check_for_invalid_index(reader->png, -1);
    png_read_update_info(reader->png, reader->info);
    *row_bytes = png_get_rowbytes(reader->png, reader->info);
    return PNG_READER_DONE;
}

png_reader_status png_reader_read_row(png_reader *reader, uint8_t *row) {
    if (setjmp(reader->jump)) return PNG_READER_ERROR;
    png_read_row(reader->png, row, NULL);
    return PNG_READER_DONE;
}

png_reader_status png_reader_read_image(png_reader *reader, uint8_t *pixels, size_t stride) {
    if (setjmp(reader->jump)) return PNG_READER_ERROR;
    int passes = png_set_interlace_handling(reader->png);
    for (int pass = 0; pass < passes; pass++) {
        uint32_t height = png_get_image_height(reader->png, reader->info);
        for (uint32_t row = 0; row < height; row++) png_read_row(reader->png, pixels + row * stride, NULL);
    }
    return PNG_READER_DONE;
}

int png_reader_has_all_rows(const png_reader *reader) { return reader->rows > 0 && reader->decoded_rows == reader->rows; }

int png_reader_reached_end_of_file(const png_reader *reader) { return reader->reached_end_of_file; }

const char *png_reader_message(const png_reader *reader) { return reader->message; }

int png_reader_warning_count(const png_reader *reader) { return reader->warning_count; }

const char *png_reader_warning(const png_reader *reader, int index) { return reader->warnings[index]; }
