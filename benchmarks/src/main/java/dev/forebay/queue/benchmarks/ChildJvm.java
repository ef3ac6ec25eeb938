package dev.forebay.queue.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A benchmark's subcommand in a JVM of its own, so that its processor time is its own. It ends when
 * its standard input does, and so with the JVM that started it. For one thread.
 */
final class ChildJvm implements AutoCloseable {

  /** Precedes the one line on standard output that is for the parent. */
  private static final String MARK = "RESULT ";

  private static final long END_SECONDS = 10;

  private final Process process;
  private final BufferedReader output;

  private ChildJvm(Process process) {
    this.process = process;
    output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /**
   * Options for a heap of this size with all its pages there from the start: the first use of a
   * page is the kernel's work, on the account of the thread that happens to allocate there, and can
   * cost many times what is measured.
   */
  static List<String> memory(String size, String... more) {
    List<String> options =
        new ArrayList<>(List.of("-Xms" + size, "-Xmx" + size, "-XX:+AlwaysPreTouch"));
    options.addAll(List.of(more));
    return List.copyOf(options);
  }

  /** Options for a run that measures nothing: a JVM that is soon there. */
  static List<String> quick() {
    return List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");
  }

  /** Starts the entry with these arguments, on this JVM's class path. */
  static ChildJvm start(List<String> jvmOptions, List<String> arguments) throws IOException {
    return start(
        jvmOptions, System.getProperty("java.class.path"), Benchmarks.class.getName(), arguments);
  }

  /** Starts a program of one source file on a class path of its own. */
  static ChildJvm startSource(
      List<String> jvmOptions, String classPath, Path source, List<String> arguments)
      throws IOException {
    return start(jvmOptions, classPath, source.toString(), arguments);
  }

  private static ChildJvm start(
      List<String> jvmOptions, String classPath, String main, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(jvmOptions);
    command.add("-classpath");
    command.add(classPath);
    command.add(main);
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    return new ChildJvm(builder.start());
  }

  /** In the child: hands a result to the parent. */
  static void answer(String result) {
    System.out.println(MARK + result);
    System.out.flush();
  }

  /** Waits for the child's answer. */
  String result() throws IOException {
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      if (line.startsWith(MARK)) {
        return line.substring(MARK.length());
      }
    }
    throw new IOException("The child JVM ended without a result; its error output says why.");
  }

  /** The next line of its output; null when it has ended. */
  @Nullable String line() throws IOException {
    return output.readLine();
  }

  /** Kills it, as by SIGKILL; what it has printed can still be read. */
  void kill() {
    // Not by the process itself, which closes its streams at once.
    if (!process.toHandle().destroyForcibly()) {
      throw new IllegalStateException("The child JVM cannot be killed.");
    }
  }

  /** Asks it to end, as by SIGTERM; what it prints can still be read. */
  void terminate() {
    boolean unused = process.toHandle().destroy();
  }

  @Override
  public void close() throws IOException {
    process.getOutputStream().close();
    try {
      if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
