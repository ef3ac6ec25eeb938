/**
 * The command line for dead letters: {@link dev.forebay.queue.cli.DeadLettersCommand} lists,
 * redrives and discards them on SQS and Kafka.
 */
@NullMarked
package dev.forebay.queue.cli;

import org.jspecify.annotations.NullMarked;
