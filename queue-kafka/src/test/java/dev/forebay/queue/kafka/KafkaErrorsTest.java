package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.ErrorCode;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.DisconnectException;
import org.apache.kafka.common.errors.GroupAuthorizationException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.NotEnoughReplicasException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.ThrottlingQuotaExceededException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.junit.jupiter.api.Test;

/** A litmus for each code. */
class KafkaErrorsTest {

  private static final Map<Throwable, ErrorCode> CODES =
      Map.ofEntries(
          Map.entry(new UnknownTopicOrPartitionException("x"), ErrorCode.NOT_FOUND),
          Map.entry(new TopicAuthorizationException("x"), ErrorCode.ACCESS_DENIED),
          Map.entry(GroupAuthorizationException.forGroupId("x"), ErrorCode.ACCESS_DENIED),
          Map.entry(new SaslAuthenticationException("x"), ErrorCode.ACCESS_DENIED),
          Map.entry(new RecordTooLargeException("x"), ErrorCode.INVALID_MESSAGE),
          Map.entry(new ThrottlingQuotaExceededException("x"), ErrorCode.THROTTLED),
          Map.entry(new ConfigException("x"), ErrorCode.MISCONFIGURED),
          Map.entry(new InvalidConfigurationException("x"), ErrorCode.MISCONFIGURED),
          Map.entry(new InvalidTopicException("x"), ErrorCode.MISCONFIGURED),
          Map.entry(new UnsupportedVersionException("x"), ErrorCode.MISCONFIGURED),
          Map.entry(new TimeoutException("x"), ErrorCode.UNAVAILABLE),
          Map.entry(new java.util.concurrent.TimeoutException("x"), ErrorCode.UNAVAILABLE),
          Map.entry(new IllegalStateException("x"), ErrorCode.INTERNAL));

  @Test
  void everyError_hasItsCode_inAnyWrapping() {
    CODES.forEach(
        (error, code) -> {
          assertThat(KafkaErrors.code(error)).as("%s", error).isEqualTo(code);
          assertThat(KafkaErrors.code(new ExecutionException(new CompletionException(error))))
              .as("wrapped %s", error)
              .isEqualTo(code);
        });
  }

  @Test
  void sends_thatMayHaveArrived_areAmbiguous() {
    assertThat(KafkaErrors.sendCode(new TimeoutException("expired")))
        .isEqualTo(ErrorCode.AMBIGUOUS);
    assertThat(KafkaErrors.sendCode(DisconnectException.INSTANCE)).isEqualTo(ErrorCode.AMBIGUOUS);
    assertThat(KafkaErrors.sendCode(new NotEnoughReplicasException("x")))
        .isEqualTo(ErrorCode.AMBIGUOUS);
    assertThat(KafkaErrors.sendCode(new BufferExhaustedException("full")))
        .isEqualTo(ErrorCode.OVERLOADED);
    assertThat(KafkaErrors.sendCode(new RecordTooLargeException("x")))
        .isEqualTo(ErrorCode.INVALID_MESSAGE);
  }
}
