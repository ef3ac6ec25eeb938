package dev.forebay.queue.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChecksTest {

  private static final Capabilities CAN =
      Capabilities.builder("test")
          .sizes(100, 2)
          .ids(8, 8)
          .lease(Duration.ofSeconds(1), Duration.ofSeconds(60))
          .delays(Duration.ofSeconds(5), Duration.ofSeconds(5))
          .build();

  private static EnqueueOutcome.Failed check(Message message) {
    return Checks.message(message, CAN, Checks.plainSize(message));
  }

  @Test
  void theLimitIsInTheText() {
    assertThat(check(Message.text("x".repeat(100)))).isNull();
    assertThat(check(Message.text("x".repeat(101))).message()).contains("101", "100");
    assertThat(check(Message.text("x".repeat(98)).key("\u00e4\u00e4")))
        .as("UTF-8 counts")
        .isNotNull();
    assertThat(
            check(Message.text("x").header("a", "1").header("b", "2").header("c", "3")).message())
        .contains("3 headers", "2");
    assertThat(check(Message.text("x").key("\u00e4\u00e4\u00e4\u00e4x")).message())
        .contains("key", "9 bytes", "8");
    assertThat(check(Message.text("x").dedupId("123456789")).message()).contains("dedup id", "8");
    assertThat(check(Message.text("x").type("t".repeat(129))).message()).contains("type", "128");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a b", "a:b", ".a", "a.", "a..b", "\u00e4", "a\r\nb", "x\u0000"})
  void headerNamesNoBrokerLikesAreRefused(String name) {
    EnqueueOutcome.Failed failed = check(Message.text("x").header(name, "1"));
    assertThat(failed).isNotNull();
    assertThat(failed.code()).isEqualTo(ErrorCode.INVALID_MESSAGE);
    assertThat(failed.message()).doesNotContain("\r", "\u0000");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"a\rb", "a\nb", "\u0000", "\ud800", "x\udc00", "\u0085", "\ufffe", "\uffff"})
  void valuesThatNotEveryBrokerCarriesAreRefused(String value) {
    assertThat(check(Message.text("x").header("h", value))).isNotNull();
    assertThat(check(Message.text("x").key(value))).isNotNull();
    assertThat(check(Message.text("x").dedupId(value))).isNotNull();
    assertThat(check(Message.text("x").type(value))).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "\t", "<&>\"'", "\ud83d\ude00", "\u00e4"})
  void ordinaryHeaderValuesPass(String value) {
    assertThat(check(Message.text("x").header("h-1_x.y", value))).isNull();
  }

  @Test
  void argumentsOutsideTheNumbersAreRefusedWithThem() {
    assertThatThrownBy(() -> Checks.poll(0, Duration.ZERO)).hasMessageContaining("at least 1");
    assertThatThrownBy(() -> Checks.poll(1, Duration.ofMillis(-1)))
        .hasMessageContaining("zero or more");
    assertThatThrownBy(() -> Checks.lease(Duration.ofMillis(999), CAN))
        .hasMessageContaining("PT1S");
    assertThatThrownBy(() -> Checks.lease(Duration.ofSeconds(61), CAN))
        .hasMessageContaining("PT1M");
    assertThatThrownBy(() -> Checks.releaseDelay(Duration.ofSeconds(6), CAN))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED))
        .hasMessageContaining("PT5S");
    assertThatThrownBy(() -> Checks.releaseDelay(Duration.ofSeconds(-1), CAN))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Checks.deadLetters(CAN))
        .hasMessageContaining("dead-letter destination");
    assertThat(Checks.enqueueDelay(Message.text("x").delay(Duration.ofSeconds(5)), CAN)).isNull();
    assertThat(Checks.enqueueDelay(Message.text("x").delay(Duration.ofSeconds(6)), CAN).code())
        .isEqualTo(ErrorCode.UNSUPPORTED);
    assertThatCode(() -> Checks.lease(Duration.ofSeconds(60), CAN)).doesNotThrowAnyException();
  }
}
