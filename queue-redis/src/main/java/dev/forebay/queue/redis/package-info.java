/**
 * What many processes share, in Redis: {@link dev.forebay.queue.redis.RedisDedupStore} keeps claims
 * and completions, {@link dev.forebay.queue.redis.RedisProgressStore} the progress of unfinished
 * work. Both forget rather than err.
 */
@NullMarked
package dev.forebay.queue.redis;

import org.jspecify.annotations.NullMarked;
