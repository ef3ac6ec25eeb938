/** The work queue on Apache Kafka. */
@NullMarked
package dev.forebay.queue.kafka;

import org.jspecify.annotations.NullMarked;
