/* How many files and sockets the process may have open, and who gives way when they run out. */
#ifndef IO_DESCRIPTOR_H
#define IO_DESCRIPTOR_H

#include "io/stream.h"

/* As many as the system lets it have: a shell's own limit is often 1,024. Go's programs do so by themselves. */
void io_descriptors_raise(void);
/* Whether an accepted stream leaves none but the last: servers for strangers let it go, so that peers, files and the process' owner find some. */
bool io_stream_is_last(const struct io_stream *stream);

#endif
