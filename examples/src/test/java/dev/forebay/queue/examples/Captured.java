package dev.forebay.queue.examples;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** What an example prints. For one test at a time. */
final class Captured {

  /** The main method of an example. */
  interface Main {
    void run() throws Exception;
  }

  private Captured() {}

  static String output(Main main) {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      main.run();
    } catch (Exception e) {
      throw new AssertionError("The example failed", e);
    } finally {
      System.setOut(before);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
