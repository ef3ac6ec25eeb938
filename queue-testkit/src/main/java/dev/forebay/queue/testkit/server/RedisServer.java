package dev.forebay.queue.testkit.server;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * A Redis server for tests: one from outside, {@code redis-server} as a child process, or a
 * container.
 *
 * <p>{@link #shared()} looks, in this order, at the system property {@code
 * forebay.redis.uri=redis://host:port}; for {@code redis-server} on the PATH; for a container
 * engine with the image {@value RedisContainer#IMAGE} already present, with Testcontainers on the
 * class path. Where there is none of these it throws {@link ServerUnavailableException}.
 *
 * <p>Safe for use by several threads, except {@link #stop()} and {@link #restart()}, which are for
 * one thread at a time.
 */
public final class RedisServer implements AutoCloseable {

  /** System property: address of a server from outside. */
  public static final String URI_PROPERTY = "forebay.redis.uri";

  private static final String PROGRAM = "redis-server";
  private static final int START_TRIES = 5;
  private static final Duration START_LIMIT = Duration.ofSeconds(60);
  private static final int SOCKET_MILLIS = 30_000;

  private static final Object SHARED_LOCK = new Object();
  private static @Nullable RedisServer shared;

  private final URI uri;
  private final @Nullable Path directory;
  private final List<String> command;
  private final @Nullable AutoCloseable container;
  private @Nullable Process process;

  private RedisServer(
      URI uri,
      @Nullable Path directory,
      List<String> command,
      @Nullable AutoCloseable container,
      @Nullable Process process) {
    this.uri = uri;
    this.directory = directory;
    this.command = command;
    this.container = container;
    this.process = process;
  }

  /**
   * Returns the server of this JVM, starting it on first use; it ends with the JVM and must not be
   * stopped or flushed by a test.
   *
   * @throws ServerUnavailableException if there is none to be had
   */
  public static RedisServer shared() {
    synchronized (SHARED_LOCK) {
      RedisServer result = shared;
      if (result == null) {
        result = findOne();
        shared = result;
      }
      return result;
    }
  }

  private static RedisServer findOne() {
    String address = System.getProperty(URI_PROPERTY, "").trim();
    if (!address.isEmpty()) {
      return new RedisServer(URI.create(address), null, List.of(), null, null);
    }
    if (program().isPresent()) {
      return start(false);
    }
    try {
      RedisContainer container = RedisContainer.start();
      return closedWithTheJvm(new RedisServer(container.uri(), null, List.of(), container, null));
    } catch (NoClassDefFoundError e) {
      throw new ServerUnavailableException(
          PROGRAM + " is not on the PATH and Testcontainers is not on the class path");
    }
  }

  /**
   * Starts a server of its own as a child process, which can be stopped; close it when done.
   *
   * @param durable whether what it holds survives {@link #stop()} and {@link #restart()}
   * @throws ServerUnavailableException if {@code redis-server} is not on the PATH
   */
  public static RedisServer start(boolean durable) {
    String program =
        program()
            .orElseThrow(
                () ->
                    new ServerUnavailableException(
                        PROGRAM + " is not on the PATH; Debian's package redis-server has it"));
    try {
      IllegalStateException failure = null;
      // The port was free a moment ago; somebody else may take it first.
      for (int i = 0; i < START_TRIES; i++) {
        Path directory = Files.createTempDirectory("forebay-redis");
        int port = Ports.free(1)[0];
        List<String> command =
            List.of(
                program,
                "--bind",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--dir",
                directory.toString(),
                "--save",
                "",
                "--appendonly",
                durable ? "yes" : "no",
                "--appendfsync",
                "always");
        RedisServer server =
            new RedisServer(
                URI.create("redis://127.0.0.1:" + port), directory, command, null, null);
        try {
          server.restart();
          return closedWithTheJvm(server);
        } catch (IllegalStateException e) {
          server.close();
          failure = e;
        }
      }
      throw new IllegalStateException("redis-server does not start", failure);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static RedisServer closedWithTheJvm(RedisServer server) {
    Runtime.getRuntime().addShutdownHook(new Thread(server::close, "redis-close"));
    return server;
  }

  private static Optional<String> program() {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .map(directory -> Path.of(directory, PROGRAM))
        .filter(Files::isExecutable)
        .map(Path::toString)
        .findFirst();
  }

  /** Returns its address, {@code redis://host:port}. */
  public URI uri() {
    return uri;
  }

  /** Whether {@link #stop()} and {@link #restart()} can be used. */
  public boolean canStop() {
    return !command.isEmpty();
  }

  /**
   * Kills the server, as a crash would.
   *
   * @throws UnsupportedOperationException if it is not a child process
   */
  public void stop() {
    requireChild();
    Process running = process;
    if (running != null) {
      process = null;
      running.destroyForcibly();
      try {
        boolean unused = running.waitFor(START_LIMIT.toSeconds(), TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Starts the stopped server again on the same port, and waits until it answers. Scripts are gone,
   * and keys too unless it is durable.
   *
   * @throws UnsupportedOperationException if it is not a child process
   */
  public void restart() {
    requireChild();
    if (process != null) {
      return;
    }
    try {
      Process started =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
              .start();
      process = started;
      Awaitility.await("redis-server answers")
          .atMost(START_LIMIT)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> !started.isAlive() || answers());
      if (!started.isAlive()) {
        process = null;
        throw new IllegalStateException("redis-server ended: " + Files.readString(log()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path log() {
    if (directory == null) {
      throw new IllegalStateException("Not a child process.");
    }
    return directory.resolve("redis.log");
  }

  private void requireChild() {
    if (!canStop()) {
      throw new UnsupportedOperationException(
          "Only a server started by RedisServer.start can be stopped.");
    }
  }

  private boolean answers() {
    try {
      return command("PING").equals("+PONG");
    } catch (UncheckedIOException e) {
      return false;
    }
  }

  /**
   * Sends a command without binary arguments, such as {@code FLUSHALL}, and returns the first line
   * of the answer as it comes, such as {@code +OK}.
   */
  public String command(String line) {
    int port = uri.getPort() < 0 ? 6379 : uri.getPort();
    try (Socket socket = new Socket(uri.getHost(), port)) {
      socket.setSoTimeout(SOCKET_MILLIS);
      socket.getOutputStream().write((line + "\r\n").getBytes(StandardCharsets.UTF_8));
      String answer =
          new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))
              .readLine();
      if (answer == null) {
        throw new IOException("Redis closed the connection");
      }
      return answer;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends the server if it was started here. */
  @Override
  public void close() {
    if (canStop()) {
      stop();
    }
    try {
      if (container != null) {
        container.close();
      }
      if (directory != null && Files.exists(directory)) {
        try (Stream<Path> files = Files.walk(directory)) {
          for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
            Files.deleteIfExists(file);
          }
        }
      }
    } catch (Exception e) {
      throw new IllegalStateException("Redis did not go cleanly", e);
    }
  }
}
