package dev.forebay.queue.sqs;

import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.spi.Envelope;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/**
 * How a message travels through SQS. Stateless.
 *
 * <p>The body is the message's text where SQS carries it unchanged, so that other consumers can
 * read it; else it is Base64 and flagged. Headers are string attributes. All of the library's own
 * data share one attribute, {@value #METADATA}, because SQS allows ten on a message. A header SQS
 * cannot hold as an attribute, because its value is empty or there are already nine, travels in
 * there too.
 */
final class SqsWire {

  /** The attribute that carries the library's data. */
  static final String METADATA = Message.RESERVED_HEADER_PREFIX + "metadata";

  /** What SQS allows on a message, and what the library leaves of it to the user. */
  static final int MAX_ATTRIBUTES = 10;

  static final int MAX_HEADERS = MAX_ATTRIBUTES - 1;

  /** What SQS takes at most, attributes included, for one message and for a batch. */
  static final long MAX_BYTES = 1 << 20;

  /** Kept free for the library's data, so that what fits at enqueue also fits as a dead letter. */
  static final long RESERVED_BYTES = 4096;

  private static final String ENCODING = Message.RESERVED_HEADER_PREFIX + "encoding";
  private static final String BASE64 = "base64";
  private static final String EMPTY = "empty";

  /** SQS takes no empty body. */
  private static final String EMPTY_BODY = "-";

  private static final String HEADER = Message.RESERVED_HEADER_PREFIX + "header.";
  private static final String STRING = "String";

  private SqsWire() {}

  /**
   * A message as SQS gets it.
   *
   * @param userBytes its size as SQS counts it, without the library's data
   * @param bytes its size with them
   */
  record Encoded(
      String body, Map<String, MessageAttributeValue> attributes, long userBytes, long bytes) {

    /** Its size; never the body or an attribute. */
    @Override
    public String toString() {
      return "Encoded[" + bytes + " bytes]";
    }
  }

  /** Puts an envelope into SQS's terms. */
  static Encoded encode(Envelope envelope) {
    byte[] bytes = envelope.message().body();
    Map<String, String> metadata = envelope.metadata();
    String body = SqsText.asText(bytes);
    long size = bytes.length;
    if (body == null) {
      body = bytes.length == 0 ? EMPTY_BODY : Base64.getEncoder().encodeToString(bytes);
      size = body.length();
      metadata.put(ENCODING, bytes.length == 0 ? EMPTY : BASE64);
    }
    Map<String, MessageAttributeValue> attributes = new LinkedHashMap<>();
    Map<String, String> headers = envelope.message().headers();
    Set<String> asAttributes = fitting(headers);
    for (Map.Entry<String, String> header : headers.entrySet()) {
      if (asAttributes.contains(header.getKey())) {
        attributes.put(header.getKey(), string(header.getValue()));
        size += attributeBytes(header.getKey(), header.getValue());
      } else {
        metadata.put(HEADER + header.getKey(), header.getValue());
      }
    }
    String packed = Envelope.pack(metadata);
    attributes.put(METADATA, string(packed));
    return new Encoded(body, attributes, size, size + attributeBytes(METADATA, packed));
  }

  /**
   * Puts a dead letter into SQS's terms, with the text of its cause cut to what is left of {@code
   * maxBytes}: the message itself matters more.
   */
  static Encoded encodeDead(Envelope envelope, long maxBytes) {
    Encoded encoded = encode(envelope);
    DeadLetter letter = envelope.deadLetter();
    int keep = letter == null ? 0 : letter.cause().message().length();
    while (letter != null && encoded.bytes() > maxBytes && keep > 0) {
      keep /= 2;
      DeadLetterCause cause =
          new DeadLetterCause(letter.cause().type(), letter.cause().message().substring(0, keep));
      encoded =
          encode(
              envelope.withDeadLetter(
                  new DeadLetter(
                      cause,
                      letter.attempts(),
                      letter.lastDelivered(),
                      letter.origin(),
                      letter.redrives())));
    }
    return encoded;
  }

  /** A received message as it is, for a copy that has no room for the library's data. */
  static Encoded asReceived(software.amazon.awssdk.services.sqs.model.Message received) {
    long size = SqsText.utf8(received.body());
    for (Map.Entry<String, MessageAttributeValue> attribute :
        received.messageAttributes().entrySet()) {
      MessageAttributeValue value = attribute.getValue();
      size += SqsText.utf8(attribute.getKey()) + SqsText.utf8(value.dataType());
      size +=
          value.binaryValue() == null
              ? SqsText.utf8(text(value))
              : value.binaryValue().asByteArrayUnsafe().length;
    }
    return new Encoded(received.body(), received.messageAttributes(), size, size);
  }

