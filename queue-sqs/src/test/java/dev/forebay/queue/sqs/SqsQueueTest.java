package dev.forebay.queue.sqs;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.testkit.fault.SqsFaults;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/** Queues on the shared server, closed after each test. */
abstract class SqsQueueTest {

  static final Duration SOON = Duration.ofSeconds(20);

  final EmbeddedSqs server = SqsHarness.server();
  final SqsAsyncClient plain = server.client();
  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (int i = opened.size() - 1; i >= 0; i--) {
      opened.get(i).close();
    }
  }

  <T extends AutoCloseable> T open(T resource) {
    opened.add(resource);
    return resource;
  }

  SqsAsyncClient through(SqsFaults faults) {
    return open(server.newClient(faults));
  }

  SqsWorkQueue queue(SqsAsyncClient client, String url, int leaseSeconds) {
    return open(
        SqsWorkQueue.builder(client, url)
            .lease(Duration.ofSeconds(leaseSeconds))
            .grace(Duration.ofSeconds(5))
            .build());
  }

  static Delivery take(SqsWorkQueue queue) {
    return queue.poll(SOON).orElseThrow();
  }
}
