package dev.forebay.queue.testkit.history;

import dev.forebay.queue.Attempts;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * The file of a history: numbers of as many bytes as they need, times as differences, each text
 * once, all of it compressed.
 */
final class HistoryFile {

  private static final int FORMAT = 0x46424801;

  private HistoryFile() {}

  static void write(History history, Path file) throws IOException {
    try (DataOutputStream out =
        new DataOutputStream(new GZIPOutputStream(Files.newOutputStream(file)))) {
      out.writeInt(FORMAT);
      new Writer(out).write(history);
    }
  }

  static History read(Path file) throws IOException {
    try (DataInputStream in =
        new DataInputStream(new GZIPInputStream(Files.newInputStream(file)))) {
      if (in.readInt() != FORMAT) {
        throw new IOException(file + " is not a history, or one of another version.");
      }
      return new Reader(in).read();
    }
  }

  private static final class Writer {
    private final DataOutputStream out;
    private final Map<String, Integer> texts = new HashMap<>();
    private long last;

    Writer(DataOutputStream out) {
      this.out = out;
    }

    void write(History history) throws IOException {
      number(history.dropped());
      number(history.events().size());
      for (Event event : history.events()) {
        event(event);
      }
    }

    private void event(Event event) throws IOException {
      text(event.kind().name());
      text(event.result().name());
      number(event.invoked() - last);
      last = event.invoked();
      number(event.completed() == Event.NEVER ? -1 : event.completed() - event.invoked());
      number(event.process());
      number(event.delivery());
      text(event.id());
      number(event.amount());
      number(event.asked());
      number(event.came());
      text(event.text());
      Event.Told told = event.told();
      text(told.key());
      text(told.dedupId());
      out.writeLong(told.content());
      number(told.token());
      number(told.attempts().failed());
      number(told.attempts().leaseLost());
      number(told.attempts().returned());
      number(told.enqueuedAt());
      number(told.lease());
    }

    /** Zigzag, so that small negative numbers are short too, seven bits a byte. */
    private void number(long value) throws IOException {
      long rest = (value << 1) ^ (value >> 63);
      while ((rest & ~0x7FL) != 0) {
        out.writeByte((int) ((rest & 0x7F) | 0x80));
        rest >>>= 7;
      }
      out.writeByte((int) rest);
    }

    private void text(@Nullable String value) throws IOException {
      if (value == null) {
        number(0);
        return;
      }
      Integer known = texts.get(value);
      if (known != null) {
        number(known);
        return;
      }
      texts.put(value, texts.size() + 1);
      number(texts.size());
      out.writeUTF(value);
    }
  }

  private static final class Reader {
    private final DataInputStream in;
    private final List<String> texts = new ArrayList<>();
    private long last;

    Reader(DataInputStream in) {
      this.in = in;
    }

    History read() throws IOException {
      long dropped = number();
      long count = number();
      List<Event> events = new ArrayList<>();
      for (long i = 0; i < count; i++) {
        events.add(event());
      }
      return new History(events, dropped);
    }

    private Event event() throws IOException {
      Event.Kind kind = value(Event.Kind.class);
      Event.Result result = value(Event.Result.class);
      long invoked = last + number();
      last = invoked;
      long took = number();
      return new Event(
          kind,
          (int) number(),
          number(),
          text(),
          invoked,
          took < 0 ? Event.NEVER : invoked + took,
          result,
          number(),
          (int) number(),
          (int) number(),
          text(),
          new Event.Told(
              text(),
              text(),
              in.readLong(),
              number(),
              new Attempts((int) number(), (int) number(), (int) number()),
              number(),
              number()));
    }

    private <T extends Enum<T>> T value(Class<T> type) throws IOException {
      String name = text();
      try {
        return Enum.valueOf(type, String.valueOf(name));
      } catch (IllegalArgumentException e) {
        throw new IOException("The history is damaged or newer: " + name, e);
      }
    }

    private long number() throws IOException {
      long bits = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        int next = in.readUnsignedByte();
        bits |= (long) (next & 0x7F) << shift;
        if ((next & 0x80) == 0) {
          return (bits >>> 1) ^ -(bits & 1);
        }
      }
      throw new IOException("The history is damaged: a number without an end");
    }

    private @Nullable String text() throws IOException {
      long number = number();
      if (number == 0) {
        return null;
      }
      if (number == texts.size() + 1) {
        texts.add(in.readUTF());
      }
      if (number < 0 || number > texts.size()) {
        throw new IOException("The history is damaged: no text " + number);
      }
      return texts.get((int) number - 1);
    }
  }
}