  /**
   * Reads a received message.
   *
   * @throws QueueException when it carries library data that the library did not write
   */
  static Envelope decode(software.amazon.awssdk.services.sqs.model.Message received) {
    Map<String, String> headers = new LinkedHashMap<>();
    Map<String, String> metadata = Map.of();
    for (Map.Entry<String, MessageAttributeValue> attribute :
        received.messageAttributes().entrySet()) {
      if (attribute.getKey().equals(METADATA)) {
        metadata = Envelope.unpack(text(attribute.getValue()));
      } else {
        headers.put(attribute.getKey(), text(attribute.getValue()));
      }
    }
    for (Map.Entry<String, String> field : metadata.entrySet()) {
      if (field.getKey().startsWith(HEADER)) {
        headers.put(field.getKey().substring(HEADER.length()), field.getValue());
      }
    }
    return Envelope.read(
        body(received, metadata), headers, metadata, received.messageId(), sentAt(received));
  }

  /** A received message without the library's data, for one whose data cannot be read. */
  static Envelope decodePlain(software.amazon.awssdk.services.sqs.model.Message received) {
    Map<String, String> headers = new LinkedHashMap<>();
    received
        .messageAttributes()
        .forEach(
            (name, value) -> {
              if (!name.equals(METADATA)) {
                headers.put(name, text(value));
              }
            });
    return Envelope.read(
        received.body().getBytes(StandardCharsets.UTF_8),
        headers,
        new HashMap<>(),
        received.messageId(),
        sentAt(received));
  }

  /** When SQS says the message was sent to this queue. */
  static Instant sentAt(software.amazon.awssdk.services.sqs.model.Message received) {
    return Instant.ofEpochMilli(number(received, MessageSystemAttributeName.SENT_TIMESTAMP));
  }

  /** A system attribute that is a number; zero where the server leaves it out. */
  static long number(
      software.amazon.awssdk.services.sqs.model.Message received, MessageSystemAttributeName name) {
    String value = received.attributes().get(name);
    try {
      return value == null ? 0 : Long.parseLong(value);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  private static byte[] body(
      software.amazon.awssdk.services.sqs.model.Message received, Map<String, String> metadata) {
    String encoding = metadata.get(ENCODING);
    if (encoding == null) {
      return received.body().getBytes(StandardCharsets.UTF_8);
    }
    if (encoding.equals(EMPTY)) {
      return new byte[0];
    }
    try {
      if (encoding.equals(BASE64)) {
        return Base64.getDecoder().decode(received.body());
      }
    } catch (IllegalArgumentException e) {
      throw undecodable("the body is not the Base64 it is said to be");
    }
    throw undecodable("an unknown encoding of the body");
  }

  private static QueueException undecodable(String what) {
    return new QueueException(
        ErrorCode.INVALID_MESSAGE, "The message cannot be decoded: " + what + ".");
  }

  /** The headers that travel as attributes: nine at most, the largest ones first, none empty. */
  private static Set<String> fitting(Map<String, String> headers) {
    if (headers.size() <= MAX_HEADERS && !headers.containsValue("")) {
      return headers.keySet();
    }
    return headers.entrySet().stream()
        .filter(header -> !header.getValue().isEmpty())
        .sorted(
            Comparator.comparingInt(
                    (Map.Entry<String, String> header) -> header.getValue().length())
                .reversed())
        .limit(MAX_HEADERS)
        .map(Map.Entry::getKey)
        .collect(Collectors.toSet());
  }

  private static MessageAttributeValue string(String value) {
    return MessageAttributeValue.builder().dataType(STRING).stringValue(value).build();
  }

  /** Attributes of other producers may be numbers or bytes; bytes are shown as Base64. */
  private static String text(MessageAttributeValue value) {
    if (value.stringValue() != null) {
      return value.stringValue();
    }
    return value.binaryValue() == null
        ? ""
        : Base64.getEncoder().encodeToString(value.binaryValue().asByteArray());
  }

  private static long attributeBytes(String name, String value) {
    return SqsText.utf8(name) + STRING.length() + SqsText.utf8(value);
  }
}
