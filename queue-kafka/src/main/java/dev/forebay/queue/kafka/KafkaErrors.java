package dev.forebay.queue.kafka;

import dev.forebay.queue.ErrorCode;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.ThrottlingQuotaExceededException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;

/** The one place where Kafka's exceptions become the contract's codes. */
final class KafkaErrors {

  private KafkaErrors() {}

  /** What the client or broker meant, without the wrappers of futures. */
  static Throwable unwrap(Throwable error) {
    Throwable inner = error;
    while ((inner instanceof ExecutionException || inner instanceof CompletionException)
        && inner.getCause() != null) {
      inner = inner.getCause();
    }
    return inner;
  }

  /** The code of an error where nothing can have been applied: set-up and questions. */
  static ErrorCode code(Throwable error) {
    Throwable inner = unwrap(error);
    // Before the retriable ones: Kafka hopes that a missing topic appears.
    if (inner instanceof UnknownTopicOrPartitionException
        || inner instanceof UnknownTopicIdException) {
      return ErrorCode.NOT_FOUND;
    }
    if (inner instanceof AuthorizationException || inner instanceof AuthenticationException) {
      return ErrorCode.ACCESS_DENIED;
    }
    if (inner instanceof RecordTooLargeException
        || inner instanceof RecordBatchTooLargeException
        || inner instanceof InvalidRecordException) {
      return ErrorCode.INVALID_MESSAGE;
    }
    if (inner instanceof ThrottlingQuotaExceededException) {
      return ErrorCode.THROTTLED;
    }
    if (inner instanceof ConfigException
        || inner instanceof InvalidConfigurationException
        || inner instanceof InvalidTopicException
        || inner instanceof PolicyViolationException
        || inner instanceof UnsupportedVersionException) {
      return ErrorCode.MISCONFIGURED;
    }
    if (inner instanceof RetriableException
        || inner instanceof java.util.concurrent.TimeoutException) {
      return ErrorCode.UNAVAILABLE;
    }
    return ErrorCode.INTERNAL;
  }

  /** A send that the producer gave up before any of it left this process. */
  static final class NotSentException extends KafkaException {

    private static final long serialVersionUID = 1;

    NotSentException(Throwable cause) {
      super(cause.getMessage(), cause);
    }
  }

  /**
   * The code of a failed send: after a time-out nobody knows whether the broker stored it (E2),
   * unless it never left.
   */
  static ErrorCode sendCode(Throwable error) {
    Throwable inner = unwrap(error);
    boolean left = !(inner instanceof NotSentException);
    if (!left && inner.getCause() != null) {
      inner = inner.getCause();
    }
    if (inner instanceof BufferExhaustedException) {
      return ErrorCode.OVERLOADED;
    }
    ErrorCode code = code(inner);
    return left && code == ErrorCode.UNAVAILABLE ? ErrorCode.AMBIGUOUS : code;
  }
}
