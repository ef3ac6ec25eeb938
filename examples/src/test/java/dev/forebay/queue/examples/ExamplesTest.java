package dev.forebay.queue.examples;

import static dev.forebay.queue.examples.Captured.output;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import dev.forebay.queue.sqs.SqsWorkQueue;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import dev.forebay.queue.worker.Worker;
import java.io.BufferedReader;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AwsCredentials;

/** Runs every example as its reader would. */
class ExamplesTest {

  private final Set<String> answered = ConcurrentHashMap.newKeySet();
  private final CountDownLatch ten = new CountDownLatch(10);

  private void answer(Prompt prompt) {
    if (answered.add(prompt.id())) {
      ten.countDown();
    }
  }

  private void enqueueTen(WorkQueue queue) {
    for (int i = 0; i < 10; i++) {
      queue.enqueue(Message.json(new Prompt("p" + i, "question " + i))).join().orThrow();
    }
  }

  @Test
  void firstConsumerHandlesEverythingAndReleasesWhatFails() {
    AtomicBoolean failed = new AtomicBoolean();
    try (WorkQueue queue = InMemoryWorkQueue.builder("q").build()) {
      queue.enqueue(Message.text("a"));
      queue.enqueue(Message.text("b"));
      int handled =
          FirstConsumer.consume(
              queue,
              prompt -> {
                if (prompt.equals("a") && failed.compareAndSet(false, true)) {
                  throw new IllegalStateException("GPU busy");
                }
              },
              Duration.ofSeconds(2));
      assertThat(handled).isEqualTo(2);
      assertThat(failed).isTrue();
      assertThat(queue.depth().backlog()).isZero();
    }
    assertThat(output(() -> FirstConsumer.main(new String[0]))).contains("handled 2 messages");
  }

  @Test
  void workerOnSqsAnswersEveryPrompt() throws Exception {
    EmbeddedSqs sqs = EmbeddedSqs.shared();
    String url = sqs.createQueue("examples-" + UUID.randomUUID());
    try (WorkQueue producer = SqsWorkQueue.builder(sqs.client(), url).build();
        WorkerOnSqs worker = new WorkerOnSqs(sqs.client(), url, this::answer)) {
      assertThat(worker).isNotNull();
      enqueueTen(producer);
      assertThat(ten.await(60, TimeUnit.SECONDS)).as("answered " + answered).isTrue();
    }
  }

  @Test
  void workerOnKafkaAnswersEveryPrompt() throws Exception {
    EmbeddedKafka kafka = EmbeddedKafka.shared();
    String topic = "examples-" + UUID.randomUUID();
    kafka.createTopic(topic, 1);
    kafka.createTopic(topic + ".dlq", 1);
    kafka.createTopic(topic + ".delays", 20);
    Map<String, Object> properties = Map.of("bootstrap.servers", kafka.bootstrapServers());
    try (WorkQueue producer = KafkaWorkQueue.shared(properties, topic).group(topic).build();
        WorkerOnKafka worker = new WorkerOnKafka(properties, topic, topic, this::answer)) {
      assertThat(worker).isNotNull();
      enqueueTen(producer);
      assertThat(ten.await(60, TimeUnit.SECONDS)).as("answered " + answered).isTrue();
    }
  }

  @Test
  void conversationsOnKafkaKeepEachUsersTurnsInOrder() throws Exception {
    EmbeddedKafka kafka = EmbeddedKafka.shared();
    String topic = "conversations";
    kafka.createTopic(topic, 2);
    kafka.createTopic(topic + ".dlq", 1);
    kafka.createTopic(topic + ".delays", 20);
    Map<String, List<String>> said = new ConcurrentHashMap<>();
    CountDownLatch six = new CountDownLatch(6);
    try (ConversationsOnKafka conversations =
        new ConversationsOnKafka(
            Map.of("bootstrap.servers", kafka.bootstrapServers()),
            topic,
            topic,
            (user, text) -> {
              said.computeIfAbsent(user, name -> new CopyOnWriteArrayList<>()).add(text);
              six.countDown();
            })) {
      for (String turn : List.of("one", "two", "three")) {
        conversations.turn("ann", turn);
        conversations.turn("bob", turn);
      }
      assertThat(six.await(60, TimeUnit.SECONDS)).as("said " + said).isTrue();
      assertThat(conversations.stats().rebalances()).isPositive();
    }
    List<String> inOrder = List.of("one", "two", "three");
    assertThat(said).isEqualTo(Map.of("ann", inOrder, "bob", inOrder));
  }

  @Test
  void longRunningJobOutlivesItsLease() {
    assertThat(output(() -> LongRunningJob.main(new String[0])))
        .contains("step 0", "step 9", "leases extended: ")
        .doesNotContain("leases extended: 0");
  }

  @Test
  void deadLetterWorkbenchBringsBackWhatIsCured() {
    assertThat(output(() -> DeadLetterWorkbench.main(new String[0])))
        .contains("long text: 24 GB wanted", "longer text: 48 GB wanted")
        .contains("would be 2 redriven")
        .contains("2 redriven, 0 left because they keep dying, 0 failed")
        .contains("back in the queue: 2");
  }

