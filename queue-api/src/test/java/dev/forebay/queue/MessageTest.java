package dev.forebay.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MessageTest {

  record Prompt(String text, int tokens) {}

  @Test
  void changesAreCopiesAndTheBodyCannotBeReachedFromOutside() {
    byte[] bytes = {1, 2, 3};
    Message message = Message.of(bytes);
    bytes[0] = 9;
    message.body()[1] = 9;
    assertThat(message.body()).containsExactly(1, 2, 3);
    Message keyed = message.key("k").header("a", "1").type("t").dedupId("d");
    assertThat(message.key()).isEmpty();
    assertThat(keyed.key()).contains("k");
    assertThat(keyed.headers()).containsExactly(Map.entry("a", "1"));
    assertThatThrownBy(() -> keyed.headers().put("b", "2"))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void reservedHeadersAreDroppedHoweverTheyAreSpelt() {
    Message message =
        Message.text("x")
            .headers(Map.of("forebay-attempts", "9,9,9", "Forebay-Id", "forged", "ok", "1"));
    assertThat(message.headers()).containsOnlyKeys("ok");
  }

  @Test
  void relativeAndAbsoluteDeadlinesReplaceEachOther() {
    Instant at = Instant.parse("2026-05-01T00:00:00.123456Z");
    Message message = Message.text("x").deadline(Duration.ofSeconds(20)).deadline(at);
    assertThat(message.timeToLive()).isEmpty();
    assertThat(message.deadline()).contains(Instant.parse("2026-05-01T00:00:00.123Z"));
    assertThat(message.deadline(Duration.ofSeconds(1)).deadline()).isEmpty();
    assertThatThrownBy(() -> message.deadline(Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> message.delay(Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void jsonGoesThereAndBack() {
    Prompt prompt = new Prompt("hello", 7);
    assertThat(Message.json(prompt).json(Prompt.class)).isEqualTo(prompt);
    Codec<Prompt> codec = JsonCodec.of(Prompt.class);
    assertThat(codec.decode(codec.message(prompt))).isEqualTo(prompt);
  }

  @Test
  void jsonThatDoesNotFitSaysSoWithoutQuotingTheBody() {
    Message secret = Message.text("{\"text\": \"my secret\", \"tokens\": \"not a number\"}");
    assertThatThrownBy(() -> secret.json(Prompt.class))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_MESSAGE))
        .hasMessageContaining("Prompt")
        .hasMessageNotContaining("secret")
        .hasMessageNotContaining("not a number");
    assertThatThrownBy(() -> Message.text("null").json(Prompt.class)).hasMessageContaining("null");
    assertThatThrownBy(() -> Message.text("[".repeat(5_000)).json(Object.class))
        .isInstanceOf(QueueException.class);
    assertThatThrownBy(() -> Message.json(new Object()))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_MESSAGE));
  }

  @Test
  void textFormNamesNoContent() {
    Message message =
        Message.text("my secret").key("customer-1").header("token", "hush").type("chat");
    assertThat(message.toString())
        .contains("9 bytes", "token", "chat")
        .doesNotContain("my secret", "customer-1", "hush");
  }

  @Test
  void equalityCoversEveryField() {
    Message message = Message.text("x");
    assertThat(message).isEqualTo(Message.text("x")).hasSameHashCodeAs(Message.text("x"));
    assertThat(message)
        .isNotEqualTo(Message.text("y"))
        .isNotEqualTo(message.key("k"))
        .isNotEqualTo(message.header("h", "1"))
        .isNotEqualTo(message.dedupId("d"))
        .isNotEqualTo(message.type("t"))
        .isNotEqualTo(message.delay(Duration.ofSeconds(1)))
        .isNotEqualTo(message.deadline(Duration.ofSeconds(1)))
        .isNotEqualTo(message.deadline(Instant.EPOCH));
  }

  @Test
  void causesOfDeathAreCutAndCleaned() {
    DeadLetterCause cause =
        DeadLetterCause.of(
            new IllegalStateException("line\r\nbreak \ud83d\ude00 \ud800!" + "x".repeat(2_000)));
    assertThat(cause.type()).isEqualTo("IllegalStateException");
    assertThat(cause.message())
        .startsWith("line  break \ud83d\ude00 \ufffd!")
        .hasSizeLessThanOrEqualTo(1_024);
    assertThat(DeadLetterCause.of(new RuntimeException()).message()).isEmpty();
    assertThat(new DeadLetterCause(" ", "m").type()).isEqualTo("UNSPECIFIED");
  }

  @Test
  void outcomesGiveTheIdOrThrowTheirCode() {
    assertThat(new EnqueueOutcome.Enqueued("1").orThrow()).isEqualTo("1");
    assertThat(new EnqueueOutcome.Duplicate("2").orThrow()).isEqualTo("2");
    EnqueueOutcome.Failed failed = new EnqueueOutcome.Failed(ErrorCode.AMBIGUOUS, "no reply");
    assertThat(failed.retryable()).isTrue();
    assertThatThrownBy(failed::orThrow)
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.AMBIGUOUS))
        .hasMessage("no reply");
  }

  @Test
  void attemptsCountFailuresAndLostLeasesButNotReturns() {
    Attempts attempts = Attempts.NONE.plusFailed().plusLeaseLost().plus(ReleaseCause.RETURNED);
    assertThat(attempts).isEqualTo(new Attempts(1, 1, 1));
    assertThat(attempts.next()).isEqualTo(3);
    assertThatThrownBy(() -> new Attempts(-1, 0, 0)).isInstanceOf(IllegalArgumentException.class);
  }
}
