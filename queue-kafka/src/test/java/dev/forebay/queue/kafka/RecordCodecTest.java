package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Message;
import dev.forebay.queue.spi.Envelope;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Records to messages and back, also those that others wrote (E3, P5). */
class RecordCodecTest {

  private static final Instant NOW = Instant.ofEpochMilli(1_700_000_000_123L);

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static ConsumerRecord<byte[], byte[]> record(
      byte @Nullable [] key, byte @Nullable [] value, RecordHeaders headers) {
    return new ConsumerRecord<>(
        "jobs",
        3,
        42L,
        NOW.toEpochMilli(),
        TimestampType.CREATE_TIME,
        0,
        0,
        key,
        value,
        headers,
        Optional.empty());
  }

  private static ConsumerRecord<byte[], byte[]> arrived(ProducerRecord<byte[], byte[]> sent) {
    return record(sent.key(), sent.value(), (RecordHeaders) sent.headers());
  }

  private static RecordHeaders header(String name, byte @Nullable [] value) {
    RecordHeaders headers = new RecordHeaders();
    headers.add(name, value);
    return headers;
  }

  @Test
  void everything_comesBackAsItWas() throws Exception {
    byte[] body = new byte[4096];
    new Random(1).nextBytes(body);
    Message message =
        Message.of(body)
            .key("tenant/ß/ключ")
            .header("trace", "00-Ünïcode 🚀 \uFFFD")
            .header("empty", "")
            .dedupId("dedup:1")
            .type("render")
            .deadline(Duration.ofHours(1));
    Envelope sent = Envelope.fresh("id-1", message, NOW).withAttempts(new Attempts(3, 2, 1));
    RecordCodec.Decoded back =
        RecordCodec.decode(
            arrived(
                RecordCodec.encode(
                    "jobs", sent, new Copy(7, Long.MAX_VALUE, "g"), 1_800_000_000_000L)));
    assertThat(back.envelope()).isEqualTo(sent);
    assertThat(back.copy()).isEqualTo(new Copy(7, Long.MAX_VALUE, "g"));
    assertThat(back.notBefore()).isEqualTo(1_800_000_000_000L);
  }

  @Test
  void theKey_travelsOnce_asTheRecordsKey() {
    Envelope sent = Envelope.fresh("id-1", Message.text("x").key("k"), NOW);
    ProducerRecord<byte[], byte[]> record = RecordCodec.encode("jobs", sent, 0, 0);
    assertThat(record.key()).isEqualTo(utf8("k"));
    assertThat(record.headers().headers("forebay-key")).isEmpty();
    assertThat(record.headers().headers("forebay-copies")).isEmpty();
    assertThat(record.headers().headers("forebay-not-before")).isEmpty();
    assertThat(record.partition()).isNull();
  }

  @Test
  void deadLetter_comesBackWithItsCauseAndHeaders() throws Exception {
    Envelope alive =
        Envelope.fresh("id-1", Message.text("x").header("h", "v").key("k"), NOW)
            .withAttempts(new Attempts(2, 0, 0));
    Envelope dead = alive.dead(new DeadLetterCause("Boom", "it broke"), NOW, "jobs");
    Envelope back =
        RecordCodec.decode(arrived(RecordCodec.encode("jobs.dlq", dead, 0, 0))).envelope();
    assertThat(back).isEqualTo(dead);
    assertThat(back.message().headers()).containsExactlyEntriesOf(Map.of("h", "v"));
    assertThat(back.deadLetter()).isNotNull();
  }

  @Test
  void recordOfAnotherProducer_isAMessage_withTheBrokersIdAndTime() throws Exception {
    Envelope envelope =
        RecordCodec.decode(record(utf8("k"), utf8("body"), header("their", utf8("header"))))
            .envelope();
    assertThat(envelope.id()).isEqualTo("jobs-3-42");
    assertThat(envelope.enqueuedAt()).isEqualTo(NOW);
    assertThat(envelope.attempts()).isEqualTo(Attempts.NONE);
    assertThat(envelope.message().text()).isEqualTo("body");
    assertThat(envelope.message().key()).contains("k");
    assertThat(envelope.message().headers()).containsExactlyEntriesOf(Map.of("their", "header"));
  }

