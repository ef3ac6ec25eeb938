package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.spi.Envelope;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/** How messages travel: what SQS carries as it is, what has to be packed, and what comes back. */
class SqsWireTest {

  private static final Instant NOW = Instant.parse("2026-11-23T10:15:30.123Z");

  private static Envelope fresh(Message message) {
    return Envelope.fresh("an-id", message, NOW);
  }

  private static software.amazon.awssdk.services.sqs.model.Message received(
      String body, Map<String, MessageAttributeValue> attributes) {
    return software.amazon.awssdk.services.sqs.model.Message.builder()
        .messageId("sqs-id")
        .receiptHandle("receipt")
        .body(body)
        .messageAttributes(attributes)
        .attributes(Map.of(MessageSystemAttributeName.SENT_TIMESTAMP, "1700000000000"))
        .build();
  }

  private static Envelope roundTrip(Envelope envelope) {
    SqsWire.Encoded encoded = SqsWire.encode(envelope);
    assertThat(encoded.attributes()).hasSizeLessThanOrEqualTo(SqsWire.MAX_ATTRIBUTES);
    assertThat(encoded.body()).isNotEmpty();
    return SqsWire.decode(received(encoded.body(), encoded.attributes()));
  }

  @Test
  void text_travelsAsText() {
    String text = "tab\t line\r\n grüße \uD83D\uDE80 \uFFFD {\"json\": 1}";
    SqsWire.Encoded encoded = SqsWire.encode(fresh(Message.text(text)));
    assertThat(encoded.body()).isEqualTo(text);
  }

