/** Examples, one per question users ask. */
@NullMarked
package dev.forebay.queue.examples;

import org.jspecify.annotations.NullMarked;
