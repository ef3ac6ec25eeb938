/**
 * What a run shows while it lasts: a progress bar per queue on a terminal, plain lines elsewhere.
 */
@NullMarked
package dev.forebay.queue.loadtest.console;

import org.jspecify.annotations.NullMarked;
