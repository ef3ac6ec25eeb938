package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Capabilities;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** E3: a message comes back byte for byte, or is refused before it is sent. */
public interface ContentRules {

  /** Room that a backend may need for its own data beside body, key and headers. */
  int OVERHEAD_BYTES = 4096;

  /** Any bytes: all values, none, line ends, and what breaks XML, JSON or a text encoding. */
  @Test
  default void E3_bodies_comeBackByteForByte(Trial trial) {
    byte[] every = new byte[512];
    for (int i = 0; i < every.length; i++) {
      every[i] = (byte) i;
    }
    List<Message> messages = new ArrayList<>();
    messages.add(Message.of(every));
    messages.add(Message.of(new byte[0]));
    messages.add(Message.of(new byte[] {0}));
    messages.add(Message.of(new byte[] {(byte) 0xC3, (byte) 0x28, (byte) 0xED, (byte) 0xA0}));
    for (String text :
        List.of(
            " leading and trailing ",
            "\r\nline\rends\n",
            "]]><!-- & &amp; <a b='\"'/> %00 \\u0000",
            "\u0000\u0001\u0008\u000b\u001f\u007f\u0085",
            "\uFFFE\uFFFF\uFEFF",
            "grüße 漢字 עברית \uD83D\uDE80",
            "{\"json\": [1, null]}",
            "SGVsbG8=")) {
      messages.add(Message.text(text));
    }
    assertCarried(trial, messages);
  }