  @Test
  void retryAndDeadLetterSaysWhyEachMessageDied() {
    assertThat(output(() -> RetryAndDeadLetter.main(new String[0])))
        .contains("bad: ", "BadPromptException", "The prompt is empty.")
        .contains("unlucky: ", "IllegalStateException", "The GPU fell off the bus.")
        .doesNotContain("flaky: ", "busy: ", "good: ");
  }

  @Test
  void gracefulShutdownFinishesWhatRunsAndKeepsTheRest() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                GracefulShutdown.class.getName())
            .redirectErrorStream(true)
            .start();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      StringBuilder seen = new StringBuilder();
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        seen.append(line).append('\n');
        if (line.contains("ready for SIGTERM")) {
          process.toHandle().destroy(); // Process.destroy would close the output too
        }
      }
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(seen.toString())
          .contains("finished message 1", "finished message 2", "left in the queue: 3")
          .doesNotContain("finished message 3");
    } finally {
      process.destroyForcibly();
    }
  }

  /** A lease is five minutes: whatever the process had kept would be missing here. */
  @Test
  void sigtermOnSqsLosesNothingAndRepeatsNothing() throws Exception {
    EmbeddedSqs sqs = EmbeddedSqs.shared();
    String url = sqs.createQueue("sigterm-" + UUID.randomUUID());
    Set<String> expected = new HashSet<>();
    List<String> handled = new ArrayList<>();
    try (WorkQueue queue =
        SqsWorkQueue.builder(sqs.client(), url).lease(Duration.ofMinutes(5)).build()) {
      for (int i = 0; i < 40; i++) {
        expected.add("m" + i);
        queue.enqueue(Message.text("m" + i)).join().orThrow();
      }
      Process process = child(SigtermOnSqs.class, sqs, url);
      try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
        boolean drained = false;
        for (String line = out.readLine(); line != null; line = out.readLine()) {
          drained |= line.startsWith("drained, ");
          if (line.startsWith("finished ")) {
            handled.add(line.substring("finished ".length()));
            if (handled.size() == 6) {
              process.toHandle().destroy(); // Process.destroy would close the output too
            }
          }
        }
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(drained).as("the shutdown hook ran to its end").isTrue();
      } finally {
        process.destroyForcibly();
      }
      assertThat(handled).as("it was told to stop in the middle").hasSizeBetween(6, 39);
      await()
          .atMost(Duration.ofSeconds(60))
          .until(
              () -> {
                for (Delivery delivery : queue.poll(10, Duration.ofSeconds(1))) {
                  handled.add(delivery.message().text());
                  delivery.ack().join();
                }
                return handled.size() >= expected.size();
              });
    }
    assertThat(handled).containsExactlyInAnyOrderElementsOf(expected);
  }

  /** As an operator runs it: the client finds endpoint, region and credentials by itself. */
  private static Process child(Class<?> main, EmbeddedSqs sqs, String... args) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    AwsCredentials credentials = sqs.credentials().resolveCredentials();
    builder
        .environment()
        .putAll(
            Map.of(
                "AWS_ENDPOINT_URL_SQS", sqs.endpoint().toString(),
                "AWS_REGION", sqs.region().id(),
                "AWS_ACCESS_KEY_ID", credentials.accessKeyId(),
                "AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey()));
    return builder.start();
  }

  @Test
  void resumableJobMakesEachStepOnce() {
    assertThat(output(() -> ResumableJob.main(new String[0])))
        .containsSubsequence(
            "begins",
            "given back: 1",
            "goes on after step ",
            "attempts failed: 0",
            "steps made: 10");
  }

  @Test
  void switchBackendRunsTheSameCodeOnEveryBroker() throws Exception {
    EmbeddedSqs sqs = EmbeddedSqs.shared();
    EmbeddedKafka kafka = EmbeddedKafka.shared();
    String topic = "switch-" + UUID.randomUUID();
    kafka.createTopic(topic, 1);
    kafka.createTopic(topic + ".dlq", 1);
    kafka.createTopic(topic + ".delays", 20);
    List<String> addresses =
        List.of(
            "memory:inference",
            sqs.createQueue(topic),
            "kafka://" + kafka.bootstrapServers() + "/" + topic);
    for (String address : addresses) {
      try (WorkQueue queue = SwitchBackend.open(URI.create(address), sqs::client)) {
        assertThat(SwitchBackend.roundTrip(queue, "hello")).as(address).isEqualTo("hello");
      }
    }
    assertThatThrownBy(() -> SwitchBackend.open(URI.create("carrier:pigeon"), sqs::client))
        .hasMessageContaining("carrier:pigeon");
    assertThat(output(() -> SwitchBackend.main(new String[0])))
        .contains("hello through memory", "longest enqueue delay: PT8760H");
  }

  @Test
  void deduplicationRunsARequestOnceAndAnswersItTwice() {
    assertThat(output(() -> Deduplication.main(new String[0])))
        .containsSubsequence(
            "answer to why is the sky blue?",
            "again: answer to why is the sky blue?",
            "the model ran 1 time");
  }

  @Test
  void fencedWriteKeepsTheNewerAnswer() {
    assertThat(output(() -> FencedWrite.main(new String[0])))
        .containsSubsequence(
            "second worker: written",
            "first worker: refused",
            "leases lost: 1, acked: 0",
            "the answer is fresh");
  }

  @Test
  void scaleEndpointTellsHowManyWorkersAreWanted() {
    assertThat(output(() -> ScaleEndpoint.main(new String[0])))
        .containsPattern(
            "busy: \\{\"backlog\":[1-9]\\d*,\"desiredWorkers\":[1-9]\\d*,\"drainSeconds\":\\d+\\}")
        .contains("idle: {\"backlog\":0,");
  }

  @Test
  void scaleEndpointIsHeardBeyondItsMachineAndSaysWhenTheBrokerIsAway() throws Exception {
    AtomicBoolean away = new AtomicBoolean();
    WorkQueue queue =
        new ForwardingWorkQueue(InMemoryWorkQueue.builder("q").build()) {
          @Override
          public QueueDepth depth() {
            if (away.get()) {
              throw new QueueException(ErrorCode.UNAVAILABLE, "The broker is away.");
            }
            return super.depth();
          }
        };
    WorkQueue batch = InMemoryWorkQueue.builder("batch").build();
    CountDownLatch finish = new CountDownLatch(1);
    try (Worker worker =
            Worker.builder(queue).lane(batch, 1).handler((d, c) -> finish.await()).start();
        ScaleEndpoint endpoint =
            new ScaleEndpoint(worker, Duration.ofSeconds(10), new InetSocketAddress(0))) {
      assertThat(endpoint.address().getAddress().isAnyLocalAddress()).isTrue();
      queue.enqueue(Message.text("a")).join().orThrow();
      batch.enqueue(Message.text("b")).join().orThrow();
      HttpClient client = HttpClient.newHttpClient();
      HttpRequest request =
          HttpRequest.newBuilder(
                  URI.create("http://127.0.0.1:" + endpoint.address().getPort() + "/scale"))
              .build();
      assertThat(client.send(request, HttpResponse.BodyHandlers.ofString()).body())
          .as("with all lanes")
          .startsWith("{\"backlog\":2,\"desiredWorkers\":1,");
      away.set(true);
      assertThat(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode())
          .isEqualTo(503);
      finish.countDown();
    } finally {
      queue.close();
      batch.close();
    }
  }

  /** Scaled to zero there would be nobody to ask. */
  @Test
  void scaleEndpointsScaledObjectKeepsOneWorkerAndReadsWhatIsServed() throws Exception {
    String source =
        Files.readString(Path.of("src/main/java/dev/forebay/queue/examples/ScaleEndpoint.java"));
    assertThat(source)
        .containsPattern("minReplicaCount: [1-9]")
        .contains("/scale\"\n", "valueLocation: \"desiredWorkers\"");
  }

  @Test
  void lateRequestsAreNotAnsweredAndOthersInTime() {
    assertThat(output(() -> LateRequests.main(new String[0])))
        .contains(
            "short answer to normal, 15 s left",
            "long answer to patient, 290 s left",
            "expired: 1",
            "impatient: EXPIRED")
        .doesNotContain("answer to impatient");
  }

  @Test
  void microBatchesGoByModelAndBudgetAndFailAlone() {
    assertThat(output(() -> MicroBatches.main(new String[0])))
        .contains(
            "chat: 4 prompts in one call",
            "embed: 2 prompts in one call",
            "embed: 1 prompts in one call",
            "dead letters: 1");
  }

  @Test
  void slowLaneTakesWhatKeepsFailingAndEmptiesAfterwards() {
    assertThat(output(() -> SlowLane.main(new String[0])))
        .containsSubsequence(
            "breaker for summarise: OPEN",
            "chats answered: 3",
            "set aside: breaker open for type summarise",
            "breaker for summarise: CLOSED",
            "dead letters: 0",
            "the slow lane is empty");
  }

  @Test
  void modelLoadingTakesNothingBeforeTheModelIsThereAndBurnsNoAttempt() {
    assertThat(output(() -> ModelLoading.main(new String[0])))
        .containsSubsequence(
            "loading, in the queue: 3",
            "429, Retry-After: 1",
            "answered, failed attempts: 0",
            "throttled 1 time")
        .doesNotContain("failed attempts: 1");
  }

  @Test
  void shadowLimitSaysWhatItWouldDo() {
    assertThat(output(() -> ShadowLimit.main(new String[0])))
        .containsPattern("16 slots, refused [1-9]\\d* times")
        .containsPattern("at most (\\d|1[0-5]) would run at once");
  }
}
