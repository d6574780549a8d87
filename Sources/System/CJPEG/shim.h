// jpeglib.h uses size_t and FILE, but does not include their headers.
#include <stddef.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>
