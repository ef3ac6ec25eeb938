/**
 * What a backend is built from: the lease state machine every delivery shares, the envelope that
 * carries the library's own data beside a user's message, the checks made before anything is sent,
 * and a forwarding queue for decorators.
 */
@NullMarked
package dev.forebay.queue.spi;

import org.jspecify.annotations.NullMarked;