  /** Random bytes, headers, keys, dedup ids and types. */
  @Test
  default void E3_messages_ofAnyContent_comeBackUnchanged(Trial trial) {
    Random random = new Random(20261123);
    Capabilities can = trial.capabilities();
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      byte[] body = new byte[random.nextInt(3000)];
      random.nextBytes(body);
      Message message =
          Message.of(body)
              .key(text(random, can.maxKeyBytes()))
              .dedupId(i + text(random, can.maxDedupIdBytes() - 2))
              .type(random.nextBoolean() ? null : text(random, 128))
              .deadline(Instant.ofEpochMilli(1_900_000_000_000L + random.nextInt()));
      Map<String, String> headers = new LinkedHashMap<>();
      for (int h = random.nextInt(can.maxHeaders() + 1); h > 0; h--) {
        headers.put("x-" + h + "_" + (char) ('a' + random.nextInt(26)) + ".Z", text(random, 300));
      }
      messages.add(message.headers(headers));
    }
    assertCarried(trial, messages);
  }

  /** At every limit at once a message is still carried. */
  @Test
  default void E3_atTheLimits_aMessageIsCarried(Trial trial) {
    Capabilities can = trial.capabilities();
    Message limits = Message.text("limits").key("k".repeat(can.maxKeyBytes()));
    limits = limits.dedupId("d".repeat(can.maxDedupIdBytes())).type("t".repeat(128));
    for (int h = 0; h < can.maxHeaders(); h++) {
      limits = limits.header("h" + h, h % 2 == 0 ? "" : "v".repeat(64));
    }
    limits = limits.header("h0", "renamed");
    Message longName =
        Message.text("name").header("n".repeat(128), "\t tab, \u00e9 and \uD83D\uDE80");
    int large = (int) Math.min(can.maxMessageBytes() - OVERHEAD_BYTES, 8 << 20);
    byte[] half = new byte[large / 2];
    new Random(1).nextBytes(half);
    assertCarried(
        trial, List.of(limits, longName, Message.text("a".repeat(large)), Message.of(half)));
  }

  /** A relative deadline becomes an absolute one, once, at enqueue. */
  @Test
  default void E3_deadline_isSetAtEnqueueAndKept(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("soon").deadline(Duration.ofMinutes(7)));
    Delivery first = trial.take(queue);
    Instant deadline = first.enqueuedAt().plus(Duration.ofMinutes(7));
    assertThat(first.message().deadline()).contains(deadline);
    assertThat(first.message().timeToLive()).isEmpty();
    assertThat(trial.get(first.release())).isEqualTo(Settlement.OK);
    Delivery second = trial.take(queue);
    assertThat(second.message().deadline()).contains(deadline);
    trial.ack(second);
  }

  /** Names that belong to the library neither travel nor disturb what it writes there itself. */
  @Test
  default void E3_reservedHeaders_ofTheUser_areDropped(Trial trial) {
    WorkQueue queue = trial.open();
    String id =
        trial.enqueue(
            queue,
            Message.text("forged")
                .headers(
                    Map.of(
                        "forebay-id", "other",
                        "Forebay-Attempts", "9,9,9",
                        "FOREBAY-cause", "none",
                        "kept", "yes")));
    Delivery delivery = trial.take(queue);
    assertThat(delivery.id()).isEqualTo(id);
    assertThat(delivery.attempts()).isEqualTo(Attempts.NONE);
    assertThat(delivery.deadLetter()).isEmpty();
    assertThat(delivery.message().headers()).isEqualTo(Map.of("kept", "yes"));
    trial.ack(delivery);
  }

  /** What is beyond a limit is refused with the limit in the text, and nothing is sent. */
  @Test
  default void E3_beyondTheLimits_aMessageIsRefused(Trial trial) {
    WorkQueue queue = trial.open();
    Capabilities can = trial.capabilities();
    Message plain = Message.text("too much");
    Message headers = plain;
    for (int h = 0; h <= can.maxHeaders(); h++) {
      headers = headers.header("h" + h, "x");
    }
    assertRefused(trial, queue, headers, Integer.toString(can.maxHeaders()));
    assertRefused(
        trial,
        queue,
        plain.key("k".repeat(can.maxKeyBytes() + 1)),
        Integer.toString(can.maxKeyBytes()));
    assertRefused(
        trial,
        queue,
        plain.dedupId("d".repeat(can.maxDedupIdBytes() + 1)),
        Integer.toString(can.maxDedupIdBytes()));
    assertRefused(trial, queue, plain.type("t".repeat(129)), "128");
    if (can.maxMessageBytes() <= 64 << 20) {
      assertRefused(
          trial,
          queue,
          Message.text("a".repeat((int) can.maxMessageBytes() + 1)),
          Long.toString(can.maxMessageBytes()));
      assertRefused(
          trial,
          queue,
          Message.text("a".repeat((int) can.maxMessageBytes() - 10)).header("h", "x".repeat(20)),
          Long.toString(can.maxMessageBytes()));
    }
    trial.nothingArrives(queue, Duration.ofMillis(500));
    trial.enqueue(queue, Message.text("good"));
    trial.ack(trial.take(queue));
  }

  /** Names and values that a broker, a log or a proxy would trip over are refused. */
  @Test
  default void E3_hostileHeadersAndIds_areRefused(Trial trial) {
    WorkQueue queue = trial.open();
    Message plain = Message.text("hostile");
    for (String name :
        List.of("", " ", "a b", "a:b", "a\r\nb", "é", "a..b", ".a", "a.", "n".repeat(129))) {
      assertRefused(trial, queue, plain.header(name, "x"), "");
    }
    for (String value : List.of("a\r\nb", "\u0000", "\u001b[2J", "\uD83D", "\uDE80", "\uFFFF")) {
      assertRefused(trial, queue, plain.header("h", value), "h");
      assertRefused(trial, queue, plain.key(value), "key");
      assertRefused(trial, queue, plain.dedupId(value), "dedup id");
      assertRefused(trial, queue, plain.type(value), "type");
    }
    assertRefused(trial, queue, plain.key(""), "key");
    trial.nothingArrives(queue, Duration.ofMillis(500));
    trial.enqueue(queue, Message.text("good"));
    trial.ack(trial.take(queue));
  }

  private static void assertRefused(
      Trial trial, WorkQueue queue, Message message, String inItsText) {
    EnqueueOutcome outcome = trial.get(queue.enqueue(message));
    assertRefused(outcome, ErrorCode.INVALID_MESSAGE, "enqueue of " + message);
    assertThat(((EnqueueOutcome.Failed) outcome).message())
        .as("the text names the limit or the field")
        .contains(inItsText);
    assertThat(((EnqueueOutcome.Failed) outcome).retryable()).isFalse();
  }

  /** Requires a failure of this code. */
  static void assertRefused(EnqueueOutcome outcome, ErrorCode code, String what) {
    assertThat(outcome)
        .as(what)
        .isInstanceOfSatisfying(
            EnqueueOutcome.Failed.class, failed -> assertThat(failed.code()).isEqualTo(code));
  }

  /** Requires that messages come back unchanged at first, on attempt 2, and as dead letters. */
  private static void assertCarried(Trial trial, List<Message> messages) {
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueAll(queue, messages);
    Map<String, Message> sent = new HashMap<>();
    for (int i = 0; i < ids.size(); i++) {
      sent.put(ids.get(i), messages.get(i));
    }
    List<Delivery> first = new ArrayList<>();
    List<Delivery> second = new ArrayList<>();
    while (second.size() < messages.size()) {
      Delivery delivery = trial.take(queue);
      assertSame(delivery, sent);
      if (delivery.attempt() == 1) {
        assertThat(trial.get(delivery.release())).isEqualTo(Settlement.OK);
        first.add(delivery);
        assertThat(first).as("first attempts").hasSizeLessThanOrEqualTo(messages.size());
      } else {
        second.add(delivery);
      }
    }
    assertThat(first).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(second).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
    if (!trial.offers(Ability.DEAD_LETTERS)) {
      trial.ackAll(second);
      return;
    }
    for (Delivery delivery : second) {
      assertThat(trial.get(delivery.deadLetter(new DeadLetterCause("Test", "of content"))))
          .isEqualTo(Settlement.OK);
    }
    List<Delivery> dead = trial.take(trial.openDeadLetters(), messages.size());
    dead.forEach(delivery -> assertSame(delivery, sent));
    assertThat(dead).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
    trial.ackAll(dead);
  }

  private static void assertSame(Delivery delivery, Map<String, Message> sent) {
    Message expected =
        Objects.requireNonNull(sent.get(delivery.id()), "nothing was enqueued under this id");
    Message got = delivery.message();
    assertThat(got.body()).as("body").isEqualTo(expected.body());
    assertThat(got.headers()).as("headers").isEqualTo(expected.headers());
    assertThat(got).as("key, dedup id, type and deadline").isEqualTo(expected);
  }

  /** Text within a limit of UTF-8 bytes: ASCII, punctuation that needs escapes, and beyond. */
  private static String text(Random random, int maxBytes) {
    String alphabet = "aZ09 -_=&%+;:,'\"<>/\\\u00e9\u4e2d\u05d0";
    StringBuilder out = new StringBuilder("x");
    int size = random.nextInt(Math.min(maxBytes, 120));
    while (true) {
      String next =
          random.nextInt(12) == 0
              ? "\uD83D\uDE80"
              : String.valueOf(alphabet.charAt(random.nextInt(alphabet.length())));
      int grown = (out + next).getBytes(StandardCharsets.UTF_8).length;
      if (grown > size) {
        return out.toString();
      }
      out.append(next);
    }
  }
}
