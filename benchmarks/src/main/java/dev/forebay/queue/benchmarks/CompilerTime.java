package dev.forebay.queue.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The processor time of this JVM's compiler threads, by Linux's own account of each thread. In a
 * run of seconds they can use more than what is measured; in one of days they do not count.
 */
final class CompilerTime {

  private static final Path TASKS = Path.of("/proc/self/task");

  private CompilerTime() {}

  /** Nanoseconds since the JVM started; 0 where the system does not tell. */
  static long nanos() {
    if (!Files.isDirectory(TASKS)) {
      return 0;
    }
    try (Stream<Path> tasks = Files.list(TASKS)) {
      return tasks.mapToLong(CompilerTime::nanosOf).sum();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long nanosOf(Path task) {
    try {
      // "C1 CompilerThread0", cut to fifteen characters.
      if (!Files.readString(task.resolve("comm")).matches("C[12] Compiler.*\\s*")) {
        return 0;
      }
      // Time on a processor, time in wait for one, turns.
      List<String> parts = List.of(Files.readString(task.resolve("schedstat")).split(" ", 3));
      return Long.parseLong(parts.get(0));
    } catch (NoSuchFileException e) {
      // The thread has ended meanwhile.
      return 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
