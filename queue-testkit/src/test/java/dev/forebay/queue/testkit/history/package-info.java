/** Tests of the histories and of what judges them. */
@NullMarked
package dev.forebay.queue.testkit.history;

import org.jspecify.annotations.NullMarked;
