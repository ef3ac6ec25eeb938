package dev.forebay.queue.loadtest.console;

import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** What the output goes to. */
public final class Terminal {
  private Terminal() {}

  /**
   * Standard output in UTF-8, whatever the locale: in the C locale of containers and build servers
   * Java would write a question mark for every sign that is not ASCII.
   */
  public static PrintStream output() {
    return new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
  }

  /** Standard error, likewise. */
  public static PrintStream errors() {
    return new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
  }

  /** Whether lines can be redrawn: somebody looks at a terminal that knows how. */
  public static boolean canRedraw() {
    return canRedraw(System.console(), System.getenv("TERM"));
  }

  static boolean canRedraw(@Nullable Console console, @Nullable String term) {
    return console != null && isTerminal(console) && term != null && !term.equals("dumb");
  }

  /** From JDK 22 on there is a console object without a terminal too, and a method that tells. */
  private static boolean isTerminal(Console console) {
    try {
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (NoSuchMethodException e) {
      return true;
    } catch (ReflectiveOperationException e) {
      return false;
    }
  }
}
