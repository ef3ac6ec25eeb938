package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetterFilter;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.RedriveOptions;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/** The IAM policies of {@code docs/iam} allow the calls each role makes, and no others. */
class SqsPoliciesTest {

  private static final Duration SOON = Duration.ofSeconds(20);

  private final EmbeddedSqs server = SqsHarness.server();
  private final String letters = server.createQueue("policy-letters");
  private final String source = server.createQueue("policy", server.redriveTo(letters, 10));

  private interface Role {
    void play(SqsAsyncClient client) throws Exception;
  }

  /** What was called, as IAM names it: the batch calls have no actions of their own. */
  private Set<String> called(Role role) throws Exception {
    CallLog log = new CallLog();
    try (SqsAsyncClient client = server.newClient(log)) {
      role.play(client);
    }
    Set<String> actions = new TreeSet<>();
    for (CallLog.Call call : log.calls()) {
      String queue =
          call.queue().equals(QueueFacts.nameOf(source))
              ? "QUEUE"
              : call.queue().equals(QueueFacts.nameOf(letters))
                  ? "DEAD-LETTER-QUEUE"
                  : call.queue();
      actions.add("sqs:" + call.operation().replaceFirst("Batch$", "") + " on " + queue);
    }
    return actions;
  }

  private static Set<String> allowed(String policy) throws Exception {
    JsonNode root =
        new ObjectMapper()
            .readTree(Files.readString(Path.of("..", "docs", "iam", policy + ".json")));
    assertThat(root.path("Version").asText()).isEqualTo("2012-10-17");
    Set<String> actions = new TreeSet<>();
    for (JsonNode statement : root.path("Statement")) {
      assertThat(statement.path("Effect").asText()).isEqualTo("Allow");
      String resource = statement.path("Resource").asText();
      assertThat(resource).startsWith("arn:aws:sqs:REGION:ACCOUNT:");
      for (JsonNode action : statement.path("Action")) {
        actions.add(action.asText() + " on " + resource.substring(resource.lastIndexOf(':') + 1));
      }
    }
    return actions;
  }

  private static Delivery take(SqsWorkQueue queue) {
    return queue.poll(SOON).orElseThrow();
  }

  private void enqueue(String url, int count) {
    try (SqsWorkQueue queue =
        SqsWorkQueue.builder(server.client(), url).withoutDeadLetters().build()) {
      for (int i = 0; i < count; i++) {
        queue.enqueue(Message.text("message " + i)).join().orThrow();
      }
    }
  }

  @Test
  void producer() throws Exception {
    Set<String> called =
        called(
            client -> {
              try (SqsWorkQueue queue =
                  SqsWorkQueue.builder(client, source).withoutDeadLetters().build()) {
                queue.enqueue(Message.text("one").key("k").header("h", "v")).join().orThrow();
                queue
                    .enqueueAll(List.of(Message.text("two"), Message.text("three")))
                    .join()
                    .forEach(EnqueueOutcome::orThrow);
                assertThat(queue.depth().visible()).hasValue(3);
              }
            });
    assertThat(called).isEqualTo(allowed("sqs-producer"));
  }

  @Test
  void worker() throws Exception {
    enqueue(source, 3);
    Set<String> called =
        called(
            client -> {
              try (SqsWorkQueue queue = SqsWorkQueue.builder(client, source).build()) {
                assertThat(take(queue).ack().join()).isEqualTo(Settlement.OK);
                assertThat(take(queue).release().join()).isEqualTo(Settlement.OK);
                Delivery extended = take(queue);
                assertThat(extended.extend(Duration.ofSeconds(60)).join()).isEqualTo(Settlement.OK);
                assertThat(extended.giveBack().join()).isEqualTo(Settlement.OK);
                assertThat(take(queue).deadLetter(new DeadLetterCause("Test", "why")).join())
                    .isEqualTo(Settlement.OK);
                assertThat(queue.depth().backlog()).isEqualTo(1);
              }
            });
    assertThat(called).isEqualTo(allowed("sqs-worker"));
  }

  @Test
  void redriver() throws Exception {
    enqueue(letters, 2);
    Set<String> called =
        called(
            client -> {
              try (SqsWorkQueue queue =
                  SqsWorkQueue.builder(client, source).deadLetterQueueUrl(letters).build()) {
                DeadLetters dead = queue.deadLetters();
                assertThat(dead.list(DeadLetterFilter.all())).hasSize(2);
                RedriveOptions one = RedriveOptions.unlimited().max(1);
                assertThat(dead.redrive(DeadLetterFilter.all(), one).done()).isEqualTo(1);
                assertThat(dead.discard(DeadLetterFilter.all(), one).done()).isEqualTo(1);
              }
            });
    assertThat(called).isEqualTo(allowed("sqs-redriver"));
  }
}
