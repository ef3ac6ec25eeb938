/**
 * Processing dedup shared by many processes: {@link dev.forebay.queue.redis.RedisDedupStore} keeps
 * claims and completions in Redis, and forgets rather than errs.
 */
@NullMarked
package dev.forebay.queue.redis;

import org.jspecify.annotations.NullMarked;
