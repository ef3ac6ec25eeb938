package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.time.ManualTimeSource;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

/** What a failed send says of the message (E2), in the ways in which Kafka's producer fails. */
class EnqueuerTest {

  /** Fails each send like the producer that has not yet put it into a batch: on the caller. */
  private static final class Unsent extends MockProducer<byte[], byte[]> {
    private final RuntimeException error;

    Unsent(RuntimeException error) {
      super(false, null, new ByteArraySerializer(), new ByteArraySerializer());
      this.error = error;
    }

    @Override
    public CompletableFuture<RecordMetadata> send(
        ProducerRecord<byte[], byte[]> record, Callback callback) {
      callback.onCompletion(null, error);
      return CompletableFuture.failedFuture(error);
    }
  }

  private static ErrorCode code(CompletableFuture<EnqueueOutcome> outcome) {
    return ((EnqueueOutcome.Failed) outcome.join()).code();
  }

  private static Enqueuer enqueuer(MockProducer<byte[], byte[]> producer) {
    return new Enqueuer(
        "t", Capabilities.builder("test").build(), producer, new ManualTimeSource(), null);
  }

  @Test
  void E2_whatNeverLeft_isNotAmbiguous() {
    Enqueuer unknownTopic = enqueuer(new Unsent(new TimeoutException("not present in metadata")));
    assertThat(code(unknownTopic.enqueue(Message.text("m")))).isEqualTo(ErrorCode.UNAVAILABLE);
    Enqueuer full = enqueuer(new Unsent(new BufferExhaustedException("full")));
    assertThat(code(full.enqueue(Message.text("m")))).isEqualTo(ErrorCode.OVERLOADED);
  }

  @Test
  void E2_whatWasUnderWay_isAmbiguous() throws Exception {
    MockProducer<byte[], byte[]> producer =
        new MockProducer<>(false, null, new ByteArraySerializer(), new ByteArraySerializer());
    CompletableFuture<EnqueueOutcome> outcome = enqueuer(producer).enqueue(Message.text("m"));
    assertThat(outcome).isNotDone();
    Thread sender = new Thread(() -> producer.errorNext(new TimeoutException("no answer")));
    sender.start();
    sender.join();
    assertThat(code(outcome)).isEqualTo(ErrorCode.AMBIGUOUS);
  }
}
