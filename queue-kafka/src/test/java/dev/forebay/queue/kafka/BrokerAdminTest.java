package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Questions about topics, with the answers of brokers that know less than others. */
class BrokerAdminTest {

  // Nobody is asked: the answers are the test's.
  private final BrokerAdmin admin =
      new BrokerAdmin(
          new ClientProperties(Map.of("bootstrap.servers", "127.0.0.1:1"), "t"),
          Duration.ofSeconds(30));

  @AfterEach
  void close() {
    admin.close();
  }

  private static <T> Future<T> unknown() {
    return CompletableFuture.failedFuture(new UnknownTopicOrPartitionException("not here"));
  }

  /** One broker of several has not heard yet of a topic that was created a moment ago. */
  @Test
  void S2_brokerThatDoesNotKnowATopicYet_isAskedAgain() {
    AtomicInteger asked = new AtomicInteger();
    String answer =
        admin.askOfTopic(
            () ->
                asked.incrementAndGet() < 4 ? unknown() : CompletableFuture.completedFuture("here"),
            "find it",
            "",
            "");
    assertThat(answer).isEqualTo("here");
    assertThat(asked).hasValue(4);
  }

  @Test
  void S2_topicThatIsNotThere_isToldInTheEnd() {
    assertThatThrownBy(() -> admin.askOfTopic(BrokerAdminTest::unknown, "find it", "Do so.", ""))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_FOUND))
        .hasMessageContaining("Do so.");
  }

  @Test
  void S2_anyOtherAnswer_isFinal() {
    AtomicInteger asked = new AtomicInteger();
    assertThatThrownBy(
            () ->
                admin.askOfTopic(
                    () -> {
                      asked.incrementAndGet();
                      return CompletableFuture.failedFuture(new TopicAuthorizationException("no"));
                    },
                    "find it",
                    "",
                    "Grant it."))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ACCESS_DENIED));
    assertThat(asked).hasValue(1);
  }
}
