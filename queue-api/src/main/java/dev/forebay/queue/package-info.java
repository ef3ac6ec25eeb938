/** The work-queue contract: what users hold and every backend implements. */
@NullMarked
package dev.forebay.queue;

import org.jspecify.annotations.NullMarked;
