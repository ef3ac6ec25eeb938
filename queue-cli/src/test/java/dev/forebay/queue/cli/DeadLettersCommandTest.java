package dev.forebay.queue.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import dev.forebay.queue.sqs.SqsWorkQueue;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The program from its arguments to its exit code, on servers inside this JVM. */
class DeadLettersCommandTest {

  private static final Duration SOON = Duration.ofSeconds(30);

  /** What a run of the program did. */
  private record Ran(int code, String out, String err) {
    JsonNode json() throws Exception {
      return new ObjectMapper().readTree(out);
    }
  }

  private static Ran run(List<String> where, String command, String... options) {
    List<String> args = new ArrayList<>(List.of(command));
    args.addAll(where);
    args.addAll(List.of(options));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        DeadLettersCommand.run(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            args.toArray(String[]::new));
    return new Ran(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  // Some twenty runs of the program, each with clients of its own.
  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void D3_sqs_listShowRedriveDiscard() throws Exception {
    EmbeddedSqs server = EmbeddedSqs.shared();
    // The program finds credentials as the SDK does, and this is the first place it looks.
    var credentials = server.credentials().resolveCredentials();
    System.setProperty("aws.accessKeyId", credentials.accessKeyId());
    System.setProperty("aws.secretAccessKey", credentials.secretAccessKey());
    String letters = server.createQueue("cli-letters");
    String url = server.createQueue("cli", server.redriveTo(letters, 10));
    List<String> where =
        List.of(
            "--backend=sqs",
            "--queue-url=" + url,
            "--endpoint=" + server.endpoint(),
            "--region=" + server.region());
    try (WorkQueue queue = SqsWorkQueue.builder(server.client(), url).build()) {
      walkThrough(queue, where);
    } finally {
      System.clearProperty("aws.accessKeyId");
      System.clearProperty("aws.secretAccessKey");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shared", "keyed"})
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void D3_kafka_listShowRedriveDiscard(String mode, @TempDir Path directory) throws Exception {
    EmbeddedKafka kafka = EmbeddedKafka.shared();
    String topic = "cli-" + UUID.randomUUID();
    kafka.createTopic(topic, 2);
    kafka.createTopic(topic + ".dlq", 2);
    Path config = directory.resolve("client.properties");
    Files.writeString(config, "client.id=cli\nbootstrap.servers=nobody:1\n");
    List<String> where =
        List.of(
            "--backend=kafka",
            "--topic=" + topic,
            "--bootstrap=" + kafka.bootstrapServers(),
            "--config=" + config);
    try (WorkQueue queue =
        mode.equals("keyed")
            ? KafkaWorkQueue.keyed(kafka.clientProperties(), topic).withoutDelays().build()
            : KafkaWorkQueue.shared(kafka.clientProperties(), topic).withoutDelays().build()) {
      walkThrough(queue, where);
      String grouped = die(queue, Message.text("grouped"), "Group");
      String group = (mode.equals("keyed") ? "forebay-keyed-" : "forebay-") + topic;
      assertThat(run(where, "list", "--cause=Group", "--group=" + group).out()).contains(grouped);
      assertThat(run(where, "list", "--cause=Group", "--group=other").out())
          .contains("0 dead letters");
      assertThat(run(where, "list", "--cause=Group").out()).contains(grouped);
    }
  }

  private static void walkThrough(WorkQueue queue, List<String> where) throws Exception {
    Message message =
        Message.text("a prompt\nof two lines \u001b[31m").type("summarise").key("user-1");
    String oom = die(queue, message.header("trace", "42"), "OutOfMemory");
    String bad = die(queue, Message.of(new byte[] {-1, 0}).type("chat"), "Malformed");
    String late = die(queue, Message.text("late").type("chat"), "Timeout");

    Ran listed = run(where, "list");
    assertThat(listed.err()).isEmpty();
    assertThat(listed.code()).isZero();
    assertThat(listed.out())
        .contains("ID", "CAUSE", "REDRIVES", oom, bad, late, "OutOfMemory", "summarise", "user-1")
        .endsWith("3 dead letters" + System.lineSeparator());
    JsonNode json = run(where, "list", "--type=chat", "--output=json").json();
    assertThat(json.at("/cut").asBoolean()).isFalse();
    assertThat(json.at("/items").findValuesAsText("id")).containsExactlyInAnyOrder(bad, late);
    assertThat(run(where, "list", "--max=2").out()).contains("2 dead letters; there may be more");
    assertThat(run(where, "list", "--older-than=7d").out().trim()).isEqualTo("0 dead letters");
    assertThat(run(where, "list", "--younger-than=1d", "--cause=Timeout", "--key=none").out())
        .contains("0 dead letters");

    Ran shown = run(where, "show", oom);
    assertThat(shown.code()).isZero();
    assertThat(shown.out())
        .contains("OutOfMemory", "of " + oom, "header         trace: 42", "  a prompt", "two lines")
        .doesNotContain("\u001b");
    assertThat(run(where, "show", oom, "--output=json").json().at("/body").asText())
        .isEqualTo(message.text());
    assertThat(run(where, "show", bad, "--output=json").json().at("/bodyBase64").asText())
        .isEqualTo("/wA=");
    Ran unknown = run(where, "show", "no-such-id");
    assertThat(unknown.code()).isEqualTo(1);
    assertThat(unknown.err()).contains("no dead letter has the id no-such-id");

    assertThat(run(where, "redrive", "--all", "--dry-run").out())
        .contains("3 matched, 3 would be redriven, 0 skipped, 0 failed");
    Ran redriven = run(where, "redrive", "--cause=OutOfMemory", "--per-second=50");
    assertThat(redriven.out()).contains("1 matched, 1 redriven, 0 skipped, 0 failed");
    assertThat(redriven.code()).isZero();
    Delivery again = queue.poll(SOON).orElseThrow();
    assertThat(again.id()).isEqualTo(oom);
    assertThat(again.message().text()).isEqualTo(message.text());
    assertThat(again.attempt()).isEqualTo(1);
    assertThat(again.deadLetter(new DeadLetterCause("OutOfMemory", "again")).join())
        .isEqualTo(Settlement.OK);
    assertThat(run(where, "redrive", "--id=" + oom, "--max-redrives=1").out())
        .contains("1 matched, 0 redriven, 1 skipped")
        .contains("--max-redrives raises the limit");

    JsonNode discarded = run(where, "discard", "--type=chat", "--max=1", "--output=json").json();
    assertThat(discarded.at("/matched").asLong()).isEqualTo(1);
    assertThat(discarded.at("/done").asLong()).isEqualTo(1);
    assertThat(discarded.at("/dryRun").asBoolean(true)).isFalse();
    assertThat(run(where, "discard", "--all").out()).contains("2 matched, 2 discarded");
    assertThat(run(where, "list").out().trim()).isEqualTo("0 dead letters");
  }

  private static String die(WorkQueue queue, Message message, String cause) {
    String id = queue.enqueue(message).join().orThrow();
    Delivery delivery = queue.poll(SOON).orElseThrow();
    assertThat(delivery.deadLetter(new DeadLetterCause(cause, "of " + id)).join())
        .isEqualTo(Settlement.OK);
    return id;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        " | Say what to do",
        "look | Unmatched argument",
        "list | --backend",
        "list --backend=rabbit | --backend",
        "list --backend=sqs | --backend sqs needs --queue-url",
        "list --backend=sqs --queue-url=x --topic=t | --topic has no meaning with --backend sqs",
        "list --backend=sqs --queue-url=x --endpoint=nowhere | --endpoint needs a scheme",
        "list --backend=kafka | --backend kafka needs --topic",
        "list --backend=kafka --topic=t | needs --bootstrap",
        "list --backend=sqs --queue-url=x --group=g | --group has no meaning with --backend sqs",
        "list --backend=kafka --topic=t --region=r | --region has no meaning",
        "list --backend=kafka --topic=t --config=/no/such/file | --config: cannot read",
        "list --backend=kafka --topic=t --max=0 | --max must be from 1",
        "list --backend=kafka --topic=t --older-than=soon | 'soon' is no age",
        "list --backend=kafka --topic=t --output=xml | --output",
        "show --backend=kafka --topic=t | ID",
        "redrive --backend=kafka --topic=t | Give a filter such as --cause, or --all",
        "redrive --backend=kafka --topic=t --all --cause=C | contradict each other",
        "redrive --backend=kafka --topic=t --all --per-second=0 | --per-second must be above zero",
        "redrive --backend=kafka --topic=t --all --max-redrives=-1 | --max-redrives must not be",
        "discard --backend=kafka --topic=t | Give a filter",
        "discard --backend=kafka --topic=t --all --max=0 | --max must be at least 1",
      })
  void wrongOption_isToldInOneLine(String arguments, String told) {
    String[] args = arguments == null ? new String[0] : arguments.trim().split(" ");
    Ran ran = args.length == 0 ? runBare() : run(List.of(args).subList(1, args.length), args[0]);
    assertThat(ran.code()).isEqualTo(2);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.err()).startsWith("deadletters: ").contains(told);
    assertThat(ran.err().strip().lines()).hasSize(1);
  }

  private static Ran runBare() {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        DeadLettersCommand.run(
            new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Ran(code, "", err.toString(StandardCharsets.UTF_8));
  }

  @Test
  void help_namesCommandsAndOptions() {
    assertThat(run(List.of(), "--help").out()).contains("list", "show", "redrive", "discard");
    Ran redrive = run(List.of(), "redrive", "--help");
    assertThat(redrive.code()).isZero();
    assertThat(redrive.out())
        .contains("--backend", "--cause", "--dry-run", "--per-second", "--max-redrives");
  }

  @Test
  void whatTheBrokerRefuses_isToldInOneLine() {
    EmbeddedKafka kafka = EmbeddedKafka.shared();
    Ran ran =
        run(
            List.of("--backend=kafka", "--topic=none", "--bootstrap=" + kafka.bootstrapServers()),
            "list");
    assertThat(ran.code()).isEqualTo(1);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.err()).startsWith("deadletters: ").contains("Create the topic");
    assertThat(ran.err().strip().lines()).hasSize(1);
  }

  @Test
  void age_isInItsTwoLargestUnits() {
    assertThat(Format.age(Duration.ofSeconds(59))).isEqualTo("59s");
    assertThat(Format.age(Duration.ofSeconds(3_599))).isEqualTo("59m 59s");
    assertThat(Format.age(Duration.ofMinutes(61))).isEqualTo("1h 1m");
    assertThat(Format.age(Duration.ofHours(49))).isEqualTo("2d 1h");
    assertThat(Format.age(Duration.ofSeconds(-5))).isEqualTo("0s");
  }
}
