/**
 * What unfinished work had reached, so that its next attempt goes on from there: the store's
 * interface and one in memory.
 */
@NullMarked
package dev.forebay.queue.progress;

import org.jspecify.annotations.NullMarked;
