/** Traffic to replay: traces read from files, and seeded generators for runs without one. */
@NullMarked
package dev.forebay.queue.loadtest.trace;

import org.jspecify.annotations.NullMarked;
