/**
 * The embedded backend: {@link dev.forebay.queue.memory.InMemoryWorkQueue} keeps the whole contract
 * inside one JVM, in real time or under a manual clock. E1 here means: stored in this JVM, gone
 * with it.
 */
@NullMarked
package dev.forebay.queue.memory;

import org.jspecify.annotations.NullMarked;
