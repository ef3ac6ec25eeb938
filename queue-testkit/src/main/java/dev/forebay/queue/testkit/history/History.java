package dev.forebay.queue.testkit.history;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/**
 * What happened in a run, in the order the calls began. Immutable.
 *
 * @param events what happened
 * @param dropped how many events the recorder had no room for; such a history decides nothing
 */
public record History(List<Event> events, long dropped) {

  /** Sorts the events by when they began. */
  public History {
    events =
        events.stream()
            .sorted(
                Comparator.comparingLong(Event::invoked)
                    .thenComparingLong(Event::completed)
                    .thenComparing(Event::kind))
            .toList();
  }

  /** A whole history. */
  public static History of(List<Event> events) {
    return new History(events, 0);
  }

  /**
   * Writes it, compressed: some ten to twenty bytes an event.
   *
   * @throws IOException when the file cannot be written
   */
  public void write(Path file) throws IOException {
    HistoryFile.write(this, file);
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws IOException when it cannot be read, or is of another format
   */
  public static History read(Path file) throws IOException {
    return HistoryFile.read(file);
  }

  /** When it began, in the nanoseconds of its events. */
  long origin() {
    return events.isEmpty() ? 0 : events.get(0).invoked();
  }
}
