package dev.forebay.queue.memory;

import dev.forebay.queue.KeyPolicy;
import java.time.Duration;

/**
 * What belongs to the stored queue rather than to one object opened on it.
 *
 * @param dedupWindow how long dedup ids are remembered; zero: not at all
 * @param keyPolicy what a failing message does to its key
 * @param maxMessages bound of the messages stored
 * @param maxBytes bound of their estimated heap use
 */
record QueueSettings(Duration dedupWindow, KeyPolicy keyPolicy, long maxMessages, long maxBytes) {}