  @Test
  void withoutAKey_aKeyInTheHeadersIsNobodysKey() throws Exception {
    Envelope envelope =
        RecordCodec.decode(record(null, utf8("x"), header("forebay-key", utf8("forged"))))
            .envelope();
    assertThat(envelope.message().key()).isEmpty();
  }

  @Test
  void noValue_isUndecodable() {
    assertThatThrownBy(() -> RecordCodec.decode(record(utf8("k"), null, new RecordHeaders())))
        .isInstanceOf(RecordCodec.UndecodableException.class)
        .hasMessage("The record has no value.");
  }

  @Test
  void keyOrHeaderThatIsNotUtf8_isUndecodable() {
    byte[] broken = {(byte) 0xC3, (byte) 0x28};
    assertThatThrownBy(() -> RecordCodec.decode(record(broken, utf8("x"), new RecordHeaders())))
        .isInstanceOf(RecordCodec.UndecodableException.class)
        .hasMessage("The key is not UTF-8.");
    assertThatThrownBy(() -> RecordCodec.decode(record(null, utf8("x"), header("h", broken))))
        .isInstanceOf(RecordCodec.UndecodableException.class)
        .hasMessage("The value of a header is not UTF-8.");
  }

  @Test
  void headerWithoutValueOrTwice_isUndecodable() {
    assertThatThrownBy(() -> RecordCodec.decode(record(null, utf8("x"), header("h", null))))
        .isInstanceOf(RecordCodec.UndecodableException.class)
        .hasMessage("A header has no value.");
    RecordHeaders twice = header("h", utf8("1"));
    twice.add("h", utf8("2"));
    assertThatThrownBy(() -> RecordCodec.decode(record(null, utf8("x"), twice)))
        .isInstanceOf(RecordCodec.UndecodableException.class)
        .hasMessage("A header occurs twice.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "a\nb", "x y", "ключ"})
  void headerNameThatEnqueueWouldRefuse_comesThroughFromOthers(String name) throws Exception {
    Envelope envelope =
        RecordCodec.decode(record(null, utf8("x"), header(name, utf8("v")))).envelope();
    assertThat(envelope.message().headers()).containsExactlyEntriesOf(Map.of(name, "v"));
  }

  @ParameterizedTest
  @CsvSource({
    "forebay-attempts, many",
    "forebay-attempts, '1,2'",
    "forebay-attempts, '-1,0,0'",
    "forebay-attempts, '99999999999,0,0'",
    "forebay-enqueued, yesterday",
    "forebay-deadline, ''",
    "forebay-deadline, 99999999999999999999999",
    "forebay-copies, -1",
    "forebay-copies, 0",
    "forebay-copies, 9999999999",
    "forebay-fence, 0",
    "forebay-fence, 9223372036854775808",
    "forebay-not-before, soon",
    "forebay-not-before, 9223372036854775807",
    "forebay-id, ''",
    "FOREBAY-ATTEMPTS, many",
  })
  void reservedHeaderThatTheLibraryDidNotWrite_isUndecodable_orIgnored(String name, String value)
      throws Exception {
    ConsumerRecord<byte[], byte[]> record = record(null, utf8("x"), header(name, utf8(value)));
    if (name.equals("FOREBAY-ATTEMPTS")) {
      // Not a name the library writes; it never becomes the user's either.
      assertThat(RecordCodec.decode(record).envelope().message().headers()).isEmpty();
    } else {
      assertThatThrownBy(() -> RecordCodec.decode(record))
          .isInstanceOf(RecordCodec.UndecodableException.class)
          .hasMessageContaining(name);
    }
  }

  @Test
  void anyBytes_giveAMessageOrAreUndecodable_andNothingElse() {
    Random random = new Random(7);
    String[] names = {
      "forebay-attempts",
      "forebay-cause",
      "forebay-delivered",
      "forebay-deadline",
      "forebay-type",
      "forebay-dedup",
      "forebay-copies",
      "forebay-fence",
      "forebay-enqueued",
      "h",
      "",
      "\u0000",
      "forebay-"
    };
    int messages = 0;
    int undecodable = 0;
    for (int i = 0; i < 5_000; i++) {
      RecordHeaders headers = new RecordHeaders();
      for (int h = random.nextInt(4); h > 0; h--) {
        headers.add(names[random.nextInt(names.length)], bytes(random));
      }
      byte[] key = random.nextBoolean() ? null : bytes(random);
      try {
        RecordCodec.decode(record(key, bytes(random), headers));
        messages++;
      } catch (RecordCodec.UndecodableException e) {
        undecodable++;
      }
    }
    assertThat(messages).isPositive();
    assertThat(undecodable).isPositive();
  }

  private static byte[] bytes(Random random) {
    byte[] out = new byte[random.nextInt(20)];
    for (int i = 0; i < out.length; i++) {
      out[i] = (byte) (random.nextInt(10) == 0 ? random.nextInt(256) : '0' + random.nextInt(10));
    }
    return out;
  }

  @Test
  void deadLetterOfAnUndecodableRecord_keepsEveryByte_andRenamesForgedHeaders() throws Exception {
    RecordHeaders headers = header("forebay-attempts", utf8("many"));
    headers.add("binary", new byte[] {(byte) 0xFF, 0});
    ConsumerRecord<byte[], byte[]> source = record(new byte[] {1, (byte) 0x80}, null, headers);
    ProducerRecord<byte[], byte[]> dead =
        RecordCodec.undecodableDeadLetter(
            "jobs.dlq",
            source,
            new DeadLetter(
                new DeadLetterCause(DeadLetterCause.UNDECODABLE, "no value"),
                Attempts.NONE,
                NOW,
                "jobs"),
            "group");
    assertThat(dead.key()).isEqualTo(source.key());
    assertThat(dead.value()).isNull();
    assertThat(dead.headers().lastHeader("alien-forebay-attempts").value()).isEqualTo(utf8("many"));
    assertThat(dead.headers().lastHeader("binary").value()).isEqualTo(new byte[] {(byte) 0xFF, 0});
    assertThat(dead.headers().lastHeader("forebay-cause").value()).isEqualTo(utf8("UNDECODABLE"));
    assertThat(dead.headers().lastHeader("forebay-id").value()).isEqualTo(utf8("jobs-3-42"));
    assertThat(dead.headers().lastHeader("forebay-died-in").value()).isEqualTo(utf8("group"));
  }

  /**
   * Who polls the dead letters as a queue gets it, whatever his group; a redrive is for its own.
   */
  @Test
  void deadLetter_saysItsGroupAndFence_andIsForEverybody() throws Exception {
    Envelope sent =
        Envelope.fresh("id-1", Message.text("m"), NOW)
            .dead(new DeadLetterCause("Boom", ""), NOW, "jobs");
    RecordCodec.Decoded back =
        RecordCodec.decode(
            arrived(RecordCodec.encodeDead("jobs.dlq", sent, new Copy(3, 77, "group"))));
    assertThat(back.envelope()).isEqualTo(sent);
    assertThat(back.isForOtherThan("other")).isFalse();
    assertThat(back.redriven()).isEqualTo(new Copy(4, 77, "group"));
  }

  @Test
  void undecodableText_saysNothingOfTheContent() {
    RecordHeaders headers = header("forebay-copies", utf8("secret-value"));
    assertThatThrownBy(() -> RecordCodec.decode(record(null, utf8("secret-body"), headers)))
        .hasMessageNotContaining("secret");
  }
}
