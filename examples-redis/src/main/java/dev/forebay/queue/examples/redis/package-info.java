/** Examples that need a Redis server. */
@NullMarked
package dev.forebay.queue.examples.redis;

import org.jspecify.annotations.NullMarked;
