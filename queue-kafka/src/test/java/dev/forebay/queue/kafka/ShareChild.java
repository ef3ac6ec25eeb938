package dev.forebay.queue.kafka;

import dev.forebay.queue.Delivery;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A worker in a JVM of its own, to be killed or suspended: it takes messages, holds them under
 * their first lease, and acks when it is told to. Ends with its standard input. For one thread.
 */
final class ShareChild implements AutoCloseable {

  private static final String MARK = "CHILD ";

  private final Process process;
  private final BufferedReader output;

  private ShareChild(Process process) {
    this.process = process;
    this.output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  static ShareChild start(ShareRig rig, Duration lease, int count) throws IOException {
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-classpath",
            classPath,
            ShareChild.class.getName(),
            rig.kafka.bootstrapServers(),
            rig.topic,
            Long.toString(lease.toMillis()),
            Integer.toString(count));
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    return new ShareChild(builder.start());
  }

  /** The child's side. */
  public static void main(String[] args) throws IOException {
    KafkaWorkQueue queue =
        KafkaWorkQueue.shared(Map.of("bootstrap.servers", args[0]), args[1])
            .withoutDelays()
            .lease(Duration.ofMillis(Long.parseLong(args[2])))
            .build();
    int count = Integer.parseInt(args[3]);
    List<Delivery> held = new ArrayList<>();
    while (held.size() < count) {
      held.addAll(queue.poll(count - held.size(), Duration.ofSeconds(5)));
    }
    answer(held.stream().map(Delivery::id).collect(Collectors.joining(",")));
    if (System.in.read() < 0) {
      Runtime.getRuntime().halt(0);
    }
    answer(
        held.stream().map(each -> each.ack().join().toString()).collect(Collectors.joining(",")));
    int end = System.in.read();
    Runtime.getRuntime().halt(end);
  }

  private static void answer(String text) {
    System.out.println(MARK + text);
    System.out.flush();
  }

  private List<String> answer() throws IOException {
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      if (line.startsWith(MARK)) {
        return Arrays.asList(line.substring(MARK.length()).split(","));
      }
    }
    throw new IOException("the child ended without an answer; its error output says why");
  }

  /** Waits until the child holds its messages; returns their ids. */
  Set<String> held() throws IOException {
    return new LinkedHashSet<>(answer());
  }

  /** Has the child ack what it holds; returns the settlements. */
  List<String> ackAll() throws IOException {
    OutputStream input = process.getOutputStream();
    input.write('a');
    input.flush();
    return answer();
  }

  /** As by kill -9: nothing is closed. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  void suspend() throws Exception {
    signal("-STOP");
  }

  void resume() throws Exception {
    signal("-CONT");
  }

  private void signal(String name) throws Exception {
    int code = new ProcessBuilder("kill", name, Long.toString(process.pid())).start().waitFor();
    if (code != 0) {
      throw new IOException("kill " + name + " ended with " + code);
    }
  }

  @Override
  public void close() throws Exception {
    kill();
  }
}