  @Test
  void whatSqsDoesNotCarry_isPacked_andComesBack() {
    for (byte[] body :
        new byte[][] {
          {},
          {0},
          {'a', 1, 'b'},
          {(byte) 0xC3, 0x28},
          {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
          "\uFFFE".getBytes(StandardCharsets.UTF_8),
          "\uFFFF".getBytes(StandardCharsets.UTF_8)
        }) {
      Envelope envelope = fresh(Message.of(body));
      assertThat(SqsWire.encode(envelope).body()).matches("[A-Za-z0-9+/=-]+");
      assertThat(roundTrip(envelope)).isEqualTo(envelope);
    }
  }

  @Test
  void randomBodies_comeBack() {
    Random random = new Random(7);
    for (int i = 0; i < 500; i++) {
      byte[] body = new byte[random.nextInt(64)];
      random.nextBytes(body);
      Envelope envelope = fresh(Message.of(body).key("k").type("t").dedupId("d"));
      assertThat(roundTrip(envelope)).isEqualTo(envelope);
    }
  }

  @Test
  void emptyHeaderValues_andATenthHeader_travelInTheMetadata() {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("empty", "");
    for (int i = 0; i < 10; i++) {
      headers.put("h" + i, "value " + i);
    }
    Envelope envelope = fresh(Message.text("body").headers(headers));
    assertThat(SqsWire.encode(envelope).attributes())
        .hasSize(SqsWire.MAX_ATTRIBUTES)
        .doesNotContainKey("empty")
        .containsKey(SqsWire.METADATA);
    assertThat(roundTrip(envelope)).isEqualTo(envelope);
  }

  @Test
  void sizes_countBodyNamesTypesAndValues() {
    SqsWire.Encoded encoded = SqsWire.encode(fresh(Message.text("grüße").header("name", "ß")));
    String packed = encoded.attributes().get(SqsWire.METADATA).stringValue();
    assertThat(encoded.userBytes()).isEqualTo(7 + 4 + 6 + 2);
    assertThat(encoded.bytes())
        .isEqualTo(encoded.userBytes() + SqsWire.METADATA.length() + 6 + packed.length());
    assertThat(SqsWire.encode(fresh(Message.of(new byte[] {0, 1}))).userBytes()).isEqualTo(4);
  }

  @Test
  void theCauseOfADeadLetter_isCutToWhatFits_andTheMessageIsNot() {
    Message message = Message.text("x".repeat(10_000)).header("h", "v");
    Envelope dead =
        fresh(message).dead(new DeadLetterCause("Type", "ü".repeat(1_024)), NOW, "origin");
    SqsWire.Encoded full = SqsWire.encodeDead(dead, SqsWire.MAX_BYTES);
    SqsWire.Encoded cut = SqsWire.encodeDead(dead, full.bytes() - 1);
    assertThat(cut.bytes()).isLessThan(full.bytes());
    Envelope read = SqsWire.decode(received(cut.body(), cut.attributes()));
    assertThat(read.message()).isEqualTo(message);
    assertThat(read.deadLetter()).isNotNull();
    assertThat(read.deadLetter().cause().type()).isEqualTo("Type");
    assertThat(read.deadLetter().cause().message()).hasSizeLessThan(1_024).startsWith("üü");
  }

  @Test
  void whatFitsAtEnqueue_fitsAsADeadLetter() {
    long free = SqsWire.MAX_BYTES - SqsWire.RESERVED_BYTES;
    Message message =
        Message.text("x".repeat((int) free - 128))
            .key("k".repeat(128))
            .type("ü".repeat(64))
            .dedupId("ß".repeat(64));
    Envelope dead =
        fresh(message)
            .dead(new DeadLetterCause("T".repeat(128), "ü".repeat(1_024)), NOW, "o".repeat(80));
    assertThat(SqsWire.encodeDead(dead, SqsWire.MAX_BYTES).bytes())
        .isLessThanOrEqualTo(SqsWire.MAX_BYTES);
  }

  @Test
  void messagesOfOtherProducers_areReadAsTheyAre() {
    Envelope read =
        SqsWire.decode(
            received(
                "plain",
                Map.of(
                    "text",
                    MessageAttributeValue.builder().dataType("String").stringValue("v").build(),
                    "number",
                    MessageAttributeValue.builder().dataType("Number").stringValue("42").build(),
                    "bytes",
                    MessageAttributeValue.builder()
                        .dataType("Binary")
                        .binaryValue(SdkBytes.fromByteArray(new byte[] {1, 2}))
                        .build())));
    assertThat(read.id()).isEqualTo("sqs-id");
    assertThat(read.enqueuedAt()).isEqualTo(Instant.ofEpochMilli(1_700_000_000_000L));
    assertThat(read.message().text()).isEqualTo("plain");
    assertThat(read.message().headers())
        .isEqualTo(Map.of("text", "v", "number", "42", "bytes", "AQI="));
  }

  @Test
  void damagedMetadata_areRefused_andTheMessageIsStillReadable() {
    for (String metadata :
        new String[] {
          "", "=", "&&", "id=%zz", "encoding=rot13", "encoding=base64", "enqueued=soon", "id="
        }) {
      var damaged =
          received(
              "not base64!",
              Map.of(
                  SqsWire.METADATA,
                  MessageAttributeValue.builder()
                      .dataType("String")
                      .stringValue(metadata)
                      .build()));
      assertThatThrownBy(() -> SqsWire.decode(damaged))
          .as(metadata)
          .isInstanceOf(QueueException.class);
      assertThat(SqsWire.decodePlain(damaged).message().text()).isEqualTo("not base64!");
    }
  }

  @Test
  void ids_areKeptWhereSqsAllowsThem_andHashedElse() {
    assertThat(SqsText.id("user-1!~")).isEqualTo("user-1!~");
    assertThat(SqsText.id("x".repeat(128))).hasSize(128);
    assertThat(SqsText.id("with space")).matches("[A-Za-z0-9_-]{43}");
    assertThat(SqsText.id("grüße")).isNotEqualTo(SqsText.id("grüsse")).hasSize(43);
    assertThat(SqsText.id("x".repeat(129))).hasSize(43);
  }
}
