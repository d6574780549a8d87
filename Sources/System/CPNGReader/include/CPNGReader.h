// libpng's full interface for one file in memory. It exists because libpng reports errors with longjmp, which Swift cannot catch.
//
// The rows are the samples of the file: 1 byte for depths of 1 … 8 bits (not scaled), 2 bytes, the higher first, for 16 bits. No colour
// correction takes place. libpng skips all chunks except IHDR, PLTE, tRNS, IDAT and IEND.
#ifndef CPNG_READER_H
#define CPNG_READER_H

#include <stddef.h>
#include <stdint.h>

typedef struct png_reader png_reader;

typedef struct {
    uint32_t width;
    uint32_t height;
    // Bits of a sample.
    int depth;
    // 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
    int color_type;
    int is_interlaced;
    // Red, green, blue of each colour.
    uint8_t palette[256][3];
    int palette_count;
    // Alpha of the first colours of a palette.
    uint8_t palette_alpha[256];
    int palette_alpha_count;
    // A colour that is transparent: one value of grey, or red, green and blue.
    int has_transparent_color;
    uint16_t transparent_color[3];
} png_reader_header;

typedef enum {
    PNG_READER_DONE,
    // libpng rejects the file. png_reader_message has the reason.
    PNG_READER_ERROR,
} png_reader_status;

enum { PNG_READER_MAXIMUM_WARNINGS = 16 };

// Starts reading. The bytes must stay valid until png_reader_free. Returns NULL without memory.
//
// block: the number of bytes of compressed pixels that libpng reads at a time. With 1, it reads no byte that it does not need.
png_reader *png_reader_new(const uint8_t *bytes, size_t count, size_t block);
void png_reader_free(png_reader *reader);

png_reader_status png_reader_read_header(png_reader *reader, png_reader_header *header);
// Starts decoding, and allocates memory for two rows. A row has row_bytes bytes.
png_reader_status png_reader_start(png_reader *reader, size_t *row_bytes);
// Reads the next row of a file that is not interlaced.
png_reader_status png_reader_read_row(png_reader *reader, uint8_t *row);
// Reads all rows of a file, interlaced or not.
png_reader_status png_reader_read_image(png_reader *reader, uint8_t *pixels, size_t stride);

// Whether all rows were decoded. An error after that concerns only what follows the pixels.
int png_reader_has_all_rows(const png_reader *reader);
// Whether libpng needed bytes after the end of the file.
int png_reader_reached_end_of_file(const png_reader *reader);
// The reason of PNG_READER_ERROR.
const char *png_reader_message(const png_reader *reader);
// The warnings so far, at most PNG_READER_MAXIMUM_WARNINGS different ones. Those about a chunk begin with its name: "IDAT: CRC error".
int png_reader_warning_count(const png_reader *reader);
const char *png_reader_warning(const png_reader *reader, int index);

#endif
