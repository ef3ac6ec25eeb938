/** Tests that any work queue can be held to, and what is needed to run them. */
@NullMarked
package dev.forebay.queue.testkit;

import org.jspecify.annotations.NullMarked;
