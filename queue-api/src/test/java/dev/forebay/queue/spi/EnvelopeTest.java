package dev.forebay.queue.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EnvelopeTest {

  private static final Instant NOW = Instant.parse("2026-03-04T05:06:07.891234Z");

  @Test
  void everythingSurvivesTheWayThroughABroker() {
    Message message =
        Message.text("body")
            .key("schl\u00fcssel & = %")
            .header("trace", "1")
            .dedupId("d=1&2")
            .type("chat")
            .delay(Duration.ofSeconds(3))
            .deadline(Duration.ofSeconds(20));
    Envelope sent = Envelope.fresh("id-1", message, NOW).withAttempts(new Attempts(2, 1, 5));
    Envelope read = through(sent);
    assertThat(read).isEqualTo(sent);
    assertThat(read.message().delay()).isZero();
    assertThat(read.message().deadline()).contains(Instant.parse("2026-03-04T05:06:27.891Z"));
    assertThat(read.enqueuedAt()).isEqualTo(Instant.parse("2026-03-04T05:06:07.891Z"));
  }

  @Test
  void aDeadLetterTellsWhatItDiedOfAndStartsAgainAtAttemptOne() {
    Envelope alive =
        Envelope.fresh("id-1", Message.text("b"), NOW).withAttempts(new Attempts(1, 1, 0));
    Envelope dead =
        through(alive.dead(new DeadLetterCause("OutOfMemory", "GPU 3"), NOW, "inference"));
    assertThat(dead.attempts()).isEqualTo(Attempts.NONE);
    assertThat(dead.deadLetter()).isNotNull();
    assertThat(dead.deadLetter().attempts()).isEqualTo(new Attempts(2, 1, 0));
    assertThat(dead.deadLetter().cause()).isEqualTo(new DeadLetterCause("OutOfMemory", "GPU 3"));
    assertThat(dead.deadLetter().origin()).isEqualTo("inference");
    assertThat(dead.deadLetter().lastDelivered())
        .isEqualTo(Instant.parse("2026-03-04T05:06:07.891Z"));
  }

  @Test
  void aRedriveStartsAgainAndIsCounted() {
    Envelope alive = Envelope.fresh("id-1", Message.text("b").key("k"), NOW);
    Envelope dead = through(alive.dead(new DeadLetterCause("A", ""), NOW, "q"));
    assertThat(dead.deadLetter().redrives()).isZero();
    Envelope again = through(through(dead.redriven()).withAttempts(new Attempts(1, 0, 0)));
    assertThat(again).isEqualTo(dead.redriven().withAttempts(new Attempts(1, 0, 0)));
    assertThat(again.redrives()).isEqualTo(1);
    assertThat(again.deadLetter()).isNull();
    assertThat(again.enqueuedAt()).isEqualTo(alive.enqueuedAt());
    assertThat(again.message()).isEqualTo(alive.message());
    Envelope deadAgain = through(again.dead(new DeadLetterCause("B", ""), NOW, "q"));
    assertThat(deadAgain.deadLetter().redrives()).isEqualTo(1);
    assertThat(deadAgain.redriven().redrives()).isEqualTo(2);
  }

  @Test
  void aMessageOfAnotherProducerHasTheBrokersIdAndTime() {
    Envelope read = Envelope.read(new byte[] {1}, Map.of("a", "b"), Map.of(), "broker-1", NOW);
    assertThat(read)
        .isEqualTo(
            new Envelope(
                "broker-1", Message.of(new byte[] {1}).header("a", "b"), NOW, Attempts.NONE, null));
  }

  @ParameterizedTest
  @CsvSource({
    "forebay-enqueued,yesterday",
    "forebay-deadline,99999999999999999999",
    "forebay-redrives,-1",
    "forebay-redrives,often",
    "forebay-attempts,'1,2'",
    "forebay-attempts,'1,-2,3'",
    "forebay-attempts,'a,b,c'",
    "forebay-id,''"
  })
  void brokenReservedDataAreNamed(String name, String value) {
    assertThatThrownBy(() -> Envelope.read(new byte[0], Map.of(), Map.of(name, value), "x", NOW))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_MESSAGE))
        .hasMessageContaining(name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "novalue", "=x", "id=%zz", "id=1&", "id=%e"})
  void brokenPacksAreRefused(String packed) {
    assertThatThrownBy(() -> Envelope.unpack(packed))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_MESSAGE));
  }

  @Test
  void hugePacksAreRefusedBeforeTheyAreRead() {
    assertThatThrownBy(() -> Envelope.unpack("id=" + "x".repeat(40_000)))
        .hasMessageContaining("40003");
  }

  @Test
  void randomPacksEitherComeBackOrAreRefusedByTheOneException() {
    Random random = new Random(20261123);
    String alphabet = "abc=&%+-0129 \u00e4\ud83d\ude00,";
    for (int i = 0; i < 20_000; i++) {
      Map<String, String> data = new LinkedHashMap<>();
      for (int n = random.nextInt(4) + 1; n > 0; n--) {
        data.put(
            Message.RESERVED_HEADER_PREFIX + (char) ('a' + random.nextInt(26)),
            text(random, "abc=&%+ \u00e4,"));
      }
      assertThat(Envelope.unpack(Envelope.pack(data))).isEqualTo(data);
      try {
        Envelope.read(new byte[0], Map.of(), Envelope.unpack(text(random, alphabet)), "x", NOW);
      } catch (QueueException e) {
        assertThat(e.code()).isEqualTo(ErrorCode.INVALID_MESSAGE);
      }
    }
  }

  private static String text(Random random, String alphabet) {
    StringBuilder out = new StringBuilder();
    for (int n = random.nextInt(30); n > 0; n--) {
      out.append(alphabet.charAt(random.nextInt(alphabet.length())));
    }
    return out.toString();
  }

  private static Envelope through(Envelope sent) {
    return Envelope.read(
        sent.message().body(),
        sent.message().headers(),
        Envelope.unpack(Envelope.pack(sent.metadata())),
        "other",
        Instant.EPOCH);
  }
}
