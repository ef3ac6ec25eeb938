/** The work queue on Amazon SQS. */
@NullMarked
package dev.forebay.queue.sqs;

import org.jspecify.annotations.NullMarked;
