// libjpeg's decompressor for one file in memory. It exists because libjpeg reports errors with longjmp, which Swift cannot catch.
//
// Every call returns a status and decides nothing: the caller chooses the colour space and judges the warnings.
#ifndef CJPEG_READER_H
#define CJPEG_READER_H

#include <stddef.h>
#include <stdint.h>

typedef struct jpeg_reader jpeg_reader;

typedef enum {
    JPEG_READER_DONE,
    // The file ends before the call has what it needs.
    JPEG_READER_END_OF_FILE,
    // libjpeg rejects the file. jpeg_reader_message has the reason.
    JPEG_READER_ERROR,
} jpeg_reader_status;

// Kinds of libjpeg's warnings (jerror.h).
typedef enum {
    // The header: unknown version of JFIF, unknown transform of Adobe, invalid ICC segment, parameters of a scan that have no effect.
    JPEG_READER_HEADER_WARNING,
    // Bytes between two markers, or after the data of a scan.
    JPEG_READER_EXTRANEOUS_BYTES,
    // The data of pixels: invalid codes, premature ends, lost restart markers, scans that contradict each other.
    JPEG_READER_PIXEL_WARNING,
} jpeg_reader_warning_kind;

// Starts reading. The bytes must stay valid until jpeg_reader_free. Returns NULL without memory.
jpeg_reader *jpeg_reader_new(const uint8_t *bytes, size_t count);
void jpeg_reader_free(jpeg_reader *reader);

jpeg_reader_status jpeg_reader_read_header(jpeg_reader *reader, size_t *width, size_t *height, int *components);
// Starts decoding to 1 component (grey), 3 (RGB) or 4 (CMYK) of 8 bits.
jpeg_reader_status jpeg_reader_start(jpeg_reader *reader, int components);
// Decodes the next row.
jpeg_reader_status jpeg_reader_read_row(jpeg_reader *reader, uint8_t *row);
// Reads what follows the last row, to the end of the image.
jpeg_reader_status jpeg_reader_finish(jpeg_reader *reader);

// The reason of JPEG_READER_ERROR.
const char *jpeg_reader_message(const jpeg_reader *reader);
// Whether the reason is a lack of memory.
int jpeg_reader_lacks_memory(const jpeg_reader *reader);
// The first warning of a kind; NULL if there was none.
const char *jpeg_reader_warning(const jpeg_reader *reader, jpeg_reader_warning_kind kind);

#endif
